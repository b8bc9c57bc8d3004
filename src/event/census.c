#include "event/census.h"

#include <stdbool.h>
#include <string.h>

#define MOST (CENSUS_SLOTS / 2)
#define HASH_BITS 48
#define HASH_DIGITS 12
#define SHIFT_MAX 32

/* FNV-1a, and then mixed (MurmurHash3's end), for the low bits choose and the high ones place. */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = 14695981039346656037u;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    hash = (hash ^ hash >> 33) & ((UINT64_C(1) << HASH_BITS) - 1);
    return hash != 0 ? hash : 1;
}

static bool counts(const struct census *c, uint64_t hash)
{
    return (hash & ((UINT64_C(1) << c->shift) - 1)) == 0;
}

static void put(struct census *c, uint64_t hash)
{
    size_t at = (size_t)(hash >> (HASH_BITS - 10)) % CENSUS_SLOTS;

    while (c->slots[at] != 0 && c->slots[at] != hash)
        at = (at + 1) % CENSUS_SLOTS;
    if (c->slots[at] == hash)
        return;
    c->slots[at] = hash;
    c->count++;
}

/* From now on fewer names count. */
static void raise_shift(struct census *c, unsigned shift)
{
    struct census old = *c;

    memset(c, 0, sizeof(*c));
    c->shift = shift;
    for (size_t i = 0; i < CENSUS_SLOTS; i++)
        if (old.slots[i] != 0 && counts(c, old.slots[i]))
            put(c, old.slots[i]);
}

static void add(struct census *c, uint64_t hash)
{
    if (!counts(c, hash))
        return;
    put(c, hash);
    while (c->count > MOST && c->shift < SHIFT_MAX)
        raise_shift(c, c->shift + 1);
}

void census_add(struct census *c, const char *name)
{
    add(c, hash_of(name));
}

void census_merge(struct census *c, const struct census *other)
{
    if (other->shift > c->shift)
        raise_shift(c, other->shift);
    for (size_t i = 0; i < CENSUS_SLOTS; i++)
        if (other->slots[i] != 0)
            add(c, other->slots[i]);
}

uint64_t census_count(const struct census *c)
{
    return (uint64_t)c->count << c->shift;
}

void census_encode(struct buf *out, const struct census *c)
{
    buf_printf(out, "%u:", c->shift);
    for (size_t i = 0; i < CENSUS_SLOTS; i++)
        if (c->slots[i] != 0)
            buf_printf(out, "%012llx", (unsigned long long)c->slots[i]);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the hashes that stand in `len` bytes. */
static int read_hashes(struct census *c, const char *at, size_t len)
{
    if (len % HASH_DIGITS != 0 || len / HASH_DIGITS > MOST)
        return -1;
    for (size_t i = 0; i < len; i += HASH_DIGITS) {
        uint64_t hash = 0;

        for (size_t j = 0; j < HASH_DIGITS; j++) {
            if (digit(at[i + j]) < 0)
                return -1;
            hash = hash << 4 | (uint64_t)digit(at[i + j]);
        }
        if (hash == 0 || !counts(c, hash))
            return -1;
        put(c, hash);
    }
    return 0;
}

int census_decode(struct census *census, const char *word, size_t len)
{
    struct census read = {0};
    const char *colon = memchr(word, ':', len);

    if (colon == NULL || colon == word || colon - word > 2)
        return -1;
    for (const char *c = word; c < colon; c++) {
        if (*c < '0' || *c > '9')
            return -1;
        read.shift = read.shift * 10 + (unsigned)(*c - '0');
    }
    if (read.shift > SHIFT_MAX ||
        read_hashes(&read, colon + 1, len - (size_t)(colon + 1 - word)) < 0)
        return -1;
    census_merge(census, &read);
    return 0;
}
