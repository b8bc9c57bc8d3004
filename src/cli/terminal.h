/* terminal.h - what the earshot command prints.
 * Runs in: earshot command.  Blocks: as long as its outputs do.
 * Results go to standard output, a line at a time; errors and notices to standard error, each one
 * line in which control characters of others (a server's, a sender's) show as ?. */
#ifndef EARSHOT_TERMINAL_H
#define EARSHOT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Ignores SIGPIPE, so that a reader who has enough (| head) ends the command quietly. Notices are
 * shown when `verbose`, or when standard error is a terminal. */
void terminal_open(bool verbose);

/* "earshot: text" */
void terminal_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void terminal_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes one harmless line of a text of others: each control character, C1 too, becomes ?. */
void terminal_defuse(char *text);

/* Appends a text in just so many columns, at the right edge for a negative number: cut or filled up
 * with blanks, and what could move the cursor or turn the line around shows as ?. */
void terminal_cell(struct buf *out, const char *text, int columns);

/* Writes whole lines at once. Ends the command when nobody reads them (0), or when they cannot be
 * written (1). */
void terminal_write(const char *text, size_t len);

/* True when standard output is a pipe or socket whose reader has gone. */
bool terminal_reader_gone(void);

#endif
