/* connection.h - one parked receive: who waits, and what goes out to it.
 * Runs in: hub.  Blocks: never.
 * Owns the fd and the members that stand in rooms for it. States: docs/connection.dot.
 * Limits: conf->stream_queue_bytes behind in a room and conf->stream_stall_ms without progress;
 * past them it is cut. */
#ifndef EARSHOT_CONNECTION_H
#define EARSHOT_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

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

/* May its user read its rooms, and is his token good? Else ends it, without another event: by
 * `bye`, or by 204, 401, 403 or 404 where it has not begun. */
bool connection_judge(struct connection *connection);

/* Its token is taken back; its user is thrown out. A long-poll of who is thrown out gets an empty
 * answer: he may come back. */
void connection_revoke(struct connection *connection);
void connection_kick(struct connection *connection);

/* Its token was renewed, and ends then (wall clock, ms). */
void connection_renew(struct connection *connection, int64_t expires_ms);

/* Ends all connections, each at a random time within `spread_ms`. */
void connection_bye_all(struct hub *hub, int64_t spread_ms);

/* Drops all connections at once. */
void connection_close_all(struct hub *hub);

/* The wheel's call: something is due for the connection of this timer. */
void connection_due(void *hub, struct wheel_timer *timer);

#endif
