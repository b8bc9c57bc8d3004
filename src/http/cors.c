#include "http/cors.h"

#include <string.h>

#include "http/reply.h"

bool cors_allowed(const struct conf *conf, const char *origin)
{
    for (int i = 0; origin != NULL && i < conf->origins_count; i++)
        if (strcmp(conf->origins[i], origin) == 0)
            return true;
    return false;
}

void cors_headers(struct buf *headers, const struct request *request, const struct conf *conf)
{
    reply_header_line(headers, "X-Request-Id", request->id);
    reply_header_line(headers, "X-Content-Type-Options", "nosniff");
    if (conf->origins_count > 0)
        reply_header_line(headers, "Vary", "Origin");
    if (!cors_allowed(conf, request->origin))
        return;
    reply_header_line(headers, "Access-Control-Allow-Origin", request->origin);
    reply_header_line(headers, "Access-Control-Allow-Credentials", "true");
    reply_header_line(headers, "Access-Control-Expose-Headers",
                      "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, "
                      "Retry-After, X-Request-Id");
}

void cors_preflight(struct buf *headers, const struct request *request, const struct conf *conf,
                    const char *methods)
{
    reply_header_line(headers, "Allow", methods);
    if (!cors_allowed(conf, request->origin))
        return;
    reply_header_line(headers, "Access-Control-Allow-Methods", methods);
    reply_header_line(
        headers, "Access-Control-Allow-Headers",
        "Accept, Authorization, Cache-Control, Content-Type, Idempotency-Key, If-Match, "
        "If-None-Match, Last-Event-ID, Traceparent, X-Request-Id");
    reply_header_line(headers, "Access-Control-Max-Age", "7200");
}
