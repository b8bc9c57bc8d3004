/* dialect.h - how each peer is asked: what to write, and what its answers mean.
 * Runs in: load.  Blocks: never.
 * A listener's greeting is a row of steps: each writes something and ends with a reply or a text
 * in the stream. */
#ifndef BENCH_DIALECT_H
#define BENCH_DIALECT_H

#include "client.h"

enum dialect { DIALECT_EARSHOT, DIALECT_NCHAN, DIALECT_PHP, DIALECT_SOCKETIO };

/* Returns -1 when there is none of this name. */
int dialect_find(const char *name);

/* Writes what a listener's or publisher's step wants to say, if anything. */
void dialect_greet(enum dialect dialect, struct client *c);

/* A head came: takes the cursor of a long-poll. Returns false when the status is none that the
 * client can go on with. */
bool dialect_headed(enum dialect dialect, struct client *c, const char *head);

/* Payload came while the client is not ready: perhaps it is now, or the next step is due. */
void dialect_heard(enum dialect dialect, struct client *c, const char *data, size_t len);

/* A reply is whole. For a listener by long-poll: asks again. */
void dialect_replied(enum dialect dialect, struct client *c);

/* Answers the ping of engine.io. */
void dialect_pong(enum dialect dialect, struct client *c);

/* Publishes to a room. */
void dialect_publish(enum dialect dialect, struct client *c, uint32_t room, const char *text);

#endif
