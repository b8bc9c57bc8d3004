/* supervisor.h - forks, watches, restarts, reloads, drains. Knows nothing of Redis.
 * Runs in: supervisor.  Blocks: only while it reads the configuration.
 * SIGTERM or SIGINT: drain; again: kill. SIGHUP: a new generation of workers under the
 * configuration as it then is. SIGUSR2: the same by the binary as it then is, in this process. */
#ifndef EARSHOT_SUPERVISOR_H
#define EARSHOT_SUPERVISOR_H

#include "supervisor/generation.h"

struct supervisor_jobs {
    struct generation_mains mains;
    /* Reads the configuration and checks all that a worker will need of it. NULL with one line in
     * `error`. */
    struct conf *(*load)(void *context, char error[512]);
    void *context;
    char *const *argv; /* as main() got it */
};

/* The life of the daemon, until it was told to end. Takes `conf` over. Returns the exit status: 0,
 * or one of sysexits.h when it could not start. */
int supervisor_run(const struct supervisor_jobs *jobs, struct conf *conf);

/* For a start that failed before supervisor_run(): when this process took the place of another
 * binary, drains the workers which that one has left, and returns when they have ended. */
void supervisor_abandon(void);

#endif
