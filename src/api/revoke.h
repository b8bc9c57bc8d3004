/* revoke.h - POST admin/revoke, POST admin/kick.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_REVOKE_H
#define EARSHOT_REVOKE_H

#include "api/api.h"

api_handler revoke_post;
api_handler revoke_kick;

#endif
