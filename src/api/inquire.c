#include "api/inquire.h"

#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/audit.h"
#include "base/clock.h"
#include "store/keys.h"

#define PATIENCE_MS 1000
#define PAUSE_MAX_MS 32
#define NONCE_BYTES 12

/* Runs one command on the answers. Returns 0 with a reply of this type, or -1 with the problem. */
static int ask_redis(struct api *api, const char *verb, const char *key, int type,
                     redisReply **reply)
{
    enum store_status status;

    store_command(api->store, 2, (const char *[]){verb, key}, NULL);
    status = store_run(api->store, reply, 1);
    if (status == STORE_OK)
        status = store_reply_status(*reply);
    if (status == STORE_OK && (*reply)->type != type)
        status = STORE_DOWN;
    if (status != STORE_OK)
        store_free(reply, 1);
    return api_store_failed(api, status, NULL) ? -1 : 0;
}

/* Waits until so many have answered, or the time is over. Returns 0, or -1 with the problem. */
static int await(struct api *api, const char *key, int asked)
{
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    int pause_ms = 1;

    for (;;) {
        redisReply *reply = NULL;
        long long answered;

        if (ask_redis(api, "HLEN", key, REDIS_REPLY_INTEGER, &reply) < 0)
            return -1;
        answered = reply->integer;
        store_free(&reply, 1);
        if (answered >= asked || clock_mono_ms() >= deadline_ms)
            return 0;
        poll(NULL, 0, pause_ms);
        if (pause_ms < PAUSE_MAX_MS)
            pause_ms *= 2;
    }
}

/* Reads [hub, text, hub, text, ...]. */
static int collect(struct api *api, const char *key, struct inquire_answers *answers)
{
    redisReply *reply = NULL;

    if (ask_redis(api, "HGETALL", key, REDIS_REPLY_ARRAY, &reply) < 0)
        return -1;
    answers->answered = 0;
    answers->texts = arena_alloc(api->arena, (reply->elements / 2 + 1) * sizeof(char *));
    for (size_t i = 1; i < reply->elements; i += 2)
        answers->texts[answers->answered++] =
            arena_strndup(api->arena, reply->element[i]->str, reply->element[i]->len);
    store_free(&reply, 1);
    return 0;
}

/* They would be gone in seconds; that this fails is of no interest. */
static void forget(struct api *api, const char *key)
{
    redisReply *reply = NULL;

    store_command(api->store, 2, (const char *[]){"DEL", key}, NULL);
    store_run(api->store, &reply, 1);
    store_free(&reply, 1);
}

int inquire_hubs(struct api *api, struct inquiry *q, const char *audit,
                 struct inquire_answers *answers)
{
    unsigned char nonce[NONCE_BYTES];
    char name[2 * NONCE_BYTES + 1], key[KEY_MAX];
    struct buf text = BUF_INIT;
    redisReply *reply = NULL;
    int result;

    randombytes_buf(nonce, sizeof(nonce));
    q->namespace = api->request->namespace;
    q->key = sodium_bin2hex(name, sizeof(name), nonce, sizeof(nonce));
    key_site(key, q->namespace, arena_printf(api->arena, "answers:%s", name));
    inquiry_encode(&text, q);
    result = api_call(api, AUDIT_ROOM, SCRIPT_INQUIRE, 2,
                      (const char *[]){text.data, audit != NULL ? audit : ""}, &reply);
    buf_free(&text);
    if (result < 0)
        return -1;
    answers->asked = reply->type == REDIS_REPLY_INTEGER ? (int)reply->integer : 0;
    store_free(&reply, 1);
    if (await(api, key, answers->asked) < 0 || collect(api, key, answers) < 0)
        return -1;
    forget(api, key);
    return 0;
}

void inquire_tell(struct buf *body, const struct inquire_answers *answers)
{
    buf_printf(body, "\"hubs\":{\"asked\":%d,\"answered\":%zu}", answers->asked, answers->answered);
}
