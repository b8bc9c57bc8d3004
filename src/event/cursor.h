/* cursor.h - where a reader stands.
 * Runs in: gate (parses), hub (writes).  Blocks: never.  No I/O.
 * One room: the bare stream id. Several: "room:id,room:id". A room name may
 * hold a comma (@alice,bob) but no colon, an id neither, so it reads one way. */
#ifndef EARSHOT_CURSOR_H
#define EARSHOT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "event/event.h"

enum start_kind {
    START_LATEST, /* from now on */
    START_ALL,    /* from the oldest kept */
    START_AFTER,  /* after `id` */
    START_TIME,   /* from the wall time id.ms on */
};

struct start {
    enum start_kind kind;
    struct event_id id;
};

/* Reads what `since=` may hold besides a cursor: "all", "latest", "90" (seconds back), "10m", "2h",
 * "1d". `now_ms` is the wall clock. Returns 0, or -1 when it is none of these. */
int cursor_parse_since(struct start *start, const char *s, int64_t now_ms);

/* Reads a cursor for `count` rooms, in their order, into starts[]. A bare id is right for one room
 * only. A named cursor must name at least one of the rooms; rooms it does not name get `otherwise`;
 * names that are not asked for are ignored when `many`, else refused. Returns 0, or -1 when it is
 * malformed or of other rooms. */
int cursor_parse(struct start *starts, const char *const *rooms, size_t count, bool many,
                 struct start otherwise, const char *s);

/* Appends one room's part of a cursor: "id", or "room:id" when `room` is not NULL. */
void cursor_append(struct buf *out, const char *room, struct event_id id);

#endif
