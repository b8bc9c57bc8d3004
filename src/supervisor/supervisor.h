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

/* The life of the daemon, until it was told to end. Returns the exit status: 0, or one of
 * sysexits.h when it could not start, with the reason on standard error. In the place of another
 * binary it waits for a configuration that can be loaded, and while it has none that one's workers
 * serve. */
int supervisor_run(const struct supervisor_jobs *jobs);

#endif
