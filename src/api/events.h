/* events.h - receiving: GET rooms/{r}/events, GET events.
 * Runs in: gate, which checks it; a hub answers.  Blocks: never. */
#ifndef EARSHOT_EVENTS_H
#define EARSHOT_EVENTS_H

#include "api/api.h"

api_handler events_get;      /* one room, of the path */
api_handler events_get_many; /* the rooms of the query */

#endif
