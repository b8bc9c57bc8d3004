#include "gate/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/passing.h"

#define BODY_STEP 8192
/* How long the parameters of a request may stall once they have begun: a web server sends them in
 * one piece, so half a request is hostile or broken, and must not hold a gate. */
#define START_STALL_MS 1000
#define FRESH_MS 100   /* in the end: how long a connection may take to begin its first request */
#define LINGER_MS 1000 /* for a peer that still sends when it has been answered */
#define LINGER_BYTES (16 << 20)
#define NO_DESCRIPTORS_MS 100

/* FastCGI 1.0, 3.3 and 8. */
#define ROLE_RESPONDER 1

struct connection {
    struct connection *next; /* in the list of those that wait, oldest first */
    bool fresh;              /* no request came on it yet, so one is on its way */
    bool patient;            /* its limit is that of a body already */
    bool watched;            /* in the epoll set; it stays there while it is served */
    FCGX_Request request;
};

struct fcgi {
    int epoll_fd;
    int listen_fd;
    int relay[2];
    sigset_t let_in;
    bool draining;
    bool retired; /* the backlog is others' */
    bool unread;  /* the current request has input that nobody read */
    struct connection *current;
    struct connection *waiting;
    size_t waiting_count;
};

/* `which`: SO_RCVTIMEO or SO_SNDTIMEO. */
static void set_time_limit(int fd, int which, int64_t limit_ms)
{
    struct timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000};

    setsockopt(fd, SOL_SOCKET, which, &limit, sizeof(limit));
}

/* --- connections --- */

static struct connection *connection_create(int fd)
{
    struct connection *c = mem_zero(sizeof(*c));

