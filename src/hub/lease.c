#include "hub/lease.h"

#include <stdio.h>

#include "base/clock.h"
#include "hub/room.h"
#include "hub/state.h"
#include "store/keys.h"

#define LEASE_MS 60000
#define RENEW_MS 20000
#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 1000

void lease_changed(struct room *room)
{
    if (room->lease_due)
        return;
    room->lease_due = true;
    room->lease_due_ms = clock_mono_ms();
    TAILQ_INSERT_TAIL(&room->hub->leases, room, in_leases);
}

void lease_tick(struct room *room, int64_t now_ms)
{
    if (room->members_count > 0 && now_ms - room->leased_ms > RENEW_MS)
        lease_changed(room);
}

/* A change is told at once; while it goes on, as when a storm of readers comes back, less and less
 * often. */
static void set_pause(struct room *room, int64_t since_ms)
{
    unsigned pause_ms = room->lease_pause_ms > 0 ? room->lease_pause_ms : PAUSE_MIN_MS;

    if (since_ms > 2 * (int64_t)pause_ms)
        pause_ms = PAUSE_MIN_MS;
    else if (pause_ms < PAUSE_MAX_MS)
        pause_ms *= 2;
    room->lease_pause_ms = (unsigned short)pause_ms;
}

static void tell(struct room *room, int64_t now_ms)
{
    struct hub *hub = room->hub;
    char key[KEY_MAX], lease[64], ttl[24];

    key_listeners(key, room->namespace, room->name);
    if (room->members_count == 0) {
        ask_command(&hub->ask, 3, (const char *[]){"HDEL", key, hub->id});
        room->kept_ms = 0; /* with the last field the key goes, and its expiry */
        return;
    }
    snprintf(lease, sizeof(lease), "%u:%lld", room->members_count,
             (long long)(clock_wall_ms() + LEASE_MS));
    snprintf(ttl, sizeof(ttl), "%d", 2 * LEASE_MS);
    ask_command(&hub->ask, 4, (const char *[]){"HSET", key, hub->id, lease});
    if (room->kept_ms != 0 && now_ms - room->kept_ms < RENEW_MS)
        return;
    room->kept_ms = now_ms;
    ask_command(&hub->ask, 3, (const char *[]){"PEXPIRE", key, ttl});
}

/* May it be told yet? Fewer than was told are kept back for a second: most who leave come back, and
 * a storm of them then has nothing to tell. */
static bool is_time(const struct room *room, int64_t now_ms)
{
    if (room->members_count < room->leased_count)
        return now_ms - room->lease_due_ms >= PAUSE_MAX_MS;
    return now_ms - room->leased_ms >= room->lease_pause_ms;
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
        if (room->members_count == room->leased_count && now_ms - room->leased_ms <= RENEW_MS)
            continue;
        set_pause(room, now_ms - room->leased_ms);
        room->leased_ms = now_ms;
        room->leased_count = room->members_count;
        tell(room, now_ms);
    }
}
