#include "api/events.h"

#include <string.h>

#include "api/visit.h"
#include "base/clock.h"
#include "base/html.h"
#include "event/cursor.h"
#include "event/event.h"
#include "http/cors.h"
#include "http/negotiate.h"

#define COUNT_MAX 10000
#define STREAM_WAIT_MAX_S 86400

static int fail(struct api *api, const char *code, const char *detail)
{
    api_fail(api, 400, code, "%s", detail);
    return -1;
}

/* Adds a room that the caller may read; one that is there already is not added again. Returns 0, or
 * -1 with the reply. */
static int add_room(struct api *api, const char *name)
{
    struct parking *parking = api->parking;
    size_t most = (size_t)api->conf->stream_rooms_max;
    char room[NAME_ROOM_MAX + 1];

    if (api_resolve(api, room, name) < 0 || api_demand(api, room, RIGHT_READ) < 0)
        return -1;
    for (size_t i = 0; i < parking->rooms_count; i++)
        if (strcmp(parking->rooms[i], room) == 0)
            return 0;
    if (most > PARKING_ROOMS_MAX)
        most = PARKING_ROOMS_MAX;
    if (parking->rooms_count >= most) {
        api_fail(api, 400, "rooms_too_many", "one receive may follow %zu rooms", most);
        return -1;
    }
    parking->rooms[parking->rooms_count++] = arena_strdup(api->arena, room);
    return 0;
}

static int add_ticket_rooms(struct api *api)
{
    for (size_t i = 0; i < api->identity->only_count; i++)
        if (add_room(api, api->identity->only[i]) < 0)
            return -1;
    return 0;
}

/* Reads room= (any number of times) and rooms=a,b. The commas part rooms, so a room such as
 * @alice,bob can be named by room= only. */
static int add_rooms(struct api *api)
{
    const struct form *query = &api->request->query;

    for (size_t i = 0; i < query->count; i++) {
        const char *value = query->pairs[i].value;

        if (strcmp(query->pairs[i].name, "room") == 0 && add_room(api, value) < 0)
            return -1;
        if (strcmp(query->pairs[i].name, "rooms") != 0)
            continue;
        for (;;) {
            size_t len = strcspn(value, ",");

            if (add_room(api, arena_strndup(api->arena, value, len)) < 0)
                return -1;
            if (value[len] == '\0')
                break;
            value += len + 1;
        }
    }
    if (api->parking->rooms_count == 0 && add_ticket_rooms(api) < 0)
        return -1;
    if (api->parking->rooms_count == 0)
        return fail(api, "rooms_missing", "name the rooms: events?room=a&room=b");
    return 0;
}

static int read_form(struct api *api)
{
    struct problem problem;
    const char *as;

    if (api_query(api, "as", &as) < 0)
        return -1;
    if (negotiate_form(&api->parking->form, as, api->request->accept, NEGOTIATE_ALL, api->arena,
                       &problem) < 0) {
        reply_problem(api->reply, &problem, api->request->id);
        return -1;
    }
    return 0;
}

/* The cursor in If-None-Match, which a long-poll may have: NULL where there is none. curl sends ""
 * before it has saved an ETag. Anything but one tag is no cursor of ours and is refused as
 * malformed. */
static const char *match_cursor(struct api *api)
{
    const char *tag = api->request->if_none_match;
    size_t len;

    if (tag == NULL || api->parking->form != FRAME_JSON)
        return NULL;
    if (strncmp(tag, "W/", 2) == 0) /* nginx does so when it compresses */
        tag += 2;
    len = strlen(tag);
    if (len < 2 || tag[0] != '"' || tag[len - 1] != '"')
        return tag;
    return len > 2 ? arena_strndup(api->arena, tag + 1, len - 2) : NULL;
}

static void start_all(struct parking *parking, struct start start)
{
    for (size_t i = 0; i < parking->rooms_count; i++)
        parking->starts[i] = start;
}

/* Where each room starts: Last-Event-ID, else If-None-Match, else since=, else from now on. Rooms
 * that a header's cursor does not name start where since= says. */
