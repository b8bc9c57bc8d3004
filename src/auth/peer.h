/* peer.h - whose address is it that asks?
 * Runs in: gate.  Blocks: never.  No I/O.
 * A proxy in front of the web server makes all requests come from itself; X-Forwarded-For tells
 * more, but anyone can write there what he likes. So it counts only where a trusted proxy passed it
 * on, and of it only what trusted proxies have added. */
#ifndef EARSHOT_PEER_H
#define EARSHOT_PEER_H

#define PEER_TEXT 64

/* Writes the client's address: that of the peer (REMOTE_ADDR; NULL, "" or "unix:" = a local
 * socket), or, where conf->trusted_proxies (`trusted`) has that, the last one in `forwarded` (may
 * be NULL) which is none of them. Where that is malformed, the proxy before it. An IPv4 address
 * within IPv6 is written as itself; a local socket, and what is no address, as "-". */
void peer_address(char out[PEER_TEXT], const char *trusted, const char *peer,
                  const char *forwarded);

/* What an address is limited by: itself, of IPv6 the /64, since one host has so many. */
void peer_group(char out[PEER_TEXT], const char *address);

#endif
