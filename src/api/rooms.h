/* rooms.h - which rooms there are: GET rooms.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_ROOMS_H
#define EARSHOT_ROOMS_H

#include "api/api.h"

api_handler rooms_get;

#endif
