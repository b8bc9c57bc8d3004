/* floor.c - the floor of the bench: what holding FastCGI streams behind nginx costs at least.
 *
 * usage: floor SOCKET
 * One process, one epoll, no identities, no history, no Redis: a GET becomes a stream of its room,
 * a POST is answered and goes to the streams of its room. A room is what stands before the last /
 * of PATH_INFO. FastCGI 1.0; what a stream does not take at once is dropped with the stream.
 * All that arrived in a turn of the loop leaves at its end, in one write a stream. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_MAX 65536
#define ROOM_MAX 64
#define ROOMS 4096

enum { BEGIN = 1, ABORT = 2, END = 3, PARAMS = 4, IN = 5, OUT = 6, KEEP = 1 };

struct bytes {
    size_t len, size;
    char *data;
};

struct room {
    char name[ROOM_MAX];
    struct stream *streams; /* a doubly linked list */
    struct bytes pending;   /* what its streams shall get at the end of the turn */
};

struct stream {
    int fd;
    bool posts, keeps;
    struct room *room; /* of a stream that is held */
    struct stream *next, **back;
    struct bytes in; /* records that are not taken yet; freed once it is held */
    struct bytes params, body;
};

static struct room rooms[ROOMS], *busy[ROOMS]; /* busy: with something pending */
static int busy_count;
static int epoll;

