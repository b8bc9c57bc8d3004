/* top.h - earshot top: how all goes, live.
 * Runs in: earshot command.  Blocks: yes. */
#ifndef EARSHOT_TOP_H
#define EARSHOT_TOP_H

#include "cli/options.h"

/* In a terminal a screen until q; else a line of words, or with --as ndjson of JSON, each two
 * seconds; with --once what it is now. Returns the exit status (cli.h). */
int top_run(const struct options *options);

#endif
