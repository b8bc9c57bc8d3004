#include "listen.h"

#include <stdlib.h>
#include <string.h>

#define ROOMS_MAX 4096
#define AGAIN_NS 50000000 /* after which a refused listener tries again */
#define RING (2 * LISTEN_MAX)

struct listen_tally listen_tally;

static struct {
    enum dialect dialect;
    unsigned count, ready, opening, window;
    bool stalling; /* quiet listeners do not read */
    unsigned in_room[ROOMS_MAX];
    /* Those that wait to be opened; asked_ns says since when they may be. */
    struct client *ring[RING];
    unsigned head, tail;
    struct client *all;
} listeners;

void listen_init(enum dialect dialect)
{
    listeners.dialect = dialect;
    listeners.all = calloc(LISTEN_MAX, sizeof *listeners.all);
    if (listeners.all == NULL)
        client_die("out of memory");
}

static void line_up(struct client *c, int64_t due_ns)
{
    c->asked_ns = due_ns;
    listeners.ring[listeners.tail++ % RING] = c;
}

void listen_open(const struct listen_group *group)
{
    if (listeners.count + group->count > LISTEN_MAX || group->rooms > ROOMS_MAX)
        client_die("at most %d listeners and %d rooms", LISTEN_MAX, ROOMS_MAX);
    listeners.window = group->window;
    for (unsigned i = 0; i < group->count; i++) {
        struct client *c = &listeners.all[listeners.count];

        memset(c, 0, sizeof *c);
        c->fd = -1;
        c->kind = CLIENT_LISTENER;
        c->form = (uint8_t)group->form;
        c->follows = group->follows;
        c->quiet = group->quiet;
        c->browser = group->browser;
        c->number = listeners.count++;
        c->room = i % group->rooms;
        if (!c->quiet)
            listeners.in_room[c->room]++;
        line_up(c, 0);
    }
}

void listen_tick(void)
{
    int64_t now = listeners.head != listeners.tail ? times_now() : 0;

    while (listeners.head != listeners.tail && listeners.opening < listeners.window &&
           listeners.ring[listeners.head % RING]->asked_ns <= now) {
        struct client *c = listeners.ring[listeners.head++ % RING];

        listeners.opening++;
        if (listeners.dialect == DIALECT_SOCKETIO)
            c->cursor[0] = '\0'; /* of a session that is gone */
        client_open(c);
    }
}

unsigned listen_count(void)
{
    return listeners.count;
}

unsigned listen_ready(void)
{
    return listeners.ready;
}

unsigned listen_in_room(uint32_t room)
{
    return room < ROOMS_MAX ? listeners.in_room[room] : 0;
}

void listen_stall(bool stalled)
{
    listeners.stalling = stalled;
    for (unsigned i = 0; i < listeners.count; i++)
        if (listeners.all[i].quiet)
            client_stall(&listeners.all[i], stalled);
}

void listen_cut(void)
{
    for (unsigned i = 0; i < listeners.count; i++) {
        client_close(&listeners.all[i]);
        listeners.all[i].counted = false;
    }
    listeners.ready = listeners.opening = 0;
    listeners.head = listeners.tail = 0;
}

void listen_again(bool missed, unsigned window)
{
    listeners.window = window;
    for (unsigned i = 0; i < listeners.count; i++) {
        listeners.all[i].missed = missed;
        line_up(&listeners.all[i], 0);
    }
}

void listen_close(void)
{
    listen_cut();
    memset(listeners.in_room, 0, sizeof listeners.in_room);
    listeners.stalling = false;
    listeners.count = 0;
}

/* Ready is what has greeted and, after a storm, has what it missed. */
static void note_ready(struct client *c)
{
    if (c->counted || !c->ready || c->missed || c->fd < 0)
        return;
    c->counted = true;
    times_add(&listen_tally.ready, times_now() - c->asked_ns);
    listeners.ready++;
    listeners.opening--;
    if (c->quiet && listeners.stalling)
        client_stall(c, true);
}

/* The client is closed; opens it again. */
static void line_up_again(struct client *c, int64_t due_ns)
{
    if (c->counted)
        listeners.ready--;
    else
        listeners.opening--;
    c->counted = false;
    line_up(c, due_ns);
}

void listen_on_connected(struct client *c)
{
    dialect_greet(listeners.dialect, c);
    note_ready(c); /* a long-poll, once it has asked */
}

void listen_on_headed(struct client *c, const char *head)
{
    if (dialect_headed(listeners.dialect, c, head)) {
        note_ready(c);
        return;
    }
    client_close(c);
    listen_on_closed(c);
}

static void deliver(struct client *c, int64_t sent_ns)
{
    c->missed = false;
    if (c->quiet) {
        listen_tally.quiet_deliveries++;
        return;
    }
    listen_tally.deliveries++;
    times_add(&listen_tally.delay, times_now() - sent_ns);
}

static int64_t read_mark(const char *digits)
{
    uint64_t ns = 0;

    for (int i = 0; i < 16; i++)
        ns = ns << 4 | (uint64_t)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
    return (int64_t)ns;
}

/* Returns how many bytes of the end may be the beginning of a mark. */
static size_t find_marks(struct client *c, const char *data, size_t len)
{
    const char *at = data, *end = data + len;

    while ((at = memmem(at, (size_t)(end - at), "@@", 2)) != NULL) {
        if (end - at < LISTEN_MARK_LEN)
            return (size_t)(end - at);
        if (at[LISTEN_MARK_LEN - 1] != ';')
            client_die("a mark without an end: %.40s", at);
        deliver(c, read_mark(at + 2));
        at += LISTEN_MARK_LEN;
    }
    return end[-1] == '@' ? 1 : 0;
}

/* The last whole line "id: ..." is where the listener would resume. */
static void follow(struct client *c, const char *data, size_t len)
{
    const char *end = data + len, *line;

    while ((line = memrchr(data, '\n', (size_t)(end - data))) != NULL || end > data) {
        const char *start = line != NULL ? line + 1 : data;

        if (end - start > 4 && end < data + len && memcmp(start, "id:", 3) == 0) {
            start += start[3] == ' ' ? 4 : 3;
            if (end - start >= CLIENT_VALUE)
                client_die("a cursor is too long");
            memcpy(c->cursor, start, (size_t)(end - start));
            c->cursor[end - start] = '\0';
            return;
        }
        if (line == NULL)
            return;
        end = line;
    }
}

size_t listen_on_payload(struct client *c, const char *data, size_t len)
{
    size_t again;

    if (!c->ready)
        dialect_heard(listeners.dialect, c, data, len);
    if (c->framing.pinged)
        dialect_pong(listeners.dialect, c);
    if (c->fd < 0)
        return 0;
    again = find_marks(c, data, len);
    note_ready(c);
    if (c->follows)
        follow(c, data, len);
    return again;
}

void listen_on_replied(struct client *c)
{
    if (c->form != CLIENT_POLL) { /* a stream that ends */
        client_close(c);
        listen_on_closed(c);
        return;
    }
    listen_tally.polls++;
    if (c->framing.closes) {
        client_close(c);
        line_up_again(c, 0);
        return;
    }
    dialect_replied(listeners.dialect, c);
}

void listen_on_closed(struct client *c)
{
    if (c->counted)
        listen_tally.reopened++;
    else
        listen_tally.refused++;
    line_up_again(c, times_now() + AGAIN_NS);
}
