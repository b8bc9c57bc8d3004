/* screen.h - the terminal as a whole: what is on it, keys, its size; and how it is given back.
 * Runs in: earshot command.  Blocks: screen_wait() until something happens.
 * It is the alternate screen, so that what was there before comes back: at exit(), on SIGINT,
 * SIGTERM, SIGHUP, on ^Z, and when the program crashes. */
#ifndef EARSHOT_SCREEN_H
#define EARSHOT_SCREEN_H

#include <poll.h>
#include <stdbool.h>

#include "base/buf.h"

enum { SCREEN_LEFT = 1000, SCREEN_RIGHT, SCREEN_UP, SCREEN_DOWN, SCREEN_PAGE_UP, SCREEN_PAGE_DOWN };

/* Can there be one: are input and output a terminal that is not dumb? */
bool screen_possible(void);

/* May it have bold and colours? Not where NO_COLOR is set (no-color.org). */
bool screen_styled(void);

/* Takes the terminal. Returns 0, or -1 with errno. */
int screen_open(void);
void screen_close(void);

void screen_size(int *rows, int *columns);

/* Waits for the descriptors, the keyboard, another size or `ms`. Returns the number of a key (a
 * letter or SCREEN_...), or 0. When the program is to end it does not return. */
int screen_wait(struct pollfd *fds, nfds_t count, int ms);

/* Shows the lines, each with a line feed behind it, none wider than the screen. */
void screen_show(const struct buf *lines);

#endif
