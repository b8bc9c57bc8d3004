/* entry.h - an event as a hub holds it: once, with the frames that listeners share.
 * Runs in: hub.  Blocks: never. */
#ifndef EARSHOT_ENTRY_H
#define EARSHOT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "event/event.h"
#include "event/frame.h"

struct ring;

struct frame {
    size_t len;
    size_t own; /* bytes at the front that a many-room listener replaces; see frame_event() */
    char bytes[];
};

/* Text with the room in front has a frame of its own. */
enum { ENTRY_TEXT_ROOM = FRAME_FORMS, ENTRY_FRAMES };

enum entry_audience {
    ENTRY_FOR_ALL,
    ENTRY_FOR_ONE,   /* event_to() says for whom */
    ENTRY_FOR_OTHERS /* event_but() says for whom it is not */
};

struct entry {
    unsigned refs;
    bool gap; /* no event: what was between the reader's cursor and `event.id` is lost */
    unsigned char audience; /* enum entry_audience */
    struct ring *ring;      /* the one that it stands in, or NULL */
    struct event_id to;     /* of a gap: where the reader stands after it */
    struct event_id below;  /* of a gap: only who stands below has lost something; 0-0 = all have */
    struct event event;     /* its JSON is kept behind the struct */
    struct frame *frames[ENTRY_FRAMES];
    char json[];
};

/* Each gives a reference to the caller. A copy of an event. */
struct entry *entry_create(const struct event *event);

/* A message as the event `by` left it: without what it said. */
struct entry *entry_create_deleted(const struct event *event, struct event_id by);

/* A gap for all, that says which is the oldest id kept. */
struct entry *entry_create_gap(struct event_id oldest, struct event_id to);

struct entry *entry_hold(struct entry *entry);
void entry_release(struct entry *entry);

/* What it weighs in a ring, bytes; without its frames. */
size_t entry_weight(const struct entry *entry);

/* The frame of a form (or ENTRY_TEXT_ROOM), made at its first use. */
const struct frame *entry_frame(struct entry *entry, int form, const char *room);

/* Frees the frames; who wants one makes it anew. Not while somebody else holds the entry. */
void entry_drop_frames(struct entry *entry);

#endif
