#include "api/visit.h"

#include <stdint.h>
#include <string.h>

#include "api/page.h"
#include "base/clock.h"
#include "base/html.h"
#include "event/markup.h"
#include "store/journal.h"

#define PLAIN_MESSAGES 30
#define STREAM_MESSAGES "50"
#define UNREAD_MOST "500"

/* --- the rooms --- */

/* The rooms of who is signed in, with what is unread; NULL = nobody is, or there is nothing to be
 * had, with the reply. */
static redisReply *read_unread(struct api *api)
{
    redisReply *reply = NULL;

    if (api_resolve(api, api->room, "@me") < 0 ||
        api_call(api, api->room, SCRIPT_UNREAD, 1, (const char *[]){UNREAD_MOST}, &reply) < 0)
        return NULL;
    return reply;
}

/* Of the i-th of his rooms, the name; NULL behind the last. */
static const char *mine_at(const redisReply *mine, size_t i, long long *unread)
{
    if (mine == NULL || mine->type != REDIS_REPLY_ARRAY || i >= mine->elements ||
        mine->element[i]->type != REDIS_REPLY_ARRAY || mine->element[i]->elements != 4)
        return NULL;
    *unread = mine->element[i]->element[2]->integer;
    return mine->element[i]->element[0]->str;
}

static void append_unread(struct buf *body, long long unread)
{
    if (unread > 0)
        html_print(body, " <span class=\"new\">%lld new</span>", unread);
}

static void append_room(struct api *api, struct buf *body, const struct directory_room *room,
                        const redisReply *mine)
{
    long long unread = 0;
    const char *name;

    for (size_t i = 0; (name = mine_at(mine, i, &unread)) != NULL; i++)
        if (strcmp(name, room->name) == 0)
            break;
    html_print(body, "<li><a href=\"rooms/%s?as=%s\">%s</a>", room->name, page_as(api), room->name);
    append_unread(body, name != NULL ? unread : 0);
    if (room->people > 0)
        html_print(body, " <span class=\"people\">%lld here</span>", (long long)room->people);
    if (strcmp(room->mode, "members") == 0)
        html_raw(body, " <span class=\"mode\">for members</span>");
    if (room->topic[0] != '\0')
        html_print(body, " <span class=\"topic\" dir=\"auto\">%s</span>", room->topic);
    html_raw(body, "</li>\n");
}

/* Those with @: his inbox, and conversations with some. */
static void append_conversations(struct api *api, struct buf *body, const redisReply *mine)
{
    long long unread = 0;
    const char *name;

    html_raw(body, "<h2>Conversations</h2>\n<ul class=\"rooms\">\n");
    for (size_t i = 0; (name = mine_at(mine, i, &unread)) != NULL; i++) {
        if (name[0] != '@' || !policy_allows(api->identity, name, RIGHT_READ))
            continue;
        html_print(body, "<li><a href=\"rooms/%s?as=%s\">%s</a>", name, page_as(api),
                   i == 0 ? "Your inbox" : name);
        append_unread(body, unread);
        html_raw(body, "</li>\n");
    }
    html_raw(body, "</ul>\n");
}

static void lead_to(struct api *api, const char *name)
{
    char room[NAME_ROOM_MAX + 1];

    if (api_resolve(api, room, name) < 0)
        return;
    api->reply->status = 303;
    reply_header(api->reply, "Location",
                 arena_printf(api->arena, "rooms/%s?as=%s", room, page_as(api)));
}

void visit_rooms(struct api *api, const struct directory_room *rooms, size_t count)
{
    redisReply *mine = NULL;
    const char *to;
    struct buf *body;
    size_t shown = 0;

    if (api_query(api, "to", &to) < 0)
        return;
    if (to != NULL) {
        lead_to(api, to);
        return;
    }
    if (api->identity->user_id != NULL && (mine = read_unread(api)) == NULL)
        return;
    body = page_open(api, 200, "Rooms");
    html_raw(body, "<body class=\"page\">\n<header>\n<h1>Rooms</h1>\n");
    page_who(api, body, "");
    html_raw(body, "</header>\n<main>\n<ul class=\"rooms\">\n");
    for (size_t i = 0; i < count; i++)
        if (policy_allows(api->identity, rooms[i].name, RIGHT_READ)) {
            append_room(api, body, &rooms[i], mine);
            shown++;
        }
    html_raw(body, "</ul>\n");
    if (shown == 0)
        html_raw(body, "<p>There is no room yet that you may read.</p>\n");
    page_room_form(api, body, "");
    if (mine != NULL)
        append_conversations(api, body, mine);
    html_raw(body, "</main>\n");
    page_close(api);
    store_free(&mine, 1);
}

