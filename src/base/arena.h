/* arena.h - memory that ends with a request.
 * Runs in: gate, earshot command.  Blocks: never.
 * What an arena gave out is valid until arena_clear() or arena_free(). */
#ifndef EARSHOT_ARENA_H
#define EARSHOT_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct arena {
    struct arena_chunk *chunks;
};

/* `size` bytes, zeroed and aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of a C string (NULL gives NULL), or of `len` bytes with a NUL behind them. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);

/* What printf would print. */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A number in decimal. */
char *arena_number(struct arena *a, int64_t number);

/* Moves what a buffer holds into the arena, with a NUL behind it; the buffer is freed. */
char *arena_keep(struct arena *a, struct buf *buf);

/* Takes back all that was given out. arena_clear keeps one chunk for the next request. */
void arena_clear(struct arena *a);
void arena_free(struct arena *a);

#endif
