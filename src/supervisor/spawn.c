#include "supervisor/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf.h"

const char *spawn_role(const struct worker *worker)
{
    return worker->role == SLOT_HUB ? "hub" : "gate";
}

/* --- in the child --- */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Closes all but 0, 1, 2 and the heritage: a reload's children would else hold what belongs to
 * those that they replace, and the descriptors of a dead hub's clients would stay open. */
static void close_others(const struct heritage *heritage, const struct worker *worker)
{
    int keep[HERITAGE_HUBS_MAX + 3], count = 0;
    unsigned next = STDERR_FILENO + 1;

    if (worker->role == SLOT_HUB)
        keep[count++] = heritage->inlets[worker->index][0];
    for (int i = 0; i < heritage->hubs && worker->role == SLOT_GATE; i++)
        keep[count++] = heritage->inlets[i][1];
    if (worker->role == SLOT_GATE) {
        keep[count++] = heritage->listen_fd;
        keep[count++] = heritage->relay[0];
        keep[count++] = heritage->relay[1];
    }
    qsort(keep, (size_t)count, sizeof(*keep), by_number);
    for (int i = 0; i < count; i++) {
        if ((unsigned)keep[i] > next)
            syscall(SYS_close_range, next, (unsigned)keep[i] - 1, 0);
        if ((unsigned)keep[i] >= next)
            next = (unsigned)keep[i] + 1;
    }
    syscall(SYS_close_range, next, ~0U, 0);
}

/* The heritage says what the worker has; ends that belong to others are -1 in it. */
static void narrow(struct heritage *heritage, const struct worker *worker)
{
    heritage->slot = worker->slot;
    heritage->index = worker->index;
    if (worker->role == SLOT_HUB)
        heritage->listen_fd = heritage->relay[0] = heritage->relay[1] = -1;
    for (int i = 0; i < heritage->hubs; i++) {
        if (worker->role == SLOT_GATE || i != worker->index)
            heritage->inlets[i][0] = -1;
        if (worker->role == SLOT_HUB)
            heritage->inlets[i][1] = -1;
    }
}

static void child(const struct worker *worker, const struct heritage *heritage, spawn_main *main,
                  pid_t supervisor)
{
    static struct heritage own;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* It may have died before that. */
    if (getppid() != supervisor)
        _exit(EXIT_FAILURE);
    /* What ps and top show. */
    prctl(PR_SET_NAME, worker->role == SLOT_HUB ? "earshot-hub" : "earshot-gate");
    own = *heritage;
    narrow(&own, worker);
    close_others(&own, worker);
    worker->slot->pid = (int)getpid();
    log_open(spawn_role(worker), heritage->conf->log_level, heritage->conf->log_form);
    /* exit() flushes what the sanitizers and coverage have to say; _exit() would not. */
    exit(main(&own));
}

/* --- in the supervisor --- */

void spawn_start(struct worker *worker, const struct heritage *heritage, spawn_main *main)
{
    pid_t supervisor = getpid(), pid = -1;

    worker->started_ms = clock_mono_ms();
    worker->ending = false;
    worker->slot = scoreboard_take(heritage->board, worker->role, worker->index);
    errno = ENOSPC;
    if (worker->slot != NULL)
        pid = fork();
    if (pid == 0)
        child(worker, heritage, main, supervisor);
    if (pid < 0) {
        log_error("cannot start %s=%d: %s", spawn_role(worker), worker->index, strerror(errno));
        if (worker->slot != NULL)
            scoreboard_give_back(worker->slot);
        worker->slot = NULL;
        worker->restart_ms = worker->started_ms + SPAWN_DELAY_MAX_MS;
        return;
    }
    worker->pid = pid;
    worker->slot->pid = (int)pid;
    log_debug("started %s=%d worker=%d", spawn_role(worker), worker->index, (int)pid);
}

static void log_end(const struct worker *worker, int status, int64_t delay_ms)
{
    char how[64], then[64] = "";

    if (WIFSIGNALED(status))
        snprintf(how, sizeof(how), "signal=%d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof(how), "status=%d", WEXITSTATUS(status));
    if (!worker->ending)
        snprintf(then, sizeof(then), " restart_in_ms=%lld", (long long)delay_ms);
    if (worker->ending && status == 0)
        log_debug("%s=%d worker=%d ended %s", spawn_role(worker), worker->index, (int)worker->pid,
                  how);
    else
        log_write(WIFSIGNALED(status) ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
                  "%s=%d worker=%d died %s%s", spawn_role(worker), worker->index, (int)worker->pid,
                  how, then);
}

/* At once the first time, then 100 ms and doubling. */
static int64_t delay_of(const struct worker *worker)
{
    int64_t delay_ms = 100;

    if (worker->quick_deaths == 0)
        return 0;
    for (int i = 1; i < worker->quick_deaths && delay_ms < SPAWN_DELAY_MAX_MS; i++)
        delay_ms *= 2;
    return delay_ms < SPAWN_DELAY_MAX_MS ? delay_ms : SPAWN_DELAY_MAX_MS;
}

void spawn_ended(struct worker *worker, int status)
{
    int64_t now_ms = clock_mono_ms(), delay_ms;

    if (now_ms - worker->started_ms >= SPAWN_SETTLED_MS)
        worker->quick_deaths = 0;
    delay_ms = delay_of(worker);
    worker->quick_deaths++;
    log_end(worker, status, delay_ms);
    worker->restart_ms = now_ms + delay_ms;
    if (worker->slot != NULL)
        scoreboard_give_back(worker->slot);
    worker->slot = NULL;
    worker->pid = 0;
}
