/* load.c - the clients of the bench: thousands of listeners and some publishers in one process.
 *
 * usage: load DIALECT PORT[,PORT]...
 * DIALECT: earshot (the floor speaks it too), nchan, php, socketio. Ports are of 127.0.0.1.
 * Reads commands from standard input, a line each, and answers each with a line of JSON:
 *   open n=1000 rooms=1 form=sse|poll|ws follow=0 quiet=0 browser=1 window=200
 *                           opens listeners; answers when each would get what is published
 *   publish n=1 rate=20 seconds=5 rooms=1 size=100 drain=10 count=0
 *                           rate=0: as fast as answered; then waits until all has arrived
 *   stall on=1              quiet listeners do not read any more, or do again
 *   cut                     closes all listeners at once; they keep their cursors
 *   again missed=0          opens them again; missed=1: each waits for what it missed
 *   close                   closes and forgets them
 *   rest seconds=1          only keeps the connections alive, as all waiting does
 * Ends at the end of its input. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client.h"
#include "dialect.h"
#include "listen.h"
#include "publish.h"
#include "times.h"

#define SECOND INT64_C(1000000000)
#define TURN_NS 2000000        /* listeners are opened, and ends looked for, at least so often */
#define QUIET_NS (2 * SECOND)  /* without a delivery: no more will come */
#define STUCK_NS (10 * SECOND) /* without one listener more */

/* ---- The handlers by kind ------------------------------------------------------------------- */

static void on_connected(struct client *c)
{
    c->kind == CLIENT_LISTENER ? listen_on_connected(c) : publish_on_connected(c);
}

static void on_headed(struct client *c, const char *head)
{
    c->kind == CLIENT_LISTENER ? listen_on_headed(c, head) : publish_on_headed(c, head);
}

static size_t on_payload(struct client *c, const char *data, size_t len)
{
    return c->kind == CLIENT_LISTENER ? listen_on_payload(c, data, len)
                                      : publish_on_payload(c, data, len);
}

static void on_replied(struct client *c)
{
    c->kind == CLIENT_LISTENER ? listen_on_replied(c) : publish_on_replied(c);
}

static void on_closed(struct client *c)
{
    c->kind == CLIENT_LISTENER ? listen_on_closed(c) : publish_on_closed(c);
}

static const struct client_handlers handlers = {on_connected, on_headed, on_payload, on_replied,
                                                on_closed};

/* ---- Waiting -------------------------------------------------------------------------------- */

static void turn(int64_t most_ns)
{
    client_poll(publish_tick(times_now(), most_ns));
    listen_tick();
}

static void rest(int64_t ns)
{
    int64_t end = times_now() + ns, now;

    while ((now = times_now()) < end)
        turn(end - now < TURN_NS ? end - now : TURN_NS);
}

/* Until all listeners are ready, or no more of them become so. */
static void await_listeners(void)
{
    int64_t last = times_now();
    unsigned seen = 0;

    while (listen_ready() < listen_count() && times_now() - last < STUCK_NS) {
        turn(TURN_NS);
        if (listen_ready() != seen) {
            seen = listen_ready();
            last = times_now();
        }
    }
}

static void await_publishers(unsigned count)
{
    int64_t end = times_now() + 10 * SECOND;

    while (publish_ready() < count) {
        turn(TURN_NS);
        if (times_now() > end)
            client_die("the publishers cannot connect");
    }
}

/* Until the answers and the deliveries of what was acknowledged have come, or come no more. */
static void await_deliveries(int64_t most_ns)
{
    int64_t end = times_now() + most_ns, last = times_now();
    uint64_t seen = 0;

    while (times_now() < end &&
           (publish_stop() > 0 || listen_tally.deliveries < publish_tally.expected)) {
        turn(TURN_NS);
        if (listen_tally.deliveries + publish_tally.acked != seen) {
            seen = listen_tally.deliveries + publish_tally.acked;
            last = times_now();
        } else if (times_now() - last > QUIET_NS) {
            break;
        }
    }
}

/* ---- Commands ------------------------------------------------------------------------------- */

static void tally_clear(void)
{
    memset(&listen_tally, 0, sizeof listen_tally);
    memset(&publish_tally, 0, sizeof publish_tally);
}

/* The value of key= in a command, or `usual`. */
static double number(const char *line, const char *key, double usual)
{
    char sought[32];
    const char *at;

    snprintf(sought, sizeof sought, " %s=", key);
    at = strstr(line, sought);
    return at != NULL ? strtod(at + strlen(sought), NULL) : usual;
}

static enum client_form form_of(const char *line)
{
    if (strstr(line, " form=poll") != NULL)
        return CLIENT_POLL;
    return strstr(line, " form=ws") != NULL ? CLIENT_WS : CLIENT_SSE;
}

static void answer_opened(int64_t began_ns)
{
    printf("{\"ready\":%u,\"missing\":%u,\"ms\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"refused\":%"
           "llu}\n",
           listen_ready(), listen_count() - listen_ready(), (double)(times_now() - began_ns) / 1e6,
           times_quantile_us(&listen_tally.ready, 0.5),
           times_quantile_us(&listen_tally.ready, 0.99), (unsigned long long)listen_tally.refused);
}

