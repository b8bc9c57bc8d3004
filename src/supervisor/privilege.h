/* privilege.h - from root to the configured user.
 * Runs in: supervisor, before the first fork.  Blocks: as long as the user data base does. */
#ifndef EARSHOT_PRIVILEGE_H
#define EARSHOT_PRIVILEGE_H

#include <sys/types.h>

/* The ids of a user. Returns 0, or -1 with one line in `error`. */
int privilege_find(const char *user, uid_t *uid, gid_t *gid, char error[512]);

/* Becomes the user with its groups, for good. Without root there is nothing to give up: 0 and a
 * warning where the user is another one. Returns 0, or -1 with one line in `error`. */
int privilege_drop(const char *user, char error[512]);

#endif
