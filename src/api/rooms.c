#include "api/rooms.h"

#include <stdlib.h>
#include <string.h>

#include "api/audit.h"
#include "api/fields.h"
#include "api/govern.h"
#include "api/page.h"
#include "api/visit.h"
#include "base/clock.h"
#include "event/event.h"
#include "store/directory.h"

/* Rooms that are looked at; a site with more has use for a directory of its own. */
#define ROOMS_MAX 1000
#define LIMIT_MAX (2 * ROOMS_MAX) /* so many open ones, and so many for members */
#define TOPIC_BYTES_MAX 1024
#define SLOW_MAX_MS (INT64_C(24) * 60 * 60 * 1000)

/* A number, or null where it is less. */
static void write_number(struct buf *body, const char *name, int64_t number, int64_t least)
{
    if (number < least)
        buf_printf(body, ",\"%s\":null", name);
    else
        buf_printf(body, ",\"%s\":%lld", name, (long long)number);
}

static void write_room(struct buf *body, const struct directory_room *room)
{
    const struct event_id none = {0, 0};
    char last[EVENT_ID_TEXT], made[CLOCK_TEXT];

    event_id_format(last, room->last);
    clock_format(made, room->made_ms);
    buf_str(body, "{\"name\":");
    buf_json(body, room->name, strlen(room->name));
    buf_str(body, ",\"topic\":");
    if (room->topic[0] != '\0')
        buf_json(body, room->topic, strlen(room->topic));
    else
        buf_str(body, "null");
    buf_printf(body, ",\"mode\":\"%s\",\"online\":%lld,\"people\":%lld", room->mode,
               (long long)room->streams, (long long)room->people);
    if (event_id_compare(room->last, none) == 0)
        buf_str(body, ",\"last\":null");
    else
        buf_printf(body, ",\"last\":\"%s\"", last);
    buf_printf(body, ",\"slow\":%lld", (long long)room->slow_ms / 1000);
    write_number(body, "keep", room->keep, 0);
    write_number(body, "age", room->age_ms >= 0 ? room->age_ms / 1000 : -1, 0);
    if (room->made_ms > 0)
        buf_printf(body, ",\"made\":\"%s\"", made);
    if (room->role[0] != '\0')
        buf_printf(body, ",\"role\":\"%s\"", room->role);
    buf_char(body, '}');
}

static void caller_in(void *api, const char *room, struct caller *caller)
{
    *caller = api_caller(api, room);
}

static int compare(int64_t a, int64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct directory_room *)a)->name,
                  ((const struct directory_room *)b)->name);
}

static int by_online(const void *a, const void *b)
{
    const struct directory_room *x = a, *y = b;
    int order = compare(x->streams, y->streams);

    return order != 0 ? order : by_name(a, b);
}

static int by_people(const void *a, const void *b)
{
    const struct directory_room *x = a, *y = b;
    int order = compare(x->people, y->people);

    return order != 0 ? order : by_name(a, b);
}

/* Reads sort=; *order is NULL for the latest first, as the directory lists them. Returns 0, or -1
 * with the reply. */
