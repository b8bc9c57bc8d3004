/* resolver.h - the addresses of a host name, asked for where nobody waits.
 * Runs in: gate, hub.  Blocks: as long as the caller says.
 * A lookup takes ten seconds and more when a name server is silent, so a thread of the C library
 * does it (getaddrinfo_a(3)), and what was found last is used until that has an answer. A numeric
 * address is never looked up. */
#ifndef EARSHOT_RESOLVER_H
#define EARSHOT_RESOLVER_H

#include <netdb.h>
#include <stdint.h>

struct resolver;

struct resolver *resolver_open(const char *host, int port);
void resolver_close(struct resolver *resolver);

/* Looks again. Waits for the answer `wait_ms` at most, and where an address is known from before no
 * longer than any working name server takes. Returns those of the addresses to be tried now, valid
 * until the next call, or NULL with one line in `error` when nothing is known. */
const struct addrinfo *resolver_find(struct resolver *resolver, int64_t wait_ms, char error[128]);

/* A connection to the first of those addresses led nowhere: the next call begins behind it, and
 * after the last again with the first. */
void resolver_blame(struct resolver *resolver);

#endif
