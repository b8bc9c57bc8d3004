/* overlay.h - what was done to a message since it was sent, laid over it.
 * Runs in: gate (history), hub (catch-up).  Blocks: never.  No I/O. */
#ifndef EARSHOT_OVERLAY_H
#define EARSHOT_OVERLAY_H

#include <stdint.h>

#include "base/buf.h"

/* As Redis keeps it; every text may be "". */
struct overlay {
    const char *edit;      /* "id members", JSON members of the newest edit; a bare id: deleted */
    const char *reactions; /* [["emoji",count],...] */
    const char *reacted;   /* the reader's own emojis, a line each */
    int64_t replies;
};

/* Appends the event's JSON as it is now: with the content and metadata of the newest edit and
 * `edited`, when that was, or without any and with `deleted`; with `reactions`
 * {"emoji":count}, `reacted` ["emoji"] and `replies`, where there are some. All other bytes stay.
 */
void overlay_apply(struct buf *out, const char *json, size_t len, const struct overlay *overlay);

#endif