/* --- messages --- */

static int read_page(struct api *api, const struct event_id *before, size_t limit,
                     struct page *page)
{
    const struct journal_question question = {.way = JOURNAL_BEFORE,
                                              .id = before != NULL ? *before
                                                                   : (struct event_id){0, 0},
                                              .limit = limit,
                                              .history_age_ms = api->conf->history_age_ms};
    const struct caller caller = api_caller(api, api->room);
    struct refusal refusal = {{0}, 0};
    enum store_status status = journal_read(api->store, api->arena, api->request->namespace,
                                            api->room, &caller, &question, page, &refusal);

    return api_store_failed(api, status, &refusal) ? -1 : 0;
}

/* Who reads here cannot say so by a script: what is shown is read. Where Redis takes nothing, it is
 * read all the same. */
static void mark_read(struct api *api, struct event_id end)
{
    const struct caller caller = api_caller(api, api->room);
    struct refusal refusal = {{0}, 0};
    redisReply *reply = NULL;
    char id[EVENT_ID_TEXT];

    if (api->identity->user_id == NULL || (end.ms == 0 && end.seq == 0))
        return;
    event_id_format(id, end);
    call_run(api->store, api->request->namespace, api->room, &caller, SCRIPT_MARK, 2,
             (const char *[]){api_event(api, "read", NULL, NULL), id}, &reply, &refusal);
    store_free(&reply, 1);
}

static void append_messages(struct api *api, struct buf *body, const struct page *page)
{
    bool plain = page_kind(api->request) == PAGE_PLAIN, some = false;

    for (size_t i = 0; i < page->count; i++)
        some = markup_message(body, &page->events[i], plain) || some;
    if (!some)
        html_raw(body, "<p class=\"gone\">There is no message here.</p>\n");
}

/* Where a stream goes on behind the newest page: behind the changes that it shows already, too. */
static struct event_id end_of(const struct page *page)
{
    struct event_id end = {0, 0};

    if (page->version[0] != '\0')
        event_id_parse(&end, page->version, strlen(page->version));
    else if (page->count > 0)
        end = page->events[page->count - 1].id;
    return end;
}

const char *visit_before(struct api *api, const struct event_id *cursor, size_t count,
                         struct event_id *end)
{
    struct event_id behind = {0, 0};
    struct buf markup = BUF_INIT;
    struct page page = {0};
    size_t first;

    if (cursor != NULL) { /* up to it */
        behind = *cursor;
        if (behind.seq++ == UINT64_MAX)
            behind.ms++;
    }
    if (read_page(api, cursor != NULL ? &behind : NULL, count, &page) < 0)
        return NULL;
    *end = cursor != NULL ? *cursor : end_of(&page);
    mark_read(api, *end);
    /* The newest that fit. */
    for (first = page.count; first > 0; first--) {
        markup_message(&markup, &page.events[first - 1], false);
        if (markup.len > VISIT_BYTES_MAX)
            break;
    }
    buf_clear(&markup);
    for (; first < page.count; first++)
        markup_message(&markup, &page.events[first], false);
    return arena_keep(api->arena, &markup);
}

/* --- a room --- */

static void append_topic(struct buf *body, const struct directory_room *room)
{
    if (room == NULL)
        html_raw(body, "<p class=\"topic\">This room is new: the first message makes it.</p>\n");
    else if (room->topic[0] != '\0')
        html_print(body, "<p class=\"topic\" dir=\"auto\">%s</p>\n", room->topic);
}

/* The messages, live: a frame that grows. */
static void append_frame(struct api *api, struct buf *body)
{
    html_print(
        body,
        "<iframe title=\"Messages in %s\" src=\"rooms/%s/events?as=html&amp;back=" STREAM_MESSAGES
        "\"><a href=\"rooms/%s?as=plain\">Messages, without frames</a></iframe>\n",
        api->room, api->room, api->room);
}

/* The newest messages, and a way to newer ones: another address each time, or a browser would go to
 * the mark within the page that it has. */
static void append_newest(struct api *api, struct buf *body, const struct page *page)
{
    char text[EVENT_ID_TEXT];

    if (page->more) {
        event_id_format(text, page->edge);
        html_print(body, "<p><a href=\"rooms/%s/messages?as=plain&amp;before=%s\">Older</a></p>\n",
                   api->room, text);
    }
    append_messages(api, body, page);
    html_print(
        body, "<p id=\"newest\"><a href=\"rooms/%s?as=plain&amp;at=%lld#newest\">Refresh</a></p>\n",
        api->room, (long long)clock_wall_ms());
}

