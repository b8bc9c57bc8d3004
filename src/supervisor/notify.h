/* notify.h - tells systemd how we are (sd_notify(3), the protocol alone).
 * Runs in: supervisor.  Blocks: never. */
#ifndef EARSHOT_NOTIFY_H
#define EARSHOT_NOTIFY_H

#include <stdint.h>

/* Sends assignments, with \n between them, to NOTIFY_SOCKET, if there is one. RELOADING=1 gets the
 * MONOTONIC_USEC that Type=notify-reload wants. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often to send WATCHDOG=1: half of what systemd has set (sd_watchdog_enabled(3)). 0 = it wants
 * none. */
int64_t notify_watchdog_ms(void);

#endif
