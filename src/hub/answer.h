/* answer.h - answers what all hubs are asked: who is connected, and what is counted; and ends a
 * connection.
 * Runs in: hub.  Blocks: never.
 * All hubs hear one channel, on which nothing is said unless an admin asks. The answer goes into a
 * key of Redis that lasts for seconds (store/lua/answer.lua).
 * Limit: 256 KiB an answer; what is over is counted, but not told. */
#ifndef EARSHOT_ANSWER_H
#define EARSHOT_ANSWER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

struct hub;

/* What the feed tells: it is up. */
void answer_up(struct hub *hub);

/* And what came on a channel that is no room's: `what` is "subscribe" or "message". Returns false
 * when it is not this one. */
bool answer_heard(struct hub *hub, const char *channel, const char *what,
                  const redisReply *payload);

#endif
