/* gate.h - answers requests, one at a time.
 * Runs in: gate.  Blocks: yes. */
#ifndef EARSHOT_GATE_H
#define EARSHOT_GATE_H

struct heritage;

/* The life of a gate process; returns its exit status. Ends on SIGTERM once the listening socket's
 * backlog is answered, as it does when its supervisor dies; on SIGHUP at once: other gates take
 * what has not begun. */
int gate_main(const struct heritage *heritage);

#endif
