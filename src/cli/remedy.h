/* remedy.h - the lines that mend what earshot doctor finds, by the web server that it recognised.
 * Runs in: earshot command.  Blocks: never.  No I/O. */
#ifndef EARSHOT_REMEDY_H
#define EARSHOT_REMEDY_H

#include <stddef.h>

enum web { WEB_UNKNOWN, WEB_NGINX, WEB_APACHE, WEB_LIGHTTPD, WEB_CADDY };

struct remedy {
    const char *check; /* of which it mends what is wrong */
    enum web web;
    const char *where; /* it goes */
    const char *line;
};

extern const char *const remedy_webs[]; /* their names, as people write them */

/* Which web server calls itself so, in Server: or in an error page of its own? */
enum web remedy_recognise(const char *text);

/* The next remedy behind `last` (NULL: the first) for a check; of another web server than these,
 * what holds for all. NULL behind the last one. */
const struct remedy *remedy_next(const struct remedy *last, const char *check, enum web web);

#endif
