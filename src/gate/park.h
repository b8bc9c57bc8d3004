/* park.h - hands a receive over to a hub.
 * Runs in: gate.  Blocks: never. */
#ifndef EARSHOT_PARK_H
#define EARSHOT_PARK_H

#include "api/api.h"
#include "heritage.h"

/* Sends the record and the connection's descriptor to the hub with the fewest streams; to the next
 * where its inlet is full. Returns 0, or -1 when no hub takes it or conf->streams_max are open. The
 * descriptor stays the caller's. */
int park_send(const struct heritage *heritage, const struct parking *parking, int fd);

/* The same to one hub, whatever its load and however many streams are open. */
int park_offer(const struct heritage *heritage, int hub, const struct parking *parking, int fd);

/* Fills the reply to a receive that no hub takes: 503 with Retry-After; for sse 200 with a `retry:`
 * of 2 to 10 s and the end, since EventSource gives up for good on any other status (WHATWG
 * HTML, 9.2.3). */
void park_refuse(struct api *api);

#endif
