/* control.h - tokens that are taken back or renewed while their streams are open.
 * Runs in: hub.  Blocks: never.
 * For each namespace with signed-in connections: a subscription to its control channel, and two
 * lists of Redis, read when the subscription stands: which tokens are revoked, and up to which
 * second all of a user are. Each entry takes about 140 bytes (100,000: 14 MB a hub). A namespace
 * that nobody signed in uses any more is let go after a minute. Limit: 250,000 entries a list; past
 * it what is revoked ends what is open, but is not remembered, and the log says so. */
#ifndef EARSHOT_CONTROL_H
#define EARSHOT_CONTROL_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

struct hub;
struct who;

/* A signed-in connection comes, and goes (as often as it likes). */
void control_join(struct hub *hub, const char *namespace, struct who *who);
void control_leave(struct who *who);

/* Are the lists of its namespace known? Until then nobody is let in. */
bool control_ready(const struct who *who);

/* Is its token taken back? */
bool control_revoked(const struct who *who);

/* What the feed tells: it is up or down, and what came on a channel that is no room's: `what` is
 * "subscribe" or "message". */
void control_up(struct hub *hub);
void control_down(struct hub *hub);
void control_heard(struct hub *hub, const char *channel, const char *what,
                   const redisReply *payload);

/* Ends what is revoked since the last turn: one look at the connections for all words of a turn. */
void control_flush(struct hub *hub);

/* Once a second: forgets what is over. */
void control_tick(struct hub *hub, int64_t now_ms);
void control_free_all(struct hub *hub);

#endif
