#include "api/health.h"

/* The build system knows it; a file compiled by hand does not. */
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

static void ok(struct api *api, const char *body)
{
    api->reply->status = 200;
    api->reply->content_type = "application/json";
    buf_str(&api->reply->body, body);
}

/* GET livez - a gate answers; Redis is not asked. 200 {"status":"ok"}. */
void health_live(struct api *api)
{
    ok(api, "{\"status\":\"ok\"}\n");
}

/* GET readyz, GET health - Redis answers, too. 200 {"status":"ok"}, 400 for deep=, 503. */
void health_ready(struct api *api)
{
    /* Better no answer than one that looks like a deeper look. */
    if (request_query(api->request, "deep") != NULL)
        api_fail(api, 400, "parameter_invalid", "deep= is not offered");
    else if (!api_store_failed(api, store_ping(api->store)))
        ok(api, "{\"status\":\"ok\"}\n");
}

/* GET / - what this is, and where to go on; the links are relative to it. 200. */
void health_about(struct api *api)
{
    ok(api,
       "{\"name\":\"earshot\",\"version\":\"" PACKAGE_VERSION "\",\"links\":{\"rooms\":\"rooms\","
       "\"messages\":\"rooms/{room}/messages\",\"events\":\"rooms/{room}/events\","
       "\"many\":\"events?room={room}\",\"health\":\"health\"}}\n");
}
