#include "api/openapi.h"

#include <string.h>

/* The build makes it of openapi.json: static const char document[]. */
#include "api/openapi.inc"

/* GET openapi.json - this interface, as a document for programs. 200, ETag. 304. */
void openapi_get(struct api *api)
{
    buf_append(api_json(api, 200), document, sizeof(document) - 1);
    api_etag(api);
}