static int read_starts(struct api *api)
{
    struct parking *parking = api->parking;
    struct start otherwise = {START_LATEST, {0, 0}};
    const char *cursor = api->request->last_event_id, *since;
    bool since_is_cursor = false;

    if (api_query(api, "since", &since) < 0)
        return -1;
    if (since != NULL)
        since_is_cursor = cursor_parse_since(&otherwise, since, clock_wall_ms()) < 0;
    if (cursor == NULL) {
        cursor = match_cursor(api);
        parking->if_none_match = cursor != NULL;
    }
    if (cursor == NULL && since_is_cursor)
        cursor = since;
    if (cursor == NULL) {
        start_all(parking, otherwise);
        return 0;
    }
    if (cursor_parse(parking->starts, parking->rooms, parking->rooms_count, parking->many,
                     otherwise, cursor) == 0)
        return 0;
    return fail(api, "cursor_invalid",
                "a cursor is an id (1700000000000-0), or room:id,room:id of the rooms asked for; "
                "since= may also be all, latest, seconds back, or 10m, 2h, 1d");
}

/* [a-z][a-z0-9._-]{0,31} */
static bool is_type(const char *s, size_t len)
{
    if (len == 0 || len > EVENT_TYPE_MAX || s[0] < 'a' || s[0] > 'z')
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") >= len;
}

static int read_types(struct api *api)
{
    struct parking *parking = api->parking;
    const char *types;

    if (api_query(api, "types", &types) < 0)
        return -1;
    while (types != NULL) {
        size_t len = strcspn(types, ",");

        if (!is_type(types, len))
            return fail(
                api, "types_invalid",
                "types= is a list of event types, [a-z][a-z0-9._-]{0,31}, parted by commas");
        if (parking->types_count == PARKING_TYPES_MAX)
            return fail(api, "types_invalid", "types= may name 16 types");
        parking->types[parking->types_count++] = arena_strndup(api->arena, types, len);
        types = types[len] == ',' ? types + len + 1 : NULL;
    }
    return 0;
}

/* wait= and count=, and cursor=1. */
static int read_limits(struct api *api)
{
    struct parking *parking = api->parking;
    bool poll = parking->form == FRAME_JSON;
    int64_t count = 0, cursor = 0, wait_s = -1;

    if (api_query_number(api, "wait", 0,
                         poll ? api->conf->poll_wait_max_ms / 1000 : STREAM_WAIT_MAX_S,
                         &wait_s) < 0 ||
        api_query_number(api, "count", 1, COUNT_MAX, &count) < 0 ||
        api_query_number(api, "cursor", 0, 1, &cursor) < 0)
        return -1;
    parking->count = (uint32_t)count;
    parking->text_cursor = cursor == 1;
    if (wait_s < 0)
        parking->wait_ms = poll ? api->conf->poll_wait_ms : 0;
    else
        parking->wait_ms = wait_s > 0 ? wait_s * 1000 : 1; /* 0 would mean for ever */
    return 0;
}

/* What the caller may in a room, as the hub wants to know it: who may read a room can change while
 * he reads. */
static uint8_t rights_in(const struct identity *who, const char *room)
{
    return (uint8_t)((policy_allows(who, room, RIGHT_READ) ? PARKING_READ : 0) |
                     (policy_allows(who, room, RIGHT_WRITE) ? PARKING_WRITE : 0) |
                     (policy_allows(who, room, RIGHT_MODERATE) ? PARKING_MODERATE : 0) |
                     (who->admin ? PARKING_ADMIN : 0));
}

