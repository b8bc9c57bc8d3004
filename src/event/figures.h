/* figures.h - how all goes: what each hub counts of a site, added up, and how Redis is.
 * Runs in: gate (adds up), hub (counts, adds up).  Blocks: never.  No I/O. */
#ifndef EARSHOT_FIGURES_H
#define EARSHOT_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/census.h"
#include "event/frame.h"

#define FIGURES_ROOM "@!figures"
#define FIGURES_DAEMON 24
#define FIGURES_DAEMONS_MAX 256

/* What a hub counts. */
enum figure {
    FIGURE_STREAMS,                                   /* open now, by form: FRAME_FORMS of them */
    FIGURE_DELIVERIES = FIGURE_STREAMS + FRAME_FORMS, /* events, since the hub started; */
    FIGURE_BYTES,                                     /* of content; */
    FIGURE_CUTS,                                      /* slow readers; */
    FIGURE_GAPS,                                      /* that were told */
    FIGURE_DELIVERIES_RATE,                           /* in 1000 s, lately */
    FIGURE_BYTES_RATE,
    FIGURE_BLOCKED, /* streams whose socket does not take what waits, now */
    FIGURE_GATES,   /* of its daemon, */
    FIGURE_GATES_BUSY,
    FIGURE_DELAY_US, /* how long the question took to come; 0 = it came from another machine */
    FIGURES
};

struct figures_part {
    char daemon[FIGURES_DAEMON]; /* whose hub it is */
    uint64_t counts[FIGURES];
    struct census people, rooms;
};

struct figures_redis {
    bool reachable;
    double round_trip_ms; /* below 0: not known */
    int64_t used_memory, max_memory, evicted, clients, ops_per_second, uptime_s; /* -1 = unknown */
    char version[32];
    const char *aof; /* "on", "off", "failing" or NULL */
    char policy[32]; /* of eviction; "" = unknown */
    bool clock_known;
    int64_t clock_ahead_ms; /* of ours */
};

struct figures {
    uint64_t counts[FIGURES];
    struct census people, rooms;
    char daemons[FIGURES_DAEMONS_MAX][FIGURES_DAEMON];
    unsigned daemons_count;
    int64_t hubs_asked; /* -1 = unknown */
    unsigned hubs_answered;
    int64_t messages_today, messages_rate; /* in 1000 s; below 0: not known */
    struct figures_redis redis;
    const char *canary_reason; /* why there is no canary, where there is none */
};

/* As long as nothing is known. */
void figures_init(struct figures *figures);

/* Appends what a hub says: words, on one line. */
void figures_encode(struct buf *out, const struct figures_part *part);

/* Reads it. Returns 0, or -1 when it is not of this version. */
int figures_decode(struct figures_part *part, const char *text);

/* Adds one. */
void figures_add(struct figures *figures, const struct figures_part *part);

/* Reads what INFO says; `now_ms` is the wall time at which it was asked. */
void figures_read_info(struct figures_redis *redis, const char *info, int64_t now_ms);

/* Appends members of JSON, `"streams":{...},...`, and what is most of it in words. */
void figures_write(struct buf *out, const struct figures *figures);
void figures_say(struct buf *out, const struct figures *figures);

#endif
