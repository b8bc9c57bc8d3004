/* signals.h - signals as something to read.
 * Runs in: supervisor.  Blocks: never.
 * SIGTERM, SIGINT, SIGHUP, SIGUSR2 and SIGCHLD stay blocked and come through a signalfd. Children
 * inherit the mask: what they do not unblock cannot reach them, so a Ctrl-C at the terminal goes to
 * the supervisor alone. */
#ifndef EARSHOT_SIGNALS_H
#define EARSHOT_SIGNALS_H

/* Blocks the signals, ignores SIGPIPE and returns the descriptor to poll, or -1 with errno. */
int signals_open(void);

/* The next signal, or 0 when there is none. */
int signals_next(int fd);

#endif
