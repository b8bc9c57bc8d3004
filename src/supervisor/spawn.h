/* spawn.h - birth and death of one worker.
 * Runs in: supervisor, and in the child until its main.  Blocks: never.
 * A child starts with the signals of signals.h blocked and unblocks what it
 * handles. It gets SIGTERM when its supervisor dies. Of all descriptors it keeps 0, 1, 2 and those
 * of its heritage. */
#ifndef EARSHOT_SPAWN_H
#define EARSHOT_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "heritage.h"
#include "supervisor/scoreboard.h"

typedef int spawn_main(const struct heritage *heritage);

struct worker {
    enum slot_role role;
    int index;
    pid_t pid;         /* 0 = not running */
    struct slot *slot; /* while running; NULL when an earlier binary started it */
    bool ending;       /* it was told to end, or is not to be started again */
    int64_t started_ms;
    int64_t restart_ms; /* when to start it again, clock_mono_ms(); while not running */
    int quick_deaths;   /* in a row, each within SPAWN_SETTLED_MS of its start */
};

#define SPAWN_SETTLED_MS 5000
#define SPAWN_DELAY_MAX_MS 5000

/* "gate" or "hub", as in the log. */
const char *spawn_role(const struct worker *worker);

/* Forks the worker; in the child, `main` never returns here. What differs by worker in `heritage`
 * (slot, index, listen_fd of a hub) is filled in. On failure (logged) the worker is due again
 * later. */
void spawn_start(struct worker *worker, const struct heritage *heritage, spawn_main *main);

/* Notes that it is gone: gives its slot back, logs how it ended and says when it is due again. */
void spawn_ended(struct worker *worker, int status);

#endif
