/* upgrade.h - another binary in the place of this one.
 * Runs in: supervisor.  Blocks: never.
 * First the file at the path that we were started by is run with our arguments and --check-config,
 * as a child, with a time limit. Only when that ends well is it run in our place: the process stays
 * the same, and so do its children. */
#ifndef EARSHOT_UPGRADE_H
#define EARSHOT_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/handover.h"

struct upgrade {
    char *path; /* of the binary, absolute */
    char *const *argv;
    pid_t checker; /* 0 = no check is under way */
    int output;    /* what it says, a pipe */
    int64_t limit_ms;
};

/* Finds out by which path we were started; to be called before the file may be replaced. */
void upgrade_init(struct upgrade *upgrade, char *const *argv);
void upgrade_free(struct upgrade *upgrade);

/* Starts the check; its end comes as SIGCHLD. Returns 0, or -1 with one line in `error`. */
int upgrade_check(struct upgrade *upgrade, char error[512]);

/* The check has ended with this status of waitpid(). Returns 0, or -1 with one line in `error`: the
 * last that it said. */
int upgrade_checked(struct upgrade *upgrade, int status, char error[512]);

/* Ends a check whose time is over; ends any. */
void upgrade_tick(struct upgrade *upgrade, int64_t now_ms);
void upgrade_cancel(struct upgrade *upgrade);

/* Runs the binary in our place. Returns only when that failed, with one line in `error` and all as
 * it was. */
void upgrade_exec(struct upgrade *upgrade, const struct handover *handover, char error[512]);

#endif
