#include "api/users.h"

#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/audit.h"
#include "api/fields.h"
#include "api/person.h"
#include "base/clock.h"

#define LIMIT 100
#define LIMIT_MAX 1000

static void write_user(struct buf *body, redisReply **field)
{
    static const char *const names[] = {"userId", "name"};
    char stamp[CLOCK_TEXT];

    for (int i = 0; i < 2; i++) {
        buf_printf(body, "%s\"%s\":", i == 0 ? "{" : ",", names[i]);
        buf_json(body, field[i]->str, field[i]->len);
    }
    clock_format(stamp, strtoll(field[3]->str, NULL, 10));
    buf_printf(body, ",\"role\":%s,\"made\":\"%s\"}", field[2]->len > 0 ? "\"admin\"" : "null",
               stamp);
}

/* GET admin/users - the accounts, the oldest first: limit= (100, at most 1000) behind after= a user
 * id. 200 {"users": [{"userId", "name", "role": admin or null, "made"}], "next": what after= goes
 * on by, or null}. 400, 401, 403, 503. */
void users_get(struct api *api)
{
    const char *after, *last = NULL;
    int64_t limit = LIMIT;
    redisReply *reply = NULL;
    struct buf *body;

    if (api_demand_admin(api) < 0 || api_query(api, "after", &after) < 0 ||
        api_query_number(api, "limit", 1, LIMIT_MAX, &limit) < 0)
        return;
    if (api_call(
            api, AUDIT_ROOM, SCRIPT_ACCOUNT, 3,
            (const char *[]){"list", after != NULL ? after : "", arena_number(api->arena, limit)},
            &reply) < 0)
        return;
    body = api_json(api, 200);
    buf_str(body, "{\"users\":[");
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        redisReply *row = reply->element[i];

        if (row->type != REDIS_REPLY_ARRAY || row->elements != 4)
            continue;
        if (i > 0)
            buf_char(body, ',');
        write_user(body, row->element);
        last = i + 1 == (size_t)limit ? row->element[0]->str : NULL;
    }
    buf_printf(body, "],\"next\":%s%s%s}\n", last != NULL ? "\"" : "", last != NULL ? last : "null",
               last != NULL ? "\"" : "");
    store_free(&reply, 1);
}

static const char *only(const struct api *api)
{
    const struct request *request = api->request;

    if (request->if_none_match != NULL && strcmp(request->if_none_match, "*") == 0)
        return "new";
    return request->if_match != NULL && strcmp(request->if_match, "*") == 0 ? "old" : "";
}

/* PUT admin/users/{u} - makes or changes an account: password= (wanted of a new one), name=, role=
 * admin or none. Another password or role takes the tokens that there are back. If-None-Match: *
 * only makes one, If-Match: * only changes one. 201 when it is new, else 204. 400, 401, 403, 404 no
 * such account and no password, 409 name_taken, user_taken, 503. */
void users_put(struct api *api)
{
    static const char *const names[] = {"password", "name", "role", NULL};
    const char *values[FIELDS_MAX], *user = api->params[0], *name;
    char hash[PASSWORD_HASH] = "";
    redisReply *reply = NULL;

    if (api_demand_admin(api) < 0 || person_check_id(api, user) < 0 ||
        fields_read(api, names, values) < 0 || person_read(api, values[1], &name) < 0)
        return;
    if (values[2] != NULL && strcmp(values[2], "admin") != 0 && strcmp(values[2], "none") != 0) {
        api_fail(api, 400, "parameter_invalid", "role must be admin or none");
        return;
    }
    if (values[0] != NULL &&
        (accounts_check_password(api, "password", values[0]) < 0 || api_demand_unrevoked(api) < 0 ||
         accounts_hash(api, values[0], hash) < 0))
        return;
    if (api_call(api, AUDIT_ROOM, SCRIPT_ACCOUNT, 8,
                 (const char *[]){"put", user, hash, name != NULL ? name : "",
                                  name != NULL ? person_fold(api->arena, name) : "",
                                  values[2] != NULL ? values[2] : "",
                                  audit_event(api, "user", NULL, user, values[2]), only(api)},
                 &reply) < 0)
        return;
    api->reply->status = reply->integer == 2 ? 201 : 204;
    store_free(&reply, 1);
    if (api->reply->status == 201)
        buf_printf(api_json(api, 201), "{\"userId\":\"%s\"}\n", user);
}

/* DELETE admin/users/{u} - removes an account, takes its tokens back and frees its name; what it
 * wrote stays. 204. 400, 401, 403, 404, 503. */
void users_delete(struct api *api)
{
    const char *user = api->params[0];
    redisReply *reply = NULL;

    if (api_demand_admin(api) < 0 || person_check_id(api, user) < 0 ||
        api_call(api, AUDIT_ROOM, SCRIPT_ACCOUNT, 3,
                 (const char *[]){"drop", user, audit_event(api, "user removed", NULL, user, NULL)},
                 &reply) < 0)
        return;
    store_free(&reply, 1);
    api->reply->status = 204;
}
