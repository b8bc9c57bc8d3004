/* buf.h - a byte buffer that grows.
 * Runs in: every process.  Blocks: never.
 * Zero bytes are fine; `data` is always followed by a NUL once something was
 * appended, so that text can be handed on as a C string. */
#ifndef EARSHOT_BUF_H
#define EARSHOT_BUF_H

#include <stddef.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

#define BUF_INIT   \
    {              \
        NULL, 0, 0 \
    }

/* Gives the memory back; the buffer is empty and usable again. */
void buf_free(struct buf *b);

/* Forgets the content and keeps the memory. */
void buf_clear(struct buf *b);

/* Makes room for `len` more bytes and a NUL, and returns where they go. */
char *buf_reserve(struct buf *b, size_t len);

/* Appends bytes, a C string, one byte, or text as printf would. */
void buf_append(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Removes the first `len` bytes. */
void buf_consume(struct buf *b, size_t len);

/* Appends UTF-8 text as a JSON string, quotes included (RFC 8259, section 7). */
void buf_json(struct buf *b, const char *s, size_t len);

#endif
