/* users.h - accounts, as admins see them: GET admin/users; PUT, DELETE admin/users/{u}.
 * Runs in: gate.  Blocks: as the store does, and as long as hashing a password takes. */
#ifndef EARSHOT_USERS_H
#define EARSHOT_USERS_H

#include "api/api.h"

api_handler users_get;
api_handler users_put;
api_handler users_delete;

#endif
