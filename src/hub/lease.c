#include "hub/lease.h"

#include <stdio.h>

#include "base/clock.h"
#include "hub/room.h"
#include "hub/state.h"
#include "store/keys.h"

#define LEASE_MS 60000
#define RENEW_MS 20000
#define PAUSE_MS 50

void lease_changed(struct room *room)
{
    if (room->lease_due)
        return;
    room->lease_due = true;
    TAILQ_INSERT_TAIL(&room->hub->leases, room, in_leases);
}

void lease_tick(struct room *room, int64_t now_ms)
{
    if (room->members_count > 0 && now_ms - room->leased_ms > RENEW_MS)
        lease_changed(room);
}

static void tell(struct room *room)
{
    struct hub *hub = room->hub;
    char key[KEY_MAX], lease[64], ttl[24];

    key_listeners(key, room->namespace, room->name);
    if (room->members_count == 0) {
        ask_command(&hub->ask, 3, (const char *[]){"HDEL", key, hub->id});
        return;
    }
    snprintf(lease, sizeof(lease), "%u:%lld", room->members_count,
             (long long)(clock_wall_ms() + LEASE_MS));
    snprintf(ttl, sizeof(ttl), "%d", 2 * LEASE_MS);
    ask_command(&hub->ask, 4, (const char *[]){"HSET", key, hub->id, lease});
    ask_command(&hub->ask, 3, (const char *[]){"PEXPIRE", key, ttl});
}

void lease_flush(struct hub *hub, int64_t now_ms)
{
    struct room *room, *next;

    /* While Redis is away this would only pile up; the number at its return is what counts. */
    if (!hub->ask.wire.ready)
        return;
    for (room = TAILQ_FIRST(&hub->leases); room != NULL; room = next) {
        next = TAILQ_NEXT(room, in_leases);
        if (now_ms - room->leased_ms < PAUSE_MS)
            continue;
        TAILQ_REMOVE(&hub->leases, room, in_leases);
        room->lease_due = false;
        room->leased_ms = now_ms;
        tell(room);
    }
}
