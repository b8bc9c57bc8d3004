/* health.h - is it alive, is it ready, what is it.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_HEALTH_H
#define EARSHOT_HEALTH_H

#include "api/api.h"

api_handler health_live;
api_handler health_ready;
api_handler health_about;

#endif
