/* generation.h - the gates and hubs that run under one configuration.
 * Runs in: supervisor.  Blocks: never.
 * A reload starts a second generation on the same socket and retires the first; a shutdown drains
 * all. Both go gates first, since a gate without hubs could not hand its requests over:
 *   running -> gates end -> hubs end (they say bye) -> done */
#ifndef EARSHOT_GENERATION_H
#define EARSHOT_GENERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/spawn.h"

#define GENERATION_SLACK_MS 5000 /* so long past `drain`, what has not ended is killed */

struct conf;
struct generation;
struct handover;

/* What the workers of every generation run. */
struct generation_mains {
    spawn_main *gate;
    spawn_main *hub;
};

/* What all generations of this supervisor share; the descriptors stay the caller's. */
struct generation_means {
    struct scoreboard *board;
    int listen_fd;
    int relay[2]; /* see heritage.h */
};

/* Makes the inlets and starts the hubs; the gates follow once one of those is up, since what a gate
 * takes it has to hand to a hub. Owns `conf` from here on; on failure it is still the
 * caller's. Returns NULL with one line in `error`. */
struct generation *generation_start(const struct generation_mains *mains, struct conf *conf,
                                    const struct generation_means *means, char error[512]);

/* The workers that the last binary started, to be drained: none of them is started again. It has
 * no configuration. */
struct generation *generation_adopt(const struct handover *handover);

/* Writes its workers and their drain into a handover. */
void generation_hand_over(const struct generation *generation, struct handover *handover);

/* Frees what is left; its workers must be gone. */
void generation_free(struct generation *generation);

const struct conf *generation_conf(const struct generation *generation);

/* How many gates and hubs it has; 0 in the configuration means by the number of cores. */
int generation_gates(const struct generation *generation);
int generation_hubs(const struct generation *generation);

/* Notes the end of one of its workers. False when the process is none of them. */
bool generation_ended(struct generation *generation, pid_t pid, int status);

/* True when all gates and hubs, or a gate and a hub at least, run, have left their start behind
 * them and were forked `age_ms` ago or before. */
bool generation_is_up(const struct generation *generation, int64_t age_ms);
bool generation_is_alive(const struct generation *generation, int64_t age_ms);

/* Starts to drain; nothing is restarted any more. Twice is once. Gates get SIGTERM: they answer the
 * backlog of the socket, since nobody else will. */
void generation_drain(struct generation *generation);

/* The same where another generation is up on the socket. Gates get SIGHUP: they leave it what they
 * have not begun. */
void generation_retire(struct generation *generation);

/* SIGKILL to all that are left, and nothing is restarted any more. */
void generation_kill(struct generation *generation);

/* Restarts what is due, kills what is stuck, and moves the draining on. To be called when
 * generation_due_ms() has come and whenever a worker has ended. */
void generation_tick(struct generation *generation);

/* When it wants the next tick, clock_mono_ms(). */
int64_t generation_due_ms(const struct generation *generation);

/* True when it was drained or killed and no worker is left. */
bool generation_done(const struct generation *generation);

#endif
