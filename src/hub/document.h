/* document.h - a stream as an HTML document: its head, where it stands, its end.
 * Runs in: hub.  Blocks: never.  No I/O.
 * Works without a script. One scroller, of which column-reverse keeps the end in view; in it one
 * block that grows. A line says that the connection seems lost, unless another of its kind comes in
 * time: each is hidden by the next one, and shows itself by an animation that begins late. */
#ifndef EARSHOT_DOCUMENT_H
#define EARSHOT_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct connection;

/* What a document may: nothing but to be read, in a frame of its own site. */
#define DOCUMENT_POLICY                                                                \
    "Content-Security-Policy: default-src 'none'; style-src 'self'; base-uri 'self'; " \
    "form-action 'self'; frame-ancestors 'self'\r\nReferrer-Policy: same-origin\r\n"

/* The last headers of the reply, the end of its head, and the document's: its title, what was said
 * before. */
void document_head(struct buf *out, const struct connection *c, int64_t heartbeat_ms);

/* In place of MARKUP_STYLE: the tag with the document's nonce, which its policy lets in. */
void document_style(struct buf *out, const struct connection *c);

/* Where it stands now: the line that shows itself when no other follows. Before the stream is open,
 * a comment. */
void document_beat(struct buf *out, const struct connection *c);

/* The end: says why ("age", or a bye's reason) and, where it may come back, does so by itself from
 * its cursor; from where it was asked for when it never stood anywhere. */
void document_end(struct buf *out, const struct connection *c, const char *reason);

/* A whole document in place of a stream; `again`: it tries again by itself. */
void document_refusal(struct buf *out, const char *detail, bool again);

#endif
