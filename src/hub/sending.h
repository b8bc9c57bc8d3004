/* sending.h - what a connection's socket takes, and what waits for it.
 * Runs in: hub.  Blocks: never.
 * What is not taken waits in connection->out; a failure is noted as connection->broken, and the
 * caller closes. `now` is the wheel's tick. */
#ifndef EARSHOT_SENDING_H
#define EARSHOT_SENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct connection;

/* Watches the socket: for a word of the peer (UV_READABLE), or, where the output is plain, for its
 * end (UV_PRIORITIZED); and while something waits, for room (UV_WRITABLE). */
void sending_watch(struct connection *connection, uv_poll_cb on_poll);

/* Sends content, in FastCGI records where the connection speaks FastCGI. */
void sending_content(struct connection *connection, const char *data, size_t len, uint32_t now);

/* Sends the record that ends the response (FastCGI 1.0, 5.5), where there are records. */
void sending_end(struct connection *connection);

/* Sends what waits. Returns false while the socket does not take it all, or it broke. */
bool sending_rest(struct connection *connection, uint32_t now);

#endif
