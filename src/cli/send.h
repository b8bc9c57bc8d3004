/* send.h - earshot send: one message, or a batch of them.
 * Runs in: earshot command.  Blocks: yes. */
#ifndef EARSHOT_SEND_H
#define EARSHOT_SEND_H

#include "cli/options.h"

/* Sends `text` to the room, or what standard input holds when it is NULL. Returns the exit status
 * (cli.h). */
int send_run(const struct options *options, const char *room, const char *text);

#endif
