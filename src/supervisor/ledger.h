/* ledger.h - what workers count, for the metrics (gate/meters.h).
 * Runs in: gate, hub (each writes its own), gate (adds all up).  Blocks: never.
 * One a slot of the scoreboard. It belongs to the slot, not to the worker: the next one that takes
 * the slot counts on, so that no sum ever falls because a worker has died. */
#ifndef EARSHOT_LEDGER_H
#define EARSHOT_LEDGER_H

#include "base/meter.h"
#include "event/frame.h"
#include "store/trips.h"

#define LEDGER_ROUTES 96 /* rows of gate/route.c, and some for what leads to none */
#define LEDGER_GROUPS 10 /* enum route_group */
#define LEDGER_CODES 26
#define LEDGER_PARKED 0 /* the code of a request whose reply is a hub's */

struct ledger {
    /* Of gates: */
    meter requests[LEDGER_ROUTES][LEDGER_CODES];
    struct meter_histogram durations[LEDGER_GROUPS];
    meter reply_bytes;
    meter messages; /* stored, or published where they are ephemeral */
    meter limited;  /* sends and sign-ins that were too many */
    meter full;     /* receives that no hub took */
    struct trips gate_trips;
    /* Of hubs: */
    meter receives[FRAME_FORMS]; /* taken over */
    meter answers[LEDGER_CODES]; /* what they were answered */
    meter deliveries, bytes, cuts, gaps;
    struct meter_histogram lag; /* from an event's time in Redis to its write to one listener */
    meter ahead;                /* of these, with a time that is yet to come: 0 was counted */
    struct trips hub_trips;
};

/* Where a status stands among the codes; what is not foreseen stands at the last. */
int ledger_code(int status);

/* The status of a code: "200"; "parked", "other". */
const char *ledger_code_name(int code);

/* Adds all that one has counted to a sum of the caller's own. */
void ledger_sum(struct ledger *sum, const struct ledger *ledger);

#endif