static void do_open(const char *line)
{
    const struct listen_group group = {
        .count = (unsigned)number(line, "n", 1),
        .rooms = (unsigned)number(line, "rooms", 1),
        .window = (unsigned)number(line, "window", 200),
        .form = form_of(line),
        .follows = number(line, "follow", 0) > 0,
        .quiet = number(line, "quiet", 0) > 0,
        .browser = number(line, "browser", 1) > 0,
    };
    int64_t began = times_now();

    listen_open(&group);
    await_listeners();
    if (listen_ready() < listen_count())
        client_die("only %u of %u listeners are ready, %llu were refused", listen_ready(),
                   listen_count(), (unsigned long long)listen_tally.refused);
    answer_opened(began);
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void answer_published(double seconds, uint64_t in_time, double drained, int64_t cpu)
{
    printf("{\"sent\":%llu,\"acked\":%llu,\"refused\":%llu,\"expected\":%llu,\"deliveries\":%llu,"
           "\"quiet_deliveries\":%llu,\"in_time\":%llu,\"seconds\":%.3f,\"drain_s\":%.3f,",
           (unsigned long long)publish_tally.sent, (unsigned long long)publish_tally.acked,
           (unsigned long long)publish_tally.refused, (unsigned long long)publish_tally.expected,
           (unsigned long long)listen_tally.deliveries,
           (unsigned long long)listen_tally.quiet_deliveries, (unsigned long long)in_time, seconds,
           drained);
    printf(
        "\"p50_us\":%.1f,\"p99_us\":%.1f,\"most_us\":%.1f,\"reply_p50_us\":%.1f,"
        "\"reply_p99_us\":%.1f,\"late_p99_us\":%.1f,\"closed\":%llu,\"not_opened\":%llu,"
        "\"polls\":%llu,\"client_cpu_us\":%lld}\n",
        times_quantile_us(&listen_tally.delay, 0.5), times_quantile_us(&listen_tally.delay, 0.99),
        (double)listen_tally.delay.most_ns / 1000, times_quantile_us(&publish_tally.reply, 0.5),
        times_quantile_us(&publish_tally.reply, 0.99), times_quantile_us(&publish_tally.late, 0.99),
        (unsigned long long)listen_tally.reopened, (unsigned long long)listen_tally.refused,
        (unsigned long long)listen_tally.polls, (long long)cpu);
}

static void do_publish(const char *line)
{
    const struct publish_plan plan = {
        .count = (unsigned)number(line, "n", 1),
        .rate = number(line, "rate", 0),
        .rooms = (unsigned)number(line, "rooms", 1),
        .size = (unsigned)number(line, "size", 100),
        .most = (uint64_t)number(line, "count", 0),
    };
    int64_t began, stopped, cpu = cpu_us();
    uint64_t in_time;

    publish_open(&plan);
    await_publishers(plan.count);
    began = times_now();
    publish_start(began);
    rest((int64_t)(number(line, "seconds", 5) * (double)SECOND));
    publish_stop();
    in_time = listen_tally.deliveries;
    stopped = times_now();
    await_deliveries((int64_t)(number(line, "drain", 10) * (double)SECOND));
    publish_close();
    answer_published((double)(stopped - began) / 1e9, in_time,
                     (double)(times_now() - stopped) / 1e9, cpu_us() - cpu);
}

static void do_again(const char *line)
{
    int64_t began = times_now();

    listen_again(number(line, "missed", 0) > 0, (unsigned)number(line, "window", 200));
    await_listeners();
    answer_opened(began);
}

static void obey(const char *line)
{
    tally_clear();
    if (strncmp(line, "open ", 5) == 0)
        do_open(line);
    else if (strncmp(line, "publish", 7) == 0)
        do_publish(line);
    else if (strncmp(line, "again", 5) == 0)
        do_again(line);
    else {
        if (strncmp(line, "stall", 5) == 0)
            listen_stall(number(line, "on", 1) > 0);
        else if (strcmp(line, "cut") == 0)
            listen_cut();
        else if (strcmp(line, "close") == 0)
            listen_close();
        else if (strncmp(line, "rest", 4) == 0)
            rest((int64_t)(number(line, "seconds", 1) * (double)SECOND));
        else
            client_die("no such command: %s", line);
        printf("{\"closed\":%llu}\n", (unsigned long long)listen_tally.reopened);
    }
    fflush(stdout);
}

/* Reads a command; keeps the connections alive while there is none. Returns false at the end. */
static bool read_command(char *line, size_t size)
{
    size_t len = 0;

    while (len < size - 1) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        char byte;

        if (poll(&in, 1, 0) == 0) {
            turn(TURN_NS);
            continue;
        }
        if (read(STDIN_FILENO, &byte, 1) != 1)
            return false;
        if (byte == '\n') {
            line[len] = '\0';
            return true;
        }
        line[len++] = byte;
    }
    client_die("a command is too long");
}

static unsigned read_ports(char *text, uint16_t *ports, unsigned most)
{
    unsigned count = 0;
    char *port;

    while ((port = strsep(&text, ",")) != NULL && count < most)
        ports[count++] = (uint16_t)atoi(port);
    return count;
}

int main(int argc, char **argv)
{
    uint16_t ports[16];
    char line[512];
    int dialect = argc == 3 ? dialect_find(argv[1]) : -1;

    if (dialect < 0) {
        fprintf(stderr, "usage: load earshot|nchan|php|socketio PORT[,PORT]...\n");
        return 64;
    }
    client_init(ports, read_ports(argv[2], ports, 16), &handlers);
    listen_init((enum dialect)dialect);
    publish_init((enum dialect)dialect);
    while (read_command(line, sizeof line))
        obey(line);
    return 0;
}
