/* metrics.h - who may read what is counted.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_METRICS_H
#define EARSHOT_METRICS_H

#include "api/api.h"

/* Does it ask for the metrics with the secret of conf->metrics_token, which is no token of a user?
 */
bool metrics_has_secret(const struct request *request, const struct conf *conf);

api_handler metrics_get;

#endif
