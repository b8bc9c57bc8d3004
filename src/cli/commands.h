/* commands.h - earshot history, rooms and token.
 * Runs in: earshot command.  Blocks: yes.
 * Each returns the exit status (cli.h). */
#ifndef EARSHOT_COMMANDS_H
#define EARSHOT_COMMANDS_H

#include "cli/options.h"

/* Prints the room's last messages, oldest first. */
int commands_history(const struct options *options, const char *room);

/* Prints the active public rooms. */
int commands_rooms(const struct options *options);

/* Prints a token, signed with the secret of the configuration. */
int commands_token(const struct options *options);

#endif
