/* checkup.h - what is seen in single answers: headers, errors, methods, bodies, names, Redis.
 * Runs in: earshot command.  Blocks: yes, for seconds. */
#ifndef EARSHOT_CHECKUP_H
#define EARSHOT_CHECKUP_H

#include "cli/patient.h"

/* What needs no right anywhere. */
void checkup_run(struct patient *patient);

/* What only an admin is told of Redis; for others it says how to become one. */
void checkup_redis(struct patient *patient);

#endif
