/* load.c - the clients of the bench: what they see of time, and streams to be weighed.
 *
 * usage: load latency PORT ROUNDS      each round an empty reply, then a send, keep-alive
 *        load curl PORT ROUNDS         the same, each by a curl of its own
 *        load park PORT STREAMS ROOMS  opens streams, says "parked", holds them until stdin ends
 *        load sends PORT SENDS CLIENTS sends from that many clients at once
 *
 * The first two print lines "NAME MEDIAN P95" in microseconds. Empty replies and sends take
 * turns, so that what else the machine does falls on both. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define EVENTS "/chat/v1/rooms/bench/events?as=sse"
#define MESSAGES "/chat/v1/rooms/bench/messages"
#define EMPTY "/empty"
#define WARMUP 50
#define OPENING_MAX 32       /* streams being opened at one time */
#define PAUSE_NS 2000000     /* between two requests: all has come to rest */
#define CURL_PAUSE_NS 500000 /* a curl takes milliseconds to start by itself */

extern char **environ;

/* ---- Time ---------------------------------------------------------------------------------- */

struct times {
    const char *name;
    int count;
    int64_t *ns;
};

static void times_init(struct times *times, const char *name, int rounds)
{
    times->name = name;
    times->count = 0;
    times->ns = calloc((size_t)rounds, sizeof *times->ns);
    if (times->ns == NULL)
        client_die("out of memory");
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void times_print(struct times *times)
{
    qsort(times->ns, (size_t)times->count, sizeof *times->ns, by_size);
    printf("%s %.1f %.1f\n", times->name, (double)times->ns[times->count / 2] / 1000,
           (double)times->ns[times->count * 95 / 100] / 1000);
    free(times->ns);
}

static void rest(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* ---- One request at a time ------------------------------------------------------------------ */

static void open_listener(struct client *listener, int port)
{
    client_connect(listener, port);
    client_ask(listener, EVENTS, NULL);
    while (!client_has(listener, "event: hello")) {
        client_wait(listener->fd, -1, "a stream says hello");
        if (!client_read(listener))
            client_die("the stream was refused: %.*s", (int)listener->len, listener->data);
    }
}

/* Reads on at the listener; true once `text` is there. */
static bool heard(struct client *listener, const char *text)
{
    if (!client_read(listener))
        client_die("the stream has ended");
    return client_has(listener, text);
}

static int64_t time_empty(struct client *sender, const char *text)
{
    int64_t began = client_now();

    client_ask(sender, EMPTY, text);
    do {
        client_wait(sender->fd, -1, "an empty reply");
        if (!client_read(sender))
            client_die("nginx has closed");
    } while (!client_replied(sender, 200));
    return client_now() - began;
}

/* When the listener had it; in `replied` when the sender had its 201. */
static int64_t time_send(struct client *sender, struct client *listener, const char *text,
                         int64_t *replied)
{
    int64_t began = client_now();
    int64_t arrived = 0;

    *replied = 0;
    client_ask(sender, MESSAGES, text);
    while (arrived == 0 || *replied == 0) {
        client_wait(*replied == 0 ? sender->fd : -1, arrived == 0 ? listener->fd : -1,
                    "a message arrives, and its 201");
        if (arrived == 0 && heard(listener, text))
            arrived = client_now() - began;
        if (*replied == 0) {
            if (!client_read(sender))
                client_die("nginx has closed");
            if (client_replied(sender, 201))
                *replied = client_now() - began;
        }
    }
    return arrived;
}

static void latency(int port, int rounds)
{
    struct client sender, listener;
    struct times empty, arrival, reply;
    int64_t replied, arrived, nothing;
    char text[32];

    times_init(&empty, "empty", rounds);
    times_init(&arrival, "arrival", rounds);
    times_init(&reply, "reply", rounds);
    open_listener(&listener, port);
    client_connect(&sender, port);
    for (int i = -WARMUP; i < rounds; i++) {
        snprintf(text, sizeof text, "bench-%08d", i + WARMUP);
        rest(PAUSE_NS);
        nothing = time_empty(&sender, text);
        rest(PAUSE_NS);
        arrived = time_send(&sender, &listener, text, &replied);
        if (i < 0)
            continue;
        empty.ns[empty.count++] = nothing;
        arrival.ns[arrival.count++] = arrived;
        reply.ns[reply.count++] = replied;
        if (sender.asked > CLIENT_ASKS_MAX) {
            close(sender.fd);
            client_connect(&sender, port);
            time_empty(&sender, text);
        }
    }
    times_print(&empty);
    times_print(&arrival);
    times_print(&reply);
}

/* ---- By the curl program ----------------------------------------------------------------------
 */

/* Starts a curl that prints the status of its reply into the pipe `out`. */
static pid_t start_curl(int port, const char *path, const char *text, int out[2])
{
    char url[128];
    char *args[] = {"curl", "-q",           "-sS", "--noproxy",  "*", "-o", "/dev/null",
                    "-w",   "%{http_code}", "-d",  (char *)text, url, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int error;

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    if (pipe2(out, O_CLOEXEC) < 0)
        client_die("pipe: %s", strerror(errno));
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    error = posix_spawnp(&pid, "curl", &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        client_die("cannot start curl: %s", strerror(error));
    close(out[1]);
    return pid;
}

/* Reads on at curl's pipe, without waiting; true at its end. */
static bool read_status(int fd, char *status, size_t size, size_t *len)
{
    ssize_t got = read(fd, status + *len, size - 1 - *len);

    if (got > 0)
        *len += (size_t)got;
    return got == 0 || (got < 0 && errno != EAGAIN);
}

/* From the start of curl: returns when the `listener` had the message (0 without one), and in
 * `replied` when curl said that it has the reply. Starting a curl takes far longer than the rest.
 */
static int64_t time_curl(int port, const char *path, const char *text, struct client *listener,
                         int64_t *replied)
{
    int64_t began = client_now(), arrived = 0;
    int out[2];
    pid_t pid = start_curl(port, path, text, out);
    char status[8] = "";
    size_t len = 0;
    bool ended = false;

    *replied = 0;
    while (!ended || (listener != NULL && arrived == 0)) {
        client_wait(ended ? -1 : out[0], listener != NULL && arrived == 0 ? listener->fd : -1,
                    "curl's message arrives, and its status");
        if (listener != NULL && arrived == 0 && heard(listener, text))
            arrived = client_now() - began;
        if (!ended)
            ended = read_status(out[0], status, sizeof status, &len);
        if (*replied == 0 && len > 0)
            *replied = client_now() - began;
        if (ended && strcmp(status, listener != NULL ? "201" : "200") != 0)
            client_die("curl got the status '%s'", status);
    }
    close(out[0]);
    waitpid(pid, NULL, 0);
    return arrived;
}

static void by_curl(int port, int rounds)
{
    struct client listener;
    struct times empty, arrival, reply;
    int64_t nothing, arrived, replied;
    char text[32];

    times_init(&empty, "empty", rounds);
    times_init(&arrival, "arrival", rounds);
    times_init(&reply, "reply", rounds);
    open_listener(&listener, port);
    for (int i = -WARMUP; i < rounds; i++) {
        snprintf(text, sizeof text, "curl-%08d", i + WARMUP);
        rest(CURL_PAUSE_NS);
        time_curl(port, EMPTY, text, NULL, &nothing);
        rest(CURL_PAUSE_NS);
        arrived = time_curl(port, MESSAGES, text, &listener, &replied);
        if (i < 0)
            continue;
        empty.ns[empty.count++] = nothing;
        arrival.ns[arrival.count++] = arrived;
        reply.ns[reply.count++] = replied;
    }
    times_print(&empty);
    times_print(&arrival);
    times_print(&reply);
}

/* ---- Many at once -----------------------------------------------------------------------------
 */

struct crowd {
    int epoll;
    int port;
    int size;
    struct client *clients;
};

static void crowd_init(struct crowd *crowd, int port, int size)
{
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->port = port;
    crowd->size = size;
    crowd->clients = calloc((size_t)size, sizeof *crowd->clients);
    if (crowd->epoll < 0 || crowd->clients == NULL)
        client_die("no memory for %d clients", size);
}

static void watch(struct crowd *crowd, int fd, int index)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};

    if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        client_die("epoll: %s", strerror(errno));
}

static void join_crowd(struct crowd *crowd, int index)
{
    client_connect(&crowd->clients[index], crowd->port);
    watch(crowd, crowd->clients[index].fd, index);
}

/* The next that has something to read. `what` is waited for. */
static int next_ready(struct crowd *crowd, int timeout_ms, const char *what)
{
    struct epoll_event event;
    int got;

    do
        got = epoll_wait(crowd->epoll, &event, 1, timeout_ms);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        client_die("not in time: %s", what);
    return (int)event.data.u32;
}

static void open_stream(struct crowd *crowd, int index, int rooms)
{
    char path[96];

    snprintf(path, sizeof path, "/chat/v1/rooms/idle-%d/events?as=sse", index % rooms);
    join_crowd(crowd, index);
    client_ask(&crowd->clients[index], path, NULL);
}

/* Holds the streams until standard input ends; each must still be open then. */
static void hold(struct crowd *crowd)
{
    struct client *c;
    int index;

    watch(crowd, STDIN_FILENO, crowd->size);
    while ((index = next_ready(crowd, -1, "the end of standard input")) != crowd->size) {
        c = &crowd->clients[index];
        if (!client_read(c))
            client_die("a stream has ended by itself: %.*s", (int)c->len, c->data);
    }
}

static void park(int port, int streams, int rooms)
{
    struct crowd crowd;
    int opened = 0, parked = 0;

    crowd_init(&crowd, port, streams);
    while (parked < streams) {
        struct client *c;
        bool greeted;

        while (opened < streams && opened - parked < OPENING_MAX)
            open_stream(&crowd, opened++, rooms);
        c = &crowd.clients[next_ready(&crowd, CLIENT_WAIT_MS, "all streams say hello")];
        greeted = client_has(c, "event: hello");
        if (!client_read(c))
            client_die("a stream was refused: %.*s", (int)c->len, c->data);
        if (!greeted && client_has(c, "event: hello"))
            parked++;
    }
    puts("parked");
    fflush(stdout);
    hold(&crowd);
}

static void send_next(struct client *c, int number)
{
    char path[64], text[32];

    snprintf(path, sizeof path, "/chat/v1/rooms/load-%d/messages", number % 10);
    snprintf(text, sizeof text, "load-%08d", number);
    client_ask(c, path, text);
}

/* Each client sends its next message when it has the 201 of the last. */
static void sends(int port, int count, int clients)
{
    struct crowd crowd;
    int begun = 0;

    crowd_init(&crowd, port, clients);
    for (int i = 0; i < clients && begun < count; i++) {
        join_crowd(&crowd, i);
        send_next(&crowd.clients[i], begun++);
    }
    for (int done = 0; done < count;) {
        int index = next_ready(&crowd, CLIENT_WAIT_MS, "a 201");
        struct client *c = &crowd.clients[index];

        if (!client_read(c))
            client_die("nginx has closed");
        if (!client_replied(c, 201))
            continue;
        done++;
        if (c->asked > CLIENT_ASKS_MAX) {
            close(c->fd);
            join_crowd(&crowd, index);
        }
        if (begun < count)
            send_next(c, begun++);
    }
}

/* A whole number from 1 on, or the end. */
static int number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value < 1 || value > 1000000)
        client_die("not a number from 1 to 1000000: %s", text);
    return (int)value;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    if (argc == 4 && strcmp(mode, "latency") == 0)
        latency(number(argv[2]), number(argv[3]));
    else if (argc == 4 && strcmp(mode, "curl") == 0)
        by_curl(number(argv[2]), number(argv[3]));
    else if (argc == 5 && strcmp(mode, "park") == 0)
        park(number(argv[2]), number(argv[3]), number(argv[4]));
    else if (argc == 5 && strcmp(mode, "sends") == 0)
        sends(number(argv[2]), number(argv[3]), number(argv[4]));
    else
        client_die("usage: load latency|curl PORT ROUNDS, load park PORT STREAMS ROOMS, "
                   "load sends PORT SENDS CLIENTS");
    return 0;
}
