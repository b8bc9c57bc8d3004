/* inquiry.h - what all hubs are asked at once, as it stands on their channel.
 * Runs in: gate, hub (both write), hub (reads).  Blocks: never.  No I/O.
 * One text of words, with its version in front; how a hub answers is said at each kind. */
#ifndef EARSHOT_INQUIRY_H
#define EARSHOT_INQUIRY_H

#include <stdint.h>

#include "base/buf.h"

#define INQUIRY_BYTES_MAX 1536

/* An answer begins with a line of words: the hub, "host:pid", and then */
enum inquiry_kind {
    INQUIRY_CONNECTIONS, /* how many there are; a line for each of the newest: since when, ms, and
                            its JSON */
    INQUIRY_END,         /* 1 when it has ended the connection, else 0 */
    INQUIRY_FIGURES,     /* 0; a line by figures_encode() */
    INQUIRY_KINDS
};

struct inquiry {
    enum inquiry_kind kind;
    const char *namespace;  /* which it is about */
    const char *key;        /* answers are put into earshot:namespace:answers:key, by hub */
    const char *user;       /* only this one's connections; NULL = all */
    const char *room;       /* only those that stand in it, NULL = all */
    const char *connection; /* the one to end, or NULL */
    unsigned limit;         /* so many connections at most */
    const char *machine;    /* machine_boot() of who asks, or NULL */
    uint64_t sent_us;       /* clock_mono_us() when he does */
};

/* Appends the text. The names are checked before: none has a blank in it. */
void inquiry_encode(struct buf *out, const struct inquiry *inquiry);

/* Reads a text, which is changed: the names point into it. Returns 0, or -1 when it is not one of
 * this version. */
int inquiry_decode(struct inquiry *inquiry, char *text);

/* Takes the head of an answer, "host:pid number": where the rest begins, or NULL when it is no
 * answer. */
const char *inquiry_head(const char *text, int64_t *number);

#endif
