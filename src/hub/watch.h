/* watch.h - tells those who listen to the room @!figures how all goes, every two seconds.
 * Runs in: hub.  Blocks: never.
 * A hub that has such listeners asks all hubs, and tells its own what they said since it asked
 * last; while Redis is away, what it knows itself. A hub that has none does nothing. */
#ifndef EARSHOT_WATCH_H
#define EARSHOT_WATCH_H

#include <stdint.h>

struct hub;

/* Once a second. */
void watch_tick(struct hub *hub, int64_t now_ms);

#endif
