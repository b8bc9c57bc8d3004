/* lease.h - tells Redis how many streams are open on each room of this hub.
 * Runs in: hub.  Blocks: never.
 * A lease is a field of the room's listeners hash, named by the hub: "count:expiry". A hub that is
 * killed leaves none that lasts: it expires by itself. */
#ifndef EARSHOT_LEASE_H
#define EARSHOT_LEASE_H

#include <stdint.h>

struct hub;
struct room;

/* The number of listeners has changed. Redis is told of more at the end of this turn, and within a
 * second while it goes on; of fewer after a second, for a storm of readers who come back must not
 * become one of commands. */
void lease_changed(struct room *room);

/* Renews the lease when it is time. */
void lease_tick(struct room *room, int64_t now_ms);

/* Tells Redis all that is due. */
void lease_flush(struct hub *hub, int64_t now_ms);

#endif
