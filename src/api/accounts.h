/* accounts.h - POST auth/guest, auth/register, auth/login, auth/password.
 * Runs in: gate.  Blocks: as the store does, and as long as hashing a password takes. */
#ifndef EARSHOT_ACCOUNTS_H
#define EARSHOT_ACCOUNTS_H

#include "api/api.h"

/* Checks a new password. Returns 0, or -1 with the reply 400. */
int accounts_check_password(struct api *api, const char *name, const char *password);

/* Hashes one, when the machine has a core for it. Returns 0, or -1 with the reply 503. */
int accounts_hash(struct api *api, const char *password, char hash[PASSWORD_HASH]);

api_handler accounts_guest;
api_handler accounts_register;
api_handler accounts_login;
api_handler accounts_password;

#endif
