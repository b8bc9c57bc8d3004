/* framing.h - takes what carries a payload off it: HTTP heads, chunks, WebSocket frames.
 * Runs in: load.  Blocks: never: feed bytes, take payload.
 * Strict enough to notice a server that breaks the rules; not meant for strangers. */
#ifndef BENCH_FRAMING_H
#define BENCH_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum framing_state {
    FRAMING_HEAD,
    FRAMING_LENGTH,     /* a body of known length */
    FRAMING_CHUNK_SIZE, /* RFC 9112, section 7.1 */
    FRAMING_CHUNK,
    FRAMING_CHUNK_END,
    FRAMING_TRAILER,
    FRAMING_WS_HEAD, /* RFC 6455, section 5.2 */
    FRAMING_WS,
    FRAMING_UNTIL_CLOSE,
    FRAMING_DONE, /* the reply is whole */
    FRAMING_WRONG,
};

struct framing {
    uint8_t state;
    uint8_t have; /* of a WebSocket header */
    uint8_t header[10];
    bool closes; /* the server closes after this reply */
    bool pinged; /* a frame or body ended with '2': the ping of engine.io */
    uint16_t status;
    uint64_t left; /* of the body, the chunk or the frame */
};

/* A new reply is expected. */
void framing_reset(struct framing *f);

/* Reads a head, which ends with an empty line and a NUL behind it. */
void framing_head(struct framing *f, const char *head);

/* Moves the payload in in[0..len) to `out`, which is `in` or before it. Returns the payload's
 * length. Sets FRAMING_DONE at the end of a reply, FRAMING_WRONG when what comes breaks the rules.
 */
size_t framing_feed(struct framing *f, const char *in, size_t len, char *out);

/* Copies a header's value, "" when it is absent or too long. `name` with its colon, "\nETag:". */
void framing_value(const char *head, const char *name, char *value, size_t size);

#endif
