/* directory.h - which rooms there are, and what each is.
 * Runs in: gate.  Blocks: yes (store.h). */
#ifndef EARSHOT_DIRECTORY_H
#define EARSHOT_DIRECTORY_H

#include "base/arena.h"
#include "event/event.h"
#include "store/call.h"

struct directory_room {
    const char *name;
    const char *topic;    /* "" = none */
    const char *mode;     /* "open", "members", "moderated" */
    const char *role;     /* the caller's: "member", "moderator", "owner", or "" */
    struct event_id last; /* 0-0 = nothing kept */
    int64_t streams;      /* open on it */
    int64_t people;       /* in it */
    int64_t slow_ms;      /* of one person, a message every so often; 0 = as they like */
    int64_t keep;         /* events; -1 = as configured */
    int64_t age_ms;       /* for how long they are kept; -1 = as configured, 0 = for ever */
    int64_t made_ms;      /* 0 = nobody made it but by sending */
};

/* Who asks; his rights may be others in each room. */
typedef void directory_caller(void *arg, const char *room, struct caller *caller);

/* The rooms of a namespace, latest first: of the first `max` that are open to look at, and the
 * first `max` of the caller's own, those that he may read; @rooms stand in none. */
enum store_status directory_list(struct store *store, struct arena *arena, const char *namespace,
                                 directory_caller *who, void *arg, size_t max,
                                 struct directory_room **rooms, size_t *count);

/* One. STORE_REFUSED "missing" when there is no such room. */
enum store_status directory_look(struct store *store, struct arena *arena, const char *namespace,
                                 const char *name, const struct caller *caller,
                                 struct directory_room *room, struct refusal *refusal);

#endif
