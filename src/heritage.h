/* heritage.h - all that a child inherits across fork.
 * Runs in: supervisor (fills it), every worker (reads it).  Blocks: never. */
#ifndef EARSHOT_HERITAGE_H
#define EARSHOT_HERITAGE_H

#define HERITAGE_HUBS_MAX 64
/* What a hub may have open besides its streams; more than it needs. */
#define HERITAGE_HUB_FILES 64

struct conf;
struct scoreboard;
struct slot;

struct heritage {
    const struct conf *conf;
    struct scoreboard *board;
    struct slot *slot; /* the worker's own */
    int index;         /* gate or hub number, from 0 */
    int listen_fd;     /* non-blocking; -1 in a hub */
    int hubs, gates;
    /* A SOCK_SEQPACKET pair a hub: gates send connections into [1], the hub takes them from [0].
     * The supervisor keeps both ends, so that what was sent survives the death of a hub. */
    int inlets[HERITAGE_HUBS_MAX][2];
    /* A SOCK_SEQPACKET pair for all generations: gates that are replaced put the connections which
     * the web server keeps into [1], those of the next generation take them from [0]. To close one
     * would fail the request that is just being sent on it. -1 in a hub. */
    int relay[2];
};

#endif
