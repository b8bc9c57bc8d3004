/* people.h - who is in a room, and what they do there besides writing: presence, typing, signals.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_PEOPLE_H
#define EARSHOT_PEOPLE_H

#include "api/api.h"

api_handler people_get;
api_handler people_typing;
api_handler people_signal;

#endif
