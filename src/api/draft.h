/* draft.h - what a sender says, read from each form of body and checked.
 * Runs in: gate.  Blocks: never. */
#ifndef EARSHOT_DRAFT_H
#define EARSHOT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "api/api.h"
#include "http/problem.h"

enum draft_form {
    DRAFT_RAW,  /* text/plain, or no type: the body is the content */
    DRAFT_FORM, /* a form with content=; a form without is raw, as `curl -d hello` sends it */
    DRAFT_JSON,
    DRAFT_LINES /* newline-delimited JSON: a batch */
};

/* A message before it is an event; strings live in the arena. NULL = not given. */
struct draft {
    const char *type; /* never NULL: "message" where none is given */
    const char *content;
    size_t content_len;
    const char
        *metadata; /* a JSON object without white space between its tokens, else as it was sent */
    const char *reply_to;
    const char *client_id;
    bool ephemeral;
};

/* Tells the body's form by its media type. Returns 0, or -1 with the problem (415). */
int draft_form(enum draft_form *form, const struct request *request, struct problem *problem);

/* Reads and checks one message: a whole body, or a line of DRAFT_LINES. Returns 0, or -1 with the
 * problem: what is unknown, malformed, twice there, empty (400) or too long (413), and where. */
int draft_read(struct draft *draft, struct api *api, enum draft_form form, const char *data,
               size_t len, struct problem *problem);

/* Keeps a checked object's text in the arena, without white space between tokens: a line of an
 * event stream must not be broken by it. */
const char *draft_metadata(struct arena *arena, const char *text, size_t len);

#endif
