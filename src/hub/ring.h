/* ring.h - a room's recent events, oldest first; each has a number that never changes.
 * Runs in: hub.  Blocks: never.  No I/O.
 * It is what readers read from: a reader is a number in it, so a slow one costs nothing but its
 * place. */
#ifndef EARSHOT_RING_H
#define EARSHOT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/entry.h"

struct ring {
    struct entry **slots; /* a power of two of them */
    size_t cap, head, count;
    uint64_t first; /* the number of the oldest */
    size_t bytes;
    bool framed; /* frames were made of entries here since they were last dropped */
};

void ring_init(struct ring *ring);

/* Forgets all entries; numbers go on. */
void ring_clear(struct ring *ring);
void ring_free(struct ring *ring);

/* Adds at either end; the ring takes the caller's reference. */
void ring_append(struct ring *ring, struct entry *entry);
void ring_prepend(struct ring *ring, struct entry *entry);

/* Puts another in the place of an entry (takes it, and lets go of the old). */
void ring_replace(struct ring *ring, const struct entry *old, struct entry *entry);

/* Takes the oldest out and gives its reference to the caller; NULL when it is empty. */
struct entry *ring_take(struct ring *ring);

/* Drops the frames of all entries: most are wanted once, in the turn in which the event comes, and
 * weigh as much as the events. */
void ring_drop_frames(struct ring *ring);

/* The number behind the newest. */
uint64_t ring_end(const struct ring *ring);

/* The entry of a number, or NULL when it is not there any more, or not yet. */
struct entry *ring_at(const struct ring *ring, uint64_t number);

/* The number of the first entry behind all durable events up to `id`. */
uint64_t ring_after(const struct ring *ring, struct event_id id);

#endif
