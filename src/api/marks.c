#include "api/marks.h"

#include <string.h>

#include "api/fields.h"

static const char nobody[] = "what is read is remembered of somebody: send a token";

#define ROOMS_MAX "500"

/* {"read": id or null, "unread": n, "last": id or null} without the braces; 0-0 is null. */
static void write_mark(struct buf *body, const redisReply *read, const redisReply *unread,
                       const redisReply *last)
{
    const redisReply *ids[] = {read, last};
    static const char *const names[] = {"read", "last"};

    for (int i = 0; i < 2; i++) {
        bool none = ids[i]->type != REDIS_REPLY_STRING || strcmp(ids[i]->str, "0-0") == 0;

        buf_printf(body, "\"%s\":%s%s%s,", names[i], none ? "" : "\"", none ? "null" : ids[i]->str,
                   none ? "" : "\"");
    }
    buf_printf(body, "\"unread\":%lld", unread->integer);
}

/* Reads the marker, or moves it and tells the room by the event. */
static void mark(struct api *api, const char *json, const char *id)
{
    redisReply *reply = NULL;
    struct buf *body;

    if (api_call(api, api->room, SCRIPT_MARK, 2, (const char *[]){json, id}, &reply) < 0)
        return;
    body = api_json(api, 200);
    buf_char(body, '{');
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3)
        write_mark(body, reply->element[0], reply->element[1], reply->element[2]);
    buf_str(body, "}\n");
    store_free(&reply, 1);
}

/* GET rooms/{r}/read - the caller's read marker. 200 {"read": id or null, "last": id or null,
 * "unread": messages behind it}. 401, 403, 404, 503. */
void marks_get(struct api *api)
{
    if (api_demand_user(api, nobody) == 0)
        mark(api, "", "");
}

/* PUT rooms/{r}/read - id= moves it up to a message, without one up to the newest; never back.
 * 200 as above. 400, 401, 403, 404, 503. */
void marks_put(struct api *api)
{
    static const char *const names[] = {"id", NULL};
    const char *values[FIELDS_MAX];
    struct event_id id;

    if (api_demand_user(api, nobody) < 0 || fields_read(api, names, values) < 0)
        return;
    if (values[0] != NULL && api_message_id(api, values[0], &id) < 0)
        return;
    mark(api, api_event(api, "read", NULL, NULL), values[0] != NULL ? values[0] : "");
}

/* GET unread - what is unread in all rooms of the caller: his inbox, then those that he wrote in,
 * marked as read, was invited to or was written to in, the last first, at most 500. 200 {"rooms":
 * [{"name", "read", "last", "unread"}], "unread": in all}. 401, 503. */
void marks_get_all(struct api *api)
{
    redisReply *reply = NULL;
    struct buf *body;
    long long sum = 0;
    size_t written = 0;

    if (api_demand_user(api, nobody) < 0 || api_resolve(api, api->room, "@me") < 0 ||
        api_call(api, api->room, SCRIPT_UNREAD, 1, (const char *[]){ROOMS_MAX}, &reply) < 0)
        return;
    body = api_json(api, 200);
    buf_str(body, "{\"rooms\":[");
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        redisReply **field = reply->element[i]->element;

        if (reply->element[i]->type != REDIS_REPLY_ARRAY || reply->element[i]->elements != 4 ||
            !policy_allows(api->identity, field[0]->str, RIGHT_READ))
            continue;
        buf_printf(body, "%s{\"name\":\"%s\",", written++ > 0 ? "," : "", field[0]->str);
        write_mark(body, field[1], field[2], field[3]);
        buf_char(body, '}');
        sum += field[2]->integer;
    }
    buf_printf(body, "],\"unread\":%lld}\n", sum);
    store_free(&reply, 1);
}
