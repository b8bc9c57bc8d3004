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

#include "gate/source.h"

#define FCGI_STALL_MS 10000
#define FCGI_KEPT_MAX 64 /* past it the oldest waiting connection is closed */

struct fcgi;

/* Takes over the listening socket, which must not block, and the relay (heritage.h; NULL = there is
 * none), and readies libfcgi. `let_in` is the signal mask while waiting. NULL when the system has
 * no epoll set to give (logged). */
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

/* Reads the head of the request. Returns its environment, valid until it is answered or parked, or
 * NULL when there is none to be had: the peer left, stopped or does not speak FastCGI 1.0 as a
 * responder's client. */
char **fcgi_accept(struct fcgi *fcgi);

/* The rest of a request, of a struct fcgi; a body that is expected is read with patience. */
extern const struct source fcgi_source;

#endif
