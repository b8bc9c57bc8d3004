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

static enum store_status read_names(struct store *store, struct arena *arena, const char *namespace,
                                    size_t max, struct directory_room **rooms, size_t *count)
{
    char key[KEY_MAX], last[24];
    redisReply *reply = NULL;
    enum store_status status;

    *count = 0;
    key_site(key, namespace, "rooms");
    snprintf(last, sizeof(last), "%zu", max - 1);
    store_command(store, 4, (const char *[]){"ZREVRANGE", key, "0", last}, NULL);
    status = store_run(store, &reply, 1);
    if (status == STORE_OK)
        status = store_reply_status(reply);
    if (status == STORE_OK && reply->type == REDIS_REPLY_ARRAY) {
        *count = reply->elements;
        *rooms = arena_alloc(arena, (*count + 1) * sizeof(**rooms));
        for (size_t i = 0; i < *count; i++)
            (*rooms)[i].name = text(arena, reply->element[i]);
    }
    store_free(&reply, 1);
    return status;
}

enum store_status directory_list(struct store *store, struct arena *arena, const char *namespace,
                                 directory_caller *who, void *arg, size_t max,
                                 struct directory_room **rooms, size_t *count)
{
    enum store_status status = read_names(store, arena, namespace, max, rooms, count);
    redisReply **replies;
    size_t kept = 0;

    if (status != STORE_OK || *count == 0)
        return status;
    for (size_t i = 0; i < *count; i++) {
        struct caller caller;

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
