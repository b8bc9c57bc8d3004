#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_BYTES 16384

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    size_t used;
    max_align_t data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_chunk *c = a->chunks;
    size_t need = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    void *p;

    if (c == NULL || c->size - c->used < need) {
        size_t room = need > CHUNK_BYTES ? need : CHUNK_BYTES;

        c = mem_alloc(sizeof(*c) + room);
        c->next = a->chunks;
        c->size = room;
        c->used = 0;
        a->chunks = c;
    }
    p = (char *)c->data + c->used;
    c->used += need;
    return memset(p, 0, size);
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s != NULL ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *copy = arena_alloc(a, len + 1);

    if (len > 0)
        memcpy(copy, s, len);
    return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    char *text;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        len = 0;
    text = arena_alloc(a, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

char *arena_number(struct arena *a, int64_t number)
{
    return arena_printf(a, "%lld", (long long)number);
}

char *arena_keep(struct arena *a, struct buf *buf)
{
    char *kept = arena_strndup(a, buf->data != NULL ? buf->data : "", buf->len);

    buf_free(buf);
    return kept;
}

void arena_clear(struct arena *a)
{
    struct arena_chunk *keep = NULL;

    while (a->chunks != NULL) {
        struct arena_chunk *c = a->chunks;

        a->chunks = c->next;
        if (keep == NULL && c->size == CHUNK_BYTES)
            keep = c;
        else
            free(c);
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
        a->chunks = keep;
    }
}

void arena_free(struct arena *a)
{
    while (a->chunks != NULL) {
        struct arena_chunk *c = a->chunks;

        a->chunks = c->next;
        free(c);
    }
}
