#include "auth/seen.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct slot {
    struct arena arena; /* what the rest points to */
    const char *token;  /* NULL = empty */
    const char *namespace;
    struct identity identity;
};

struct seen {
    unsigned char key[crypto_shorthash_KEYBYTES]; /* so that nobody can choose his place */
    struct slot *slots[SEEN_SLOTS];
};

struct seen *seen_open(void)
{
    struct seen *seen = mem_zero(sizeof(*seen));

    randombytes_buf(seen->key, sizeof(seen->key));
    return seen;
}

void seen_close(struct seen *seen)
{
    if (seen == NULL)
        return;
    for (size_t i = 0; i < SEEN_SLOTS; i++) {
        if (seen->slots[i] != NULL)
            arena_free(&seen->slots[i]->arena);
        free(seen->slots[i]);
    }
    free(seen);
}

static struct slot **place_of(struct seen *seen, const char *token, size_t len)
{
    unsigned char hash[crypto_shorthash_BYTES];

    crypto_shorthash(hash, (const unsigned char *)token, len, seen->key);
    return &seen->slots[hash[0] % SEEN_SLOTS];
}

static bool holds(const struct slot *slot, const char *token, size_t len, const char *namespace,
                  int64_t now_ms)
{
    return slot != NULL && slot->token != NULL && strncmp(slot->token, token, len) == 0 &&
           slot->token[len] == '\0' && strcmp(slot->namespace, namespace) == 0 &&
           slot->identity.expires_ms > now_ms;
}

/* Keeps a copy of all that the identity points to. */
static void keep(struct slot *slot, const char *token, size_t len, const char *namespace,
                 const struct identity *identity)
{
    struct arena *arena = &slot->arena;
    struct identity *copy = &slot->identity;

    arena_clear(arena);
    slot->token = arena_strndup(arena, token, len);
    slot->namespace = arena_strdup(arena, namespace);
    *copy = *identity;
    copy->user_id = arena_strdup(arena, identity->user_id);
    copy->name = arena_strdup(arena, identity->name);
    copy->token_id = arena_strdup(arena, identity->token_id);
    copy->namespace = arena_strdup(arena, identity->namespace);
    for (size_t i = 0; i < identity->grants_count; i++)
        copy->grants[i].pattern = arena_strdup(arena, identity->grants[i].pattern);
}

const char *seen_verify(struct seen *seen, const struct keyring *keyring, struct arena *arena,
                        const char *token, size_t len, const char *namespace, int64_t now_ms,
                        struct identity *out)
{
    struct slot **place = place_of(seen, token, len);
    const char *reason;

    if (holds(*place, token, len, namespace, now_ms)) {
        *out = (*place)->identity;
        return NULL;
    }
    reason = token_verify(keyring, arena, token, len, namespace, now_ms, out);
    if (reason != NULL)
        return reason;
    if (*place == NULL)
        *place = mem_zero(sizeof(**place));
    keep(*place, token, len, namespace, out);
    return NULL;
}
