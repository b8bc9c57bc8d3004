#include "store/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/resolver.h"

enum handshake { HANDSHAKE_AUTH, HANDSHAKE_SELECT, HANDSHAKE_ROLE };

struct link {
    int fd;
    int connecting;
    struct resolver *resolver; /* that the address came from, or NULL */
    enum handshake expect[3];  /* what the handshake's replies are to */
    int expected, answered;
    redisReader *reader;
    struct buf out;  /* on its way */
    struct buf held; /* waits for the handshake */
    char error[128];
};

static int lost(struct link *link, const char *reason)
{
    if (link->error[0] == '\0')
        snprintf(link->error, sizeof(link->error), "%s", reason);
    return -1;
}

static int open_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    /* A full backlog of a unix socket is EAGAIN, not EINPROGRESS: it counts as a failure. */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_tcp(const struct addrinfo *found)
{
    int fd = -1, on = 1;

    for (const struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS) {
            close(fd);
            fd = -1;
        }
    }
    return fd;
}

static void queue(struct buf *to, int argc, const char **argv, const size_t *lens)
{
    char *formatted = NULL;
    int len = redisFormatCommandArgv(&formatted, argc, argv, lens);

    if (len > 0)
        buf_append(to, formatted, (size_t)len);
    redisFreeCommand(formatted);
}

static void queue_handshake(struct link *link, const struct topology *t)
{
    char db[16];

    if (t->password != NULL) {
        const char *argv[] = {"AUTH", t->user, t->password};

        if (t->user == NULL)
            argv[1] = t->password;
        queue(&link->out, t->user != NULL ? 3 : 2, argv, NULL);
        link->expect[link->expected++] = HANDSHAKE_AUTH;
    }
    if (t->db != 0) {
        const char *argv[] = {"SELECT", db};

        snprintf(db, sizeof(db), "%d", t->db);
        queue(&link->out, 2, argv, NULL);
        link->expect[link->expected++] = HANDSHAKE_SELECT;
    }
    queue(&link->out, 1, (const char *[]){"ROLE"}, NULL);
    link->expect[link->expected++] = HANDSHAKE_ROLE;
}

struct link *link_open(const struct topology *t, int64_t wait_ms, char error[128])
{
    const struct addrinfo *found = NULL;
    struct link *link;
    int fd;

    if (t->path == NULL && (found = resolver_find(t->resolver, wait_ms, error)) == NULL)
        return NULL;
    fd = t->path != NULL ? open_unix(t->path) : open_tcp(found);
    if (fd < 0) {
        snprintf(error, 128, "%s", strerror(errno));
        if (found != NULL)
            resolver_blame(t->resolver);
        return NULL;
    }
    link = mem_zero(sizeof(*link));
    link->fd = fd;
    link->connecting = t->path == NULL;
    link->resolver = t->resolver;
    link->reader = redisReaderCreate();
    queue_handshake(link, t);
    return link;
}

void link_close(struct link *link)
{
    if (link == NULL)
        return;
    if (link->resolver != NULL && !link_ready(link))
        resolver_blame(link->resolver);
    close(link->fd);
    redisReaderFree(link->reader);
    buf_free(&link->out);
    buf_free(&link->held);
    free(link);
}

int link_fd(const struct link *link)
{
    return link->fd;
}

short link_events(const struct link *link)
{
    return link->connecting || link->out.len > 0 ? POLLIN | POLLOUT : POLLIN;
}

int link_ready(const struct link *link)
{
    return link->answered == link->expected;
}

const char *link_error(const struct link *link)
{
    return link->error[0] != '\0' ? link->error : "no error";
}

int link_append(struct link *link, const char *formatted, size_t len)
{
    struct buf *to = link_ready(link) ? &link->out : &link->held;

    if (to->len + len > LINK_OUTPUT_MAX)
        return -1;
    buf_append(to, formatted, len);
    return 0;
}

int link_command(struct link *link, int argc, const char **argv, const size_t *lens)
{
    struct buf *to = link_ready(link) ? &link->out : &link->held;

    if (to->len > LINK_OUTPUT_MAX)
        return -1;
    queue(to, argc, argv, lens);
    return 0;
}

int link_write(struct link *link)
{
    if (link->connecting) {
        int error = 0;
        socklen_t len = sizeof(error);
        struct pollfd p = {.fd = link->fd, .events = POLLOUT};

        if (poll(&p, 1, 0) == 0)
            return 0;
        getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0)
            return lost(link, strerror(error));
        link->connecting = 0;
    }
    while (link->out.len > 0) {
        ssize_t n = send(link->fd, link->out.data, link->out.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : lost(link, strerror(errno));
        buf_consume(&link->out, (size_t)n);
    }
    if (link->out.cap > 1024 * 1024)
        buf_free(&link->out);
    return 0;
}

int link_read(struct link *link)
{
    char chunk[65536];
    ssize_t n = recv(link->fd, chunk, sizeof(chunk), 0);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : lost(link, strerror(errno));
    if (n == 0)
        return lost(link, "Redis closed the connection");
    if (redisReaderFeed(link->reader, chunk, (size_t)n) != REDIS_OK)
        return lost(link, link->reader->errstr);
    return 0;
}

/* Checks one reply of the handshake. */
static int greet(struct link *link, const redisReply *reply)
{
    enum handshake expect = link->expect[link->answered];

    if (reply->type == REDIS_REPLY_ERROR) {
        /* A user that may not ask for the role is trusted to have been given the master's address.
         */
        if (expect != HANDSHAKE_ROLE || strncmp(reply->str, "NOPERM", 6) != 0)
            return lost(link, reply->str);
    } else if (expect == HANDSHAKE_ROLE) {
        const redisReply *role =
            reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 ? reply->element[0] : reply;

        if (role->type != REDIS_REPLY_STRING || strcmp(role->str, "master") != 0)
            return lost(link, "this Redis is not a master");
    }
    link->answered++;
    if (link_ready(link) && link->held.len > 0) {
        buf_append(&link->out, link->held.data, link->held.len);
        buf_free(&link->held);
        return link_write(link);
    }
    return 0;
}

int link_next(struct link *link, redisReply **reply)
{
    for (;;) {
        void *next = NULL;
        int status;

        if (redisReaderGetReply(link->reader, &next) != REDIS_OK)
            return lost(link, link->reader->errstr);
        if (next == NULL)
            return 0;
        if (link_ready(link)) {
            *reply = next;
            return 1;
        }
        status = greet(link, next);
        freeReplyObject(next);
        if (status < 0)
            return -1;
    }
}