static int read_reply(struct api *api, const char **reply, bool *lines)
{
    struct event_id id;
    int64_t number = 0;

    if (api_query(api, "reply", reply) < 0 || api_query_number(api, "lines", 0, 1, &number) < 0)
        return -1;
    if (*reply != NULL && api_message_id(api, *reply, &id) < 0)
        return -1;
    *reply = *reply != NULL ? *reply : "";
    *lines = number == 1;
    return 0;
}

static void append_room_nav(struct api *api, struct buf *body, bool plain)
{
    html_print(body,
               "<nav aria-label=\"Room\"><a href=\"rooms?as=%s\">Rooms</a> "
               "<a href=\"rooms/%s/messages?as=%s\">History</a> "
               "<a href=\"rooms/%s?as=%s\">%s</a></nav>\n",
               page_as(api), api->room, page_as(api), api->room, plain ? "html" : "plain",
               plain ? "With frames, live" : "Plain");
}

void visit_room(struct api *api, const struct directory_room *room)
{
    bool plain = page_kind(api->request) == PAGE_PLAIN, lines;
    struct page page = {0};
    const char *reply;
    struct buf *body;

    if (read_reply(api, &reply, &lines) < 0 ||
        (plain && room != NULL && read_page(api, NULL, PLAIN_MESSAGES, &page) < 0))
        return;
    mark_read(api, end_of(&page));
    body = page_open(api, 200, api->room);
    html_print(body, "<body class=\"page talk\">\n<header>\n<h1>%s</h1>\n", api->room);
    append_topic(body, room);
    append_room_nav(api, body, plain);
    html_raw(body, "</header>\n<main>\n");
    if (plain)
        append_newest(api, body, &page);
    else
        append_frame(api, body);
    if (policy_allows(api->identity, api->room, RIGHT_WRITE))
        page_write_form(api, body, api->room, "", reply, lines);
    html_raw(body, "</main>\n<footer>\n");
    page_who(api, body, api->room);
    html_raw(body, "</footer>\n");
    page_close(api);
}

/* --- history --- */

static void append_turn(struct api *api, struct buf *body, const char *path, const char *bound,
                        struct event_id id, const char *words)
{
    const char *limit = request_query(api->request, "limit");
    char text[EVENT_ID_TEXT];

    event_id_format(text, id);
    html_print(body, "<a href=\"%s?as=%s&amp;%s=%s%s%s\">%s</a> ", path, page_as(api), bound, text,
               limit != NULL ? "&limit=" : "", limit != NULL ? limit : "", words);
}

static void append_turns(struct api *api, struct buf *body, const struct page *page, bool after,
                         const char *thread, const char *label)
{
    const char *path =
        arena_printf(api->arena, "rooms/%s/messages%s%s%s", api->room, thread != NULL ? "/" : "",
                     thread != NULL ? thread : "", thread != NULL ? "/replies" : "");
    bool older = thread == NULL && (after ? page->count > 0 : page->more);
    bool newer = after ? page->more : page->count > 0 && request_query(api->request, "before");

    html_print(body, "<nav class=\"turn\" aria-label=\"%s\">", label);
    if (older)
        append_turn(api, body, path, "before", after ? page->events[0].id : page->edge, "Older");
    if (newer)
        append_turn(api, body, path, "after", after ? page->edge : page->events[page->count - 1].id,
                    "Newer");
    html_print(body,
               "<a href=\"rooms/%s/messages?as=%s\">Newest</a> "
               "<a href=\"rooms/%s?as=%s\">To the room</a></nav>\n",
               api->room, page_as(api), api->room, page_as(api));
}

static void append_history(struct api *api, const struct page *page, bool after, const char *thread,
                           const struct event *root)
{
    const char *title =
        arena_printf(api->arena, "%s %s", thread != NULL ? "Replies in" : "History of", api->room);
    struct buf *body = page_open(api, 200, title);

    html_print(body, "<body class=\"page history one\">\n<header>\n<h1>%s</h1>\n", title);
    append_turns(api, body, page, after, thread, "Pages, above");
    html_raw(body, "</header>\n<main>\n");
    if (root != NULL && markup_message(body, root, page_kind(api->request) == PAGE_PLAIN))
        html_raw(body, "<h2>Replies</h2>\n");
    append_messages(api, body, page);
    html_raw(body, "</main>\n<footer>\n");
    append_turns(api, body, page, after, thread, "Pages, below");
    html_raw(body, "<p class=\"hint\">Times are in UTC.</p>\n</footer>\n");
    page_close(api);
}

void visit_history(struct api *api, const struct page *page, bool after)
{
    append_history(api, page, after, NULL, NULL);
}

void visit_thread(struct api *api, const struct page *page, const char *id,
                  const struct event *root)
{
    append_history(api, page, true, id, root);
}
