#include "hub/lease.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "hub/presence.h"
#include "hub/room.h"
#include "hub/state.h"
#include "store/keys.h"

#define LEASE_MS "60000"
#define RENEW_MS 20000
#define PEOPLE_LEASE_MS "12000"
#define PEOPLE_RENEW_MS 4000
#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 1000
#define PAIRS_MAX 100
#define FIXED_ARGS 5

/* What the script answers. */
enum { HERE_STANDS = 1, HERE_SOMEBODY = 2 };

_Static_assert(FIXED_ARGS + 2 * PAIRS_MAX <= SCRIPT_ARGS_MAX, "a call has more words than fit");

/* Is there something to tell of people? */
static bool people_want(const struct room *room, int64_t now_ms)
{
    return room->people != NULL &&
           (presence_due(room->people, now_ms) || now_ms - room->people_ms >= PEOPLE_RENEW_MS);
}

void lease_changed(struct room *room)
{
    if (room->lease_due)
        return;
    room->lease_due = true;
    room->lease_due_ms = clock_mono_ms();
    TAILQ_INSERT_TAIL(&room->hub->leases, room, in_leases);
}

/* Where somebody is here by another hub, this one too sees to it that he is let go with that. */
static bool is_stale(const struct room *room, int64_t now_ms)
{
    return room->members_count > 0 &&
           now_ms - room->leased_ms > (room->others ? PEOPLE_RENEW_MS : RENEW_MS);
}

void lease_tick(struct room *room, int64_t now_ms)
{
    bool people = people_want(room, now_ms);

    if (people && room->people_lost) {
        room->people_lost = false;
        presence_retell(room->people);
    }
    if (people || is_stale(room, now_ms))
        lease_changed(room);
}

/* A change is told at once; while it goes on, as when a storm of readers comes back, less and less
 * often. */
static void set_pause(struct room *room, int64_t since_ms)
{
    unsigned pause_ms = room->lease_pause_ms > 0 ? room->lease_pause_ms : PAUSE_MIN_MS;

    if (since_ms > 2 * (int64_t)pause_ms)
        pause_ms = PAUSE_MIN_MS;
    else
        pause_ms = 2 * pause_ms < PAUSE_MAX_MS ? 2 * pause_ms : PAUSE_MAX_MS;
    room->lease_pause_ms = (unsigned short)pause_ms;
}

/* The script did nothing, since Redis is full, say: all is told again at the next renewal. */
static bool is_refused(struct room *room, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_INTEGER) {
        room->others = (reply->integer & HERE_SOMEBODY) != 0;
        return false;
    }
    log_debug("Redis refuses a lease reply=\"%.200s\"",
              reply->type == REDIS_REPLY_ERROR ? reply->str : "");
    room->people_lost = true;
    return true;
}

/* The first time that it is told of people: 0 is no loss. */
static void on_first(void *arg, const redisReply *reply)
{
    struct room *room = arg;

    room->asks--;
    is_refused(room, reply);
}

static void on_again(void *arg, const redisReply *reply)
{
    struct room *room = arg;

    room->asks--;
    if (is_refused(room, reply) || (reply->integer & HERE_STANDS) != 0 || room->people == NULL)
        return;
    log_debug("Redis has lost who is here room=%s", room->name);
    presence_retell(room->people);
    lease_changed(room);
}

/* Takes pairs to tell into `text`, each word with its NUL. Returns how many. */
static int take_pairs(struct presence *people, int64_t now_ms, struct buf *text)
{
    const char *user, *name;
    int count = 0;
    char what;

    while (count < PAIRS_MAX && (what = presence_take(people, now_ms, &user, &name)) != 0) {
        buf_char(text, what);
        buf_append(text, user, strlen(user) + 1);
        buf_append(text, name, strlen(name) + 1);
        count++;
    }
    return count;
}

/* One call; `pairs` of words stand in `text`. */
static void call(struct room *room, bool people_stay, int pairs, const char *text)
{
    struct hub *hub = room->hub;
    char key[KEY_MAX], count[16];
    const char *argv[FIXED_ARGS + 2 * PAIRS_MAX] = {hub->id, count, LEASE_MS, hub->people,
                                                    people_stay         ? PEOPLE_LEASE_MS
                                                    : room->people_told ? "0"
                                                                        : ""};

    for (int i = 0; i < 2 * pairs; i++) {
        argv[FIXED_ARGS + i] = text;
        text += strlen(text) + 1;
    }
    key_log(key, room->namespace, room->name);
    snprintf(count, sizeof(count), "%u", room->members_count);
    room->asks++;
    ask_script(&hub->ask, SCRIPT_HERE, key, FIXED_ARGS + 2 * pairs, argv,
               room->people_told ? on_again : on_first, room);
    room->people_told = people_stay;
}

static void tell(struct room *room, int64_t now_ms)
{
    struct buf text = BUF_INIT;

    if (room->people == NULL) {
        call(room, false, 0, "");
        return;
    }
    room->people_ms = now_ms;
    do {
        int pairs;

        buf_clear(&text);
        pairs = take_pairs(room->people, now_ms, &text);
        call(room, !presence_gone(room->people), pairs, text.data);
    } while (presence_due(room->people, now_ms));
    buf_free(&text);
    if (presence_gone(room->people)) {
        presence_free(room->people);
        room->people = NULL;
    }
}

/* May it be told yet? Fewer than was told are kept back for a second: most who leave come back, and
 * a storm of them then has nothing to tell. */
static bool is_time(const struct room *room, int64_t now_ms)
{
    if (people_want(room, now_ms))
        return true;
    if (room->members_count < room->leased_count)
        return now_ms - room->lease_due_ms >= PAUSE_MAX_MS;
    return now_ms - room->leased_ms >= room->lease_pause_ms;
}

static bool has_news(const struct room *room, int64_t now_ms)
{
    return room->members_count != room->leased_count || is_stale(room, now_ms) ||
           people_want(room, now_ms);
}

void lease_flush(struct hub *hub, int64_t now_ms)
{
    struct room *room, *next;

    /* While Redis is away this would only pile up; the number at its return is what counts. */
    if (!hub->ask.wire.ready)
        return;
    for (room = TAILQ_FIRST(&hub->leases); room != NULL; room = next) {
        next = TAILQ_NEXT(room, in_leases);
        if (!is_time(room, now_ms))
            continue;
        TAILQ_REMOVE(&hub->leases, room, in_leases);
        room->lease_due = false;
        if (!has_news(room, now_ms))
            continue;
        set_pause(room, now_ms - room->leased_ms);
        room->leased_ms = now_ms;
        room->leased_count = room->members_count;
        tell(room, now_ms);
    }
}

void lease_end(struct hub *hub)
{
    struct room *room;

    TAILQ_FOREACH (room, &hub->leases, in_leases)
        if (hub->ask.wire.ready && room->members_count != room->leased_count)
            call(room, room->people_told, 0, "");
}
