/* markup.h - events as HTML: articles of a stream or a page.
 * Runs in: gate (pages), hub (streams).  Blocks: never.  No I/O.
 * Links are relative to where earshot is mounted: the document has a <base>. What is from outside
 * is escaped; within <style> stand ids of events alone, which are written from their numbers. */
#ifndef EARSHOT_MARKUP_H
#define EARSHOT_MARKUP_H

#include <stdbool.h>

#include "base/buf.h"
#include "event/event.h"

/* How a stream hides what was said before: the listener puts his document's nonce into this tag. */
#define MARKUP_STYLE "<style>"

/* Appends what a stream shows of the event: of one with content an article of the id m<id>, of an
 * edit that hides what it is of, of a delete a line that does; of others (reactions, join, leave,
 * typing, read, signal, room, member) nothing. Returns the length of MARKUP_STYLE where that stands
 * at the front, else 0.
 * Of the message T any number of edits hide each other: they have the class e<T>, which each of
 * them hides, and v<their own id>, which it shows again; rules of one weight, so that the last one
 * of the document counts. */
size_t markup_event(struct buf *out, const struct event *event);

/* Appends the article of an event as it is now (event/overlay.h): edited, deleted, with reactions
 * and replies. `plain`: for browsers without a style sheet. Returns whether there was something to
 * show. */
bool markup_message(struct buf *out, const struct event *event, bool plain);

/* Appends what a stream says of itself in words: gap, and the `bye` that announces the end of a
 * token; `members` as for frame_control(). Of hello, and of the last bye, which the document's end
 * has the words for, nothing. */
void markup_control(struct buf *out, const char *type, const char *members);

#endif
