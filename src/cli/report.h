/* report.h - what earshot doctor found, a line a check, with the lines that mend it.
 * Runs in: earshot command.  Blocks: as standard output does. */
#ifndef EARSHOT_REPORT_H
#define EARSHOT_REPORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "cli/remedy.h"

enum verdict {
    REPORT_OK,
    REPORT_NOTE,   /* worth knowing */
    REPORT_ADVICE, /* a note with what to do about it */
    REPORT_WRONG,
};

struct report {
    bool json, colours, progress;
    enum web web;
    struct buf checks; /* JSON, as long as that is what is printed */
    unsigned counts[REPORT_WRONG + 1];
};

void report_open(struct report *report, bool json);

/* Says how one check went; what others sent may be in it. */
void report_say(struct report *report, enum verdict verdict, const char *check, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

/* On a terminal: shows what takes so long, in place of what was shown before; "" for nothing. */
void report_progress(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the sum; `url` was asked for, and `server` is what it calls itself. */
void report_close(struct report *report, const char *url, const char *server);

#endif
