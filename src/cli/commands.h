/* commands.h - earshot history, rooms and token.
 * Runs in: earshot command.  Blocks: yes.
 * Each returns the exit status (cli.h). */
#ifndef EARSHOT_COMMANDS_H
#define EARSHOT_COMMANDS_H

#include "base/buf.h"
#include "cli/options.h"

/* Prints the room's last messages, oldest first. */
int commands_history(const struct options *options, const char *room);

/* The same of what GET these segments (NULL at the end) gives; `last` (may be NULL) takes the id of
 * the newest. */
int commands_pages(const struct options *options, const char *const *segments, struct buf *last);

/* Prints the active public rooms. */
int commands_rooms(const struct options *options);

/* Prints a token, signed with the secret of the configuration. */
int commands_token(const struct options *options);

#endif
