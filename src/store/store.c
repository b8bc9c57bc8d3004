#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "store/link.h"
#include "store/topology.h"

#define NO_SCRIPT (-1)
#define REFUSED_REST_MS 100
#define TIMEOUT_REST_MS 1000
#define FRESH_MS 20 /* a connection that was used within is taken to be open still */

/* A command that waits for store_run(), kept until its reply is in: a forgotten script is called
 * again. */
struct pending {
    char *formatted;
    size_t len;
    int script; /* enum script, or NO_SCRIPT */
};

struct store {
    struct topology *topology;
    struct link *link; /* NULL when not connected */
    int64_t timeout_ms;
    int64_t used_ms; /* when the connection last answered */
    struct breaker *breaker;
    struct trips *trips;
    struct trips unread; /* `trips` where nobody wants to know */
    struct pending *pending;
    size_t count, room;
    bool was_down; /* so that going and coming are logged once each */
};

struct store *store_open(const struct conf *conf, struct breaker *breaker, char error[256])
{
    struct topology *topology = topology_parse(conf->redis, error);
    struct store *store;

    if (topology == NULL)
        return NULL;
    store = mem_zero(sizeof(*store));
    store->topology = topology;
    store->timeout_ms = conf->redis_timeout_ms;
    store->breaker = breaker;
    store->trips = &store->unread;
    return store;
}

void store_count(struct store *store, struct trips *trips)
{
    store->trips = trips;
}

static void forget_pending(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        redisFreeCommand(store->pending[i].formatted);
    store->count = 0;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    forget_pending(store);
    free(store->pending);
    link_close(store->link);
    topology_free(store->topology);
    free(store);
}

static void queue(struct store *store, char *formatted, int len, int script)
{
    if (store->count == store->room) {
        store->room = store->room > 0 ? store->room * 2 : 8;
        store->pending = mem_resize(store->pending, store->room * sizeof(*store->pending));
    }
    store->pending[store->count++] = (struct pending){
        .formatted = formatted, .len = len > 0 ? (size_t)len : 0, .script = script};
}

void store_command(struct store *store, int argc, const char **argv, const size_t *lens)
{
    char *formatted = NULL;
    int len = redisFormatCommandArgv(&formatted, argc, argv, lens);

    queue(store, formatted, len, NO_SCRIPT);
}

void store_script(struct store *store, enum script script, const char *key, int argc,
                  const char **argv, const size_t *lens)
{
    char *formatted = NULL;
    int len = script_format(&formatted, script, key, argc, argv, lens);

    queue(store, formatted, len, (int)script);
}

/* May this process ask Redis now? Of all that wait for a Redis that failed, one is let through to
 * try. */
static bool breaker_closed(struct store *store)
{
    int64_t now = clock_mono_ms();
    int64_t until;

    if (store->breaker == NULL)
        return true;
    until = atomic_load(&store->breaker->down_until_ms);
    if (until == 0)
        return true;
    return now >= until && atomic_compare_exchange_strong(&store->breaker->down_until_ms, &until,
                                                          now + store->timeout_ms);
}

/* Gives the connection up, to which `reason` may belong, tells the others to wait for a while, and
 * reports STORE_DOWN. */
static enum store_status down(struct store *store, const char *reason, bool late)
{
    if (!store->was_down)
        log_warn("Redis is not reachable reason=\"%s\"", reason);
    store->was_down = true;
    meter_add(&store->trips->errors[late ? TRIPS_LATE : trips_error(reason, TRIPS_LOST)], 1);
    link_close(store->link);
    store->link = NULL;
    if (store->breaker != NULL)
        atomic_store(&store->breaker->down_until_ms,
                     clock_mono_ms() + (late ? TIMEOUT_REST_MS : REFUSED_REST_MS));
    return STORE_DOWN;
}

static void up(struct store *store, int64_t begun_us, redisReply *const *replies)
{
    int64_t now_us = clock_mono_us();

    if (store->was_down)
        log_info("Redis answers again");
    store->was_down = false;
    store->used_ms = now_us / 1000;
    if (store->breaker != NULL && atomic_load(&store->breaker->down_until_ms) != 0)
        atomic_store(&store->breaker->down_until_ms, 0);
    meter_observe(&store->trips->round, now_us - begun_us);
    for (size_t i = 0; i < store->count; i++)
        if (replies[i]->type == REDIS_REPLY_ERROR)
            trips_answered(store->trips, replies[i]->str);
}

