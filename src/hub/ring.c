#include "hub/ring.h"

#include <stdlib.h>

#include "base/mem.h"

/* Far from 0, so that older events can be put in front. */
#define FIRST_NUMBER ((uint64_t)1 << 40)

void ring_init(struct ring *ring)
{
    *ring = (struct ring){.first = FIRST_NUMBER};
}

void ring_clear(struct ring *ring)
{
    struct entry *entry;

    while ((entry = ring_take(ring)) != NULL)
        entry_release(entry);
}

void ring_free(struct ring *ring)
{
    ring_clear(ring);
    free(ring->slots);
    ring->slots = NULL;
    ring->cap = 0;
}

static struct entry **slot(const struct ring *ring, size_t i)
{
    return &ring->slots[(ring->head + i) & (ring->cap - 1)];
}

static void grow(struct ring *ring)
{
    size_t cap = ring->cap > 0 ? ring->cap * 2 : 8;
    struct entry **slots;

    if (ring->count < ring->cap)
        return;
    slots = mem_alloc(cap * sizeof(*slots));
    for (size_t i = 0; i < ring->count; i++)
        slots[i] = *slot(ring, i);
    free(ring->slots);
    ring->slots = slots;
    ring->cap = cap;
    ring->head = 0;
}

void ring_append(struct ring *ring, struct entry *entry)
{
    grow(ring);
    *slot(ring, ring->count++) = entry;
    entry->ring = ring;
    ring->bytes += entry_weight(entry);
}

void ring_prepend(struct ring *ring, struct entry *entry)
{
    grow(ring);
    ring->head = (ring->head - 1) & (ring->cap - 1);
    ring->slots[ring->head] = entry;
    ring->count++;
    ring->first--;
    entry->ring = ring;
    ring->framed = true; /* it comes from a page that may have been delivered */
    ring->bytes += entry_weight(entry);
}

void ring_replace(struct ring *ring, const struct entry *old, struct entry *entry)
{
    for (size_t i = ring->count; i > 0; i--) {
        struct entry **at = slot(ring, i - 1);

        if (*at != old)
            continue;
        ring->bytes += entry_weight(entry) - entry_weight(old);
        entry->ring = ring;
        (*at)->ring = NULL;
        entry_release(*at);
        *at = entry;
        return;
    }
}

struct entry *ring_take(struct ring *ring)
{
    struct entry *entry;

    if (ring->count == 0)
        return NULL;
    entry = ring->slots[ring->head];
    ring->head = (ring->head + 1) & (ring->cap - 1);
    ring->count--;
    ring->first++;
    ring->bytes -= entry_weight(entry);
    entry->ring = NULL;
    return entry;
}

void ring_drop_frames(struct ring *ring)
{
    if (!ring->framed)
        return;
    ring->framed = false;
    for (size_t i = 0; i < ring->count; i++) {
        struct entry *entry = *slot(ring, i);

        entry_drop_frames(entry);
        ring->framed |= entry->refs > 1;
    }
}

uint64_t ring_end(const struct ring *ring)
{
    return ring->first + ring->count;
}

struct entry *ring_at(const struct ring *ring, uint64_t number)
{
    return number >= ring->first && number < ring_end(ring) ? *slot(ring, number - ring->first)
                                                            : NULL;
}

/* From the end, since readers that come back are seldom far behind. */
uint64_t ring_after(const struct ring *ring, struct event_id id)
{
    for (size_t i = ring->count; i > 0; i--) {
        const struct entry *entry = *slot(ring, i - 1);

        if (entry->event.durable && event_id_compare(entry->event.id, id) <= 0)
            return ring->first + i;
    }
    return ring->first;
}
