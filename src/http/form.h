/* form.h - application/x-www-form-urlencoded, as bodies and query strings have it.
 * Runs in: gate.  Blocks: never.  No I/O.
 * WHATWG URL, 5.1: + is a space, a % that no two hexadecimal digits follow stands for itself. */
#ifndef EARSHOT_FORM_H
#define EARSHOT_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define FORM_PAIRS_MAX 1024

struct form_pair {
    const char *name;
    const char *value;
};

struct form {
    size_t count;
    struct form_pair *pairs; /* in the order of the text; a name may come again */
};

/* Reads the pairs into the arena. Returns 0, or -1 with one line in *reason: more than
 * FORM_PAIRS_MAX, or a name or value that is no UTF-8 or holds a NUL. */
int form_parse(struct form *form, struct arena *arena, const char *data, size_t len,
               const char **reason);

/* Is there a pair of this name? Works on text that is no form at all. */
bool form_names(const char *data, size_t len, const char *name);

/* The first value of a name, or NULL. */
const char *form_value(const struct form *form, const char *name);

/* How often a name is there. */
size_t form_count(const struct form *form, const char *name);

#endif
