/* journal.h - a room's durable log: append to it, read it as history shows it, change what it says.
 * Runs in: gate.  Blocks: yes (store.h). */
#ifndef EARSHOT_JOURNAL_H
#define EARSHOT_JOURNAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "event/event.h"
#include "store/call.h"

#define JOURNAL_MENTIONS_MAX 10

/* One event to store and publish. */
struct send {
    const char *room; /* resolved */
    const char *json; /* from event_write */
    size_t json_len;
    bool ephemeral;              /* publish only */
    const char *idempotency_key; /* scoped by user already, or NULL; visible ASCII, <= 256 bytes */
    const char *body_hash;       /* hex, with idempotency_key */
    const char *reply_to;        /* an id, or NULL */
    size_t mentions_count;
    const char *mentions[JOURNAL_MENTIONS_MAX]; /* user ids that may be meant */
    /* Filled in: */
    enum store_status status;
    struct refusal refusal;
    bool replayed;      /* the key was used before, with the same body: id is the first one's */
    struct event_id id; /* durable events */
    int64_t timestamp_ms;
    int64_t listeners; /* streams open on the room, over all machines */
    int64_t left;      /* how many more may be sent at once; -1 = there is no limit */
    int64_t back_ms;   /* when as many as ever may be */
};

/* How much a room keeps where it does not say itself, and how much one may send. */
struct journal_limits {
    int64_t history_max;    /* events */
    int64_t history_age_ms; /* 0 = for ever */
    int64_t idempotency_ttl_ms;
    const char *address; /* what sends are counted by; NULL = the user and the room */
    int64_t every_ms;    /* one comes back every so often; 0 = no limit */
    int64_t burst;       /* so many at once */
};

/* Stores all, in order, in one round trip. Each send has its own status. */
void journal_send(struct store *store, const char *namespace, const struct caller *caller,
                  const struct journal_limits *limits, struct send *sends, size_t count);

struct page {
    size_t count;
    struct event *events;        /* oldest first, as they are now; in the arena, as is their JSON */
    bool more;                   /* there are more beyond it, in the direction of reading */
    struct event_id edge;        /* where the reading ended; with `more`, it goes on from here */
    char version[EVENT_ID_TEXT]; /* of one: the id of its last change; of the newest page: that of
                                    the newest event, shown or not; else "" */
};

enum journal_way { JOURNAL_BEFORE, JOURNAL_AFTER, JOURNAL_ONE, JOURNAL_REPLIES };

struct journal_question {
    enum journal_way way;
    struct event_id id;    /* before or after which, or whose; 0-0 = before all that comes */
    struct event_id after; /* JOURNAL_REPLIES: those behind this one; 0-0 = from the first */
    size_t limit;
    int64_t history_age_ms;
};

/* Reads events: those before an id, newest of them, those after it, oldest of them, one, or the
 * replies to one. STORE_REFUSED "missing" for one that is not there, and its replies. */
enum store_status journal_read(struct store *store, struct arena *arena, const char *namespace,
                               const char *room, const struct caller *caller,
                               const struct journal_question *question, struct page *page,
                               struct refusal *refusal);

/* A change to a message. */
struct change {
    const char *what; /* "edit", "delete", "react", "unreact" */
    struct event_id id;
    const char *json;    /* of the event that tells of it */
    const char *version; /* that it must have, or "" */
    const char *value;   /* JSON members of an edit, or the emoji, else "" */
    const char *audit;   /* the event for the audit, or "" */
    /* Filled in: */
    bool changed;     /* false: it was so already */
    struct event now; /* the message, as it is now */
    char now_version[EVENT_ID_TEXT];
};

enum store_status journal_change(struct store *store, struct arena *arena, const char *namespace,
                                 const char *room, const struct caller *caller,
                                 const struct journal_limits *limits, struct change *change,
                                 struct refusal *refusal);

#endif
