/* reply.h - what goes back: status, headers, body, as a CGI response (RFC 3875, 6).
 * Runs in: gate.  Blocks: never.  No I/O. */
#ifndef EARSHOT_REPLY_H
#define EARSHOT_REPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "http/problem.h"

struct reply {
    int status;
    const char *content_type;  /* NULL = there is no body */
    const char *cache_control; /* NULL = no-store */
    bool endless;              /* HEAD of a stream: no length can be told */
    struct buf headers;        /* further ones, each with CR LF */
    struct buf body;
};

/* Makes it empty, status 204; keeps the memory unless it is much. */
void reply_clear(struct reply *reply);
void reply_free(struct reply *reply);

/* Appends a header line to the reply, or to any list of them. Control characters in the value
 * become spaces, so that no value can forge a line. */
void reply_header(struct reply *reply, const char *name, const char *value);
void reply_header_line(struct buf *headers, const char *name, const char *value);

/* Turns the reply into a problem. Headers that are there stay. */
void reply_problem(struct reply *reply, const struct problem *problem, const char *request_id);

/* Appends the response. Content-Length always (but with 204, 304 and endless); no body when `head`.
 */
void reply_encode(struct buf *out, const struct reply *reply, bool head);

#endif
