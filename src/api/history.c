#include "api/history.h"

#include <string.h>

#include "event/event.h"
#include "http/negotiate.h"
#include "store/journal.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200

struct question {
    enum frame_form form;
    bool form_asked; /* by as=, which links then carry on */
    const struct event_id *before;
    const struct event_id *after;
    int64_t limit;
    struct event_id ids[2];
};

/* Reads before= or after= into `id`; *found points to it, or is NULL. Returns 0, or -1 with the
 * reply 400. */
static int read_bound(struct api *api, const char *name, struct event_id *id,
                      const struct event_id **found)
{
    const char *text;

    *found = NULL;
    if (api_query(api, name, &text) < 0)
        return -1;
    if (text == NULL)
        return 0;
    if (event_id_parse(id, text, strlen(text)) < 0) {
        api_fail(api, 400, "cursor_invalid",
                 "%s= must be the id of an event, such as 1700000000000-0", name);
        return -1;
    }
    *found = id;
    return 0;
}

static int read_question(struct api *api, struct question *q)
{
    struct problem problem;
    const char *as;

    *q = (struct question){.limit = LIMIT_DEFAULT};
    if (api_query(api, "as", &as) < 0 ||
        api_query_number(api, "limit", 1, LIMIT_MAX, &q->limit) < 0 ||
        read_bound(api, "before", &q->ids[0], &q->before) < 0 ||
        read_bound(api, "after", &q->ids[1], &q->after) < 0)
        return -1;
    q->form_asked = as != NULL;
    if (q->before != NULL && q->after != NULL) {
        api_fail(api, 400, "parameter_invalid", "give before= or after=, not both");
        return -1;
    }
    if (negotiate_form(&q->form, as, api->request->accept,
                       NEGOTIATE_ALL & ~NEGOTIATE_FORM(FRAME_SSE), api->arena, &problem) < 0) {
        reply_problem(api->reply, &problem, api->request->id);
        return -1;
    }
    return 0;
}

static void add_link(struct api *api, const struct question *q, const char *bound,
                     struct event_id id, const char *relation)
{
    char text[EVENT_ID_TEXT];

    event_id_format(text, id);
    reply_header(api->reply, "Link",
                 arena_printf(api->arena, "<?%s=%s&limit=%lld%s%s>; rel=\"%s\"", bound, text,
                              (long long)q->limit, q->form_asked ? "&as=" : "",
                              q->form_asked ? frame_names[q->form] : "", relation));
}

/* `next` leads further in the direction of reading, `prev` back. */
static void add_links(struct api *api, const struct question *q, const struct page *page)
{
    struct event_id oldest, newest;

    if (page->count == 0)
        return;
    oldest = page->events[0].id;
    newest = page->events[page->count - 1].id;
    if (page->more && q->after != NULL)
        add_link(api, q, "after", newest, "next");
    else if (page->more)
        add_link(api, q, "before", oldest, "next");
    if (q->after != NULL)
        add_link(api, q, "before", oldest, "prev");
    else if (q->before != NULL)
        add_link(api, q, "after", newest, "prev");
}

static void write_page(struct buf *body, enum frame_form form, const struct page *page)
{
    char cursor[EVENT_ID_TEXT] = "0-0";

    if (form == FRAME_JSON)
        buf_str(body, "{\"events\":[");
    for (size_t i = 0; i < page->count; i++) {
        if (form == FRAME_JSON && i > 0)
            buf_char(body, ',');
        frame_event(body, form, &page->events[i]);
    }
    if (form != FRAME_JSON)
        return;
    if (page->count > 0)
        event_id_format(cursor, page->events[page->count - 1].id);
    buf_printf(body, "],\"cursor\":\"%s\"}\n", cursor);
}

/* GET rooms/{r}/messages - a page of the room's events, oldest first: the newest, or those before=
 * or after= an id. Parameters: before, after, limit (1 to 200, 50), as (json, ndjson, text), or
 * Accept. 200 {"events": [...], "cursor": id of the newest in the page, or 0-0}, or a line an
 * event; ETag; Link with rel next (further in the direction of reading) and prev. 304 for
 * If-None-Match. 400 malformed parameter, 401, 403, 406, 503. */
void history_get(struct api *api)
{
    struct question q;
    struct page page;

    if (read_question(api, &q) < 0)
        return;
    if (api_store_failed(api, journal_page(api->store, api->arena, api->request->namespace,
                                           api->room, q.before, q.after, (size_t)q.limit, &page)))
        return;
    api->reply->status = 200;
    api->reply->content_type = frame_content_types[q.form];
    write_page(&api->reply->body, q.form, &page);
    add_links(api, &q, &page);
    api_etag(api);
}

/* GET rooms/{r}/messages/{id} - one event.
 * 200 the event, ETag. 304 for If-None-Match. 400 the id is none, 401, 403, 404, 503. */
void history_get_one(struct api *api)
{
    enum store_status status;
    struct event event;
    struct event_id id;

    if (event_id_parse(&id, api->param, strlen(api->param)) < 0) {
        api_fail(api, 400, "message_id_invalid",
                 "a message's id is two decimal numbers, such as 1700000000000-0");
        return;
    }
    status = journal_get(api->store, api->arena, api->request->namespace, api->room, id, &event);
    if (api_store_failed(api, status))
        return;
    if (status == STORE_MISSING) {
        api_fail(api, 404, "message_missing", "the room keeps no message of this id");
        return;
    }
    api->reply->status = 200;
    api->reply->content_type = "application/json";
    event_json(&api->reply->body, &event);
    buf_char(&api->reply->body, '\n');
    api_etag(api);
}
