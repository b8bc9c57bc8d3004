/* meters.h - what all gates, hubs and the supervisor of this daemon count, as Prometheus reads it.
 * Runs in: gate.  Blocks: never; with deep=1 as long as gate/canary.h does.
 * The names are for ever: dashboards and alerts stand upon them. No label is of a room or a user,
 * so that there are never more of them than routes, codes and forms. */
#ifndef EARSHOT_METERS_H
#define EARSHOT_METERS_H

#include <stddef.h>

#include "api/api.h"
#include "gate/canary.h"
#include "heritage.h"
#include "http/request.h"

struct scoreboard;

/* The row of ledger->requests for a request that leads to no route. */
size_t meters_row(enum method method);

/* Appends all families but those of the last deep check; appends those. */
void meters_write(struct buf *out, const struct scoreboard *board, int streams_max);
void meters_canary(struct buf *out, const struct canary_last *canary);

/* Fills the reply to GET metrics. */
void meters_reply(struct api *api, const struct heritage *heritage);

#endif
