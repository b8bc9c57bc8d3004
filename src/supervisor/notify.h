/* notify.h - tells systemd how we are (sd_notify(3), the protocol alone).
 * Runs in: supervisor.  Blocks: never. */
#ifndef EARSHOT_NOTIFY_H
#define EARSHOT_NOTIFY_H

/* Sends READY=1, STOPPING=1 or RELOADING=1 (which gets its MONOTONIC_USEC) to NOTIFY_SOCKET, if
 * there is one. */
void notify_state(const char *state);

#endif
