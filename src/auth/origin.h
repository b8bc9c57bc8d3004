/* origin.h - did a page of ours ask this?
 * Runs in: gate.  Blocks: never.  No I/O.
 * A browser sends the cookie with whatever any page asks for, so a request that changes something
 * on the strength of a cookie must say where it comes from. */
#ifndef EARSHOT_ORIGIN_H
#define EARSHOT_ORIGIN_H

#include <stdbool.h>

#include "conf.h"
#include "http/request.h"

/* True when Sec-Fetch-Site (Fetch Metadata) is same-origin, or Origin (RFC 6454) is the scheme and
 * host that the request itself was sent to, or stands in conf->origins. */
bool origin_trusted(const struct request *request, const struct conf *conf);

/* True when the request tells that a page of another site asks it. One that tells nothing is a
 * program's, or an old browser's. */
bool origin_strange(const struct request *request, const struct conf *conf);

#endif
