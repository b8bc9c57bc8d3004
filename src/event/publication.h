/* publication.h - what the live channel of a room carries.
 * Runs in: hub (reads); the send script writes it.  Blocks: never.  No I/O.
 * "prev-id id json"; an ephemeral event has "-timestamp_ms" for the id. prev-id
 * is the room's last durable id before this one ("0-0" = none), so that a
 * reader that knows another last id knows that it missed something. */
#ifndef EARSHOT_PUBLICATION_H
#define EARSHOT_PUBLICATION_H

#include "event/event.h"

struct publication {
    struct event_id previous;
    struct event event; /* its JSON points into what was parsed */
};

/* Returns 0, or -1 when the payload is not a publication. */
int publication_parse(struct publication *p, const char *payload, size_t len);

#endif
