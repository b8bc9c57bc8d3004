/* field.h - reads the JSON that a server answers.
 * Runs in: earshot command.  Blocks: never.  No I/O. */
#ifndef EARSHOT_FIELD_H
#define EARSHOT_FIELD_H

#include <json-c/json.h>
#include <stddef.h>

#include "base/buf.h"

/* Returns the object that the text is, to be put by the caller, or NULL when it is none. */
struct json_object *field_parse(const char *json, size_t len);

/* The member's text, or NULL when there is none or it is empty. */
const char *field_text(struct json_object *object, const char *key);

/* Appends when an event was, and a space. */
void field_time(struct buf *out, const char *json, size_t len);

/* Appends JSON as one line: a line end outside of its strings is white space. */
void field_line(struct buf *out, const char *json, size_t len);

#endif
