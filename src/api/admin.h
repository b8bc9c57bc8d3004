/* admin.h - what admins see of the whole site: GET admin/stats.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_ADMIN_H
#define EARSHOT_ADMIN_H

#include "api/api.h"

api_handler admin_stats;
api_handler admin_figures;
api_handler admin_figures_events;

#endif
