/* journal.h - a room's durable log: append to it, read it.
 * Runs in: gate.  Blocks: yes (store.h). */
#ifndef EARSHOT_JOURNAL_H
#define EARSHOT_JOURNAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "event/event.h"
#include "store/store.h"

/* One event to store and publish. */
struct send {
    const char *room; /* resolved */
    const char *json; /* from event_write */
    size_t json_len;
    bool ephemeral;              /* publish only */
    const char *idempotency_key; /* scoped by user already, or NULL; visible ASCII, <= 256 bytes */
    const char *body_hash;       /* hex, with idempotency_key */
    /* Filled in: */
    enum store_status status;
    bool replayed;      /* the key was used before, with the same body: id is the first one's */
    struct event_id id; /* durable events */
    int64_t timestamp_ms;
    int64_t listeners; /* streams open on the room, over all machines */
};

/* How much a room keeps, and for how long an idempotency key. */
struct journal_limits {
    int64_t history_max; /* events */
    int64_t idempotency_ttl_ms;
};

/* Stores all, in order, in one round trip, and notes their rooms as active. Each send has its own
 * status. */
void journal_send(struct store *store, const char *namespace, const struct journal_limits *limits,
                  struct send *sends, size_t count);

struct page {
    size_t count;
    struct event *events; /* oldest first; in the arena, as is their JSON */
    bool more;            /* there are more beyond it, in the direction of reading */
};

/* Reads at most `limit` events: those before `before`, newest of them, or those after `after`,
 * oldest of them (NULL, NULL: the newest). STORE_OK with an empty page where there are none. */
enum store_status journal_page(struct store *store, struct arena *arena, const char *namespace,
                               const char *room, const struct event_id *before,
                               const struct event_id *after, size_t limit, struct page *page);

/* One event. STORE_MISSING when it is not there. */
enum store_status journal_get(struct store *store, struct arena *arena, const char *namespace,
                              const char *room, struct event_id id, struct event *event);

#endif
