#include "api/api.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ETAG_BYTES 16

void api_fail(struct api *api, int status, const char *code, const char *format, ...)
{
    struct problem problem = {status, code, NULL};
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem.detail = text;
    reply_problem(api->reply, &problem, api->request->id);
}

struct problem api_store_problem(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return (struct problem){0, NULL, NULL};
    case STORE_MISSING:
        return (struct problem){404, "not_found", "there is no such thing in this room"};
    case STORE_CONFLICT:
        return (struct problem){422, "idempotency_conflict",
                                "this Idempotency-Key was used before with another body"};
    case STORE_FULL:
        return (struct problem){
            507, "redis_full",
            "Redis has no memory or disk left; nothing was stored. Reading goes on"};
    default:
        return (struct problem){503, "redis_unavailable",
                                "Redis does not answer; try again soon. A send that has an "
                                "Idempotency-Key may safely be tried again with the same key"};
    }
}

bool api_store_failed(struct api *api, enum store_status status)
{
    struct problem problem = api_store_problem(status);

    if (status == STORE_OK || status == STORE_MISSING)
        return false;
    reply_problem(api->reply, &problem, api->request->id);
    api_retry_after(api);
    return true;
}

/* Memory and disk seldom come back within a second: somebody must see to it. */
void api_retry_after(struct api *api)
{
    if (api->reply->status == 503)
        reply_header(api->reply, "Retry-After", "1");
    else if (api->reply->status == 507)
        reply_header(api->reply, "Retry-After", "5");
}

int api_resolve(struct api *api, char out[NAME_ROOM_MAX + 1], const char *name)
{
    if (name_room_resolve(out, name, api->identity->user_id) == 0)
        return 0;
    if (name_room_valid(name) && api->identity->user_id == NULL) {
        api_fail(api, 401, "token_missing", "@me is the inbox of who is signed in: send a token");
        reply_header(api->reply, "WWW-Authenticate", "Bearer realm=\"earshot\"");
        return -1;
    }
    api_fail(
        api, 400, "room_name_invalid",
        "a room's name is [A-Za-z0-9][A-Za-z0-9._-]{0,63}, or @user[,user...] with up to seven "
        "users of [A-Za-z0-9._-]{1,64}");
    return -1;
}

int api_demand(struct api *api, const char *room, enum right right)
{
    const char *verb = right == RIGHT_READ    ? "read"
                       : right == RIGHT_WRITE ? "write in"
                                              : "moderate";

    if (policy_allows(api->identity, room, right))
        return 0;
    if (api->identity->user_id == NULL) {
        api_fail(api, 401, "token_missing", "to %s %s you need a token", verb, room);
        reply_header(api->reply, "WWW-Authenticate", "Bearer realm=\"earshot\"");
    } else {
        api_fail(api, 403, "right_missing", "%s may not %s %s", api->identity->user_id, verb, room);
    }
    return -1;
}

int api_query(struct api *api, const char *name, const char **value)
{
    *value = request_query(api->request, name);
    if (request_query_all(api->request, name, NULL, 0) <= 1)
        return 0;
    api_fail(api, 400, "parameter_duplicate", "%s= may be given once", name);
    return -1;
}

int api_query_number(struct api *api, const char *name, int64_t least, int64_t most, int64_t *value)
{
    const char *text;
    int64_t number = 0;
    size_t len;

    if (api_query(api, name, &text) < 0)
        return -1;
    if (text == NULL)
        return 0;
    len = strlen(text);
    for (size_t i = 0; i < len && len <= 18; i++)
        number = number * 10 + (text[i] - '0');
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len || number < least ||
        number > most) {
        api_fail(api, 400, "parameter_invalid", "%s= must be a whole number from %lld to %lld",
                 name, (long long)least, (long long)most);
        return -1;
    }
    *value = number;
    return 0;
}

/* Is the tag in the list? Weak comparison, as RFC 9110, 13.1.2 wants it. */
static bool matches(const char *list, const char *tag)
{
    size_t tag_len = strlen(tag);

    for (const char *s = list; s != NULL && *s != '\0'; s += strcspn(s, ",")) {
        size_t len;

        s += strspn(s, ", \t");
        if (strncmp(s, "W/", 2) == 0)
            s += 2;
        len = strcspn(s, ", \t");
        if ((len == 1 && *s == '*') || (len == tag_len && memcmp(s, tag, len) == 0))
            return true;
    }
    return false;
}

void api_etag(struct api *api)
{
    unsigned char hash[ETAG_BYTES];
    char text[ETAG_BYTES * 2 + 1];
    const char *tag;

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)api->reply->body.data,
                       api->reply->body.len, NULL, 0);
    tag =
        arena_printf(api->arena, "\"%s\"", sodium_bin2hex(text, sizeof(text), hash, sizeof(hash)));
    reply_header(api->reply, "ETag", tag);
    api->reply->cache_control = "private, no-cache";
    if (matches(api->request->if_none_match, tag))
        api->reply->status = 304;
}
