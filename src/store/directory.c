#include "store/directory.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/keys.h"

#define NOTED_ROOMS 256
#define NOTE_EVERY_MS 1000

/* The last notes of this process; one room takes the place of another. */
static struct {
    uint64_t room; /* a hash of both names */
    int64_t at_ms;
} noted[NOTED_ROOMS];

static uint64_t hash_names(const char *namespace, const char *room)
{
    static unsigned char key[crypto_shorthash_KEYBYTES];
    static bool keyed;
    unsigned char hashes[2][crypto_shorthash_BYTES];
    uint64_t sum[2];

    if (!keyed)
        randombytes_buf(key, sizeof(key));
    keyed = true;
    crypto_shorthash(hashes[0], (const unsigned char *)namespace, strlen(namespace), key);
    crypto_shorthash(hashes[1], (const unsigned char *)room, strlen(room), key);
    memcpy(sum, hashes, sizeof(sum));
    return sum[0] * 31 + sum[1];
}

size_t directory_note(struct store *store, const char *namespace, const char *room)
{
    uint64_t hash = hash_names(namespace, room);
    int64_t now_ms = clock_mono_ms();
    char key[KEY_MAX], now[24];

    if (noted[hash % NOTED_ROOMS].room == hash &&
        now_ms - noted[hash % NOTED_ROOMS].at_ms < NOTE_EVERY_MS)
        return 0;
    noted[hash % NOTED_ROOMS].room = hash;
    noted[hash % NOTED_ROOMS].at_ms = now_ms;
    key_rooms(key, namespace);
    snprintf(now, sizeof(now), "%lld", (long long)clock_wall_ms());
    store_command(store, 4, (const char *[]){"ZADD", key, now, room}, NULL);
    return 1;
}

void directory_forget(void)
{
    memset(noted, 0, sizeof(noted));
}

/* Reads the reply of the room script. Returns false for a room with nothing kept and nobody in it.
 */
static bool read_room(const redisReply *reply, struct arena *arena, struct directory_room *room)
{
    const redisReply *topic;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return false;
    topic = reply->element[0];
    room->topic = topic->len > 0 ? arena_strndup(arena, topic->str, topic->len) : NULL;
    room->online = reply->element[2]->integer;
    if (event_id_parse(&room->last, reply->element[1]->str, reply->element[1]->len) < 0)
        return false;
    return room->last.ms != 0 || room->online > 0 || room->topic != NULL;
}

static enum store_status read_names(struct store *store, struct arena *arena, const char *namespace,
                                    size_t max, struct directory_room **rooms, size_t *count)
{
    char key[KEY_MAX], last[24];
    redisReply *reply = NULL;
    enum store_status status;

    *count = 0;
    key_rooms(key, namespace);
    snprintf(last, sizeof(last), "%zu", max - 1);
    store_command(store, 4, (const char *[]){"ZREVRANGE", key, "0", last}, NULL);
    status = store_run(store, &reply, 1);
    if (status == STORE_OK)
        status = store_reply_status(reply);
    if (status == STORE_OK && reply->type == REDIS_REPLY_ARRAY) {
        *count = reply->elements;
        *rooms = arena_alloc(arena, *count * sizeof(**rooms));
        for (size_t i = 0; i < *count; i++)
            (*rooms)[i].name = arena_strndup(arena, reply->element[i]->str, reply->element[i]->len);
    }
    store_free(&reply, 1);
    return status;
}

enum store_status directory_rooms(struct store *store, struct arena *arena, const char *namespace,
                                  size_t max, struct directory_room **rooms, size_t *count)
{
    enum store_status status = read_names(store, arena, namespace, max, rooms, count);
    redisReply **replies;
    size_t kept = 0;

    if (status != STORE_OK || *count == 0)
        return status;
    for (size_t i = 0; i < *count; i++) {
        char key[KEY_MAX];

        key_log(key, namespace, (*rooms)[i].name);
        store_script(store, SCRIPT_ROOM, key, 0, NULL, NULL);
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
