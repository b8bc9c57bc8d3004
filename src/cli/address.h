/* address.h - the URLs that the earshot command asks for.
 * Runs in: earshot command.  Blocks: never. */
#ifndef EARSHOT_ADDRESS_H
#define EARSHOT_ADDRESS_H

#include <stdbool.h>

#include "base/buf.h"

/* Is this where a server may be: http or https, a host, perhaps a path, no query, no fragment? */
bool address_valid(const char *url);

/* Does it lead to this machine itself, over loopback? */
bool address_local(const char *url);

/* Writes its scheme, host and port: http://host:1234. */
void address_origin(const char *url, struct buf *out);

/* Writes `base` and the segments (NULL at the end), percent-encoded, with / in between. */
void address_path(struct buf *out, const char *base, const char *const *segments);

/* Appends name=value to the query; nothing when the value is NULL. */
void address_query(struct buf *url, const char *name, const char *value);

/* Resolves a link against the URL that was asked for (which `out` may hold), wherever it leads.
 * Returns 0, or -1 when it is no link. */
int address_resolve(const char *asked, const char *link, struct buf *out);

/* Resolves the link of an answer against the URL that was asked for. Returns 0, or -1 when it is no
 * link or leads to another server. */
int address_follow(const char *asked, const char *link, struct buf *out);

/* May a token that goes to `from` go to `to` as well? Not to another host, nor from https to http.
 */
bool address_same_trust(const char *from, const char *to);

#endif
