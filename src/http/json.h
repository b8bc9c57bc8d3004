/* json.h - JSON from strangers.
 * Runs in: gate.  Blocks: never.  No I/O.
 * json-c alone clamps numbers, lets the last of two keys win and takes lone surrogates; what two
 * readers could understand differently is refused here first: RFC 8259 to the letter, at most
 * JSON_DEPTH_MAX deep, well-formed UTF-8, no byte order mark, no lone surrogate, no \u0000, no
 * number out of json-c's range, no key twice (compared as decoded) at any level, nothing behind the
 * value. */
#ifndef EARSHOT_JSON_H
#define EARSHOT_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define JSON_DEPTH_MAX 32

struct json_fault {
    const char *reason; /* "a key stands twice in one object" */
    size_t offset;      /* in bytes, from 0 */
};

/* Returns 0, or -1 with what is wrong and where. */
int json_check(const char *text, size_t len, struct json_fault *fault);

/* Checks, then parses an object; json_object_put() it. NULL with the fault when it is malformed or
 * no object. */
struct json_object *json_read(const char *text, size_t len, struct json_fault *fault);

/* The text of a member of a checked object, as it was sent: json-c would give other bytes back
 * (100.0 for 1e2). Returns false when there is none. */
bool json_slice(const char *text, size_t len, const char *name, const char **value,
                size_t *value_len);

/* Appends checked JSON without the white space between its tokens; all other bytes stay, and no
 * line feed is left in it. */
void json_compact(struct buf *out, const char *text, size_t len);

#endif
