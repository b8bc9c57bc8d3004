#include "hub/inlet.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/passing.h"
#include "hub/connection.h"
#include "hub/state.h"
#include "supervisor/scoreboard.h"

#define AT_ONCE 64

static uv_poll_t inlet_poll;
static int inlet_fd = -1;

static void take(struct hub *hub, const char *record, size_t len, int *fd)
{
    static struct parking parking;

    if (parking_decode(&parking, record, len) < 0) {
        log_error("a parking record is not of this version bytes=%zu", len);
        return;
    }
    fcntl(*fd, F_SETFL, fcntl(*fd, F_GETFL) | O_NONBLOCK);
    log_request(parking.request_ref);
    log_debug("parked rooms=%zu form=%s", parking.rooms_count, frame_names[parking.form]);
    atomic_fetch_add(&hub->slot->requests, 1);
    connection_create(hub, fd, &parking);
    log_request(NULL);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    static char record[PARKING_BYTES_MAX];
    struct hub *hub = poll->data;

    (void)status;
    (void)events;
    for (int i = 0; i < AT_ONCE; i++) {
        int fd;
        ssize_t len = passing_receive(inlet_fd, record, sizeof(record), &fd);

        if (len < 0)
            return;
        if (fd >= 0)
            take(hub, record, (size_t)len, &fd);
        else
            log_error("a receive came without its connection: out of file descriptors?");
        if (fd >= 0)
            close(fd);
    }
}

void inlet_open(struct hub *hub, int fd)
{
    inlet_fd = fd;
    uv_poll_init(&hub->loop, &inlet_poll, fd);
    inlet_poll.data = hub;
    uv_poll_start(&inlet_poll, UV_READABLE, on_poll);
}

void inlet_close(struct hub *hub)
{
    (void)hub;
    uv_poll_stop(&inlet_poll);
    uv_close((uv_handle_t *)&inlet_poll, NULL);
}
