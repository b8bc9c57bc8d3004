#include "hub/catchup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "hub/access.h"
#include "hub/connection.h"
#include "hub/room.h"
#include "hub/state.h"
#include "store/keys.h"

#define PAGE_EVENTS 128
#define PAGE_EVENTS_TEXT "128"

struct page {
    LIST_ENTRY(page) link; /* of those asked for */
    struct room *room;     /* NULL once the answer is there */
    struct question *question;
    struct event_id after;
    unsigned refs; /* the question, and each member */
    LIST_HEAD(, member) waiting;
    bool full;            /* there may be more behind it */
    struct event_id last; /* that was given when Redis answered */
    size_t count;
    struct entry *entries[PAGE_EVENTS];
};

/* What the read script answers. */
struct log_view {
    struct event_id last;     /* ever given */
    struct event_id oldest;   /* kept; 0-0 = none */
    struct event_id gone;     /* the newest that was trimmed away; 0-0 = none */
    int64_t version;          /* of who may read */
    const redisReply *access; /* the answer's */
    size_t count;
    struct entry *entries[PAGE_EVENTS];
};

static const struct event_id nothing = {0, 0};

static int read_id(const redisReply *reply, struct event_id *id)
{
    return reply->type == REDIS_REPLY_STRING ? event_id_parse(id, reply->str, reply->len) : -1;
}

/* Before the JSON of a message that was deleted stands "-id ", of the event that did it. */
static struct entry *read_entry(const redisReply *id, const redisReply *json)
{
    struct event event = {.durable = true, .json = json->str, .json_len = json->len};
    struct event_id by;
    const char *blank;

    if (read_id(id, &event.id) < 0 || json->type != REDIS_REPLY_STRING)
        return NULL;
    event.timestamp_ms = (int64_t)event.id.ms;
    blank = json->str[0] == '-' ? memchr(json->str, ' ', json->len) : NULL;
    if (blank == NULL || event_id_parse(&by, json->str + 1, (size_t)(blank - json->str) - 1) < 0)
        return entry_create(&event);
    event.json = blank + 1;
    event.json_len = json->len - (size_t)(event.json - json->str);
    return entry_create_deleted(&event, by);
}

/* Returns 0, or -1 when the answer is none of the script's. The entries are the caller's. */
static int read_view(const redisReply *reply, struct log_view *view)
{
    memset(view, 0, sizeof(*view));
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 5 ||
        read_id(reply->element[0], &view->last) < 0 ||
        read_id(reply->element[1], &view->oldest) < 0 ||
        read_id(reply->element[2], &view->gone) < 0 ||
        reply->element[3]->type != REDIS_REPLY_STRING ||
        reply->element[4]->type != REDIS_REPLY_ARRAY)
        return -1;
    view->version = strtoll(reply->element[3]->str, NULL, 10);
    view->access = reply->element[4];
    for (size_t i = 5; i + 1 < reply->elements && view->count < PAGE_EVENTS; i += 2) {
        struct entry *entry = read_entry(reply->element[i], reply->element[i + 1]);

        if (entry != NULL)
            view->entries[view->count++] = entry;
    }
    return 0;
}

/* Was something trimmed that a reader at this cursor has not had? Or is the cursor of another log:
 * where nothing was trimmed, a cursor that is an event's (a time's has the greatest seq) is not
 * below the oldest. */
static bool has_lost(const struct log_view *view, struct event_id cursor)
{
    if (event_id_compare(cursor, nothing) == 0)
        return event_id_compare(view->gone, nothing) != 0;
    if (event_id_compare(view->gone, nothing) == 0 && cursor.seq != UINT64_MAX)
        return event_id_compare(view->oldest, cursor) > 0;
    return event_id_compare(view->gone, cursor) > 0;
}

static void log_refusal(const struct room *room, const redisReply *reply)
{
    log_error("the log of a room cannot be read room=%s reply=\"%.200s\"", room->key,
              reply->type == REDIS_REPLY_ERROR ? reply->str : "");
}

/* Takes up what an answer says of who may read. Of a version that is not ours, but was when it was
 * asked for, it says nothing: the next check will. */
static void take_access(struct room *room, const struct log_view *view)
{
    if (view->version != room->access_version && view->access->elements > 0)
        room_access(room, access_read(view->access), view->version);
}

static struct question *ask_log(struct room *room, struct event_id after, const char *count,
                                ask_answer *answer, void *arg)
{
    char key[KEY_MAX], id[EVENT_ID_TEXT], version[24], age[24];
    const char *argv[] = {id, count, version, age};

    key_log(key, room->namespace, room->name);
    event_id_format(id, after);
    snprintf(version, sizeof(version), "%lld", (long long)room->access_version);
    snprintf(age, sizeof(age), "%lld", (long long)room->hub->conf->history_age_ms);
    room->asks++;
    return ask_script(&room->hub->ask, SCRIPT_READ, key, 4, argv, answer, arg);
}

