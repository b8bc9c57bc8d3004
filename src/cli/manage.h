/* manage.h - earshot user, revoke and audit: what admins do.
 * Runs in: earshot command.  Blocks: yes.
 * Each returns the exit status (cli.h). All need a token with the role admin; where none is given,
 * and the configuration with jwt_secret can be read, one is made that lives for minutes. */
#ifndef EARSHOT_MANAGE_H
#define EARSHOT_MANAGE_H

#include "cli/options.h"

/* add, passwd, del or list, and the user (NULL with list). */
int manage_user(const struct options *options, const char *what, const char *user);

/* Takes all tokens of --user back, or the one of the jti --token-id. */
int manage_revoke(const struct options *options);

/* Prints who did what, the last first at the end; with --follow goes on as it is done. */
int manage_audit(const struct options *options);

#endif
