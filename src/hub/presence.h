/* presence.h - who is in a room, by the streams and polls of this hub.
 * Runs in: hub.  Blocks: never.  No I/O.
 * A person is there from the first connection that is let in until PRESENCE_GRACE_MS after the last
 * one left: reloads of a page, the pauses between long-polls and the way to another hub are no
 * leaving. Rooms without signed-in listeners have none of this (NULL). A person takes about 150
 * bytes. What Redis knows of it is told by hub/lease.h. */
#ifndef EARSHOT_PRESENCE_H
#define EARSHOT_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

struct presence;

#define PRESENCE_GRACE_MS 8000

/* One more connection of this user; makes *people where there is none. */
void presence_enter(struct presence **people, const char *user, const char *name);

/* One less. With `at_once` nobody waits for him to come back: he was thrown out. */
void presence_leave(struct presence *people, const char *user, bool at_once, int64_t now_ms);

/* Is there something to tell now? */
bool presence_due(const struct presence *people, int64_t now_ms);

/* Takes one thing to tell: '+' or '-' with user and name, which stay valid until the next call; 0 =
 * no more. */
char presence_take(struct presence *people, int64_t now_ms, const char **user, const char **name);

/* Redis has lost what it was told: all who are there are to be told again. */
void presence_retell(struct presence *people);

/* Is nobody left, nor to be told of? */
bool presence_gone(const struct presence *people);

void presence_free(struct presence *people);

#endif
