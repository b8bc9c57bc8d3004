/* address.h - the URLs that the earshot command asks for.
 * Runs in: earshot command.  Blocks: never. */
#ifndef EARSHOT_ADDRESS_H
#define EARSHOT_ADDRESS_H

#include <stdbool.h>

#include "base/buf.h"

/* Is this where a server may be: http or https, a host, perhaps a path, no query, no fragment? */
bool address_valid(const char *url);

/* Writes `base` and the segments (NULL at the end), percent-encoded, with / in between. */
void address_path(struct buf *out, const char *base, const char *const *segments);

/* Appends name=value to the query; nothing when the value is NULL. */
void address_query(struct buf *url, const char *name, const char *value);

/* Resolves the link of an answer against the URL that was asked for. Returns 0, or -1 when it is no
 * link or leads to another server. */
int address_follow(const char *asked, const char *link, struct buf *out);

#endif
