/* trips.h - what one process has of its dealings with Redis, counted.
 * Runs in: gate, hub.  Blocks: never.  No I/O. */
#ifndef EARSHOT_TRIPS_H
#define EARSHOT_TRIPS_H

#include "base/meter.h"

enum trips_error {
    TRIPS_LOST,    /* no connection, or one that broke */
    TRIPS_LATE,    /* no reply in time */
    TRIPS_REFUSED, /* LOADING, READONLY and the like: it does nothing for anybody just now */
    TRIPS_FULL,    /* no memory or disk left */
    TRIPS_WRONG,   /* any other error that it answers */
    TRIPS_SPARED,  /* not asked, since it has just failed another gate (breaker.h) */
    TRIPS_ERRORS
};

/* "lost", "late", ... */
extern const char *const trips_names[TRIPS_ERRORS];

struct trips {
    struct meter_histogram round; /* a gate: all that is asked at once; a hub: one question */
    meter errors[TRIPS_ERRORS];
};

/* Which error these words of Redis are; `otherwise` where they are none that stands above. */
enum trips_error trips_error(const char *words, enum trips_error otherwise);

/* Counts an error that Redis answers. What a script refuses, and that it has forgotten one, is
 * none. */
void trips_answered(struct trips *trips, const char *words);

#endif
