#include "api/history.h"

#include <string.h>

#include "api/page.h"
#include "api/visit.h"
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
    q->form = FRAME_HTML;
    if (q->before != NULL && q->after != NULL) {
        api_fail(api, 400, "parameter_invalid", "give before= or after=, not both");
        return -1;
    }
    if (page_kind(api->request) != PAGE_NONE)
        return 0;
    if (negotiate_form(&q->form, as, api->request->accept,
                       NEGOTIATE_ALL & ~NEGOTIATE_FORM(FRAME_SSE) & ~NEGOTIATE_FORM(FRAME_HTML),
                       api->arena, &problem) < 0) {
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
    const char *onward = q->after != NULL ? "after" : "before";

    if (page->more)
        add_link(api, q, onward, page->edge, "next");
    if (page->count == 0)
        return;
    if (q->after != NULL)
        add_link(api, q, "before", page->events[0].id, "prev");
    else if (q->before != NULL)
        add_link(api, q, "after", page->events[page->count - 1].id, "prev");
}

/* The cursor is where a receive goes on without telling anything twice: also behind the changes
 * that the page shows already. */
static void write_page(struct buf *body, enum frame_form form, const struct page *page)
{
    char newest[EVENT_ID_TEXT] = "0-0";

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
        event_id_format(newest, page->events[page->count - 1].id);
    buf_printf(body, "],\"cursor\":\"%s\"}\n", page->version[0] != '\0' ? page->version : newest);
}

/* Reads what the question asks for. Returns 0, or -1 with the reply. */
static int read_page(struct api *api, const struct journal_question *question, struct page *page)
{
    const struct caller caller = api_caller(api, api->room);
    struct refusal refusal = {{0}, 0};
    enum store_status status = journal_read(api->store, api->arena, api->request->namespace,
                                            api->room, &caller, question, page, &refusal);

    return api_store_failed(api, status, &refusal) ? -1 : 0;
}

static void reply_page(struct api *api, const struct question *q, const struct page *page)
{
    page_vary(api);
    if (q->form == FRAME_HTML) {
        visit_history(api, page, q->after != NULL);
        return;
    }
    api->reply->status = 200;
    api->reply->content_type = frame_content_types[q->form];
    write_page(&api->reply->body, q->form, page);
    api_etag(api);
}

/* GET rooms/{r}/messages - a page of the room's events as they are now, oldest first: the newest,
 * or those before= or after= an id. Edits and deletes are laid over the messages, reactions and
 * replies counted. Parameters: before, after, limit (1 to 200, 50), as (json, ndjson, text, html,
 * plain), or Accept. 200 {"events": [...], "cursor": where a receive goes on}, or a line an event;
 * ETag; Link with rel next (further in the direction of reading) and prev. 304 for If-None-Match.
 * 400 malformed parameter, 401, 403, 404, 406, 503. */
void history_get(struct api *api)
{
    struct question q;
    struct page page = {0};

    if (read_question(api, &q) < 0)
        return;
    /* Before the first of all ids there is nothing, which Redis calls an error. */
    if (q.before == NULL || q.before->ms != 0 || q.before->seq != 0) {
        const struct event_id *id = q.after != NULL ? q.after : q.before;
        const struct journal_question question = {
            .way = q.after != NULL ? JOURNAL_AFTER : JOURNAL_BEFORE,
            .id = id != NULL ? *id : (struct event_id){0, 0},
            .limit = (size_t)q.limit,
            .history_age_ms = api->conf->history_age_ms,
        };

        if (read_page(api, &question, &page) < 0)
            return;
    }
    if (q.form != FRAME_HTML)
        add_links(api, &q, &page);
    reply_page(api, &q, &page);
}

/* GET rooms/{r}/messages/{id} - one event, as it is now.
 * 200 the event; the ETag is the id of its last change, for If-Match. 304 for If-None-Match. 400
 * the id is none, 401, 403, 404, 503. */
void history_get_one(struct api *api)
{
    struct journal_question question = {.way = JOURNAL_ONE,
                                        .history_age_ms = api->conf->history_age_ms};
    struct page page;
    struct buf *body;

    if (api_message_id(api, api->params[1], &question.id) < 0 ||
        read_page(api, &question, &page) < 0)
        return;
    body = api_json(api, 200);
    event_json(body, &page.events[0]);
    buf_char(body, '\n');
    api_etag_of(api, page.version);
}

/* The page of a thread; above its first replies stands what they reply to, where that is kept. */
static void visit_replies(struct api *api, const struct question *q, const struct page *page)
{
    struct journal_question question = {.way = JOURNAL_ONE,
                                        .history_age_ms = api->conf->history_age_ms};
    const struct caller caller = api_caller(api, api->room);
    struct refusal refusal = {{0}, 0};
    struct page root = {0};

    page_vary(api);
    if (q->after == NULL &&
        event_id_parse(&question.id, api->params[1], strlen(api->params[1])) == 0)
        journal_read(api->store, api->arena, api->request->namespace, api->room, &caller, &question,
                     &root, &refusal);
    visit_thread(api, page, api->params[1], root.count > 0 ? &root.events[0] : NULL);
}

/* GET rooms/{r}/messages/{id}/replies - a thread, oldest first: those behind after= an id.
 * Parameters: after, limit, as. 200 as history; Link rel next. 304. 400, 401, 403, 404, 406, 503.
 */
void history_get_replies(struct api *api)
{
    struct journal_question question = {.way = JOURNAL_REPLIES,
                                        .history_age_ms = api->conf->history_age_ms};
    struct question q;
    struct page page;

    if (read_question(api, &q) < 0 || api_message_id(api, api->params[1], &question.id) < 0)
        return;
    if (q.before != NULL) {
        api_fail(api, 400, "parameter_unknown", "a thread is read by after=, not before=");
        return;
    }
    if (q.after != NULL)
        question.after = *q.after;
    question.limit = (size_t)q.limit;
    if (read_page(api, &question, &page) < 0)
        return;
    if (q.form == FRAME_HTML) {
        visit_replies(api, &q, &page);
        return;
    }
    if (page.more)
        add_link(api, &q, "after", page.edge, "next");
    reply_page(api, &q, &page);
}
