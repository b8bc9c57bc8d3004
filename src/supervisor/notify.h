/* notify.h - tells systemd how we are (sd_notify(3), the protocol alone).
 * Runs in: supervisor.  Blocks: never. */
#ifndef EARSHOT_NOTIFY_H
#define EARSHOT_NOTIFY_H

/* Sends assignments, with \n between them, to NOTIFY_SOCKET, if there is one. RELOADING=1 gets the
 * MONOTONIC_USEC that Type=notify-reload wants. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
