/* parsed.h - the JSON of an event, taken apart.
 * Runs in: gate, hub, earshot command.  Blocks: never.  No I/O. */
#ifndef EARSHOT_PARSED_H
#define EARSHOT_PARSED_H

#include <json-c/json.h>
#include <stddef.h>

/* Returns the object that the text is, or NULL; the caller puts it. */
struct json_object *parsed_object(const char *json, size_t len);

/* The member's string, or NULL when there is none. `len` may be NULL. */
const char *parsed_text(struct json_object *object, const char *key, size_t *len);

/* Who says it: his name, else his user id, else "anonymous". */
const char *parsed_name(struct json_object *object, size_t *len);

#endif
