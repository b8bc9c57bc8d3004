/* handover.h - what the supervisor of one binary hands to that of the next, which takes its place.
 * Runs in: supervisor.  Blocks: never.
 * A text in the environment of the exec: a version, then a line a fact, strictly read. It names its
 * process, as LISTEN_PID does, so that no other takes it for its own. */
#ifndef EARSHOT_HANDOVER_H
#define EARSHOT_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/scoreboard.h"

#define HANDOVER_VARIABLE "EARSHOTD_HANDOVER"
#define HANDOVER_PATH_MAX 108 /* of a unix socket, as sun_path */

struct handover_worker {
    enum slot_role role;
    pid_t pid;
};

struct handover {
    pid_t pid; /* whose it is */
    int listen_fd;
    char path[HANDOVER_PATH_MAX]; /* of the socket that we made, or "" */
    dev_t device;
    ino_t inode;
    int relay[2];     /* see heritage.h */
    int64_t drain_ms; /* what the workers were configured with */
    int count;
    struct handover_worker workers[SCOREBOARD_SLOTS];
};

/* The text; to be freed. */
char *handover_encode(const struct handover *handover);

/* Reads a text. Returns 0, or -1 when it is of another version or anything in it is not as
 * handover_encode() writes it. */
int handover_decode(struct handover *handover, const char *text);

/* Takes what the environment holds for this process, out of the environment too, and checks that
 * the descriptors are open and the workers our children (those that are not are left out). Returns
 * 1 = taken, 0 = there is none, -1 = it cannot be used (logged). */
int handover_take(struct handover *handover);

#endif
