#include "gate/cgi.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define BODY_STEP 8192
#define LINGER_MS 1000 /* for a web server that still sends when it has been answered */
#define LINGER_BYTES (16 << 20)

extern char **environ;

char **cgi_begin(struct cgi *cgi)
{
    const char *length = getenv("CONTENT_LENGTH");

    /* Which http/request.c checks. An empty one is none (RFC 3875, 4.1.2). */
    cgi->unread = length != NULL && length[0] != '\0' ? strtoll(length, NULL, 10) : -1;
    return environ;
}

/* As read(2) of the input, but no longer than `wait_ms`, and no further than the body goes: where
 * it ends, the web server need not close (RFC 3875, 4.2). */
static ssize_t read_some(struct cgi *cgi, char *to, size_t size, int wait_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t len = 0;

    if (cgi->unread >= 0 && cgi->unread < (int64_t)size)
        size = (size_t)cgi->unread;
    if (size > 0 && poll(&input, 1, wait_ms) <= 0)
        return -1;
    if (size > 0)
        len = read(STDIN_FILENO, to, size);
    if (cgi->unread > 0 && len > 0)
        cgi->unread -= len;
    if (len == 0)
        cgi->unread = 0;
    return len;
}

static int read_body(void *from, const struct source_wish *wish, struct buf *body)
{
    struct cgi *cgi = from;
    ssize_t len;

    buf_clear(body);
    buf_append(body, "", 0); /* there is a text, if an empty one */
    if (!wish->expected)
        return 0;
    while ((len = read_some(cgi, buf_reserve(body, BODY_STEP), BODY_STEP, CGI_STALL_MS)) > 0) {
        body->len += (size_t)len;
        cgi->cut = body->len > wish->most;
        if (cgi->cut)
            return 413;
    }
    body->data[body->len] = '\0';
    return len < 0 ? 400 : 0;
}

/* Reads and drops what is left of a body: a web server that is busy sending it may see an error
 * instead of the reply. */
static void linger(struct cgi *cgi)
{
    int64_t end_ms = clock_mono_ms() + LINGER_MS, left_ms;
    size_t dropped = 0;
    char trash[BODY_STEP];
    ssize_t len;

    while (dropped < LINGER_BYTES && (left_ms = end_ms - clock_mono_ms()) > 0 &&
           (len = read_some(cgi, trash, sizeof(trash), (int)left_ms)) > 0)
        dropped += (size_t)len;
}

static int reply(void *from, const char *data, size_t len)
{
    struct cgi *cgi = from;

    while (len > 0) {
        ssize_t sent = write(STDOUT_FILENO, data, len);

        if (sent < 0 && errno != EINTR)
            return -1;
        data += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
    }
    if (cgi->unread > 0 || cgi->cut)
        linger(cgi);
    return 0;
}

static int connection(void *from, uint16_t *request_id)
{
    (void)from;
    *request_id = 0;
    return STDOUT_FILENO;
}

/* So that the web server sees the end of the response when the hub closes. */
static void park(void *from)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)from;
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close(null);
}

const struct source cgi_source = {false, read_body, reply, connection, park};

bool cgi_streams(void)
{
    struct stat st;

    return fstat(STDOUT_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}