/* A connection that has something to read while nothing is asked was closed by Redis in the
 * meantime. */
static void drop_stale(struct store *store)
{
    struct pollfd p = {.events = POLLIN};

    if (store->link == NULL || clock_mono_ms() - store->used_ms < FRESH_MS)
        return;
    p.fd = link_fd(store->link);
    if (poll(&p, 1, 0) > 0) {
        link_close(store->link);
        store->link = NULL;
    }
}

/* Waits for one reply. Returns NULL when the time is over or the connection lost; `late` tells
 * which. */
static redisReply *await(struct link *link, int64_t deadline_ms, bool *late)
{
    *late = false;
    for (;;) {
        redisReply *reply = NULL;
        struct pollfd p = {.fd = link_fd(link)};
        int64_t left_ms = deadline_ms - clock_mono_ms();
        int status = link_next(link, &reply);

        if (status != 0)
            return status > 0 ? reply : NULL;
        if (left_ms <= 0) {
            *late = true;
            return NULL;
        }
        p.events = link_events(link);
        if (poll(&p, 1, (int)left_ms) < 0 && errno != EINTR)
            return NULL;
        if ((p.revents & POLLOUT) && link_write(link) < 0)
            return NULL;
        if ((p.revents & (POLLIN | POLLHUP | POLLERR)) && link_read(link) < 0)
            return NULL;
    }
}

/* Why there was no reply. */
static const char *silence(const struct store *store, bool late)
{
    return late ? "no reply in time" : link_error(store->link);
}

/* Does Redis refuse everything, for as long as it reads its file or is no master? To each request
 * that is as good as not being there, and the others need not ask. Returns its words, or NULL. */
static const char *refusal(const redisReply *reply)
{
    static const char *const words[] = {"LOADING", "READONLY", "MASTERDOWN"};

    for (size_t i = 0; reply->type == REDIS_REPLY_ERROR && i < sizeof(words) / sizeof(words[0]);
         i++)
        if (strncmp(reply->str, words[i], strlen(words[i])) == 0)
            return words[i];
    return NULL;
}

/* Gives Redis all scripts: on a new connection, so that within a batch none is refused whose
 * followers are not, and when it has forgotten them. Returns NULL, or why that failed. */
static const char *introduce(struct store *store, int64_t deadline_ms, bool *late)
{
    for (int i = 0; i < SCRIPTS; i++)
        script_load(store->link, (enum script)i);
    link_write(store->link);
    for (int i = 0; i < SCRIPTS; i++) {
        redisReply *reply = await(store->link, deadline_ms, late);
        const char *reason;

        if (reply == NULL)
            return silence(store, *late);
        reason = refusal(reply);
        freeReplyObject(reply);
        if (reason != NULL)
            return reason;
    }
    return NULL;
}

/* Takes over the replies of a transaction, whose EXEC answered `all`: one that was refused leaves
 * what its commands were answered when they were queued. */
static void unpack(redisReply *all, redisReply **replies, const size_t *which, size_t count)
{
    if (all->type == REDIS_REPLY_ARRAY && all->elements == count)
        for (size_t i = 0; i < count; i++) {
            store_free(&replies[which[i]], 1);
            replies[which[i]] = all->element[i];
            all->element[i] = NULL;
        }
    freeReplyObject(all);
}

/* How many of the commands at the front go as a transaction: the scripts of a batch. Else Redis
 * could forget the scripts and another process load them in between, and those that are called
 * again would come behind their followers. */
static size_t count_together(const struct store *store, const size_t *which, size_t count)
{
    size_t scripts = 0;

    while (scripts < count && store->pending[which[scripts]].script != NO_SCRIPT)
        scripts++;
    return scripts > 1 ? scripts : 0;
}

/* Sends the commands `which`, in their order. */
static void say(struct store *store, const size_t *which, size_t count, size_t together)
{
    if (together > 0)
        link_command(store->link, 1, (const char *[]){"MULTI"}, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct pending *p = &store->pending[which[i]];

        link_append(store->link, p->formatted, p->len);
        if (i + 1 == together)
            link_command(store->link, 1, (const char *[]){"EXEC"}, NULL);
    }
    link_write(store->link);
}

/* Sends the commands `which`, in their order, and collects their replies in place of those that
 * stand there. Returns NULL, or why they cannot be had. */
