/* rooms.h - the rooms: GET rooms, and GET, PUT, DELETE rooms/{r}.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_ROOMS_H
#define EARSHOT_ROOMS_H

#include "api/api.h"

api_handler rooms_get;
api_handler rooms_get_one;
api_handler rooms_put;
api_handler rooms_delete;

#endif
