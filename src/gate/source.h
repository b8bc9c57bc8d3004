/* source.h - where a gate's request comes from, and how it is answered.
 * Runs in: gate, direct.  Blocks: yes.
 * There are two: FastCGI (gate/fcgi.h) and plain CGI (gate/cgi.h). */
#ifndef EARSHOT_SOURCE_H
#define EARSHOT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Which body is wished for. */
struct source_wish {
    int64_t told;  /* its Content-Length, or -1 */
    bool expected; /* there is likely to be one */
    size_t most;   /* bytes */
};

struct source {
    bool fastcgi; /* what is parked is answered in FastCGI records */

    /* Reads the body to its end. Returns 0, 413 when it has more than `most` bytes, 400 when it
     * breaks off. */
    int (*body)(void *from, const struct source_wish *wish, struct buf *body);

    /* Answers and ends the request. Input that was left unread is drained for a moment, for a web
     * server that is still sending would not see the reply. Returns 0, or -1 when the peer did not
     * take all of it. */
    int (*reply)(void *from, const char *data, size_t len);

    /* For parking: what the answer is written to, and the request's FastCGI id. The body must be
     * read, nothing written. */
    int (*connection)(void *from, uint16_t *request_id);

    /* The connection was given away: forgets the request, without a word to the peer. */
    void (*park)(void *from);
};

#endif
