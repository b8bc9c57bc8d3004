/* changes.h - what is done to a message: edit, delete, react.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_CHANGES_H
#define EARSHOT_CHANGES_H

#include "api/api.h"

api_handler changes_edit;
api_handler changes_delete;
api_handler changes_react;
api_handler changes_unreact;

#endif
