/* fcgi.h - the gate's end of FastCGI; the only includer of fcgiapp.h.
 * Runs in: gate.  Blocks: yes; a peer that stops in the middle costs at most a second a read, of a
 * body FCGI_STALL_MS or write (and of all that comes on a connection which once had a body). One
 * epoll set holds the listening socket and all connections that wait for a request, so that a
 * connection which the web server keeps (FCGI_KEEP_CONN) never starves others; of those, only the
 * web server can end one without failing a request (it may be sending the next), so a gate that is
 * replaced passes them on through the relay. Accepts for itself, since libfcgi's own accept has a
 * race with signals. Signals are let in only while waiting. */
#ifndef EARSHOT_FCGI_H
#define EARSHOT_FCGI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FCGI_STALL_MS 10000
#define FCGI_KEPT_MAX 64 /* past it the oldest waiting connection is closed */

struct fcgi;

/* Takes over the listening socket, which must not block, and the relay (heritage.h), and readies
 * libfcgi. `let_in` is the signal mask while waiting. NULL when the system has no epoll set to give
 * (logged). */
struct fcgi *fcgi_open(int listen_fd, const int relay[2], const sigset_t *let_in);
void fcgi_close(struct fcgi *fcgi);

/* Waits until a connection has something to say, or `timeout_ms` (-1 = for ever) is over. 1 = it
 * has, 0 = no, or a signal came. After fcgi_drain() it does not wait: 0 means that nothing is left.
 */
int fcgi_wait(struct fcgi *fcgi, int timeout_ms);

/* From now on: keep no connection; take what is in the backlog and what has been asked on kept
 * connections. */
void fcgi_drain(struct fcgi *fcgi);

/* Others listen on the same socket: gives the connections that wait to them, and takes no more from
 * the backlog. What could not be given away is drained. */
void fcgi_retire(struct fcgi *fcgi);

/* Reads the head of the request. Returns its environment, valid until fcgi_reply or fcgi_park, or
 * NULL when there is none to be had: the peer left, stopped or does not speak FastCGI 1.0 as a
 * responder's client. */
char **fcgi_accept(struct fcgi *fcgi);

/* Reads the body to its end; where one is expected, with patience. Returns 0,
 * 413 when it has more than `limit` bytes, 400 when it breaks off. */
int fcgi_body(struct fcgi *fcgi, bool expected, size_t limit, struct buf *body);

/* Answers and ends the request. Input that was left unread is drained for a moment, for a web
 * server that is still sending would not see the reply. Returns 0, or -1 when the peer did not take
 * all of it. */
int fcgi_reply(struct fcgi *fcgi, const char *data, size_t len);

/* For parking: the connection, and the request's FastCGI id. The body must be read, nothing
 * written. */
int fcgi_fd(const struct fcgi *fcgi);
uint16_t fcgi_request_id(const struct fcgi *fcgi);

/* The connection was given away: forgets the request and closes our descriptor, without a word to
 * the peer. */
void fcgi_park(struct fcgi *fcgi);

#endif
