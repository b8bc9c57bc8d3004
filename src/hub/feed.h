/* feed.h - the hub's one subscription connection.
 * Runs in: hub.  Blocks: never.
 * One subscription a room, however many listen, and one a namespace for hub/control.h. After a loss
 * every room is subscribed again, and each then asks for what it missed. A PING shows a Redis that
 * hangs. */
#ifndef EARSHOT_FEED_H
#define EARSHOT_FEED_H

#include "hub/wire.h"

struct hub;
struct room;

struct feed {
    struct wire wire;
    int64_t pinged_ms; /* when the last PING was sent */
};

void feed_open(struct feed *feed, struct hub *hub, const struct topology *topology,
               int64_t timeout_ms);
void feed_close(struct feed *feed);

/* Subscribes to a channel, or no longer. While the wire is down this is for when it is up again. */
void feed_subscribe(struct feed *feed, const char *channel);
void feed_unsubscribe(struct feed *feed, const char *channel);

/* The same for a room's. */
void feed_subscribe_room(struct feed *feed, const struct room *room);
void feed_unsubscribe_room(struct feed *feed, const struct room *room);

void feed_tick(struct feed *feed, int64_t now_ms);
void feed_flush(struct feed *feed);

#endif
