/* history.h - reading what a room keeps: pages, one message, a thread.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_HISTORY_H
#define EARSHOT_HISTORY_H

#include "api/api.h"

api_handler history_get;
api_handler history_get_one;
api_handler history_get_replies;

#endif
