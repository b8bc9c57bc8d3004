#include "hub/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/log.h"
#include "event/inquiry.h"
#include "hub/connection.h"
#include "hub/outgoing.h"
#include "hub/state.h"
#include "hub/tally.h"
#include "hub/who.h"
#include "store/keys.h"

#define ANSWER_BYTES_MAX ((size_t)256 * 1024)
#define ROOMS_TOLD 20 /* of one connection */
#define KEEP_MS "5000"

void answer_up(struct hub *hub)
{
    feed_subscribe(&hub->feed, KEY_HUBS);
}

/* Puts what this hub says, behind its name, where the answers are. */
static void put(struct hub *hub, const struct inquiry *q, const struct buf *text)
{
    char key[KEY_MAX], what[128];

    /* Redis is away: he who asked does not wait for so long, and answers must not pile up. */
    if (!hub->ask.wire.ready)
        return;
    snprintf(what, sizeof(what), "answers:%s", q->key);
    key_site(key, q->namespace, what);
    ask_script(&hub->ask, SCRIPT_ANSWER, key, 3, (const char *[]){hub->self, text->data, KEEP_MS},
               NULL, NULL);
}

/* --- who is connected --- */

/* Is it an open receive of this namespace? One that is ending has left its rooms. */
static bool is_open(const struct connection *c, const char *namespace)
{
    return (c->state == CONNECTION_STARTING || c->state == CONNECTION_OPEN) &&
           c->members_count > 0 && c->members[0].room != NULL &&
           strcmp(c->members[0].room->namespace, namespace) == 0;
}

static bool is_in(const struct connection *c, const char *room)
{
    for (unsigned i = 0; i < c->members_count; i++)
        if (c->members[i].room != NULL && strcmp(c->members[i].room->name, room) == 0)
            return true;
    return false;
}

static bool is_asked_for(const struct connection *c, const struct inquiry *q)
{
    return is_open(c, q->namespace) &&
           (q->user == NULL || (c->who != NULL && strcmp(c->who->user, q->user) == 0)) &&
           (q->room == NULL || is_in(c, q->room));
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":", name);
    if (text != NULL && text[0] != '\0')
        buf_json(out, text, strlen(text));
    else
        buf_str(out, "null");
    buf_char(out, ',');
}

static void put_rooms(struct buf *out, const struct connection *c)
{
    buf_str(out, "\"rooms\":[");
    for (unsigned i = 0; i < c->members_count && i < ROOMS_TOLD; i++) {
        const struct room *room = c->members[i].room;

        if (room == NULL)
            continue;
        if (i > 0)
            buf_char(out, ',');
        buf_json(out, room->name, strlen(room->name));
    }
    buf_printf(out, "],\"roomsTotal\":%u,", c->members_count);
}

/* How many events of its rooms it is behind, as far as the rings know. */
static uint64_t count_behind(const struct connection *c)
{
    uint64_t behind = 0;

    for (unsigned i = 0; i < c->members_count; i++) {
        const struct member *member = &c->members[i];

        if (member->room != NULL && member->state == MEMBER_LIVE)
            behind += ring_end(&member->room->ring) - member->next;
    }
    return behind;
}

static void put_connection(struct buf *out, const struct hub *hub, const struct connection *c)
{
    const uint32_t blocked = c->blocked_tick != 0 && hub->wheel.now > c->blocked_tick
                                 ? hub->wheel.now - c->blocked_tick
                                 : 0;
    char since[CLOCK_TEXT], address[IP_TEXT];

    clock_format(since, c->opened_ms);
    ip_text(address, c->address);
    buf_printf(out, "%lld {\"id\":\"%s.%u\",", (long long)c->opened_ms, hub->self, c->serial);
    put_text(out, "userId", c->who != NULL ? c->who->user : NULL);
    put_text(out, "name", c->who != NULL ? c->who->name : NULL);
    put_text(out, "address", address);
    put_text(out, "form", frame_names[c->form]);
    put_rooms(out, c);
    buf_printf(out,
               "\"since\":\"%s\",\"hub\":\"%s\",\"events\":%llu,\"bytes\":%llu,\"waiting\":%zu,"
               "\"behind\":%llu,\"blocked\":%u}\n",
               since, hub->label, (unsigned long long)c->delivered, (unsigned long long)c->bytes,
               c->out.len, (unsigned long long)count_behind(c), blocked * WHEEL_TICK_MS / 1000);
}

static void tell_connections(struct hub *hub, const struct inquiry *q)
{
    struct buf lines = BUF_INIT, text = BUF_INIT;
    const struct connection *c;
    unsigned total = 0;

    LIST_FOREACH (c, &hub->connections, link)
        if (is_asked_for(c, q) && total++ < q->limit && lines.len < ANSWER_BYTES_MAX)
            put_connection(&lines, hub, c);
    buf_printf(&text, "%s %u\n", hub->label, total);
    buf_append(&text, lines.data, lines.len);
    put(hub, q, &text);
    buf_free(&lines);
    buf_free(&text);
}

/* --- ends one --- */

/* The connection of an id, "hub's own id.number"; NULL when there is none in this namespace. */
static struct connection *find(struct hub *hub, const struct inquiry *q)
{
    size_t len = strlen(hub->self);
    struct connection *c;
    uint64_t serial;

    if (q->connection == NULL || strncmp(q->connection, hub->self, len) != 0 ||
        q->connection[len] != '.' ||
        event_number_parse(&serial, q->connection + len + 1, strlen(q->connection + len + 1)) < 0)
        return NULL;
    LIST_FOREACH (c, &hub->connections, link)
        if (c->serial == serial && is_open(c, q->namespace))
            return c;
    return NULL;
}

static void end(struct hub *hub, const struct inquiry *q)
{
    struct connection *c = find(hub, q);
    struct buf text = BUF_INIT;

    if (c != NULL)
        connection_kick(c);
    buf_printf(&text, "%s %d\n", hub->label, c != NULL);
    put(hub, q, &text);
    buf_free(&text);
}

/* --- counts --- */

static void tell_figures(struct hub *hub, const struct inquiry *q)
{
    static struct figures_part part; /* too large for a stack */
    const uint64_t now_us = (uint64_t)clock_mono_us();
    struct buf text = BUF_INIT;

    tally_read(hub, q->namespace, &part);
    if (q->machine != NULL && strcmp(q->machine, hub->machine) == 0 && now_us > q->sent_us)
        part.counts[FIGURE_DELAY_US] = now_us - q->sent_us;
    buf_printf(&text, "%s 0\n", hub->label);
    figures_encode(&text, &part);
    put(hub, q, &text);
    buf_free(&text);
}

bool answer_heard(struct hub *hub, const char *channel, const char *what, const redisReply *payload)
{
    char text[INQUIRY_BYTES_MAX];
    struct inquiry q;

    if (strcmp(channel, KEY_HUBS) != 0)
        return false;
    if (strcmp(what, "message") != 0 || payload->type != REDIS_REPLY_STRING)
        return true;
    snprintf(text, sizeof(text), "%s", payload->str);
    if (inquiry_decode(&q, text) < 0)
        log_debug("not a question of this version bytes=%zu", payload->len);
    else if (q.kind == INQUIRY_CONNECTIONS)
        tell_connections(hub, &q);
    else if (q.kind == INQUIRY_FIGURES)
        tell_figures(hub, &q);
    else
        end(hub, &q);
    return true;
}
