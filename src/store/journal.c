#include "store/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/directory.h"
#include "store/keys.h"
#include "store/store.h"

static void queue_send(struct store *store, const char *namespace, const struct send *send,
                       const struct journal_limits *limits)
{
    char key[KEY_MAX], keep[24], ttl[24];
    const char *argv[] = {send->json,
                          keep,
                          "PUBLISH",
                          send->idempotency_key != NULL ? send->idempotency_key : "",
                          send->body_hash != NULL ? send->body_hash : "",
                          ttl};
    size_t lens[6] = {send->json_len};

    key_log(key, namespace, send->room);
    snprintf(keep, sizeof(keep), "%lld", (long long)limits->history_max);
    if (send->ephemeral)
        keep[0] = '\0';
    snprintf(ttl, sizeof(ttl), "%lld", (long long)limits->idempotency_ttl_ms);
    for (int i = 1; i < 6; i++)
        lens[i] = strlen(argv[i]);
    store_script(store, SCRIPT_SEND, key, 6, argv, lens);
}

/* Reads the reply of the send script. */
static enum store_status read_send(const redisReply *reply, struct send *send)
{
    enum store_status status = store_reply_status(reply);
    const redisReply *id;

    if (status != STORE_OK)
        return status;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return STORE_DOWN;
    id = reply->element[0];
    send->listeners = reply->element[1]->integer;
    send->replayed = reply->element[2]->integer == 1;
    if (id->str[0] == '-') {
        send->timestamp_ms = strtoll(id->str + 1, NULL, 10);
        return STORE_OK;
    }
    if (event_id_parse(&send->id, id->str, id->len) < 0)
        return STORE_DOWN;
    send->timestamp_ms = (int64_t)send->id.ms;
    return STORE_OK;
}

void journal_send(struct store *store, const char *namespace, const struct journal_limits *limits,
                  struct send *sends, size_t count)
{
    redisReply **replies = mem_zero(2 * count * sizeof(*replies));
    enum store_status status;
    size_t notes = 0;

    for (size_t i = 0; i < count; i++)
        queue_send(store, namespace, &sends[i], limits);
    for (size_t i = 0; i < count; i++) {
        if (!sends[i].ephemeral && sends[i].room[0] != '@')
            notes += directory_note(store, namespace, sends[i].room);
    }
    status = store_run(store, replies, 2 * count);
    if (status != STORE_OK)
        directory_forget();
    for (size_t i = 0; i < count; i++)
        sends[i].status = status == STORE_OK ? read_send(replies[i], &sends[i]) : status;
    store_free(replies, count + notes);
    free(replies);
}

/* Copies one [id, [field, json]] of XRANGE into the arena. */
static int read_entry(const redisReply *entry, struct arena *arena, struct event *event)
{
    const redisReply *fields;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        event_id_parse(&event->id, entry->element[0]->str, entry->element[0]->len) < 0)
        return -1;
    fields = entry->element[1];
    if (fields->type != REDIS_REPLY_ARRAY || fields->elements < 2)
        return -1;
    event->durable = true;
    event->timestamp_ms = (int64_t)event->id.ms;
    event->json = arena_strndup(arena, fields->element[1]->str, fields->element[1]->len);
    event->json_len = fields->element[1]->len;
    return 0;
}

static enum store_status run_range(struct store *store, int argc, const char **argv,
                                   redisReply **reply)
{
    enum store_status status;

    store_command(store, argc, argv, NULL);
    status = store_run(store, reply, 1);
    if (status != STORE_OK)
        return status;
    status = store_reply_status(*reply);
    if (status == STORE_OK && (*reply)->type != REDIS_REPLY_ARRAY)
        status = STORE_DOWN;
    if (status != STORE_OK)
        store_free(reply, 1);
    return status;
}

enum store_status journal_page(struct store *store, struct arena *arena, const char *namespace,
                               const char *room, const struct event_id *before,
                               const struct event_id *after, size_t limit, struct page *page)
{
    char key[KEY_MAX], edge[EVENT_ID_TEXT + 1] = "(", count[24];
    const char *newest_first[] = {"XREVRANGE", key,     before != NULL ? edge : "+",
                                  "-",         "COUNT", count};
    const char *oldest_first[] = {"XRANGE", key, edge, "+", "COUNT", count};
    redisReply *reply = NULL;
    enum store_status status;

    *page = (struct page){0};
    /* Beyond the ends of all ids there is nothing, which Redis calls an error. */
    if ((before != NULL && before->ms == 0 && before->seq == 0) ||
        (after != NULL && after->ms == UINT64_MAX && after->seq == UINT64_MAX))
        return STORE_OK;
    key_log(key, namespace, room);
    snprintf(count, sizeof(count), "%zu", limit + 1);
    if (before != NULL || after != NULL)
        event_id_format(edge + 1, after != NULL ? *after : *before);
    status = run_range(store, 6, after != NULL ? oldest_first : newest_first, &reply);
    if (status != STORE_OK)
        return status;
    page->more = reply->elements > limit;
    page->count = page->more ? limit : reply->elements;
    page->events = arena_alloc(arena, page->count * sizeof(*page->events));
    for (size_t i = 0; i < page->count; i++) {
        size_t to = after != NULL ? i : page->count - 1 - i;

        if (read_entry(reply->element[i], arena, &page->events[to]) < 0)
            status = STORE_DOWN;
    }
    store_free(&reply, 1);
    return status;
}

enum store_status journal_get(struct store *store, struct arena *arena, const char *namespace,
                              const char *room, struct event_id id, struct event *event)
{
    char key[KEY_MAX], text[EVENT_ID_TEXT];
    redisReply *reply = NULL;
    enum store_status status;

    key_log(key, namespace, room);
    event_id_format(text, id);
    status = run_range(store, 4, (const char *[]){"XRANGE", key, text, text}, &reply);
    if (status != STORE_OK)
        return status;
    if (reply->elements == 0)
        status = STORE_MISSING;
    else if (read_entry(reply->element[0], arena, event) < 0)
        status = STORE_DOWN;
    store_free(&reply, 1);
    return status;
}
