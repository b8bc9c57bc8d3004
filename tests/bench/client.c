#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "times.h"

#define PORTS_MAX 16
#define TURN_EVENTS 128 /* at most so many before publishers get their turn */
#define READ_BYTES 65536
#define STALLED_BYTES 4096

static struct {
    int epoll;
    unsigned port_count;
    uint16_t ports[PORTS_MAX];
    struct client_handlers handlers;
    char buffer[CLIENT_CARRY + READ_BYTES + 1]; /* what was carried over, then what is read */
} pool;

void client_die(const char *format, ...)
{
    va_list args;

    fputs("load: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

void client_init(const uint16_t *ports, unsigned count, const struct client_handlers *handlers)
{
    if (count == 0 || count > PORTS_MAX)
        client_die("from 1 to %d ports", PORTS_MAX);
    memcpy(pool.ports, ports, count * sizeof *ports);
    pool.port_count = count;
    pool.handlers = *handlers;
    pool.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (pool.epoll < 0)
        client_die("epoll: %s", strerror(errno));
}

static void watch(struct client *c, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};

    if (epoll_ctl(pool.epoll, operation, c->fd, &event) < 0)
        client_die("epoll_ctl: %s", strerror(errno));
}

void client_open(struct client *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(pool.ports[c->number % pool.port_count]),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, bytes = STALLED_BYTES;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        client_die("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (c->quiet)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    c->asked_ns = times_now();
    c->ready = c->busy = c->stalled = false;
    c->connecting = true;
    c->step = 0;
    c->carry_len = 0;
    framing_reset(&c->framing);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        client_die("connect: %s", strerror(errno));
    watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

void client_close(struct client *c)
{
    const struct linger now = {.l_onoff = 1};

    if (c->fd < 0)
        return;
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->fd);
    c->fd = -1;
    c->ready = c->busy = c->connecting = false;
}

static void lose(struct client *c)
{
    client_close(c);
    pool.handlers.closed(c);
}

void client_write(struct client *c, const char *data, size_t len)
{
    if (send(c->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        lose(c);
}

void client_stall(struct client *c, bool stalled)
{
    if (c->fd < 0 || c->stalled == stalled)
        return;
    c->stalled = stalled;
    watch(c, EPOLL_CTL_MOD, stalled ? EPOLLRDHUP : EPOLLIN);
}

static void finish_connect(struct client *c)
{
    int error = 0;
    socklen_t size = sizeof error;

    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        lose(c);
        return;
    }
    c->connecting = false;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    pool.handlers.connected(c);
}

/* Keeps the end of what has come for the next time. */
static void carry(struct client *c, const char *from, size_t len)
{
    if (len > CLIENT_CARRY)
        client_die("more than %d bytes must be carried over: %.200s", CLIENT_CARRY, from);
    memmove(c->carry, from, len);
    c->carry_len = (uint16_t)len;
}

/* Takes a head off. Returns where the rest begins, or NULL when the head is not whole yet. */
static char *take_head(struct client *c, char *data, size_t len)
{
    char *end = memmem(data, len, "\r\n\r\n", 4);
    char kept;

    if (end == NULL) {
        carry(c, data, len);
        return NULL;
    }
    end += 4;
    kept = *end;
    *end = '\0';
    framing_head(&c->framing, data);
    pool.handlers.headed(c, data);
    *end = kept;
    return end;
}

/* What came lies at pool.buffer + CLIENT_CARRY; what was carried over goes right before it. */
static void take(struct client *c, size_t got)
{
    char *in = pool.buffer + CLIENT_CARRY, *end = in + got, *start = in - c->carry_len;
    size_t len;

    memcpy(start, c->carry, c->carry_len);
    if (c->framing.state == FRAMING_HEAD) {
        in = take_head(c, start, (size_t)(end - start));
        c->carry_len = in == NULL ? c->carry_len : 0;
        if (in == NULL || c->fd < 0)
            return;
        start = in;
    }
    len = (size_t)(pool.buffer + CLIENT_CARRY - start);
    if (in == start)
        len = 0;
    len += framing_feed(&c->framing, in, (size_t)(end - in), start + len);
    if (c->framing.state == FRAMING_WRONG)
        client_die("the reply breaks the rules of its framing: %.*s", 200, in);
    c->carry_len = 0;
    if (len > 0) {
        size_t again = pool.handlers.payload(c, start, len);

        if (c->fd < 0)
            return;
        carry(c, start + len - again, again);
    }
    if (c->framing.state == FRAMING_DONE)
        pool.handlers.replied(c);
}

static void read_client(struct client *c)
{
    ssize_t got = recv(c->fd, pool.buffer + CLIENT_CARRY, READ_BYTES, 0);

    if (got > 0)
        take(c, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        lose(c);
}

void client_poll(int64_t wait_ns)
{
    const struct timespec wait = {.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};
    struct epoll_event events[TURN_EVENTS];
    int count = epoll_pwait2(pool.epoll, events, TURN_EVENTS, &wait, NULL);

    if (count < 0 && errno != EINTR)
        client_die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct client *c = events[i].data.ptr;

        if (c->fd < 0)
            continue; /* closed by the handler of another */
        if (c->connecting)
            finish_connect(c);
        else if (c->stalled)
            lose(c); /* watched for nothing else */
        else
            read_client(c);
    }
}
