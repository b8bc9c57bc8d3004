/* person.h - what somebody may be called.
 * Runs in: gate.  Blocks: never.  No I/O.
 * A display name belongs to one person of a site, guest or account: what looks the same but for
 * case and blanks is the same name. */
#ifndef EARSHOT_PERSON_H
#define EARSHOT_PERSON_H

#include "api/api.h"

#define PERSON_NAME_MAX 64

/* The name as it is shown: no blanks around it, one at a time within, in the arena. NULL where it
 * is none: empty, over 64 bytes, control characters, or those that are not seen or turn the text
 * around. */
const char *person_name(struct arena *arena, const char *text);

/* The name as it is compared: in small letters (ASCII). */
const char *person_fold(struct arena *arena, const char *name);

/* Reads a name that the caller gave (NULL = none), or says why it is none. Returns 0, or -1 with
 * the reply 400. */
int person_read(struct api *api, const char *text, const char **name);

/* Is it the id of an account: a user id, but no guest's, and not me? Returns 0, or -1 with the
 * reply 400. */
int person_check_id(struct api *api, const char *id);

/* A new guest's user id, in the arena. */
const char *person_guest(struct arena *arena);

/* The folded name of the caller, "" where he is no guest. */
const char *person_guest_name(const struct api *api);

#endif
