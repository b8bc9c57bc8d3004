#include "api/people.h"

#include <stdlib.h>
#include <string.h>

#include "api/draft.h"
#include "api/fields.h"
#include "base/clock.h"
#include "http/json.h"

static const char nobody[] = "who types, or signals, must be somebody: send a token";

static void write_person(struct buf *body, const redisReply *person)
{
    const redisReply *name = person->element[2];
    char since[CLOCK_TEXT];

    clock_format(since, strtoll(person->element[1]->str, NULL, 10));
    buf_printf(body, "{\"userId\":\"%s\",\"name\":", person->element[0]->str);
    buf_json(body, name->str, name->len);
    buf_printf(body, ",\"since\":\"%s\",\"typing\":%s}", since,
               person->element[3]->integer == 1 ? "true" : "false");
}

static bool is_person(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return true;
}

/* GET rooms/{r}/presence - who is there: a person once, however many streams are open.
 * 200 {"people": [{"userId", "name", "since", "typing"}], "online": open streams, those of the
 * anonymous too}. 401, 403, 404, 503. */
void people_get(struct api *api)
{
    redisReply *reply = NULL;
    struct buf *body;
    size_t written = 0;

    if (api_call(api, api->room, SCRIPT_PRESENCE, 0, NULL, &reply) < 0)
        return;
    body = api_json(api, 200);
    buf_str(body, "{\"people\":[");
    for (size_t i = 1; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        if (!is_person(reply->element[i]))
            continue;
        if (written++ > 0)
            buf_char(body, ',');
        write_person(body, reply->element[i]);
    }
    buf_printf(body, "],\"online\":%lld}\n",
               reply->type == REDIS_REPLY_ARRAY && reply->elements > 0
                   ? (long long)reply->element[0]->integer
                   : 0LL);
    store_free(&reply, 1);
}

/* Runs the script that says what is not kept. Returns 0, or -1 with the reply. */
static int say(struct api *api, const char *json, const char *what)
{
    const struct journal_limits limits = api_limits(api);
    const char *argv[] = {json, what, arena_number(api->arena, limits.every_ms),
                          arena_number(api->arena, limits.burst)};
    redisReply *reply = NULL;

    if (api_call(api, api->room, SCRIPT_SAY, 4, argv, &reply) < 0)
        return -1;
    store_free(&reply, 1);
    return 0;
}

/* POST rooms/{r}/typing - typing=true: the caller types, for ten seconds or until he sends;
 * typing=false: no longer. 204. 400, 401, 403, 404, 429, 503. */
void people_typing(struct api *api)
{
    static const char *const names[] = {"typing", NULL};
    const char *values[FIELDS_MAX], *json;
    bool typing = true;

    if (api_demand_user(api, nobody) < 0 || fields_read(api, names, values) < 0 ||
        fields_flag(api, "typing", values[0], &typing) < 0)
        return;
    json = api_event(api, "typing", NULL, typing ? ",\"typing\":true" : ",\"typing\":false");
    if (say(api, json, typing ? "typing" : "idle") == 0)
        api->reply->status = 204;
}

/* Makes the signal's event: {"type":"signal","to":...} first, by which hubs know whose it is. */
static const char *signal_event(struct api *api, const char *to, const char *content,
                                const char *metadata)
{
    return api_write_event(
        api, &(struct event_draft){.type = "signal",
                                   .to = to,
                                   .room = api->room,
                                   .user_id = api->identity->user_id,
                                   .name = api->identity->name,
                                   .content = content,
                                   .content_len = content != NULL ? strlen(content) : 0,
                                   .metadata = metadata});
}

static int check_signal(struct api *api, const char *to, const char *content, const char *metadata)
{
    struct json_fault fault;
    struct json_object *object;
    size_t most = (size_t)api->conf->content_max_bytes;

    if (!name_user_valid(to)) {
        api_fail(api, 400, "user_id_invalid", "to= names the user that the signal is for");
        return -1;
    }
    if ((content == NULL || content[0] == '\0') && metadata == NULL) {
        api_fail(api, 400, "content_empty", "a signal needs content, or metadata");
        return -1;
    }
    if ((content != NULL && strlen(content) > most) ||
        (metadata != NULL && strlen(metadata) > most)) {
        api_fail(api, 413, "content_too_long", "a signal may have %zu bytes", most);
        return -1;
    }
    object = metadata != NULL ? json_read(metadata, strlen(metadata), &fault) : NULL;
    if (metadata != NULL && object == NULL) {
        api_fail(api, 400, "json_invalid", "metadata is no JSON object: %s, at byte %zu",
                 fault.reason, fault.offset);
        return -1;
    }
    json_object_put(object);
    return 0;
}

/* POST rooms/{r}/signals - to= a user, content= (an offer, an answer, a candidate, as text), or
 * metadata= as JSON: reaches the streams that this user has open in the room, else those in his
 * inbox, and nobody else's; it is not kept. 202. 400, 401, 403, 404 no stream of his is open, 413,
 * 429, 503. */
void people_signal(struct api *api)
{
    static const char *const names[] = {"to", "content", "metadata", NULL};
    const char *values[FIELDS_MAX], *metadata = NULL;

    if (api_demand_user(api, nobody) < 0 || fields_read(api, names, values) < 0 ||
        check_signal(api, values[0], values[1], values[2]) < 0)
        return;
    if (values[2] != NULL)
        metadata = draft_metadata(api->arena, values[2], strlen(values[2]));
    if (say(api, signal_event(api, values[0], values[1], metadata),
            arena_printf(api->arena, "@%s", values[0])) < 0)
        return;
    api->reply->status = 202;
}
