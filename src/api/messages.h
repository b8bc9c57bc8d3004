/* messages.h - sending: POST rooms/{r}/messages.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_MESSAGES_H
#define EARSHOT_MESSAGES_H

#include "api/api.h"

api_handler messages_post;
api_handler messages_post_user;

#endif
