/* csrf.h - what a form of our own carries, so that another site's cannot be taken for it.
 * Runs in: gate.  Blocks: never.  No I/O.
 * A page that is signed in by cookie puts it into the field csrf of its forms, where the browser
 * tells no origin. It holds as long as the token does. */
#ifndef EARSHOT_CSRF_H
#define EARSHOT_CSRF_H

#include <stdbool.h>

#include "auth/policy.h"

#define CSRF_TEXT 65

/* Writes the value for this identity, in hexadecimal: a keyed hash of its token's jti, or its sub.
 * Returns -1 where there is none: nobody is signed in, or conf->jwt_secret (`secret`) is not set.
 */
int csrf_make(char out[CSRF_TEXT], const char *secret, const struct identity *identity);

/* Is `value` (may be NULL) that? Takes as long whatever it is. */
bool csrf_valid(const char *value, const char *secret, const struct identity *identity);

#endif
