/* directory.h - which rooms there are.
 * Runs in: gate.  Blocks: yes (store.h). */
#ifndef EARSHOT_DIRECTORY_H
#define EARSHOT_DIRECTORY_H

#include "base/arena.h"
#include "event/event.h"
#include "store/store.h"

struct directory_room {
    const char *name;
    const char *topic;    /* or NULL */
    int64_t online;       /* streams open on it */
    struct event_id last; /* 0-0 = nothing kept */
};

/* Queues that a room was active now, unless that was noted within a second. Its reply is none that
 * matters. Returns how many commands were queued. No part of a send's script: on a cluster the list
 * of rooms is on another node. A room that is noted though its send failed is dropped when the list
 * is read. */
size_t directory_note(struct store *store, const char *namespace, const char *room);

/* Redis did not answer: what was noted may be lost. */
void directory_forget(void);

/* The rooms of a namespace by their last send, latest first, at most `max`; @rooms are left out. */
enum store_status directory_rooms(struct store *store, struct arena *arena, const char *namespace,
                                  size_t max, struct directory_room **rooms, size_t *count);

#endif
