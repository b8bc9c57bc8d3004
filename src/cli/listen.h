/* listen.h - earshot listen: prints what comes, and comes back after a cut.
 * Runs in: earshot command.  Blocks: yes. */
#ifndef EARSHOT_LISTEN_H
#define EARSHOT_LISTEN_H

#include <stddef.h>

#include "cli/options.h"

/* Listens to the rooms until the server ends it for good or `options->count` lines are printed.
 * Returns the exit status (cli.h). */
int listen_run(const struct options *options, char *const *rooms, size_t count);

#endif
