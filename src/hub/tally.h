/* tally.h - what a hub counts of each site: streams, deliveries, bytes.
 * Runs in: hub.  Blocks: never.  No I/O.
 * A namespace that is not used for an hour is forgotten, and begins at 0 when it is again. */
#ifndef EARSHOT_TALLY_H
#define EARSHOT_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "event/figures.h"

#define TALLY_PAST 6 /* seconds by which rates are told */

struct hub;

struct tally {
    UT_hash_handle hh;
    struct hub *hub;
    uint64_t streams[FRAME_FORMS];          /* open now */
    uint64_t deliveries, bytes, cuts, gaps; /* since the hub knows this namespace */
    struct {
        int64_t ms; /* clock_mono_ms(); 0 = not yet */
        uint64_t deliveries, bytes;
    } past[TALLY_PAST];
    unsigned next; /* of past[], the oldest */
    int64_t used_ms;
    bool asking;      /* hub/watch.h: */
    bool again;       /* there were figures before */
    int64_t asked_ms; /* when; clock_mono_ms() */
    int64_t asked_us; /* clock_mono_us() */
    int64_t due_ms;   /* when it is told next */
    int64_t heard;    /* how many hubs were asked */
    char name[];
};

/* A stream of this namespace and form comes; and goes. */
struct tally *tally_join(struct hub *hub, const char *namespace, enum frame_form form);
void tally_leave(struct tally *tally, enum frame_form form);

/* So much was sent; so many events; a gap was told; a slow reader was cut. */
void tally_sent(struct tally *tally, size_t bytes);
void tally_delivered(struct tally *tally, uint64_t events);
void tally_gap(struct tally *tally);
void tally_cut(struct tally *tally);

/* An event goes out that Redis had at `since_ms`, by its clock, which on another machine may be
 * ahead of ours: it then took no time. *now_ms is 0 before the first of several. */
void tally_lag(struct hub *hub, int64_t *now_ms, int64_t since_ms);

/* What a receive is answered begins in the scratch buffer: a CGI response. */
void tally_answered(struct hub *hub);

/* Fills in what this hub counts of a namespace; the delay stays 0. */
void tally_read(struct hub *hub, const char *namespace, struct figures_part *part);

/* Once a second. */
void tally_tick(struct hub *hub, int64_t now_ms);
void tally_free_all(struct hub *hub);

#endif
