/* pacing.h - do streams arrive as they are sent, and uncompressed?
 * Runs in: earshot command.  Blocks: yes, for five seconds.
 * What it sends is ephemeral, into a room that nobody else knows. */
#ifndef EARSHOT_PACING_H
#define EARSHOT_PACING_H

#include "cli/patient.h"

void pacing_run(struct patient *patient);

#endif
