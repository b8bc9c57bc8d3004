/* marks.h - what one has read: GET, PUT rooms/{r}/read, GET unread.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_MARKS_H
#define EARSHOT_MARKS_H

#include "api/api.h"

api_handler marks_get;
api_handler marks_put;
api_handler marks_get_all;

#endif
