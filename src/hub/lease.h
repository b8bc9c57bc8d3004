/* lease.h - tells Redis how many streams are open on each room of this hub, and who is there.
 * Runs in: hub.  Blocks: never.
 * By store/lua/here.lua. The number counts for a minute, renewed every 20 s, under an id that the
 * hub's successor inherits; people count for 12 s, renewed every 4 s, under an id of this process.
 * So a hub that is killed leaves nothing that lasts, and at a clean end nothing is said of people:
 * by then they are at another hub, or their lease ends. */
#ifndef EARSHOT_LEASE_H
#define EARSHOT_LEASE_H

#include <stdint.h>

struct hub;
struct room;

/* The number of listeners, or who they are, has changed. Redis is told of more, and of people, at
 * the end of this turn, of more and more within a second while it goes on; of fewer after a second,
 * for a storm of readers who come back must not become one of commands. */
void lease_changed(struct room *room);

/* Renews the leases when it is time. */
void lease_tick(struct room *room, int64_t now_ms);

/* Tells Redis all that is due. */
void lease_flush(struct hub *hub, int64_t now_ms);

/* The hub ends: tells that it has no streams any more where it had some. */
void lease_end(struct hub *hub);

#endif
