/* hub.h - holds parked receives, thousands of them.
 * Runs in: hub.  Blocks: never. */
#ifndef EARSHOT_HUB_H
#define EARSHOT_HUB_H

struct heritage;

/* The life of a hub process; returns its exit status. On SIGTERM every stream gets `bye`, spread
 * over conf->drain_ms, then it ends; it ends at once when its supervisor dies. */
int hub_main(const struct heritage *heritage);

#endif
