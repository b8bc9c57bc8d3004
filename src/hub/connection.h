/* connection.h - one parked receive: who waits, and what goes out to it.
 * Runs in: hub.  Blocks: never.
 * Owns the fd and the members that stand in rooms for it. States: docs/connection.dot.
 * Limits: conf->stream_queue_bytes behind in a room and conf->stream_stall_ms without progress;
 * past them it is cut. */
#ifndef EARSHOT_CONNECTION_H
#define EARSHOT_CONNECTION_H

#include <stdbool.h>

#include "event/parking.h"

struct connection;
struct hub;
struct wheel_timer;

enum connection_state {
    CONNECTION_STARTING, /* a room's position is not known yet */
    CONNECTION_OPEN,     /* delivers, or collects a long-poll's answer */
    CONNECTION_ENDING,   /* the last bytes are on their way */
    CONNECTION_CLOSED    /* waits for the loop to let go of it */
};

/* Takes a receive over: the fd (set to -1) and what the record says. */
void connection_create(struct hub *hub, int *fd, const struct parking *parking);

/* Takes it over and ends it at once: this hub is full. */
void connection_refuse(struct hub *hub, int *fd, const struct parking *parking);

/* A member's start is known now. When it was the last: says hello. Delivers what there is. */
void connection_started(struct connection *connection);

/* Sends what is new for it, as far as the socket takes it. */
void connection_pump(struct connection *connection);

/* Redis refuses to read one of its rooms: ends it with 503, or so that the client comes back. */
void connection_unreadable(struct connection *connection);

/* Ends all connections, each at a random time within `spread_ms`. */
void connection_bye_all(struct hub *hub, int64_t spread_ms);

/* Drops all connections at once. */
void connection_close_all(struct hub *hub);

/* The wheel's call: something is due for the connection of this timer. */
void connection_due(void *hub, struct wheel_timer *timer);

#endif