/* The stream's own address from where earshot is mounted: a cursor ends it. A ticket is used up. */
static void set_again(struct api *api)
{
    const struct form *query = &api->request->query;
    struct parking *parking = api->parking;
    struct buf again = BUF_INIT;

    if (parking->many)
        buf_str(&again, "events?as=html&");
    else
        buf_printf(&again, "rooms/%s/events?as=html&", api->room);
    for (size_t i = 0; i < query->count; i++) {
        const char *name = query->pairs[i].name;

        if (strcmp(name, "room") != 0 && strcmp(name, "rooms") != 0 && strcmp(name, "types") != 0 &&
            strcmp(name, "back") != 0)
            continue;
        html_query(&again, name);
        buf_char(&again, '=');
        html_query(&again, query->pairs[i].value);
        buf_char(&again, '&');
    }
    buf_str(&again, "since=");
    parking->again = arena_keep(api->arena, &again);
}

/* back=: so many messages before the start stand in front, as they are now, so that a page that
 * comes back is not empty. For a cursor, and for latest. Returns 0, or -1 with the reply. */
static int read_before(struct api *api)
{
    struct parking *parking = api->parking;
    struct start *start = &parking->starts[0];
    int64_t back = 0;
    bool has_cursor = start->kind == START_AFTER;

    if (parking->form != FRAME_HTML)
        return 0;
    set_again(api);
    if (api_query_number(api, "back", 0, VISIT_BEFORE_MAX, &back) < 0)
        return -1;
    if (back == 0 || parking->many || (!has_cursor && start->kind != START_LATEST) ||
        api->request->method == METHOD_HEAD)
        return 0;
    parking->before = visit_before(api, has_cursor ? &start->id : NULL, (size_t)back, &start->id);
    start->kind = START_AFTER;
    return parking->before != NULL ? 0 : -1;
}

static void fill_in(struct api *api)
{
    const struct identity *who = api->identity;
    struct parking *parking = api->parking;
    struct buf headers = BUF_INIT;

    cors_headers(&headers, api->request, api->conf);
    parking->headers = arena_keep(api->arena, &headers);
    parking->expires_ms = who->expires_ms;
    parking->request_ref = api->request->id;
    parking->trace = api->request->trace;
    parking->user_id = who->user_id != NULL ? who->user_id : "";
    parking->name = who->name;
    parking->token_id = who->token_id != NULL ? who->token_id : "";
    parking->address = api->address;
    parking->issued_s = who->issued_s;
    for (size_t i = 0; i < parking->rooms_count; i++)
        parking->rights[i] = rights_in(who, parking->rooms[i]);
    parking->namespace = api->request->namespace;
}

static void receive(struct api *api)
{
    if (read_form(api) < 0 || read_starts(api) < 0 || read_types(api) < 0 || read_limits(api) < 0 ||
        read_before(api) < 0)
        return;
    if (api->request->method == METHOD_HEAD) {
        if (api_demand_unrevoked(api) < 0)
            return;
        api->reply->status = 200;
        api->reply->content_type = frame_content_types[api->parking->form];
        api->reply->endless = true;
        return;
    }
    fill_in(api);
    api->parked = true;
}

/* GET rooms/{r}/events - the room's events, from a cursor on, as they come.
 * Form by as= (sse, ndjson, text, html, json) or Accept. Start: Last-Event-ID, If-None-Match
 * (json), since= (a cursor, all, latest, 90, 10m, 2h, 1d). End: wait= seconds, count= events;
 * types= only those; cursor=1: text lines begin with their cursor; back= (html): so many from
 * before stand in front. The hub answers 200, or 304. Here: 400
 * malformed parameter or cursor, 401, 403, 406; 503 when the hubs are full (200 with retry: for
 * sse). While Redis is away a stream stays, or begins when Redis is back; a long-poll of a room
 * whose log must be read gets 503 after conf->redis_timeout_ms. HEAD tells the headers and ends. */
void events_get(struct api *api)
{
    api->parking->rooms[0] = api->room;
    api->parking->rooms_count = 1;
    receive(api);
}

/* GET events?room=a&room=b, or rooms=a,b - the same for many rooms, with cursors that name their
 * room. Each must be readable: 401 or 403 for one that is not; 400 when there are none or more than
 * conf->stream_rooms_max. With ticket= and no room, those that the ticket is for. */
void events_get_many(struct api *api)
{
    api->parking->many = true;
    if (add_rooms(api) == 0)
        receive(api);
}
