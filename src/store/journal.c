#include "store/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "event/overlay.h"

#define NUMBER_TEXT 24

static void queue_send(struct store *store, const char *namespace, const struct caller *caller,
                       const struct send *send, const struct journal_limits *limits)
{
    char keep[NUMBER_TEXT], age[NUMBER_TEXT], ttl[NUMBER_TEXT], every[NUMBER_TEXT],
        burst[NUMBER_TEXT];
    const char *argv[11 + JOURNAL_MENTIONS_MAX] = {
        send->json,
        send->ephemeral ? "1" : "",
        keep,
        age,
        send->idempotency_key != NULL ? send->idempotency_key : "",
        send->body_hash != NULL ? send->body_hash : "",
        ttl,
        limits->address != NULL ? limits->address : "",
        every,
        burst,
        send->reply_to != NULL ? send->reply_to : ""};
    size_t lens[11 + JOURNAL_MENTIONS_MAX] = {send->json_len};
    int argc = 11;

    snprintf(keep, sizeof(keep), "%lld", (long long)limits->history_max);
    snprintf(age, sizeof(age), "%lld", (long long)limits->history_age_ms);
    snprintf(ttl, sizeof(ttl), "%lld", (long long)limits->idempotency_ttl_ms);
    snprintf(every, sizeof(every), "%lld", (long long)limits->every_ms);
    snprintf(burst, sizeof(burst), "%lld", (long long)limits->burst);
    for (size_t i = 0; i < send->mentions_count; i++)
        argv[argc++] = send->mentions[i];
    for (int i = 1; i < argc; i++)
        lens[i] = strlen(argv[i]);
    call_queue(store, namespace, send->room, caller, SCRIPT_SEND, argc, argv, lens);
}

/* Reads the reply of the send script. */
static enum store_status read_send(const redisReply *reply, struct send *send)
{
    enum store_status status = store_reply_status(reply);
    const redisReply *id;

    if (status == STORE_REFUSED)
        store_refusal(reply, &send->refusal);
    if (status != STORE_OK)
        return status;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 5 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return STORE_DOWN;
    id = reply->element[0];
    send->listeners = reply->element[1]->integer;
    send->replayed = reply->element[2]->integer == 1;
    send->left = reply->element[3]->integer;
    send->back_ms = reply->element[4]->integer;
    if (id->str[0] == '-') {
        send->timestamp_ms = strtoll(id->str + 1, NULL, 10);
        return STORE_OK;
    }
    if (event_id_parse(&send->id, id->str, id->len) < 0)
        return STORE_DOWN;
    send->timestamp_ms = (int64_t)send->id.ms;
    return STORE_OK;
}

void journal_send(struct store *store, const char *namespace, const struct caller *caller,
                  const struct journal_limits *limits, struct send *sends, size_t count)
{
    redisReply **replies = mem_zero(count * sizeof(*replies));
    enum store_status status;

    for (size_t i = 0; i < count; i++)
        queue_send(store, namespace, caller, &sends[i], limits);
    status = store_run(store, replies, count);
    for (size_t i = 0; i < count; i++)
        sends[i].status = status == STORE_OK ? read_send(replies[i], &sends[i]) : status;
    store_free(replies, count);
    free(replies);
}

static bool is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

/* Copies a row of view() in part/view.lua into the arena: {id, json, edit, reactions, reacted,
 * replies}. */
static int read_row(const redisReply *row, struct arena *arena, struct event *event)
{
    struct buf json = BUF_INIT;

    if (row->type != REDIS_REPLY_ARRAY || row->elements != 6)
        return -1;
    for (size_t i = 0; i < 6; i++)
        if (!is_text(row->element[i]))
            return -1;
    if (event_id_parse(&event->id, row->element[0]->str, row->element[0]->len) < 0)
        return -1;
    overlay_apply(&json, row->element[1]->str, row->element[1]->len,
                  &(struct overlay){.edit = row->element[2]->str,
                                    .reactions = row->element[3]->str,
                                    .reacted = row->element[4]->str,
                                    .replies = strtoll(row->element[5]->str, NULL, 10)});
    event->durable = true;
    event->timestamp_ms = (int64_t)event->id.ms;
    event->json_len = json.len;
    event->json = arena_keep(arena, &json);
    return 0;
}

