/* reach.h - is earshot there at all, and if not, what is?
 * Runs in: earshot command.  Blocks: yes. */
#ifndef EARSHOT_REACH_H
#define EARSHOT_REACH_H

#include "cli/patient.h"

/* Finds the server behind patient->base, which a redirect within the site may change, and
 * recognises the web server. Says what is wrong. Returns CLI_DONE, or the exit status where nothing
 * more can be examined: CLI_REFUSED when that is for the site to mend, CLI_USAGE when the URL is
 * not one of earshot's, CLI_UNREACHABLE when nothing answers. No token is sent. */
int reach_run(struct patient *patient);

#endif
