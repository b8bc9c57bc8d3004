#include "supervisor/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf.h"
#include "supervisor/listener.h"
#include "supervisor/notify.h"
#include "supervisor/privilege.h"
#include "supervisor/signals.h"

struct supervisor {
    const struct supervisor_jobs *jobs;
    struct scoreboard *board;
    struct listener listener;
    int signal_fd;
    struct generation *current;
    struct generation *old; /* draining after a reload, or NULL */
    bool reload_wanted;
    bool ending;
};

/* --- starting --- */

/* A hub has a descriptor for each stream. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        log_warn("cannot raise the limit of open files: %s", strerror(errno));
}

/* What only root may read, a reload cannot, nor a worker that opens a key file. A secret that root
 * alone can read is good practice, so it is no error. */
static void check_as_user(const struct supervisor_jobs *jobs, const char *user)
{
    char error[512];
    struct conf *again;

    if (user[0] == '\0')
        return;
    again = jobs->load(jobs->context, error);
    if (again == NULL)
        log_warn("as user=%s, which a reload runs as: %s", user, error);
    conf_free(again);
}

/* Returns 0, or an exit status with one line in `error`. */
static int open_all(struct supervisor *s, const struct conf *conf, char error[512])
{
    s->signal_fd = signals_open();
    s->board = scoreboard_create();
    if (s->signal_fd < 0 || s->board == NULL) {
        snprintf(error, 512, "the system refuses: %s", strerror(errno));
        return EX_OSERR;
    }
    raise_limit();
    if (listener_open(&s->listener, conf, error) < 0)
        return EX_UNAVAILABLE;
    if (privilege_drop(conf->user, error) < 0)
        return EX_NOPERM;
    check_as_user(s->jobs, conf->user);
    return 0;
}

/* --- signals --- */

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (!generation_ended(s->current, pid, status) &&
            (s->old == NULL || !generation_ended(s->old, pid, status)))
            log_debug("reaped a stranger: %d", (int)pid);
}

static void stop(struct supervisor *s)
{
    if (s->ending) {
        log_warn("told to end again: kills all");
        generation_kill(s->current);
        if (s->old != NULL)
            generation_kill(s->old);
        return;
    }
    s->ending = true;
    s->reload_wanted = false;
    log_info("ends: drains for drain_ms=%lld at most",
             (long long)generation_conf(s->current)->drain_ms);
    notify_state("STOPPING=1");
    listener_unlink(&s->listener);
    generation_drain(s->current);
    if (s->old != NULL)
        generation_drain(s->old);
}

static void warn_of_fixed(const struct conf *old, const struct conf *new)
{
    if (strcmp(old->listen, new->listen) != 0 || old->listen_mode != new->listen_mode)
        log_warn("listen and listen_mode change with a restart only");
    if (strcmp(old->user, new->user) != 0)
        log_warn("user changes with a restart only");
}

static void reload(struct supervisor *s)
{
    char error[512];
    struct generation *next = NULL;
    struct conf *conf;

    s->reload_wanted = false;
    notify_state("RELOADING=1");
    conf = s->jobs->load(s->jobs->context, error);
    if (conf != NULL) {
        warn_of_fixed(generation_conf(s->current), conf);
        next = generation_start(&s->jobs->mains, conf, s->board, s->listener.fd, error);
    }
    if (next == NULL) {
        log_error("the configuration stays as it was: %s", error);
        conf_free(conf);
    } else {
        log_open("supervisor", conf->log_level);
        log_info("reloaded: gates=%d hubs=%d", generation_gates(next), generation_hubs(next));
        s->old = s->current;
        s->current = next;
        generation_drain(s->old);
    }
    notify_state("READY=1");
}

static void handle(struct supervisor *s, int signal)
{
    if (signal == SIGCHLD) {
        reap(s);
    } else if (signal == SIGHUP) {
        if (!s->ending)
            s->reload_wanted = true;
        if (s->reload_wanted && s->old != NULL)
            log_info("reloads once the workers of the last reload have ended");
    } else {
        stop(s);
    }
}

/* --- the loop --- */

static int64_t due_ms(const struct supervisor *s)
{
    int64_t current_ms = generation_due_ms(s->current);
    int64_t old_ms = s->old != NULL ? generation_due_ms(s->old) : current_ms;

    return old_ms < current_ms ? old_ms : current_ms;
}

static void wait_for_work(struct supervisor *s)
{
    struct pollfd poll_fd = {.fd = s->signal_fd, .events = POLLIN};
    int64_t wait_ms = due_ms(s) - clock_mono_ms();
    int signal;

    poll(&poll_fd, 1, wait_ms > 0 ? (int)wait_ms : 0);
    while ((signal = signals_next(s->signal_fd)) != 0)
        handle(s, signal);
}

static void loop(struct supervisor *s)
{
    while (!s->ending || !generation_done(s->current) || s->old != NULL) {
        wait_for_work(s);
        generation_tick(s->current);
        if (s->old != NULL)
            generation_tick(s->old);
        if (s->old != NULL && generation_done(s->old)) {
            generation_free(s->old);
            s->old = NULL;
        }
        /* Two generations at a time fit the scoreboard, and one machine. */
        if (s->reload_wanted && s->old == NULL)
            reload(s);
    }
}

int supervisor_run(const struct supervisor_jobs *jobs, struct conf *conf)
{
    struct supervisor s = {.jobs = jobs, .listener = LISTENER_INIT, .signal_fd = -1};
    char error[512];
    int status;

    log_open("supervisor", conf->log_level);
    status = open_all(&s, conf, error);
    if (status == 0) {
        s.current = generation_start(&jobs->mains, conf, s.board, s.listener.fd, error);
        status = s.current != NULL ? 0 : EX_OSERR;
    }
    if (status != 0) {
        log_error("%s", error);
        conf_free(conf);
    } else {
        log_info("started: gates=%d hubs=%d", generation_gates(s.current),
                 generation_hubs(s.current));
        notify_state("READY=1");
        loop(&s);
        log_info("ended");
    }
    generation_free(s.current);
    listener_close(&s.listener);
    scoreboard_free(s.board);
    if (s.signal_fd >= 0)
        close(s.signal_fd);
    return status;
}