static void copy_id(char out[EVENT_ID_TEXT], const redisReply *text)
{
    snprintf(out, EVENT_ID_TEXT, "%s", is_text(text) ? text->str : "");
}

/* Reads the reply of the history script; rows that come newest first are turned round. */
static enum store_status read_page(const redisReply *reply, struct arena *arena, bool newest_first,
                                   struct page *page)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3)
        return STORE_DOWN;
    page->more = reply->element[0]->integer == 1;
    if (is_text(reply->element[1]))
        event_id_parse(&page->edge, reply->element[1]->str, reply->element[1]->len);
    copy_id(page->version, reply->element[2]);
    page->count = reply->elements - 3;
    page->events = arena_alloc(arena, (page->count + 1) * sizeof(*page->events));
    for (size_t i = 0; i < page->count; i++) {
        size_t to = newest_first ? page->count - 1 - i : i;

        if (read_row(reply->element[3 + i], arena, &page->events[to]) < 0)
            return STORE_DOWN;
    }
    return STORE_OK;
}

enum store_status journal_read(struct store *store, struct arena *arena, const char *namespace,
                               const char *room, const struct caller *caller,
                               const struct journal_question *q, struct page *page,
                               struct refusal *refusal)
{
    static const char *const ways[] = {"before", "after", "one", "replies"};
    char id[EVENT_ID_TEXT] = "", after[EVENT_ID_TEXT] = "";
    const char *argv[] = {ways[q->way], id, arena_number(arena, (int64_t)q->limit),
                          arena_number(arena, q->history_age_ms), after};
    redisReply *reply = NULL;
    enum store_status status;

    *page = (struct page){0};
    /* Beyond the greatest id there is nothing, which Redis calls an error. */
    if (q->way == JOURNAL_AFTER && q->id.ms == UINT64_MAX && q->id.seq == UINT64_MAX)
        return STORE_OK;
    if (q->id.ms != 0 || q->id.seq != 0)
        event_id_format(id, q->id);
    if (q->after.ms != 0 || q->after.seq != 0)
        event_id_format(after, q->after);
    status = call_run(store, namespace, room, caller, SCRIPT_HISTORY, 5, argv, &reply, refusal);
    if (status != STORE_OK)
        return status;
    status = read_page(reply, arena, q->way == JOURNAL_BEFORE, page);
    store_free(&reply, 1);
    return status;
}

enum store_status journal_change(struct store *store, struct arena *arena, const char *namespace,
                                 const char *room, const struct caller *caller,
                                 const struct journal_limits *limits, struct change *change,
                                 struct refusal *refusal)
{
    char id[EVENT_ID_TEXT];
    const char *argv[] = {change->what,
                          id,
                          change->json,
                          arena_number(arena, limits->history_max),
                          arena_number(arena, limits->history_age_ms),
                          change->version,
                          change->value,
                          limits->address != NULL ? limits->address : "",
                          arena_number(arena, limits->every_ms),
                          arena_number(arena, limits->burst),
                          change->audit};
    redisReply *reply = NULL;
    enum store_status status;

    event_id_format(id, change->id);
    status = call_run(store, namespace, room, caller, SCRIPT_CHANGE, 11, argv, &reply, refusal);
    if (status != STORE_OK)
        return status;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 || !is_text(reply->element[0]) ||
        read_row(reply->element[2], arena, &change->now) < 0)
        status = STORE_DOWN;
    else
        change->changed = reply->element[0]->len > 0;
    if (status == STORE_OK)
        copy_id(change->now_version, reply->element[1]);
    store_free(&reply, 1);
    return status;
}