static const char *call(struct store *store, redisReply **replies, const size_t *which,
                        size_t count, int64_t deadline_ms, bool *late)
{
    size_t together = count_together(store, which, count);
    redisReply *reply;

    say(store, which, count, together);
    if (together > 0) {
        reply = await(store->link, deadline_ms, late); /* MULTI's */
        if (reply == NULL)
            return silence(store, *late);
        freeReplyObject(reply);
    }
    for (size_t i = 0; i < count; i++) {
        reply = await(store->link, deadline_ms, late);
        if (reply == NULL)
            return silence(store, *late);
        store_free(&replies[which[i]], 1);
        replies[which[i]] = reply;
        if (refusal(reply) != NULL)
            return refusal(reply);
        if (i + 1 != together)
            continue;
        reply = await(store->link, deadline_ms, late);
        if (reply == NULL)
            return silence(store, *late);
        unpack(reply, replies, which, together);
        if (refusal(replies[which[0]]) != NULL)
            return refusal(replies[which[0]]);
    }
    return NULL;
}

static const char *exchange(struct store *store, redisReply **replies, int64_t deadline_ms,
                            bool *late)
{
    size_t *which = mem_alloc(store->count * sizeof(*which));
    size_t count = store->count, missing = 0;
    const char *reason;

    for (size_t i = 0; i < count; i++)
        which[i] = i;
    reason = call(store, replies, which, count, deadline_ms, late);
    for (size_t i = 0; reason == NULL && i < count; i++)
        if (store->pending[i].script != NO_SCRIPT && script_missing(replies[i]))
            which[missing++] = i;
    if (missing > 0)
        reason = introduce(store, deadline_ms, late);
    if (missing > 0 && reason == NULL)
        reason = call(store, replies, which, missing, deadline_ms, late);
    free(which);
    return reason;
}

enum store_status store_run(struct store *store, redisReply **replies, size_t max)
{
    int64_t begun_us = clock_mono_us(), deadline_ms = begun_us / 1000 + store->timeout_ms;
    enum store_status status = STORE_OK;
    const char *reason = NULL;
    char error[128];
    bool late = false;

    memset(replies, 0, max * sizeof(*replies));
    if (store->count > max || !breaker_closed(store)) {
        meter_add(&store->trips->errors[TRIPS_SPARED], 1);
        forget_pending(store);
        return STORE_DOWN;
    }
    drop_stale(store);
    if (store->link == NULL) {
        store->link = link_open(store->topology, store->timeout_ms, error);
        late = clock_mono_ms() >= deadline_ms;
        reason = store->link != NULL ? introduce(store, deadline_ms, &late) : error;
    }
    if (reason != NULL || (reason = exchange(store, replies, deadline_ms, &late)) != NULL)
        status = down(store, reason, late);
    else
        up(store, begun_us, replies);
    if (status != STORE_OK)
        store_free(replies, store->count);
    forget_pending(store);
    return status;
}

void store_free(redisReply **replies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (replies[i] != NULL)
            freeReplyObject(replies[i]);
        replies[i] = NULL;
    }
}

enum store_status store_reply_status(const redisReply *reply)
{
    static const struct {
        const char *word;
        enum store_status status;
    } errors[] = {
        {"REFUSED", STORE_REFUSED},
        {"OOM", STORE_FULL},
        {"MISCONF", STORE_FULL},
    };

    static int64_t next_line_ms;

    if (reply->type != REDIS_REPLY_ERROR)
        return STORE_OK;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strncmp(reply->str, errors[i].word, strlen(errors[i].word)) == 0)
            return errors[i].status;
    if (log_may(&next_line_ms))
        log_error("Redis refuses reply=\"%.200s\"", reply->str);
    return STORE_DOWN;
}

void store_refusal(const redisReply *reply, struct refusal *refusal)
{
    long long number = 0;

    *refusal = (struct refusal){{0}, 0};
    if (reply->type == REDIS_REPLY_ERROR &&
        sscanf(reply->str, "REFUSED %15s %lld", refusal->code, &number) == 2)
        refusal->number = number;
}

enum store_status store_ping(struct store *store)
{
    redisReply *reply = NULL;
    enum store_status status;

    store_command(store, 1, (const char *[]){"PING"}, NULL);
    status = store_run(store, &reply, 1);
    if (status != STORE_OK)
        return status;
    status = store_reply_status(reply);
    store_free(&reply, 1);
    /* PING is refused where writing is. */
    return status == STORE_FULL ? STORE_OK : status;
}
