/* link.h - one connection to Redis that never blocks.
 * Runs in: gate (under store.h, which waits), hub (under its loop).  Blocks: only in link_open, for
 * a host name, as long as it is told. hiredis formats and parses (RESP2); the socket and its
 * time-outs are ours, since a stopped Redis still accepts connections. Feed it, take replies:
 * link_write and link_read when poll says so, then link_next. */
#ifndef EARSHOT_LINK_H
#define EARSHOT_LINK_H

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>

#include "store/topology.h"

#define LINK_OUTPUT_MAX (64 * 1024 * 1024)

struct link;

/* Starts to connect and queues AUTH, SELECT and ROLE, whose replies the link checks itself (a
 * replica is no place to publish). Waits `wait_ms` at most for the host's address (resolver.h).
 * NULL with one line in `error` when there is no address or no socket to be had. */
struct link *link_open(const struct topology *topology, int64_t wait_ms, char error[128]);
void link_close(struct link *link);

int link_fd(const struct link *link);

/* POLLIN, and POLLOUT while it connects or output waits. */
short link_events(const struct link *link);

/* True once the handshake is through. */
int link_ready(const struct link *link);

/* Queues a command, or one that redisFormatCommandArgv made. It leaves once the handshake is
 * through. Returns 0, or -1 when LINK_OUTPUT_MAX would be passed. */
int link_command(struct link *link, int argc, const char **argv, const size_t *lens);
int link_append(struct link *link, const char *formatted, size_t len);

/* Why the connection is lost, in words for the log. */
const char *link_error(const struct link *link);

/* Sends what it can, reads what is there. 0, or -1 when the connection is lost. */
int link_write(struct link *link);
int link_read(struct link *link);

/* The next reply, in the order of the commands: 1 and *reply (freeReplyObject it), 0 = none yet, -1
 * = lost. */
int link_next(struct link *link, redisReply **reply);

#endif
