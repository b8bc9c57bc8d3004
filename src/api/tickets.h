/* tickets.h - POST auth/ticket: what an EventSource, which sends no headers, is let in by.
 * Runs in: gate.  Blocks: as the store does.
 * A ticket is a random word for a token and some rooms, good once within 30 s, and for receives
 * only: a URL ends in logs, but by then it is worth nothing. */
#ifndef EARSHOT_TICKETS_H
#define EARSHOT_TICKETS_H

#include "api/api.h"

api_handler tickets_post;

/* The ticket that the request comes with, or NULL: where it is a receive. */
const char *tickets_find(const struct request *request);

/* Takes the ticket: fills in whom it is of, as one who may read its rooms and nothing else. Returns
 * 0, or -1 with the reply 401. */
int tickets_redeem(struct api *api, const char *ticket, struct identity *out);

#endif
