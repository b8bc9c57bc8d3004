/* direct.h - serves a web server's requests in its own process, without a daemon.
 * Runs in: direct.  Blocks: yes.
 * A gate that answers one request at a time, and a hub of one for what waits: the same code as the
 * daemon's, in one process. Which way it is asked is found, not configured. */
#ifndef EARSHOT_DIRECT_H
#define EARSHOT_DIRECT_H

enum direct_mode {
    DIRECT_NOT,     /* a daemon, or somebody at a command line */
    DIRECT_CGI,     /* one request, by plain CGI */
    DIRECT_FASTCGI, /* many, one after the other */
    DIRECT_MISUSED  /* called as a web server's program, but by none */
};

/* How this process was started, by its name, its environment and descriptor 0. What else stands on
 * its command line is not to be looked at unless DIRECT_NOT: a query without = arrives there
 * (RFC 3875, 4.4). */
enum direct_mode direct_mode(const char *program);

/* Serves; returns the exit status. */
int direct_main(const char *program, enum direct_mode mode);

#endif
