/* cors.h - the headers that every reply has, those for other origins' pages among them.
 * Runs in: gate.  Blocks: never.  No I/O.
 * Fetch standard, 3.2 (CORS): an origin is allowed when it stands in conf->origins, byte for byte;
 * it is never reflected otherwise, and never "*", for cookies count. */
#ifndef EARSHOT_CORS_H
#define EARSHOT_CORS_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf.h"
#include "http/request.h"

/* Does this origin stand in the configuration? NULL does not. */
bool cors_allowed(const struct conf *conf, const char *origin);

/* Appends X-Request-Id, X-Content-Type-Options and, for an allowed origin, what lets its page read
 * the reply. Right for a gate's reply and for a parking record. */
void cors_headers(struct buf *headers, const struct request *request, const struct conf *conf);

/* Appends what OPTIONS answers: Allow, and the preflight's permissions for an allowed origin.
 * `methods` is a list as Allow has it. */
void cors_preflight(struct buf *headers, const struct request *request, const struct conf *conf,
                    const char *methods);

#endif
