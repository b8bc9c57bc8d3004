/* name.h - the names of rooms, users and namespaces.
 * Runs in: gate, earshot command.  Blocks: never.  No I/O. */
#ifndef EARSHOT_NAME_H
#define EARSHOT_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_USER_MAX 64
#define NAME_ROOM_MAX 512 /* @user,user,...: up to seven users */

/* [A-Za-z0-9._-]{1,64} */
bool name_user_valid(const char *s);
bool name_namespace_valid(const char *s);

/* [A-Za-z0-9][A-Za-z0-9._-]{0,63}, or @user[,user...] with at least one user. */
bool name_room_valid(const char *s);

/* Writes the room's canonical name: `@me` becomes the user, users are sorted, each once. `user_id`
 * may be NULL (anonymous). Returns 0, or -1 when the name is no room's, or says `me` and nobody is
 * signed in. */
int name_room_resolve(char out[NAME_ROOM_MAX + 1], const char *name, const char *user_id);

/* Is this user one of those that a resolved @room names? */
bool name_room_has_user(const char *room, const char *user_id);

#endif
