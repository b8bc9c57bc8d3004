#include "hub/inlet.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/passing.h"
#include "heritage.h"
#include "hub/connection.h"
#include "hub/state.h"
#include "supervisor/scoreboard.h"

#define AT_ONCE 64

static uv_poll_t inlet_poll;
static int inlet_fd = -1;
/* Closed for a moment to make room for a receive that is then refused: one that finds no room is
 * lost, and its client sees an error that EventSource does not recover from. */
static int spare_fd = -1;

static void set_spare(bool there)
{
    if (there && spare_fd < 0)
        spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (there || spare_fd < 0)
        return;
    close(spare_fd);
    spare_fd = -1;
}

/* May this hub open no more files? */
static bool is_full(const struct hub *hub, const struct rlimit *limit)
{
    return hub->connections_count + HERITAGE_HUB_FILES >= limit->rlim_cur;
}

static void take(struct hub *hub, const char *record, size_t len, int *fd, bool full)
{
    static struct parking parking;

    if (parking_decode(&parking, record, len) < 0) {
        log_error("a parking record is not of this version bytes=%zu", len);
        return;
    }
    log_request(parking.request_ref, parking.trace[0] != '\0' ? parking.trace : NULL);
    meter_add(&hub->ledger->receives[parking.form], 1);
    if (full)
        connection_refuse(hub, fd, &parking);
    else
        connection_create(hub, fd, &parking);
    log_request(NULL, NULL);
}

/* False when there is none. */
static bool take_one(struct hub *hub, const struct rlimit *limit, char *record, size_t size)
{
    static int64_t next_line_ms;
    bool full = is_full(hub, limit);
    ssize_t len;
    int fd;

    if (full)
        set_spare(false);
    len = passing_receive(inlet_fd, record, size, &fd);
    if (len >= 0 && (full || fd < 0) && log_may(&next_line_ms))
        log_error("out of file descriptors: receives are %s streams=%u",
                  fd < 0 ? "lost" : "refused", hub->connections_count);
    if (fd >= 0)
        take(hub, record, (size_t)len, &fd, full);
    if (fd >= 0)
        close(fd);
    set_spare(true);
    return len >= 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    static char record[PARKING_BYTES_MAX];
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    struct hub *hub = poll->data;

    (void)status;
    (void)events;
    getrlimit(RLIMIT_NOFILE, &limit); /* each time: it can be changed from outside */
    for (int i = 0; i < AT_ONCE && take_one(hub, &limit, record, sizeof(record)); i++) {
    }
}

void inlet_open(struct hub *hub, int fd)
{
    inlet_fd = fd;
    set_spare(true);
    uv_poll_init(&hub->loop, &inlet_poll, fd);
    inlet_poll.data = hub;
    uv_poll_start(&inlet_poll, UV_READABLE, on_poll);
}

bool inlet_is_empty(void)
{
    char byte;

    return recv(inlet_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

void inlet_close(struct hub *hub)
{
    (void)hub;
    set_spare(false);
    uv_poll_stop(&inlet_poll);
    uv_close((uv_handle_t *)&inlet_poll, NULL);
}