/* The log ends before what was already seen: Redis came back with less than it had. */
static void tell_regress(struct room *room, const struct log_view *view)
{
    log_warn("the log has lost events room=%s", room->name);
    room_reset(room);
    room_append(room, entry_create_gap(view->oldest, view->last));
    room->last = view->last;
    room->floor = view->last;
}

/* What the hub has missed was trimmed meanwhile. */
static void tell_trimmed(struct room *room, const struct log_view *view)
{
    struct entry *gap = entry_create_gap(view->oldest, room->last);

    gap->below = event_id_compare(view->gone, nothing) != 0 ? view->gone : view->oldest;
    room_append(room, gap);
}

static void sync_again(struct room *room, struct log_view *view)
{
    if (event_id_compare(view->last, room->last) < 0)
        tell_regress(room, view);
    else if (has_lost(view, room->last))
        tell_trimmed(room, view);
    for (size_t i = 0; i < view->count; i++) {
        if (event_id_compare(view->entries[i]->event.id, room->last) > 0)
            room_append(room, view->entries[i]);
        else
            entry_release(view->entries[i]);
    }
    if (view->count == PAGE_EVENTS) {
        catchup_sync(room);
        return;
    }
    if (event_id_compare(view->last, room->last) > 0)
        room->last = view->last;
    room_live(room);
}

static void on_sync(void *arg, const redisReply *reply)
{
    struct room *room = arg;
    struct log_view view;

    room->asks--;
    room->syncs--;
    /* An answer from before the subscription was lost says nothing of the time since. */
    if (room->syncs > 0 || room->state != ROOM_SYNCING)
        return;
    if (read_view(reply, &view) < 0) {
        log_refusal(room, reply);
        room_unreadable(room);
        return;
    }
    take_access(room, &view);
    if (room->synced) {
        sync_again(room, &view);
        return;
    }
    room->synced = true;
    room->floor = view.last;
    room->last = view.last;
    room_live(room);
}

void catchup_sync(struct room *room)
{
    room->syncs++;
    ask_log(room, room->last, room->synced ? PAGE_EVENTS_TEXT : "0", on_sync, room);
}

static void on_check(void *arg, const redisReply *reply)
{
    struct room *room = arg;
    struct log_view view;

    room->asks--;
    if (read_view(reply, &view) < 0)
        return;
    take_access(room, &view);
    if (room->state != ROOM_LIVE || event_id_compare(view.last, room->last) == 0)
        return;
    /* Ahead: a publication may just be on its way; asking is cheaper than being wrong. */
    room->state = ROOM_SYNCING;
    catchup_sync(room);
}

void catchup_check(struct room *room)
{
    ask_log(room, room->last, "0", on_check, room);
}

static void release_page(struct page *page)
{
    if (--page->refs > 0)
        return;
    for (size_t i = 0; i < page->count; i++)
        entry_release(page->entries[i]);
    free(page);
}

/* Does the page hold all from its beginning to where the ring begins? The feed may be far ahead of
 * the answer, so that even the last page ends before the ring. */
static bool reaches_ring(const struct room *room, const struct page *page)
{
    struct event_id end = page->full ? page->entries[page->count - 1]->event.id : page->last;

    return event_id_compare(end, room->floor) >= 0;
}

/* Puts a page that reaches the ring in front of it, if there is room. Returns whether it did. The
 * ring then begins where the page does, or behind what was trimmed: whoever comes with an older
 * cursor must be told. */
static bool extend_ring(struct room *room, struct page *page, const struct log_view *view)
{
    bool trimmed = event_id_compare(view->gone, page->after) > 0;
    struct event_id floor = trimmed ? view->gone : page->after;
    size_t bytes = room->ring.bytes, count = 0;

    if (!reaches_ring(room, page) || event_id_compare(floor, room->floor) >= 0)
        return false;
    while (count < page->count &&
           event_id_compare(page->entries[count]->event.id, room->floor) <= 0)
        bytes += entry_weight(page->entries[count++]);
    if (bytes > (size_t)room->hub->conf->stream_queue_bytes)
        return false;
    while (count > 0)
        ring_prepend(&room->ring, entry_hold(page->entries[--count]));
    room->floor = floor;
    return true;
}

static ask_answer on_page;

static struct page *make_page(struct room *room, struct event_id after)
{
    struct page *page = mem_zero(sizeof(*page));

    page->room = room;
    page->after = after;
    page->refs = 1;
    LIST_INIT(&page->waiting);
    LIST_INSERT_HEAD(&room->pages, page, link);
    page->question = ask_log(room, after, PAGE_EVENTS_TEXT, on_page, page);
    return page;
}

static void wait_for(struct member *member, struct page *page)
{
    page->refs++;
    LIST_INSERT_HEAD(&page->waiting, member, in_page);
    member->page = page;
    member->state = MEMBER_READING;
}

/* The page asked for that lies nearest before this cursor, or begins at it; NULL when there is
 * none.
 */
