/* hub.h - holds parked receives, thousands of them.
 * Runs in: hub.  Blocks: never. */
#ifndef EARSHOT_HUB_H
#define EARSHOT_HUB_H

#include <stdbool.h>

struct heritage;

/* The life of a hub process; returns its exit status. On SIGTERM every stream gets `bye`, spread
 * over conf->drain_ms, then it ends; it ends at once when its supervisor dies. */
int hub_main(const struct heritage *heritage);

/* A hub of one: takes what is in its inlet and ends when that has ended. What it tells of people
 * is told in the name of `holder`, which stands for one user; "" = in its own. SIGTERM ends it as
 * it ends a hub; SIGALRM comes when it hangs. Returns true when SIGTERM came, or it could not
 * start. */
bool hub_serve_one(const struct heritage *heritage, const char *holder);

#endif