static void append(struct bytes *b, const void *data, size_t len)
{
    if (b->len + len > b->size) {
        b->size = (b->len + len) * 2;
        b->data = realloc(b->data, b->size);
        if (b->data == NULL)
            abort();
    }
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

static void append_record(struct bytes *b, int type, const void *data, size_t len)
{
    const unsigned char head[8] = {
        1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};

    append(b, head, sizeof head);
    if (len > 0)
        append(b, data, len);
}

static void drop(struct stream *s)
{
    if (s->room != NULL) {
        *s->back = s->next;
        if (s->next != NULL)
            s->next->back = s->back;
    }
    close(s->fd);
    bytes_free(&s->in);
    bytes_free(&s->params);
    bytes_free(&s->body);
    free(s);
}

/* Open addressing; rooms are never forgotten. */
static struct room *find_room(const char *name)
{
    uint32_t hash = 2166136261u;

    for (const char *p = name; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    for (;; hash++) {
        struct room *room = &rooms[hash % ROOMS];

        if (room->name[0] == '\0')
            strcpy(room->name, name);
        if (strcmp(room->name, name) == 0)
            return room;
    }
}

static size_t take_length(const unsigned char **p)
{
    size_t len = *(*p)++;

    if (len & 0x80) {
        len = (len & 0x7f) << 24 | (size_t)(*p)[0] << 16 | (size_t)(*p)[1] << 8 | (*p)[2];
        *p += 3;
    }
    return len;
}

/* The room of PATH_INFO, which is .../ROOM/WORD. Sets `posts`. */
static struct room *read_params(struct stream *s)
{
    const unsigned char *p = (unsigned char *)s->params.data, *end = p + s->params.len;
    char path[256] = "/", *slash, *start;

    while (p < end) {
        size_t name_len = take_length(&p), value_len = take_length(&p);
        const unsigned char *value = p + name_len;

        if (name_len == 14 && memcmp(p, "REQUEST_METHOD", 14) == 0)
            s->posts = value_len == 4;
        if (name_len == 9 && memcmp(p, "PATH_INFO", 9) == 0 && value_len < sizeof path) {
            memcpy(path, value, value_len);
            path[value_len] = '\0';
        }
        p = value + value_len;
    }
    slash = strrchr(path, '/');
    *slash = '\0';
    start = strrchr(path, '/');
    start = start != NULL ? start + 1 : path;
    start[strnlen(start, ROOM_MAX - 1)] = '\0';
    return find_room(start[0] != '\0' ? start : "none");
}

/* Returns false when the other side does not take it all: then it is dropped. */
static bool say(struct stream *s, const struct bytes *b)
{
    return send(s->fd, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)b->len;
}

static bool answer_post(struct stream *s, struct room *room)
{
    static const char reply[] = "Status: 201 Created\r\nContent-Length: 0\r\n\r\n";
    const unsigned char status[8] = {0};
    struct bytes out = {0}, event = {0};
    bool good;

    append_record(&out, OUT, reply, sizeof reply - 1);
    append_record(&out, END, status, sizeof status);
    good = say(s, &out) && s->keeps;
    bytes_free(&out);
    append(&event, "data: ", 6);
    append(&event, s->body.data, s->body.len);
    append(&event, "\n\n", 2);
    if (room->pending.len == 0)
        busy[busy_count++] = room;
    append_record(&room->pending, OUT, event.data, event.len);
    bytes_free(&event);
    s->params.len = s->body.len = 0;
    return good;
}

static bool hold(struct stream *s, struct room *room)
{
    static const char hello[] = "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                                "X-Accel-Buffering: no\r\n\r\nevent: hello\ndata: {}\n\n";
    struct bytes out = {0};
    bool good;

    append_record(&out, OUT, hello, sizeof hello - 1);
    good = say(s, &out);
    bytes_free(&out);
    bytes_free(&s->in);
    bytes_free(&s->params);
    s->room = room;
    s->next = room->streams;
    s->back = &room->streams;
    if (s->next != NULL)
        s->next->back = &s->next;
    room->streams = s;
    return good;
}

/* Takes one record. Returns false when the connection shall end. */
static bool take_record(struct stream *s, const unsigned char *head, const char *content,
                        size_t len)
{
    switch (head[1]) {
    case BEGIN:
        s->keeps = content[2] & KEEP;
        return true;
    case PARAMS:
        append(&s->params, content, len);
        return true;
    case IN: {
        struct room *room;

        append(&s->body, content, len);
        if (len > 0)
            return true;
        room = read_params(s);
        return s->posts ? answer_post(s, room) : hold(s, room);
    }
    default:
        return head[1] != ABORT;
    }
}

static bool take_records(struct stream *s)
{
    size_t at = 0;

    while (s->in.len - at >= 8) {
        const unsigned char *head = (unsigned char *)s->in.data + at;
        size_t len = (size_t)head[4] << 8 | head[5], whole = 8 + len + head[6];

        if (s->in.len - at < whole)
            break;
        if (!take_record(s, head, (const char *)head + 8, len))
            return false;
        if (s->room != NULL)
            return true;
        at += whole;
    }
    memmove(s->in.data, s->in.data + at, s->in.len - at);
    s->in.len -= at;
    return true;
}

static void on_readable(struct stream *s)
{
    static char buffer[REQUEST_MAX];
    ssize_t got = recv(s->fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || s->room != NULL) { /* gone, or nginx aborts */
        drop(s);
        return;
    }
    append(&s->in, buffer, (size_t)got);
    if (!take_records(s))
        drop(s);
}

static void on_connection(int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct stream *s = calloc(1, sizeof *s);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};

        if (s == NULL)
            abort();
        s->fd = fd;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void fan_out(void)
{
    while (busy_count > 0) {
        struct room *room = busy[--busy_count];

        for (struct stream *s = room->streams, *next; s != NULL; s = next) {
            next = s->next;
            if (!say(s, &room->pending))
                drop(s);
        }
        room->pending.len = 0;
    }
}

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 4096) < 0)
        return -1;
    return listener;
}

int main(int argc, char **argv)
{
    int listener = argc == 2 ? listen_on(argv[1]) : -1;
    struct epoll_event events[256], event = {.events = EPOLLIN};

    if (listener < 0) {
        fprintf(stderr, "usage: floor SOCKET\n");
        return 64;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                on_connection(listener);
            else
                on_readable(events[i].data.ptr);
        }
        fan_out();
    }
}