static struct page *nearest_page(const struct room *room, struct event_id cursor)
{
    struct page *page, *nearest = NULL;

    LIST_FOREACH (page, &room->pages, link)
        if (event_id_compare(page->after, cursor) <= 0 &&
            (nearest == NULL || event_id_compare(page->after, nearest->after) > 0))
            nearest = page;
    return nearest;
}

void catchup_page(struct member *member)
{
    /* A page from further back serves too: what is not after the cursor is passed over. */
    struct page *page = nearest_page(member->room, member->cursor);

    wait_for(member, page != NULL ? page : make_page(member->room, member->cursor));
}

/* For a cursor that the page which it waited for knows nothing of, since that was asked for before:
 * only a page of its own tells whether it is ahead of the log. */
static void ask_own_page(struct member *member)
{
    struct page *page = nearest_page(member->room, member->cursor);

    if (page == NULL || event_id_compare(page->after, member->cursor) != 0)
        page = make_page(member->room, member->cursor);
    wait_for(member, page);
}

/* Starts one of those who waited for this page on it. */
static void start_page(struct member *member, struct page *page, const struct log_view *view,
                       bool in_ring)
{
    bool ahead = event_id_compare(member->cursor, view->last) > 0;

    member->page = NULL;
    if (ahead && event_id_compare(page->after, member->cursor) != 0) {
        ask_own_page(member);
        release_page(page);
        return;
    }
    if (ahead && member->may_lose) {
        /* The room is silent since the time that was asked for. That time as a cursor would be told
         * a gap when it comes back. */
        member->cursor = view->last;
    } else if (ahead) {
        /* Ahead of all ids ever given: a cursor of another log, or Redis came back with less than
         * it had. */
        member->gap = entry_create_gap(view->oldest, view->last);
    } else if (has_lost(view, member->cursor) && !member->may_lose) {
        member->gap = entry_create_gap(view->oldest, member->cursor);
    }
    member->may_lose = false;
    if (in_ring || (member->gap != NULL && page->count == 0)) {
        room_attach(member);
        release_page(page);
        return;
    }
    member->page = page;
    member->page_index = 0;
    member->state = MEMBER_PAGING;
}

/* Redis refuses to read this room: those who wait for it are told; others go on. */
static void refuse_all(struct room *room, struct page *page, const redisReply *reply)
{
    struct member *member;

    log_refusal(room, reply);
    while ((member = LIST_FIRST(&page->waiting)) != NULL) {
        LIST_REMOVE(member, in_page);
        member->page = NULL;
        member->state = MEMBER_WAITING;
        release_page(page);
        connection_unreadable(member->connection);
    }
}

static void on_page(void *arg, const redisReply *reply)
{
    struct page *page = arg;
    struct room *room = page->room;
    struct log_view view;
    struct member *member;
    bool in_ring;

    LIST_REMOVE(page, link);
    page->room = NULL;
    room->asks--;
    if (read_view(reply, &view) < 0) {
        refuse_all(room, page, reply);
        release_page(page);
        return;
    }
    take_access(room, &view);
    memcpy(page->entries, view.entries, view.count * sizeof(view.entries[0]));
    page->count = view.count;
    page->full = view.count == PAGE_EVENTS;
    page->last = view.last;
    in_ring = extend_ring(room, page, &view);
    while ((member = LIST_FIRST(&page->waiting)) != NULL) {
        struct connection *connection = member->connection;

        LIST_REMOVE(member, in_page);
        start_page(member, page, &view, in_ring);
        connection_started(connection);
    }
    release_page(page);
}

struct entry *catchup_peek(struct member *member)
{
    struct page *page = member->page;

    if (member->page_index < page->count)
        return page->entries[member->page_index];
    /* Also past what was trimmed away at its end, or a log of nothing else would be read for ever.
     */
    if (!page->full && event_id_compare(member->cursor, page->last) < 0)
        member->cursor = page->last;
    member->page = NULL;
    release_page(page);
    if (event_id_compare(member->cursor, member->room->floor) < 0)
        catchup_page(member);
    else
        room_attach(member);
    return NULL;
}

/* While Redis is away, those who come with ever other cursors and leave again must not pile up what
 * is to be asked. */
static void forget_page(struct page *page)
{
    ask_cancel(&page->room->hub->ask, page->question);
    page->room->asks--;
    LIST_REMOVE(page, link);
    page->refs--; /* the question's; the member that goes still has its own */
}

void catchup_leave(struct member *member)
{
    struct page *page = member->page;

    if (page == NULL)
        return;
    member->page = NULL;
    if (member->state == MEMBER_READING) {
        LIST_REMOVE(member, in_page);
        if (page->room != NULL && LIST_EMPTY(&page->waiting))
            forget_page(page);
    }
    release_page(page);
}

void catchup_forget(struct room *room)
{
    struct page *page;

    while ((page = LIST_FIRST(&room->pages)) != NULL) {
        LIST_REMOVE(page, link);
        release_page(page);
    }
}
