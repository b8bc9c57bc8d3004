#include "api/connections.h"

#include <stdlib.h>
#include <string.h>

#include "api/audit.h"
#include "api/inquire.h"

#define LIMIT 200
#define LIMIT_MAX 1000
#define ID_MAX 64

/* One, as a hub tells it. */
struct line {
    int64_t since_ms;
    const char *json;
};

static int newest_first(const void *a, const void *b)
{
    const struct line *x = a, *y = b;

    if (x->since_ms != y->since_ms)
        return x->since_ms < y->since_ms ? 1 : -1;
    return strcmp(x->json, y->json);
}

/* Takes the lines of an answer, "ms json", which is changed. Returns how many there are now. */
static size_t take_lines(struct line *lines, size_t count, size_t max, char *text)
{
    char *one;

    while (count < max && (one = strsep(&text, "\n")) != NULL && *one != '\0') {
        char *json;

        lines[count].since_ms = strtoll(one, &json, 10);
        if (*json != ' ')
            continue;
        lines[count++].json = json + 1;
    }
    return count;
}

/* Reads limit=, room= and user= into the question. Returns 0, or -1 with the reply. */
static int read_query(struct api *api, struct inquiry *q)
{
    int64_t limit = LIMIT;

    if (api_query_number(api, "limit", 1, LIMIT_MAX, &limit) < 0 ||
        api_query(api, "room", &q->room) < 0 || api_query(api, "user", &q->user) < 0 ||
        (q->user != NULL && api_user_id(api, q->user) < 0) ||
        (q->room != NULL && api_resolve(api, api->room, q->room) < 0))
        return -1;
    if (q->room != NULL)
        q->room = api->room;
    q->limit = (unsigned)limit;
    return 0;
}

/* GET admin/connections - the open receives of the site over all machines, the newest first: limit=
 * (200, at most 1000) of them, room= and user= only those. 200 {"total": how many there are,
 * "hubs": {"asked", "answered"}, "connections": [{"id", "userId", "name", "address", "form",
 * "rooms": the first 20, "roomsTotal", "since", "hub", "events" and "bytes" delivered, "waiting":
 * bytes that its socket does not take, "behind": events that it has not had, "blocked": seconds
 * since the socket last took something}]}. What is unknown is null. The answer is that of the hubs
 * that answered within a second. 400, 401, 403, 503. */
void connections_get(struct api *api)
{
    struct inquiry q = {.kind = INQUIRY_CONNECTIONS};
    struct inquire_answers answers;
    struct line *lines;
    struct buf *body;
    size_t count = 0, max;
    int64_t total = 0;

    if (api_demand_admin(api) < 0 || read_query(api, &q) < 0 ||
        inquire_hubs(api, &q, NULL, &answers) < 0)
        return;
    max = answers.answered * q.limit;
    lines = arena_alloc(api->arena, (max + 1) * sizeof(*lines));
    for (size_t i = 0; i < answers.answered; i++) {
        int64_t number = 0;
        const char *rest = inquiry_head(answers.texts[i], &number);

        total += number;
        if (rest != NULL)
            count = take_lines(lines, count, max, arena_strdup(api->arena, rest));
    }
    qsort(lines, count, sizeof(*lines), newest_first);
    body = api_json(api, 200);
    buf_printf(body, "{\"total\":%lld,", (long long)total);
    inquire_tell(body, &answers);
    buf_str(body, ",\"connections\":[");
    for (size_t i = 0; i < count && i < q.limit; i++) {
        if (i > 0)
            buf_char(body, ',');
        buf_str(body, lines[i].json);
    }
    buf_str(body, "]}\n");
}

/* What a hub calls a connection: [A-Za-z0-9_-]+.number */
static bool is_id(const char *id)
{
    return strlen(id) <= ID_MAX && strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                              "0123456789_-.") == strlen(id);
}

/* DELETE admin/connections/{id} - ends one; its client may come back. 204. 401, 403, 404 when there
 * is none, 503 (hub_silent: not all hubs have answered), 507. */
void connections_delete(struct api *api)
{
    struct inquiry q = {.kind = INQUIRY_END, .connection = api->params[0]};
    struct inquire_answers answers;
    int64_t ended = 0;

    if (api_demand_admin(api) < 0)
        return;
    if (!is_id(q.connection)) {
        api_fail(api, 404, "connection_missing", "there is no such connection");
        return;
    }
    if (inquire_hubs(api, &q,
                     audit_event(api, "disconnect", NULL, NULL,
                                 arena_printf(api->arena, "connection %s", q.connection)),
                     &answers) < 0)
        return;
    for (size_t i = 0; i < answers.answered && ended == 0; i++)
        inquiry_head(answers.texts[i], &ended);
    if (ended == 1)
        api->reply->status = 204;
    else if (answers.answered < (size_t)answers.asked)
        api_fail(api, 503, "hub_silent", "%zu of %d hubs have answered, and none has it",
                 answers.answered, answers.asked);
    else
        api_fail(api, 404, "connection_missing", "there is no such connection");
}
