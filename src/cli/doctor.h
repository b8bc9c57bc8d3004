/* doctor.h - earshot doctor: what is wrong between a client and earshot, and the line that mends
 * it. Runs in: earshot command.  Blocks: yes, for half a minute, or as the options say. */
#ifndef EARSHOT_DOCTOR_H
#define EARSHOT_DOCTOR_H

#include "cli/options.h"

/* Examines the server at `url` (NULL: the options', else the environment's). Returns CLI_DONE when
 * all is well, CLI_REFUSED when something is wrong, CLI_USAGE when the URL is not one of earshot's,
 * CLI_UNREACHABLE when no server answers. */
int doctor_run(const struct options *options, const char *url);

#endif
