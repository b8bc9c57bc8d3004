/* idle.h - do streams and long-polls live as long as they should, when nothing is said?
 * Runs in: earshot command.  Blocks: only in idle_finish(). */
#ifndef EARSHOT_IDLE_H
#define EARSHOT_IDLE_H

#include "cli/patient.h"

struct idle;

/* Opens a stream and a long-poll, to be looked at for `ms`; with options->whole, until the server
 * ends the stream. */
struct idle *idle_start(struct patient *patient, int64_t ms);

/* Waits for the rest of that time, says how they did, and frees. */
void idle_finish(struct idle *idle);

#endif
