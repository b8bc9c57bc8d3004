#include "publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "listen.h"

#define SIZE_MAX_BYTES 8192

struct publish_tally publish_tally;

static struct {
    enum dialect dialect;
    struct publish_plan plan;
    bool on;
    uint64_t next; /* the number of the next message */
    int64_t began_ns;
    unsigned idle_count;
    struct client *idle[PUBLISH_MAX];
    struct client all[PUBLISH_MAX];
    char text[SIZE_MAX_BYTES + 1];
} publishers;

void publish_init(enum dialect dialect)
{
    publishers.dialect = dialect;
}

void publish_open(const struct publish_plan *plan)
{
    if (plan->count < 1 || plan->count > PUBLISH_MAX || plan->size > SIZE_MAX_BYTES ||
        plan->size < LISTEN_MARK_LEN)
        client_die("at most %d publishers of %d bytes", PUBLISH_MAX, SIZE_MAX_BYTES);
    publishers.plan = *plan;
    publishers.idle_count = 0;
    publishers.next = 0;
    publishers.on = false;
    /* What people write is not one letter: a server that compresses shall not win by it. */
    for (unsigned i = 0; i < plan->size; i++)
        publishers.text[i] = "the quick brown fox jumps over lazy dogs, "[i * 7 % 42];
    publishers.text[plan->size] = '\0';
    for (unsigned i = 0; i < plan->count; i++) {
        struct client *c = &publishers.all[i];

        memset(c, 0, sizeof *c);
        c->kind = CLIENT_PUBLISHER;
        c->form = publishers.dialect == DIALECT_SOCKETIO ? CLIENT_WS : CLIENT_SSE;
        c->number = i;
        client_open(c);
    }
}

unsigned publish_ready(void)
{
    return publishers.idle_count;
}

void publish_start(int64_t now_ns)
{
    publishers.began_ns = now_ns;
    publishers.on = true;
}

static void note_ready(struct client *c)
{
    if (c->ready && !c->busy)
        publishers.idle[publishers.idle_count++] = c;
}

static void send_next(struct client *c, int64_t now_ns)
{
    char mark[LISTEN_MARK_LEN + 1];

    snprintf(mark, sizeof mark, "@@%016" PRIx64 ";", (uint64_t)now_ns);
    memcpy(publishers.text, mark, LISTEN_MARK_LEN);
    c->busy = true;
    c->asked_ns = now_ns;
    c->room = (uint32_t)(publishers.next++ % publishers.plan.rooms);
    publish_tally.sent++;
    dialect_publish(publishers.dialect, c, c->room, publishers.text);
}

int64_t publish_tick(int64_t now_ns, int64_t most_ns)
{
    int64_t due_ns = now_ns;

    while (publishers.on) {
        if (publishers.plan.most > 0 && publishers.next >= publishers.plan.most)
            break;
        if (publishers.plan.rate > 0) {
            due_ns = publishers.began_ns +
                     (int64_t)((double)publishers.next * 1e9 / publishers.plan.rate);
            if (due_ns > now_ns)
                return due_ns - now_ns < most_ns ? due_ns - now_ns : most_ns;
        }
        if (publishers.idle_count == 0)
            break;
        times_add(&publish_tally.late, now_ns - due_ns);
        send_next(publishers.idle[--publishers.idle_count], now_ns);
        now_ns = times_now();
    }
    return most_ns;
}

unsigned publish_stop(void)
{
    unsigned busy = 0;

    publishers.on = false;
    for (unsigned i = 0; i < publishers.plan.count; i++)
        busy += publishers.all[i].busy;
    return busy;
}

void publish_close(void)
{
    for (unsigned i = 0; i < publishers.plan.count; i++)
        client_close(&publishers.all[i]);
}

static void acknowledge(struct client *c)
{
    publish_tally.acked++;
    publish_tally.expected += listen_in_room(c->room);
    times_add(&publish_tally.reply, times_now() - c->asked_ns);
    c->busy = false;
}

void publish_on_connected(struct client *c)
{
    dialect_greet(publishers.dialect, c);
    note_ready(c);
}

void publish_on_headed(struct client *c, const char *head)
{
    if (!c->busy || publishers.dialect == DIALECT_SOCKETIO) {
        dialect_headed(publishers.dialect, c, head);
        return;
    }
    /* The head says all: the message is stored, or refused. */
    if (dialect_headed(publishers.dialect, c, head)) {
        acknowledge(c);
    } else {
        publish_tally.refused++;
        c->busy = false;
    }
}

size_t publish_on_payload(struct client *c, const char *data, size_t len)
{
    if (publishers.dialect != DIALECT_SOCKETIO)
        return 0;
    if (c->framing.pinged)
        dialect_pong(publishers.dialect, c);
    if (c->fd < 0)
        return 0;
    if (!c->ready) {
        dialect_heard(publishers.dialect, c, data, len);
        note_ready(c);
    } else if (c->busy && memmem(data, len, "431[", 4) != NULL) {
        acknowledge(c);
        note_ready(c);
    }
    return 0;
}

void publish_on_replied(struct client *c)
{
    if (c->framing.closes) {
        client_close(c);
        client_open(c);
        return;
    }
    dialect_replied(publishers.dialect, c);
    note_ready(c);
}

void publish_on_closed(struct client *c)
{
    publish_tally.refused++;
    client_open(c);
}
