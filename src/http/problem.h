/* problem.h - errors that a client can read (RFC 9457).
 * Runs in: gate, earshot command.  Blocks: never.  No I/O. */
#ifndef EARSHOT_PROBLEM_H
#define EARSHOT_PROBLEM_H

#include <stddef.h>

#include "base/buf.h"

#define PROBLEM_CONTENT_TYPE "application/problem+json"

/* What is wrong. An all-zero problem is none. */
struct problem {
    int status;         /* of HTTP */
    const char *code;   /* one word for programs: room_name_invalid */
    const char *detail; /* one sentence for people; UTF-8 */
};

/* The standard's name of a status (RFC 9110, 15; "Error" for one that earshot does not use). */
const char *problem_title(int status);

/* Appends the problem as a JSON object: type, title, status, code, detail, request_id (unless NULL)
 * and, where `line` is not 0, the line of a batch. */
void problem_write(struct buf *out, const struct problem *problem, const char *request_id,
                   size_t line);

#endif
