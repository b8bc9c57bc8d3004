/* prefork.h - a gate process of the daemon: takes requests off the socket, one at a time.
 * Runs in: gate.  Blocks: yes. */
#ifndef EARSHOT_PREFORK_H
#define EARSHOT_PREFORK_H

struct heritage;

/* The life of a gate process; returns its exit status. Ends on SIGTERM once the listening socket's
 * backlog is answered, as it does when its supervisor dies; on SIGHUP at once: other gates take
 * what has not begun. */
int prefork_main(const struct heritage *heritage);

#endif
