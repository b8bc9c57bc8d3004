#include "api/tickets.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/fields.h"
#include "base/clock.h"
#include "http/json.h"
#include "store/keys.h"

#define TICKET_BYTES 16
#define TICKET_MS 30000
#define PARTS 6 /* lines before the rooms */

struct wish {
    const char *rooms[PARKING_ROOMS_MAX];
    size_t count;
};

/* --- making one --- */

static int add(struct api *api, struct wish *wish, const char *name)
{
    size_t most = (size_t)api->conf->stream_rooms_max;
    char room[NAME_ROOM_MAX + 1];

    if (most > PARKING_ROOMS_MAX)
        most = PARKING_ROOMS_MAX;
    if (wish->count >= most) {
        api_fail(api, 400, "rooms_too_many", "one receive may follow %zu rooms", most);
        return -1;
    }
    if (api_resolve(api, room, name) < 0 || api_demand(api, room, RIGHT_READ) < 0)
        return -1;
    wish->rooms[wish->count++] = arena_strdup(api->arena, room);
    return 0;
}

static int add_list(struct api *api, struct wish *wish, const char *list)
{
    for (;;) {
        size_t len = strcspn(list, ",");

        if (add(api, wish, arena_strndup(api->arena, list, len)) < 0)
            return -1;
        if (list[len] == '\0')
            return 0;
        list += len + 1;
    }
}

/* {"rooms": ["a", "b"]} is the only field that is a list. */
static int add_array(struct api *api, struct wish *wish, struct json_object *array)
{
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct json_object *room = json_object_array_get_idx(array, i);

        if (!json_object_is_type(room, json_type_string)) {
            api_fail(api, 400, "member_invalid", "rooms must be a list of names");
            return -1;
        }
        if (add(api, wish, json_object_get_string(room)) < 0)
            return -1;
    }
    return 0;
}

/* Returns 0, -1 with the reply, or 1 where the body is no JSON with such a list. */
static int read_array(struct api *api, struct wish *wish)
{
    const char *type = api->request->media_type;
    struct json_object *object, *rooms;
    struct json_fault fault;
    int rc = 1;

    if (type == NULL || strcmp(type, "application/json") != 0)
        return 1;
    object = json_read(api->request->body, api->request->body_len, &fault);
    if (object != NULL && json_object_object_length(object) == 1 &&
        json_object_object_get_ex(object, "rooms", &rooms) &&
        json_object_is_type(rooms, json_type_array))
        rc = add_array(api, wish, rooms);
    json_object_put(object);
    return rc;
}

static int read_wish(struct api *api, struct wish *wish)
{
    static const char *const names[] = {"rooms", NULL};
    const char *values[FIELDS_MAX];
    int rc = read_array(api, wish);

    if (rc > 0) {
        rc = fields_read(api, names, values);
        if (rc == 0 && values[0] != NULL)
            rc = add_list(api, wish, values[0]);
    }
    if (rc == 0 && wish->count == 0) {
        api_fail(api, 400, "rooms_missing", "name the rooms: rooms=a,b or {\"rooms\": [\"a\"]}");
        rc = -1;
    }
    return rc;
}

/* The token that it stands for, a line a part, and the rooms behind. No part has a line feed in it.
 */
static const char *ticket_text(struct api *api, const struct wish *wish)
{
    const struct identity *who = api->identity;
    const char *role = who->admin ? "admin" : who->guest ? "guest" : "";
    struct buf out = BUF_INIT;

    buf_printf(&out, "%s\n%s\n%lld\n%lld\n%s\n%s", who->user_id,
               who->token_id != NULL ? who->token_id : "", (long long)who->issued_s,
               (long long)who->expires_ms, role, who->name);
    for (size_t i = 0; i < wish->count; i++)
        buf_printf(&out, "\n%s", wish->rooms[i]);
    return arena_keep(api->arena, &out);
}

static void key_ticket(char key[KEY_MAX], const struct api *api, const char *ticket)
{
    char what[64];

    snprintf(what, sizeof(what), "ticket:%s", ticket);
    key_site(key, api->request->namespace, what);
}

/* POST auth/ticket - a ticket for events?ticket= and rooms/{r}/events?ticket=: rooms=a,b (of @rooms
 * with commas: {"rooms": ["@alice,bob"]}). Good once, within 30 s, for reading these rooms with the
 * caller's rights. 201 {"ticket", "expires"}. 400, 401, 403, 503, 507. */