static int read_sort(struct api *api, int (**order)(const void *a, const void *b))
{
    static const struct {
        const char *word;
        int (*order)(const void *a, const void *b);
    } sorts[] = {{"last", NULL}, {"online", by_online}, {"people", by_people}, {"name", by_name}};
    const char *sort;

    *order = NULL;
    if (api_query(api, "sort", &sort) < 0)
        return -1;
    if (sort == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
        if (strcmp(sort, sorts[i].word) == 0) {
            *order = sorts[i].order;
            return 0;
        }
    api_fail(api, 400, "parameter_invalid", "sort= is last, online, people or name");
    return -1;
}

/* GET rooms - the active rooms that the caller may read; of @rooms none. The latest first, or by
 * sort= online or people (the most first) or name; limit= of them, at most and unless said 2000.
 * 200 {"rooms": [{"name", "topic" or null, "mode", "online": open streams, "people": persons in it,
 * "last": id or null, "slow": s, "keep": events or null, "age": s or null, "role"}]}, ETag. 304,
 * 400, 503. As a page: with forms to sign in, and to=, a room to go to: 303. */
void rooms_get(struct api *api)
{
    struct directory_room *rooms = NULL;
    struct buf *body;
    int (*order)(const void *a, const void *b);
    int64_t limit = LIMIT_MAX;
    size_t count, written = 0;

    if (read_sort(api, &order) < 0 || api_query_number(api, "limit", 1, LIMIT_MAX, &limit) < 0 ||
        api_demand_unrevoked(api) < 0 ||
        api_store_failed(api,
                         directory_list(api->store, api->arena, api->request->namespace, caller_in,
                                        api, ROOMS_MAX, &rooms, &count),
                         NULL))
        return;
    if (order != NULL && count > 1)
        qsort(rooms, count, sizeof(*rooms), order);
    page_vary(api);
    if (page_kind(api->request) != PAGE_NONE) {
        visit_rooms(api, rooms, count);
        return;
    }
    body = api_json(api, 200);
    buf_str(body, "{\"rooms\":[");
    for (size_t i = 0; i < count && written < (size_t)limit; i++) {
        if (!policy_allows(api->identity, rooms[i].name, RIGHT_READ))
            continue;
        if (written++ > 0)
            buf_char(body, ',');
        write_room(body, &rooms[i]);
    }
    buf_str(body, "]}\n");
    api_etag(api);
}

/* Answers with the room. */
static void reply_room(struct api *api, int http_status)
{
    const struct caller caller = api_caller(api, api->room);
    struct refusal refusal = {{0}, 0};
    struct directory_room room;
    enum store_status status = directory_look(api->store, api->arena, api->request->namespace,
                                              api->room, &caller, &room, &refusal);

    if (status == STORE_REFUSED && strcmp(refusal.code, "missing") == 0)
        strcpy(refusal.code, "hidden");
    if (api_store_failed(api, status, &refusal))
        return;
    write_room(api_json(api, http_status), &room);
    buf_char(&api->reply->body, '\n');
    api_etag(api);
    if (http_status != 200)
        api->reply->status = http_status;
}

/* The room as a page. One that is not there yet is shown to who may write: his message makes it. */
static void show_room(struct api *api)
{
    const struct caller caller = api_caller(api, api->room);
    struct refusal refusal = {{0}, 0};
    struct directory_room room;
    enum store_status status = directory_look(api->store, api->arena, api->request->namespace,
                                              api->room, &caller, &room, &refusal);
    bool missing = status == STORE_REFUSED && strcmp(refusal.code, "missing") == 0;

    if (missing && policy_allows(api->identity, api->room, RIGHT_WRITE)) {
        visit_room(api, NULL);
        return;
    }
    if (missing)
        strcpy(refusal.code, "hidden");
    if (!api_store_failed(api, status, &refusal))
        visit_room(api, &room);
}

/* GET rooms/{r} - one of them. 200 as in the list, ETag. 304. 401, 403, 404, 503. As a page: with
 * the messages and a form; reply= an id that it answers, lines=1 for several lines. */
void rooms_get_one(struct api *api)
{
    page_vary(api);
    if (page_kind(api->request) != PAGE_NONE)
        show_room(api);
    else
        reply_room(api, 200);
}

/* --- making and changing --- */

enum { TOPIC, MODE, SLOW, KEEP, AGE };

static const char *const settings[] = {"topic", "mode", "slow", "keep", "age", NULL};

static int fail(struct api *api, const char *detail)
{
    api_fail(api, 400, "parameter_invalid", "%s", detail);
    return -1;
}

/* Checks the values, and turns them into what the room's hash keeps; "" is as it was at first. */
static int check(struct api *api, const char *values[])
{
    const char *mode = values[MODE], *topic = values[TOPIC];
    int64_t number = 0, most_age_ms = api->conf->history_age_ms;

    if (topic != NULL && strlen(topic) > TOPIC_BYTES_MAX)
        return fail(api, "a topic may have 1024 bytes");
    for (const char *s = topic; s != NULL && *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return fail(api, "a topic is one line, without control characters");
    if (mode != NULL && strcmp(mode, "open") != 0 && strcmp(mode, "members") != 0 &&
        strcmp(mode, "moderated") != 0)
        return fail(api, "mode must be open, members or moderated");
    if (mode != NULL && strcmp(mode, "open") == 0)
        values[MODE] = "";
    for (int i = SLOW; i <= AGE; i++) {
        if (values[i] == NULL || values[i][0] == '\0')
            continue;
        if (i == KEEP
                ? fields_number(api, settings[i], values[i], 1, api->conf->history_max, &number) < 0
                : fields_duration(api, settings[i], values[i], &number) < 0)
            return -1;
        if (i == SLOW && (number > SLOW_MAX_MS || (number > 0 && number < 1000)))
            return fail(api, "slow may be from a second to a day, or 0");
        if (i == AGE && (number < 1000 || (most_age_ms > 0 && number > most_age_ms)))
            return fail(api, "age may be a second at least, and not longer than is configured");
        values[i] = i == SLOW && number == 0 ? "" : arena_number(api->arena, number);
    }
    return 0;
}

/* The values that are given, as members of an event. */
static const char *members(struct api *api, const char *action, const char *values[])
{
    struct buf out = BUF_INIT;

    buf_printf(&out, ",\"action\":\"%s\"", action);
    for (int i = TOPIC; values != NULL && i <= AGE; i++) {
        if (values[i] == NULL)
            continue;
        buf_printf(&out, ",\"%s\":", settings[i]);
        if (i == MODE && values[i][0] == '\0')
            buf_str(&out, "\"open\"");
        else if (i == TOPIC || i == MODE)
            buf_json(&out, values[i], strlen(values[i]));
        else if (values[i][0] == '\0')
            buf_str(&out, i == SLOW ? "0" : "null");
        else
            buf_printf(&out, "%lld", strtoll(values[i], NULL, 10) / (i == KEEP ? 1 : 1000));
    }
    return arena_keep(api->arena, &out);
}

/* PUT rooms/{r} - makes a room, or changes what is given of it: topic, mode (open, members,
 * moderated), slow (seconds between two messages of one person), keep (messages) and age (seconds
 * for which they are kept; "" for both = as configured, which is the most, too). Who makes it owns
 * it; others need to moderate it. 201 or 200 the room. 400, 401, 403, 503, 507. */
void rooms_put(struct api *api)
{
    const char *values[FIELDS_MAX], *pairs[2 * FIELDS_MAX];
    struct govern deed = {.what = "put", .values = pairs};
    int done;

    if (govern_start(api) < 0 || fields_read(api, settings, values) < 0 || check(api, values) < 0)
        return;
    for (int i = TOPIC; i <= AGE; i++) {
        if (values[i] == NULL)
            continue;
        pairs[deed.values_count++] = settings[i];
        pairs[deed.values_count++] = values[i];
    }
    deed.json = api_event(api, "room", NULL, members(api, "change", values));
    deed.audit = audit_event(api, "settings", api->room, NULL, NULL);
    done = govern_do(api, &deed);
    if (done >= 0)
        reply_room(api, done == GOVERN_MADE ? 201 : 200);
}

/* DELETE rooms/{r} - forgets the room and all that is in it; by its owner, or an admin. Open
 * streams are told. 204. 401, 403, 404, 503, 507. */
void rooms_delete(struct api *api)
{
    struct govern deed = {.what = "drop"};

    if (govern_start(api) < 0)
        return;
    deed.json = api_event(api, "room", NULL, members(api, "delete", NULL));
    deed.audit = audit_event(api, "delete room", api->room, NULL, NULL);
    if (govern_do(api, &deed) >= 0)
        api->reply->status = 204;
}
