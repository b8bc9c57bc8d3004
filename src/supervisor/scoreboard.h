/* scoreboard.h - what every worker is doing, in memory that all share.
 * Runs in: supervisor (makes, reads), every worker (writes its own slot).  Blocks: never.
 * One writer a slot, so plain atomic stores do; metrics read without a lock. What a slot says is of
 * the worker that has it; what its ledger counts is of all that ever had it. */
#ifndef EARSHOT_SCOREBOARD_H
#define EARSHOT_SCOREBOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "auth/password.h"
#include "store/breaker.h"
#include "supervisor/ledger.h"

#define SCOREBOARD_SLOTS 512
#define SCOREBOARD_RENEW_MS 1000 /* how often a hub and an idle gate say that they are well */

enum slot_role { SLOT_FREE, SLOT_GATE, SLOT_HUB };
enum slot_state { SLOT_STARTING, SLOT_IDLE, SLOT_BUSY, SLOT_DRAINING };

struct slot {
    _Atomic int pid;
    _Atomic int role;         /* enum slot_role */
    _Atomic int index;        /* the how-manieth gate or hub */
    _Atomic int state;        /* enum slot_state */
    _Atomic int64_t since_ms; /* clock_mono_ms() of the last change of state, or renewal */
    /* Of a hub, now: */
    meter streams;            /* open */
    meter forms[FRAME_FORMS]; /* of these */
    meter rooms;              /* with listeners */
};

/* What the last deep check of all hubs found (gate/canary.h). */
struct scoreboard_canary {
    _Atomic int64_t busy_until_ms; /* clock_mono_ms(); a gate is at it until then at most */
    _Atomic int64_t done_ms;       /* when it was done; 0 = never */
    _Atomic uint64_t verdict;
    _Atomic int waiting; /* gates */
};

/* What the supervisor counts of itself. */
struct scoreboard_life {
    meter started_ms;              /* wall clock */
    meter deaths[SLOT_HUB + 1];    /* of workers that were not told to end, by role */
    meter kills;                   /* of these, because they were stuck */
    meter reloads, reloads_failed; /* of the configuration */
    meter reload_failing;          /* 1: the last one failed */
    meter loaded_ms;               /* wall clock: since when this configuration holds */
};

struct scoreboard {
    uint64_t id; /* random, set when it is made: names all that share it */
    struct breaker redis;
    struct scoreboard_canary canary;
    struct scoreboard_life life;
    struct password_leases hashing; /* gates that hash a password */
    _Atomic int slots_used;         /* none behind them was ever taken */
    struct slot slots[SCOREBOARD_SLOTS];
    struct ledger ledgers[SCOREBOARD_SLOTS]; /* large, and apart: slots are looked at often */
};

/* Maps a scoreboard, zeroed but for its id, that children inherit. NULL when the system has no
 * memory. */
struct scoreboard *scoreboard_create(void);
void scoreboard_free(struct scoreboard *board);

/* A free slot for a worker about to be forked, or NULL. */
struct slot *scoreboard_take(struct scoreboard *board, enum slot_role role, int index);
void scoreboard_give_back(struct slot *slot);

/* Sets the state and its time. */
void scoreboard_state(struct slot *slot, enum slot_state state);

/* The ledger of a slot. */
struct ledger *scoreboard_ledger(struct scoreboard *board, const struct slot *slot);

/* Streams open over all hubs. */
uint64_t scoreboard_streams(const struct scoreboard *board);

#endif