void tickets_post(struct api *api)
{
    unsigned char random[TICKET_BYTES];
    char ticket[2 * TICKET_BYTES + 1], key[KEY_MAX], stamp[CLOCK_TEXT];
    struct wish *wish = arena_alloc(api->arena, sizeof(*wish));
    redisReply *reply = NULL;
    enum store_status status;

    wish->count = 0;
    if (api_demand_user(api, "a ticket stands for a token: send one") < 0)
        return;
    if (read_wish(api, wish) < 0 || api_demand_unrevoked(api) < 0)
        return;
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(ticket, sizeof(ticket), random, sizeof(random));
    key_ticket(key, api, ticket);
    store_command(api->store, 5,
                  (const char *[]){"SET", key, ticket_text(api, wish), "PX",
                                   arena_printf(api->arena, "%d", TICKET_MS)},
                  NULL);
    status = store_run(api->store, &reply, 1);
    if (status == STORE_OK)
        status = store_reply_status(reply);
    store_free(&reply, 1);
    if (api_store_failed(api, status, NULL))
        return;
    clock_format(stamp, clock_wall_ms() + TICKET_MS);
    buf_printf(api_json(api, 201), "{\"ticket\":\"%s\",\"expires\":\"%s\"}\n", ticket, stamp);
}

/* --- taking one --- */

const char *tickets_find(const struct request *request)
{
    const char *const *segments = request->segments;
    bool reads = request->method == METHOD_GET || request->method == METHOD_HEAD;
    bool receive = (request->segments_count == 1 && strcmp(segments[0], "events") == 0) ||
                   (request->segments_count == 3 && strcmp(segments[0], "rooms") == 0 &&
                    strcmp(segments[2], "events") == 0);

    return reads && receive ? request_query(request, "ticket") : NULL;
}

static int refuse(struct api *api)
{
    api_fail(api, 401, "ticket_invalid",
             "the ticket is none, was used before or is older than 30 s: get another one");
    api_challenge(api, NULL);
    return -1;
}

/* Gets the ticket's text once, in the arena; NULL with the reply. */
static char *take(struct api *api, const char *ticket)
{
    redisReply *reply = NULL;
    enum store_status status;
    char key[KEY_MAX], *text = NULL;

    if (strlen(ticket) != 2 * TICKET_BYTES ||
        strspn(ticket, "0123456789abcdef") != 2 * TICKET_BYTES) {
        refuse(api);
        return NULL;
    }
    key_ticket(key, api, ticket);
    store_command(api->store, 2, (const char *[]){"GETDEL", key}, NULL);
    status = store_run(api->store, &reply, 1);
    if (status == STORE_OK)
        status = store_reply_status(reply);
    if (status == STORE_OK && reply->type == REDIS_REPLY_STRING)
        text = arena_strndup(api->arena, reply->str, reply->len);
    else if (!api_store_failed(api, status, NULL))
        refuse(api);
    store_free(&reply, 1);
    return text;
}

static void read_rooms(struct api *api, struct identity *out, char *text)
{
    out->only = arena_alloc(api->arena, PARKING_ROOMS_MAX * sizeof(*out->only));
    out->only_count = 0;
    for (char *room; out->only_count < PARKING_ROOMS_MAX && (room = strsep(&text, "\n")) != NULL;)
        out->only[out->only_count++] = room;
}

int tickets_redeem(struct api *api, const char *ticket, struct identity *out)
{
    const char *parts[PARTS];
    char *text = take(api, ticket);

    if (text == NULL)
        return -1;
    for (int i = 0; i < PARTS; i++)
        parts[i] = text != NULL ? strsep(&text, "\n") : "";
    if (text == NULL)
        return refuse(api);
    *out = (struct identity){.user_id = parts[0],
                             .token_id = parts[1][0] != '\0' ? parts[1] : NULL,
                             .issued_s = strtoll(parts[2], NULL, 10),
                             .expires_ms = strtoll(parts[3], NULL, 10),
                             .admin = strcmp(parts[4], "admin") == 0,
                             .guest = strcmp(parts[4], "guest") == 0,
                             .name = parts[5]};
    read_rooms(api, out, text);
    if (out->expires_ms <= clock_wall_ms())
        return refuse(api);
    return api_demand_unrevoked(api);
}
