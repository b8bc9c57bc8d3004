/* page.h - what the pages for browsers without a script share: who gets one, their frame, their
 * forms, and the answers to these.
 * Runs in: gate.  Blocks: never.
 * A page may load a style sheet and its own frames, and send forms to its own site; no script runs
 * (Content-Security-Policy). Its links are relative to where earshot is mounted, by a <base>. The
 * way back from a form is a room's name, never an address. */
#ifndef EARSHOT_PAGE_H
#define EARSHOT_PAGE_H

#include "api/api.h"

enum page_kind {
    PAGE_NONE, /* none is wanted, but JSON or what else there is */
    PAGE_HTML,
    PAGE_PLAIN /* no style, no frame: for browsers in a terminal */
};

/* What is wanted, by as= (html, plain), else by Accept. */
enum page_kind page_kind(const struct request *request);

/* Is it a form that a page has sent? */
bool page_form(const struct request *request);

/* Tells caches what the reply depends on. */
void page_vary(struct api *api);

/* Begins a page: headers, title, style. Returns the body, within <body>, to be filled. */
struct buf *page_open(struct api *api, int status, const char *title);
void page_close(struct api *api);

/* "?as=plain", where that is wanted, or "?as=html"; of what is in a path's query already, "&amp;"
 * stands for "?". */
const char *page_as(const struct api *api);

/* Who one is, with a form to leave; or forms to come in, as far as the configuration has them.
 * `room` is where they lead back to; "" = the list of rooms. */
void page_who(struct api *api, struct buf *body, const char *room);

/* The form for a message to this room. `text` stands in it already; `reply` is an id that it
 * answers, both or "". `lines`: it is for text of several lines. */
void page_write_form(struct api *api, struct buf *body, const char *room, const char *text,
                     const char *reply, bool lines);

/* The form that leads to a room by its name. */
void page_room_form(struct api *api, struct buf *body, const char *name);

/* What a handler answered becomes what a browser without a script can use: of a problem a page that
 * says it, with what was typed; of a page's form (api->returns) the way back, 303. */
void page_finish(struct api *api);

/* GET page.css - the style of the pages. */
api_handler page_get_style;

#endif
