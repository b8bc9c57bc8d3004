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

/* GET readyz, GET health - Redis answers, too. 200 {"status":"ok"}, 503.
 * With deep=1 a canary is sent through Redis to every hub: 200 {"status":"ok","hubs":N,
 * "latency_ms":T}, T from the send until the last hub delivered it; 503 redis_unavailable,
 * redis_full, hub_silent (the detail says which hub) or check_running. One such check at a time a
 * daemon; its result is told again for a second. Within 1.5 s, or as long as Redis takes for a
 * command longer when it stops in the middle. 400 for another deep= than 0 or 1. */
void health_ready(struct api *api)
{
    int64_t deep = 0;

    if (api_query_number(api, "deep", 0, 1, &deep) < 0)
        return;
    if (deep == 1)
        api->deep = true;
    else if (!api_store_failed(api, store_ping(api->store), NULL))
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
