#include "store/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/keys.h"

#define FIELDS 11

static const char *text(struct arena *arena, const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? arena_strndup(arena, reply->str, reply->len) : "";
}

static int64_t number(const redisReply *reply, int64_t otherwise)
{
    if (reply->type == REDIS_REPLY_INTEGER)
        return reply->integer;
    return reply->type == REDIS_REPLY_STRING && reply->len > 0 ? strtoll(reply->str, NULL, 10)
                                                               : otherwise;
}

/* Reads the reply of the list script. Returns false when there is no such room. */
static bool read_room(const redisReply *reply, struct arena *arena, struct directory_room *room)
{
    redisReply **field = reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != FIELDS || field[0]->integer != 1)
        return false;
    room->topic = text(arena, field[1]);
    event_id_parse(&room->last, field[2]->str, field[2]->len);
    room->streams = number(field[3], 0);
    room->people = number(field[4], 0);
    room->mode = field[5]->len > 0 ? text(arena, field[5]) : "open";
    room->slow_ms = number(field[6], 0);
    room->keep = number(field[7], -1);
    room->age_ms = number(field[8], -1);
    room->made_ms = number(field[9], 0);
    room->role = text(arena, field[10]);
    return true;
}

/* Adds the names of a reply. */
static size_t take_names(const redisReply *reply, struct arena *arena, struct directory_room *rooms)
{
    size_t count = 0;

    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
        if (reply->element[i]->str[0] != '@')
            rooms[count++].name = text(arena, reply->element[i]);
    return count;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct directory_room *)a)->name,
                  ((const struct directory_room *)b)->name);
}

static int latest_first(const void *a, const void *b)
{
    return event_id_compare(((const struct directory_room *)b)->last,
                            ((const struct directory_room *)a)->last);
}

static size_t drop_doubles(struct directory_room *rooms, size_t count)
{
    size_t kept = 0;

    qsort(rooms, count, sizeof(*rooms), by_name);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(rooms[kept - 1].name, rooms[i].name) != 0)
            rooms[kept++] = rooms[i];
    return kept;
}

/* The names of the rooms that are open to look at, and of those that are hidden the caller's own;
 * for an admin, all. */
static enum store_status read_names(struct store *store, struct arena *arena, const char *namespace,
                                    const struct caller *caller, size_t max,
                                    struct directory_room **rooms, size_t *count)
{
    char key[KEY_MAX], last[24];
    const char *hidden =
        strchr(caller->rights, 'a') != NULL
            ? "private"
            : arena_printf(arena, "mine:%s", caller->user_id != NULL ? caller->user_id : "");
    redisReply *replies[2] = {NULL};
    enum store_status status;

    *count = 0;
    snprintf(last, sizeof(last), "%zu", max - 1);
    key_site(key, namespace, "rooms");
    store_command(store, 4, (const char *[]){"ZREVRANGE", key, "0", last}, NULL);
    key_site(key, namespace, hidden);
    store_command(store, 4, (const char *[]){"ZREVRANGE", key, "0", last}, NULL);
    status = store_run(store, replies, 2);
    if (status == STORE_OK)
        status = store_reply_status(replies[0]);
    if (status == STORE_OK) {
        *rooms = arena_alloc(arena, (2 * max + 1) * sizeof(**rooms));
        *count = take_names(replies[0], arena, *rooms);
        *count += take_names(replies[1], arena, *rooms + *count);
        *count = drop_doubles(*rooms, *count);
    }
    store_free(replies, 2);
    return status;
}

enum store_status directory_list(struct store *store, struct arena *arena, const char *namespace,
                                 directory_caller *who, void *arg, size_t max,
                                 struct directory_room **rooms, size_t *count)
{
    struct caller caller;
    redisReply **replies;
    size_t kept = 0;
    enum store_status status;

    who(arg, "", &caller);
    status = read_names(store, arena, namespace, &caller, max, rooms, count);
    if (status != STORE_OK || *count == 0)
        return status;
    for (size_t i = 0; i < *count; i++) {
        who(arg, (*rooms)[i].name, &caller);
        call_queue(store, namespace, (*rooms)[i].name, &caller, SCRIPT_LIST, 0, NULL, NULL);
    }
    replies = mem_zero(*count * sizeof(*replies));
    status = store_run(store, replies, *count);
    for (size_t i = 0; status == STORE_OK && i < *count; i++) {
        struct directory_room room = {.name = (*rooms)[i].name};

        if (read_room(replies[i], arena, &room))
            (*rooms)[kept++] = room;
    }
    store_free(replies, *count);
    free(replies);
    *count = kept;
    qsort(*rooms, kept, sizeof(**rooms), latest_first);
    return status;
}

enum store_status directory_look(struct store *store, struct arena *arena, const char *namespace,
                                 const char *name, const struct caller *caller,
                                 struct directory_room *room, struct refusal *refusal)
{
    redisReply *reply = NULL;
    enum store_status status =
        call_run(store, namespace, name, caller, SCRIPT_LIST, 0, NULL, &reply, refusal);

    if (status != STORE_OK)
        return status;
    *room = (struct directory_room){.name = name};
    if (!read_room(reply, arena, room)) {
        *refusal = (struct refusal){"missing", 0};
        status = STORE_REFUSED;
    }
    store_free(&reply, 1);
    return status;
}
