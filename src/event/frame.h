/* frame.h - events and control lines in the forms that clients ask for.
 * Runs in: gate (history), hub (receives).  Blocks: never.  No I/O.
 * A frame is the payload for every listener of that form; the hub shares it. */
#ifndef EARSHOT_FRAME_H
#define EARSHOT_FRAME_H

#include "base/buf.h"
#include "event/event.h"

enum frame_form {
    FRAME_SSE,    /* text/event-stream (WHATWG HTML, 9.2) */
    FRAME_NDJSON, /* application/x-ndjson, a stream */
    FRAME_TEXT,   /* text/plain, "name: content" a line, a stream */
    FRAME_HTML,   /* text/html, a page that grows (event/markup.h); to read without a script */
    FRAME_JSON,   /* application/json, one answer (long-poll) */
    FRAME_FORMS
};

/* "sse", "ndjson", "text", "html", "json", and the Content-Type of each. */
extern const char *const frame_names[FRAME_FORMS];
extern const char *const frame_content_types[FRAME_FORMS];

/* Appends one event. SSE: `id:` line when durable, `event:`, `data:`, empty line. NDJSON: a line.
 * TEXT: a line when the event has content, else nothing; `\` is written `\\`, line feed `\n`,
 * return `\r`, other control characters \xHH a byte, so that a line is a message and gives back its
 * bytes; in the name `:` too. HTML: markup_event(). JSON: the object alone. Returns how many bytes
 * at the front are the cursor's (SSE's id line), which a many-room listener replaces with its own:
 * SSE "id: CURSOR\n", NDJSON "{\"cursor\":\"CURSOR\"," for "{". */
size_t frame_event(struct buf *out, enum frame_form form, const struct event *event);

/* As frame_event, for text with the room in front, "[room] name: content": what many-room text
 * streams get. */
void frame_text_room(struct buf *out, const struct event *event, const char *room);

/* Appends a control event of this connection (hello, gap, bye): `members` is JSON members without
 * braces, e.g. "\"reason\":\"restart\"". SSE gets `id: cursor` when cursor is not NULL. TEXT: "#
 * type members-as-k=v" but for hello: nothing. HTML: markup_control(). */
void frame_control(struct buf *out, enum frame_form form, const char *type, const char *cursor,
                   const char *members);

/* Appends what keeps an idle stream alive: SSE a comment, NDJSON an empty line, others nothing. */
void frame_heartbeat(struct buf *out, enum frame_form form);

#endif