    /* Listening socket -1: libfcgi accepts another connection where the one that it has says
     * nothing good; so it fails instead. */
    FCGX_InitRequest(&c->request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    c->request.ipcFd = fd;
    /* Unless a connection is kept, FCGX_Accept_r closes it first. */
    c->request.keepConnection = 1;
    c->fresh = true;
    return c;
}

/* Frees it, with a connection that is still ours. */
static void connection_free(struct fcgi *fcgi, struct connection *c)
{
    if (c == NULL)
        return;
    /* One that was parked stays open elsewhere, and so would stay in the set. Detach, or libfcgi
     * shuts down a socket that others may share, and lingers. */
    if (c->request.ipcFd >= 0) {
        if (c->watched)
            epoll_ctl(fcgi->epoll_fd, EPOLL_CTL_DEL, c->request.ipcFd, NULL);
        FCGX_Detach(&c->request);
    }
    FCGX_Free(&c->request, c->request.ipcFd >= 0);
    free(c);
}

/* Takes a connection off the list of those that wait. False when it is none of them: `c` may not be
 * looked at then. */
static bool unwait(struct fcgi *fcgi, struct connection *c)
{
    struct connection **at = &fcgi->waiting;

    while (*at != NULL && *at != c)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = c->next;
    c->next = NULL;
    fcgi->waiting_count--;
    return true;
}

/* Lets a connection wait for its next request. */
static void let_wait(struct fcgi *fcgi, struct connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    struct connection **at = &fcgi->waiting;

    if (fcgi->waiting_count == FCGI_KEPT_MAX) {
        struct connection *oldest = fcgi->waiting;

        unwait(fcgi, oldest);
        connection_free(fcgi, oldest);
    }
    if (!c->watched && epoll_ctl(fcgi->epoll_fd, EPOLL_CTL_ADD, c->request.ipcFd, &event) < 0) {
        log_warn("cannot keep a connection: %s", strerror(errno));
        connection_free(fcgi, c);
        return;
    }
    c->watched = true;
    while (*at != NULL)
        at = &(*at)->next;
    *at = c;
    fcgi->waiting_count++;
}

/* 1 = there is something to read, 0 = not yet, -1 = the peer left. */
static int has_input(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n > 0)
        return 1;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* --- opening and closing --- */

/* One gate wakes up for one connection, not all of them. */
static int watch(const struct fcgi *fcgi, int fd, const void *which)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE,
                                .data.ptr = (void *)(uintptr_t)which};

    return epoll_ctl(fcgi->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

struct fcgi *fcgi_open(int listen_fd, const int relay[2], const sigset_t *let_in)
{
    struct fcgi *fcgi = mem_zero(sizeof(*fcgi));

    fcgi->listen_fd = listen_fd;
    fcgi->relay[0] = relay != NULL ? relay[0] : -1;
    fcgi->relay[1] = relay != NULL ? relay[1] : -1;
    fcgi->let_in = *let_in;
    fcgi->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (fcgi->epoll_fd < 0 || watch(fcgi, listen_fd, NULL) < 0 ||
        (relay != NULL && watch(fcgi, relay[0], fcgi->relay) < 0)) {
        log_error("cannot watch the listening socket: %s", strerror(errno));
        fcgi_close(fcgi);
        return NULL;
    }
    /* FCGX_Finish_r would wait for the peer to close, 2 s by default; see linger() for when that
     * matters. */
    setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
    FCGX_Init();
    return fcgi;
}

void fcgi_close(struct fcgi *fcgi)
{
    if (fcgi == NULL)
        return;
    while (fcgi->waiting != NULL) {
        struct connection *c = fcgi->waiting;

        unwait(fcgi, c);
        connection_free(fcgi, c);
    }
    connection_free(fcgi, fcgi->current);
    if (fcgi->epoll_fd >= 0)
        close(fcgi->epoll_fd);
    free(fcgi);
}

void fcgi_drain(struct fcgi *fcgi)
{
    fcgi->draining = true;
}

void fcgi_retire(struct fcgi *fcgi)
{
    fcgi->draining = fcgi->retired = true;
    while (fcgi->waiting != NULL) {
        struct connection *c = fcgi->waiting;

        if (passing_send(fcgi->relay[1], "", 1, c->request.ipcFd) < 0) {
            log_warn("cannot pass a connection on: %s", strerror(errno));
            return;
        }
        unwait(fcgi, c);
        connection_free(fcgi, c);
    }
}

/* --- waiting --- */

/* Accepts a connection, blocking, closed on exec. Returns it or -1: another gate was faster, or the
 * peer left. */
static int accept_one(struct fcgi *fcgi)
{
    static int64_t next_line_ms;
    int fd = accept4(fcgi->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
        if (log_may(&next_line_ms))
            log_error("cannot accept: %s", strerror(errno));
        poll(NULL, 0, NO_DESCRIPTORS_MS); /* the socket stays readable: do not spin */
    }
    if (fd == 0) {
        /* libfcgi takes descriptor 0 for none. */
        fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
        close(0);
    }
    return fd;
}

/* Takes what a gate of the last generation passed on. Returns it or -1: another was faster. */
static int take_passed(const struct fcgi *fcgi)
{
    char nothing;
    int fd;

    passing_receive(fcgi->relay[0], &nothing, 1, &fd);
    return fd;
}

/* Takes a new connection, from the backlog or the relay: as the current one when it speaks already,
 * else it waits. */
static int take_new(struct fcgi *fcgi, int fd)
{
    if (fd < 0)
        return 0;
    set_time_limit(fd, SO_RCVTIMEO, START_STALL_MS);
    set_time_limit(fd, SO_SNDTIMEO, FCGI_STALL_MS);
    if (!fcgi->draining && has_input(fd) == 0) {
        let_wait(fcgi, connection_create(fd));
        return 0;
    }
    fcgi->current = connection_create(fd);
    return 1;
}

/* While draining: makes a connection that waits the current one, if it has something to say. */
static int take_last_waiting(struct fcgi *fcgi, struct connection *c)
{
    struct pollfd peer = {.fd = c->request.ipcFd, .events = POLLIN};

    unwait(fcgi, c);
    if (c->fresh)
        poll(&peer, 1, FRESH_MS);
    if (has_input(c->request.ipcFd) <= 0) {
        connection_free(fcgi, c);
        return 0;
    }
    fcgi->current = c;
    return 1;
}

/* What is left to answer when nothing new is to be kept. */
static int take_last(struct fcgi *fcgi)
{
    struct pollfd listening = {.fd = fcgi->listen_fd, .events = POLLIN};

    while (!fcgi->retired && poll(&listening, 1, 0) > 0)
        if (take_new(fcgi, accept_one(fcgi)) == 1)
            return 1;
        else if (errno != ECONNABORTED && errno != EINTR)
            break;
    while (fcgi->waiting != NULL)
        if (take_last_waiting(fcgi, fcgi->waiting) == 1)
            return 1;
    return 0;
}

int fcgi_wait(struct fcgi *fcgi, int timeout_ms)
{
    struct epoll_event event;

    if (fcgi->draining)
        return take_last(fcgi);
    if (epoll_pwait(fcgi->epoll_fd, &event, 1, timeout_ms, &fcgi->let_in) <= 0)
        return 0;
    if (event.data.ptr == NULL)
        return take_new(fcgi, accept_one(fcgi));
    if (event.data.ptr == fcgi->relay)
        return take_new(fcgi, take_passed(fcgi));
    /* One that libfcgi has closed stays in the set for as long as the gate that passed it on has it
     * open too. */
    if (!unwait(fcgi, event.data.ptr))
        return 0;
    fcgi->current = event.data.ptr;
    return 1;
}

/* --- a request --- */

char **fcgi_accept(struct fcgi *fcgi)
{
    FCGX_Request *request = &fcgi->current->request;

    /* With the peer gone between parameters libfcgi reports success and a part of the environment.
     */
    if (FCGX_Accept_r(request) == 0 && FCGX_GetError(request->in) == 0 &&
        request->role == ROLE_RESPONDER) {
        fcgi->current->fresh = false;
        fcgi->unread = true;
        return request->envp;
    }
    /* It was closed, most often: a connection that was kept ends so. */
    log_debug("a connection brought no request");
    connection_free(fcgi, fcgi->current);
    fcgi->current = NULL;
    return NULL;
}

static int read_body(void *from, const struct source_wish *wish, struct buf *body)
{
    struct fcgi *fcgi = from;
    struct connection *c = fcgi->current;
    FCGX_Stream *in = c->request.in;
    int n;

    buf_clear(body);
    if (wish->expected && !c->patient) {
        set_time_limit(c->request.ipcFd, SO_RCVTIMEO, FCGI_STALL_MS);
        c->patient = true;
    }
    do {
        n = FCGX_GetStr(buf_reserve(body, BODY_STEP), BODY_STEP, in);
        body->len += (size_t)n;
        body->data[body->len] = '\0';
        if (body->len > wish->most)
            return 413;
    } while (n == BODY_STEP);
    if (FCGX_GetError(in) != 0)
        return 400;
    fcgi->unread = false;
    return 0;
}

/* Reads and drops what the peer still sends: a web server that is busy sending a body when the
 * connection closes sees an error instead of the reply. */
static void linger(int fd)
{
    int64_t end_ms = clock_mono_ms() + LINGER_MS;
    struct pollfd peer = {.fd = fd, .events = POLLIN};
    size_t drained = 0;
    char trash[16384];

    shutdown(fd, SHUT_WR);
    while (drained < LINGER_BYTES) {
        int64_t left_ms = end_ms - clock_mono_ms();
        ssize_t n;

        if (left_ms <= 0 || poll(&peer, 1, (int)left_ms) <= 0)
            return;
        n = recv(fd, trash, sizeof(trash), MSG_DONTWAIT);
        if (n <= 0)
            return;
        drained += (size_t)n;
    }
}

/* Reads and drops the body of a request that was refused before it was read, so that the connection
 * can be kept. To close it is too late: the web server may send its next request on it as soon as
 * it has the reply, and takes the end for a failure of that one. */
static void skip_body(struct fcgi *fcgi)
{
    FCGX_Stream *in = fcgi->current->request.in;
    size_t skipped = 0;
    char trash[16384];
    int n;

    do {
        n = FCGX_GetStr(trash, sizeof(trash), in);
        skipped += (size_t)n;
    } while (n == sizeof(trash) && skipped < LINGER_BYTES);
    fcgi->unread = n == sizeof(trash) || FCGX_GetError(in) != 0;
}

static int reply(void *from, const char *data, size_t len)
{
    struct fcgi *fcgi = from;
    struct connection *c = fcgi->current;
    FCGX_Request *request = &c->request;
    int result;

    if (fcgi->unread && request->keepConnection && !fcgi->draining)
        skip_body(fcgi);
    fcgi->current = NULL;
    FCGX_PutStr(data, (int)len, request->out);
    /* As FCGX_Finish_r does, but with our own way to close. */
    result = FCGX_FClose(request->err) | FCGX_FClose(request->out);
    if (result == 0 && request->keepConnection && !fcgi->unread && !fcgi->draining) {
        FCGX_Free(request, 0);
        let_wait(fcgi, c);
        return 0;
    }
    /* A peer that stopped in the middle sends nothing more. */
    if (fcgi->unread && FCGX_GetError(request->in) == 0)
        linger(request->ipcFd);
    connection_free(fcgi, c);
    return result == 0 ? 0 : -1;
}

static int connection(void *from, uint16_t *request_id)
{
    const struct fcgi *fcgi = from;

    *request_id = (uint16_t)fcgi->current->request.requestId;
    return fcgi->current->request.ipcFd;
}

/* Closes our descriptor too. */
static void park(void *from)
{
    struct fcgi *fcgi = from;

    connection_free(fcgi, fcgi->current);
    fcgi->current = NULL;
}

const struct source fcgi_source = {true, read_body, reply, connection, park};
