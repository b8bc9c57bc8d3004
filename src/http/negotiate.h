/* negotiate.h - which form of a reply a client wants.
 * Runs in: gate.  Blocks: never.  No I/O. */
#ifndef EARSHOT_NEGOTIATE_H
#define EARSHOT_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "event/frame.h"
#include "http/problem.h"

/* One bit a form, to say which are offered. */
#define NEGOTIATE_FORM(form) (1u << (form))
#define NEGOTIATE_ALL (NEGOTIATE_FORM(FRAME_FORMS) - 1)

/* How much an Accept header (RFC 9110, 12.5.1) wants a media type, in thousandths; the most
 * specific range that matches counts; 0 = not at all. Parts of the header that are malformed are
 * passed over, since widespread clients send "*; q=.2"; a range with a parameter other than
 * charset=utf-8 matches nothing. NULL wants all alike. */
int negotiate_quality(const char *accept, const char *type);

/* Does it ask for a page, as browsers do (w3m too, which wants JSON as much)? text/html
 * must be named, and application/json not wanted more, nor named and wanted as much. Programs in
 * Java name it too without meaning it: who names image/gif must name application/xhtml+xml. */
bool negotiate_page(const char *accept);

/* Picks one of the offered forms: by `as` (query parameter, or NULL), else by `accept`. Where the
 * client leaves it open JSON goes first. Returns 0, or -1 with the problem: 400 for an unknown
 * `as`, 406. */
int negotiate_form(enum frame_form *form, const char *as, const char *accept, unsigned offered,
                   struct arena *arena, struct problem *problem);

#endif
