/* event.h - an event, its id, and its JSON as the log keeps it.
 * Runs in: gate (writes), hub (reads).  Blocks: never.  No I/O.
 * The log keeps `{"type":...,"room":...}` without id and timestamp: Redis gives
 * the id, the time is in it, and both are put in front for the client. */
#ifndef EARSHOT_EVENT_H
#define EARSHOT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A Redis stream id, "ms-seq". */
struct event_id {
    uint64_t ms;
    uint64_t seq;
};

#define EVENT_ID_TEXT 42
#define EVENT_TYPE_MAX 32

/* Reads `len` bytes as a decimal number that fits 64 bits: digits only, no leading zero. Returns 0
 * or -1. */
int event_number_parse(uint64_t *number, const char *s, size_t len);

/* Strict: two decimal numbers that fit 64 bits, no sign, no leading zero, one '-'. Returns 0 or -1.
 */
int event_id_parse(struct event_id *id, const char *s, size_t len);

/* Writes the id with a NUL and returns its length. */
size_t event_id_format(char out[EVENT_ID_TEXT], struct event_id id);

/* Below, at or above zero, as memcmp. */
int event_id_compare(struct event_id a, struct event_id b);

/* What a sender says. NULL or "" = absent; only content may be empty and present. All UTF-8,
 * checked before. */
struct event_draft {
    const char *type;
    const char *to; /* the only user that it is for, whom hubs find by event_to(); NULL = all */
    const char *room;
    const char *user_id; /* NULL = anonymous */
    const char *name;
    const char *content;
    size_t content_len;
    const char *metadata; /* a JSON object's text */
    const char *reply_to;
    const char *client_id;
    const char *more; /* further members, ",\"target\":\"1-0\"" */
};

/* Appends the JSON that the log keeps. `type` is always its first member. */
void event_write(struct buf *out, const struct event_draft *draft);

/* An event on its way to a client; borrows the JSON. */
struct event {
    bool durable; /* has an id; an ephemeral one has only a time */
    struct event_id id;
    int64_t timestamp_ms; /* wall clock, ms since 1970: of a durable event, id.ms */
    const char *json;
    size_t json_len;
};

/* Appends the JSON that clients get: id (unless ephemeral) and timestamp in front of what the log
 * keeps. */
void event_json(struct buf *out, const struct event *event);

/* The event's type, as it stands in its JSON: pointer and length; "" of length 0 when the JSON is
 * not ours. */
const char *event_type(const char *json, size_t json_len, size_t *type_len);

/* The user that an event is for, as event_write() wrote it: pointer and length; NULL = all. */
const char *event_to(const char *json, size_t json_len, size_t *to_len);

/* The user that a `join` or `typing` tells of, who need not be told it himself; likewise, NULL = it
 * is for all. */
const char *event_but(const char *json, size_t json_len, size_t *user_len);

/* May a sender choose this type? `message`, or [a-z][a-z0-9._-]{0,31} and none of earshot's own
 * (api.md). */
bool event_type_sendable(const char *type);

#endif
