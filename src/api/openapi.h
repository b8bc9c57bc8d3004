/* openapi.h - the interface, said in OpenAPI 3.1: GET openapi.json.
 * Runs in: gate.  Blocks: never.
 * The document is src/api/openapi.json; a unit test holds it against the route table. */
#ifndef EARSHOT_OPENAPI_H
#define EARSHOT_OPENAPI_H

#include "api/api.h"

api_handler openapi_get;

#endif
