/* connections.h - admin/connections: the open receives, over all machines.
 * Runs in: gate.  Blocks: as inquire.h does. */
#ifndef EARSHOT_CONNECTIONS_H
#define EARSHOT_CONNECTIONS_H

#include "api/api.h"

api_handler connections_get;
api_handler connections_delete;

#endif
