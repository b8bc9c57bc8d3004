/* state.h - what the parts of one hub share.
 * Runs in: hub.  Blocks: never. */
#ifndef EARSHOT_STATE_H
#define EARSHOT_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/buf.h"
#include "base/machine.h"
#include "hub/ask.h"
#include "hub/feed.h"
#include "hub/wheel.h"

struct conf;
struct connection;
struct ledger;
struct room;
struct scoreboard;
struct site;
struct slot;
struct tally;

struct hub {
    const struct conf *conf;
    struct slot *slot; /* in the scoreboard, and its ledger */
    struct ledger *ledger;
    const struct scoreboard *board;
    char id[24];   /* of this hub and its successors: names its leases in Redis */
    char self[24]; /* of this process alone: names it in answers */
    char
        people[24]; /* names the people that it has in Redis: as self, or as hub_serve_one() says */
    char label[96]; /* "host:pid", for people */
    char machine[MACHINE_TEXT];
    uv_loop_t loop;
    int64_t started_ms; /* clock_mono_ms(); wheel ticks count from here */
    struct wheel wheel;
    struct feed feed;
    struct ask ask;

    struct room *rooms;        /* uthash, by "namespace/room" */
    TAILQ_HEAD(, room) dirty;  /* rooms with something to deliver at the end of this turn */
    TAILQ_HEAD(, room) leases; /* rooms whose number of listeners is to be told to Redis */
    struct tally *tallies;     /* uthash, by namespace; hub/tally.h */
    struct site *sites;        /* uthash, by namespace; hub/control.h */
    LIST_HEAD(, connection) connections;
    unsigned connections_count;
    uint32_t serial; /* of the last connection that came */
    bool draining;
    bool alone; /* it is a hub of one */

    struct buf scratch; /* what one connection is about to be sent; empty between uses */
    struct buf line;    /* a cursor or a control event in the making; likewise */
};

/* The wheel's tick at which a time `in_ms` from now has passed. */
uint32_t hub_tick_in(const struct hub *hub, int64_t in_ms);

#endif
