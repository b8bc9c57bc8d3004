#include "supervisor/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf.h"
#include "supervisor/handover.h"
#include "supervisor/listener.h"
#include "supervisor/notify.h"
#include "supervisor/privilege.h"
#include "supervisor/signals.h"
#include "supervisor/upgrade.h"

/* How long all of those that replace others may take to come up. Then some are enough: both may be
 * in each other's way (memory, processes). */
#define UP_MS 10000
#define UP_STEP_MS 20
#define SETTLED_MS 1000  /* those that come up and die are no replacement */
#define MEND_STEP_MS 200 /* how often a configuration that cannot be loaded is looked at */

struct supervisor {
    const struct supervisor_jobs *jobs;
    struct scoreboard *board;
    struct listener listener;
    int relay[2]; /* see heritage.h */
    int signal_fd;
    struct generation *current;
    struct generation *old; /* to be replaced by `current`, then draining; or NULL */
    struct upgrade upgrade;
    int64_t up_by_ms;     /* 0 = `current` is up */
    bool failing;         /* that time has come, and no gate or no hub of `current` serves */
    int64_t watchdog_ms;  /* how often systemd wants to hear of us; 0 = not */
    int64_t heartbeat_ms; /* when it is due next */
    bool reload_wanted;
    bool upgrade_wanted;
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

/* Whether a hub may open as many as its share of the streams needs. */
static void check_limit(const struct generation *g)
{
    int64_t streams = generation_conf(g)->streams_max / generation_hubs(g);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur < (rlim_t)streams + HERITAGE_HUB_FILES)
        log_warn("streams_max=%d needs %lld open files a hub hubs=%d, and %lld are allowed: raise "
                 "that limit (LimitNOFILE in systemd), or past it streams are refused",
                 generation_conf(g)->streams_max, (long long)streams + HERITAGE_HUB_FILES,
                 generation_hubs(g), (long long)limit.rlim_cur);
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

/* Takes over what the last binary left. Returns 1, 0 = nothing, or -1 = it cannot be used. */
static int adopt(struct supervisor *s)
{
    static struct handover handover;
    int taken = handover_take(&handover);

    if (taken != 1)
        return taken;
    listener_adopt(&s->listener, &handover);
    s->relay[0] = handover.relay[0];
    s->relay[1] = handover.relay[1];
    s->old = generation_adopt(&handover);
    log_info("takes over from another binary: workers=%d", handover.count);
    return 1;
}

/* The socket and the user, for a daemon that begins. Returns 0, or an exit status with one line in
 * `error`. */
static int begin(struct supervisor *s, const struct conf *conf, char error[512])
{
    if (geteuid() == 0 && conf->user[0] == '\0') {
        snprintf(error, 512,
                 "%.300s: this runs as root, and user is not set; allowed is a user to become, "
                 "such as user = www-data, or user = root to stay root",
                 conf_where(conf, NULL, 0));
        return EX_CONFIG;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s->relay) < 0) {
        snprintf(error, 512, "the system refuses: %s", strerror(errno));
        return EX_OSERR;
    }
    if (listener_open(&s->listener, conf, error) < 0)
        return EX_UNAVAILABLE;
    if (privilege_drop(conf->user, error) < 0)
        return EX_NOPERM;
    check_as_user(s->jobs, conf->user);
    return EX_OK;
}

static struct generation *start_generation(struct supervisor *s, struct conf *conf, char error[512])
{
    const struct generation_means means = {
        .board = s->board, .listen_fd = s->listener.fd, .relay = {s->relay[0], s->relay[1]}};
    struct generation *g = generation_start(&s->jobs->mains, conf, &means, error);

    if (g == NULL)
        return NULL;
    s->up_by_ms = clock_mono_ms() + UP_MS;
    s->failing = false;
    check_limit(g);
    return g;
}

/* Is there a generation, with a gate and a hub that serve? */
static bool serves(const struct generation *g)
{
    return g != NULL && generation_is_alive(g, 0);
}

/* --- an upgrade --- */

static void begin_upgrade(struct supervisor *s)
{
    char error[512];

    s->upgrade_wanted = false;
    if (upgrade_check(&s->upgrade, error) < 0)
        log_error("not upgraded: %s", error);
    else
        log_info("checks %s, to run it in this one's place", s->upgrade.path);
}

static void run_upgrade(struct supervisor *s)
{
    static struct handover handover;
    char error[512];

    handover = (struct handover){.pid = getpid(), .relay = {s->relay[0], s->relay[1]}};
    listener_hand_over(&s->listener, &handover);
    generation_hand_over(s->current, &handover);
    if (s->old != NULL)
        generation_hand_over(s->old, &handover);
    log_info("upgrades: runs %s in this one's place", s->upgrade.path);
    notify_send("RELOADING=1");
    upgrade_exec(&s->upgrade, &handover, error);
    log_error("not upgraded: %s", error);
    notify_send("READY=1\nSTATUS=not upgraded: %s", error);
}

static void end_check(struct supervisor *s, int status)
{
    char error[512];

    if (upgrade_checked(&s->upgrade, status, error) < 0) {
        log_error("not upgraded: %s", error);
        notify_send("STATUS=not upgraded: %s", error);
    } else if (!s->upgrade_wanted) { /* else the file may be another one than was checked */
        run_upgrade(s);
    }
}

/* --- signals --- */

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == s->upgrade.checker)
            end_check(s, status);
        else if ((s->current == NULL || !generation_ended(s->current, pid, status)) &&
                 (s->old == NULL || !generation_ended(s->old, pid, status)))
            log_debug("reaped a stranger: %d", (int)pid);
}

static void stop(struct supervisor *s)
{
    int64_t drain_ms = generation_conf(s->current)->drain_ms;

    if (s->ending) {
        log_warn("told to end again: kills all");
        generation_kill(s->current);
        if (s->old != NULL)
            generation_kill(s->old);
        return;
    }
    s->ending = true;
    s->reload_wanted = s->upgrade_wanted = false;
    s->up_by_ms = 0;
    upgrade_cancel(&s->upgrade);
    log_info("ends: drains for drain_ms=%lld at most", (long long)drain_ms);
    notify_send("STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\nSTATUS=ends: streams are told to come back",
                (long long)(drain_ms + 2 * GENERATION_SLACK_MS) * 1000);
    listener_close(&s->listener);
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

static void note_reload(struct supervisor *s, bool good)
{
    struct scoreboard_life *life = &s->board->life;

    meter_add(good ? &life->reloads : &life->reloads_failed, 1);
    meter_set(&life->reload_failing, !good);
    if (good)
        meter_set(&life->loaded_ms, (uint64_t)clock_wall_ms());
}

static void reload(struct supervisor *s)
{
    char error[512];
    struct generation *next = NULL;
    struct conf *conf;

    s->reload_wanted = false;
    notify_send("RELOADING=1");
    conf = s->jobs->load(s->jobs->context, error);
    if (conf != NULL) {
        warn_of_fixed(generation_conf(s->current), conf);
        next = start_generation(s, conf, error);
    }
    if (next == NULL) {
        note_reload(s, false);
        log_error("the configuration stays as it was: %s", error);
        notify_send("READY=1\nSTATUS=the configuration stays as it was: %s", error);
        conf_free(conf);
        return;
    }
    log_open("supervisor", conf->log_level, conf->log_form);
    log_info("reloads: gates=%d hubs=%d", generation_gates(next), generation_hubs(next));
    s->old = s->current;
    s->current = next;
}

static void become_current(struct supervisor *s)
{
    s->up_by_ms = 0;
    s->failing = false;
    log_info("up: gates=%d hubs=%d", generation_gates(s->current), generation_hubs(s->current));
    if (s->old != NULL)
        generation_retire(s->old);
    if (s->old != NULL && generation_conf(s->old) != NULL) /* else an upgrade brought it */
        note_reload(s, true);
    notify_send("READY=1\nSTATUS=serves: gates=%d hubs=%d", generation_gates(s->current),
                generation_hubs(s->current));
}

/* The generation before a reload still has all that it needs. */
static void fall_back(struct supervisor *s)
{
    static const char why[] =
        "the configuration stays as it was: under the new one no gate or no hub comes up";
    struct generation *failed = s->current;

    s->current = s->old;
    s->old = failed;
    s->up_by_ms = 0;
    s->failing = false;
    note_reload(s, false);
    generation_retire(failed);
    log_open("supervisor", generation_conf(s->current)->log_level,
             generation_conf(s->current)->log_form);
    log_error("%s", why);
    notify_send("READY=1\nSTATUS=%s", why);
}

/* Nobody serves under the current generation. What an upgrade adopted cannot be made whole again,
 * but serves on as it is; what serves no better ends. */
static void keep_trying(struct supervisor *s)
{
    bool old_serve = serves(s->old);

    s->failing = true;
    s->up_by_ms = clock_mono_ms() + UP_MS;
    log_error("no gate or no hub comes up%s", old_serve ? ": the old ones serve on" : "");
    if (old_serve)
        notify_send("READY=1\nSTATUS=not upgraded yet: the old gates and hubs serve on");
    else if (s->old != NULL)
        generation_retire(s->old);
}

/* Once the current generation is up, the one before it may go. */
static void replace(struct supervisor *s)
{
    bool late = clock_mono_ms() >= s->up_by_ms;
    int64_t age_ms = s->old != NULL ? SETTLED_MS : 0;

    if (generation_is_up(s->current, age_ms)) {
        become_current(s);
    } else if (late && generation_is_alive(s->current, age_ms)) {
        log_error("not all gates and hubs came up within %d ms", UP_MS);
        become_current(s);
    } else if (late && serves(s->old) && generation_conf(s->old) != NULL) {
        fall_back(s);
    } else if (late) {
        keep_trying(s);
    }
}

static void want(struct supervisor *s, bool *what, const char *name)
{
    if (s->ending)
        return;
    *what = true;
    if (s->old != NULL && !s->failing)
        log_info("%s once the workers of the last reload have ended", name);
}

static void handle(struct supervisor *s, int signal)
{
    if (signal == SIGCHLD)
        reap(s);
    else if (signal == SIGHUP)
        want(s, &s->reload_wanted, "reloads");
    else if (signal == SIGUSR2)
        want(s, &s->upgrade_wanted, "upgrades");
    else
        stop(s);
}

/* --- the loop --- */

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
    return b_ms < a_ms ? b_ms : a_ms;
}

static int64_t due_ms(const struct supervisor *s)
{
    int64_t now_ms = clock_mono_ms(), due_ms = generation_due_ms(s->current);

    if (s->old != NULL)
        due_ms = sooner(due_ms, generation_due_ms(s->old));
    if (s->up_by_ms > now_ms)
        due_ms = sooner(due_ms, now_ms + UP_STEP_MS);
    if (s->watchdog_ms != 0)
        due_ms = sooner(due_ms, s->heartbeat_ms);
    return due_ms;
}

/* Only this loop tells the watchdog, and only when someone serves: else systemd restarts us. */
static void tell_watchdog(struct supervisor *s)
{
    int64_t now_ms = clock_mono_ms();

    if (s->watchdog_ms == 0 || now_ms < s->heartbeat_ms)
        return;
    s->heartbeat_ms = now_ms + s->watchdog_ms;
    if (s->ending || serves(s->current) || serves(s->old))
        notify_send("WATCHDOG=1");
}

static void wait_for_work(struct supervisor *s)
{
    struct pollfd poll_fd = {.fd = s->signal_fd, .events = POLLIN};
    int64_t wait_ms = due_ms(s) - clock_mono_ms();
    int signal;

    poll(&poll_fd, 1, wait_ms > 0 ? (int)wait_ms : 0);
    if (s->signal_fd < 0)
        reap(s); /* this supervisor only gives up */
    while ((signal = signals_next(s->signal_fd)) != 0)
        handle(s, signal);
}

/* Two generations at a time fit the scoreboard, and one machine. An upgrade reads the configuration
 * too, so where two are there and the current one cannot serve, it is what leads on. */
static void begin_wanted(struct supervisor *s)
{
    if (s->upgrade.checker != 0 || (s->old != NULL && !s->failing))
        return;
    if (s->old != NULL) {
        s->upgrade_wanted = s->upgrade_wanted || s->reload_wanted;
        s->reload_wanted = false;
    }
    if (s->upgrade_wanted)
        begin_upgrade(s);
    else if (s->reload_wanted)
        reload(s);
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
        if (s->up_by_ms != 0)
            replace(s);
        upgrade_tick(&s->upgrade, clock_mono_ms());
        begin_wanted(s);
        tell_watchdog(s);
    }
}

/* --- the whole --- */

static void close_all(struct supervisor *s)
{
    generation_free(s->current);
    generation_free(s->old);
    upgrade_free(&s->upgrade);
    listener_close(&s->listener);
    scoreboard_free(s->board);
    for (int i = 0; i < 2; i++)
        if (s->relay[i] >= 0)
            close(s->relay[i]);
    if (s->signal_fd >= 0)
        close(s->signal_fd);
}

/* What the last binary started is not left alone: it ends as at SIGTERM, under watch. */
static void give_up(struct supervisor *s, const char *error)
{
    log_error("drains the gates and hubs of the last binary and ends: %s", error);
    s->current = s->old;
    s->old = NULL;
    s->ending = true;
    listener_close(&s->listener);
    generation_drain(s->current);
    reap(s);
    loop(s);
}

/* The signals of a supervisor that has no generation of its own yet. */
static void wait_for_mending(struct supervisor *s)
{
    struct pollfd poll_fd = {.fd = s->signal_fd, .events = POLLIN};
    int signal;

    poll(&poll_fd, 1, MEND_STEP_MS);
    while ((signal = signals_next(s->signal_fd)) != 0)
        if (signal == SIGCHLD)
            reap(s);
        else if (signal == SIGTERM || signal == SIGINT)
            s->ending = true;
        else if (signal == SIGUSR2)
            want(s, &s->upgrade_wanted, "upgrades");
    tell_watchdog(s);
}

/* For a configuration that was good when the last binary had it checked and is not now, as when an
 * editor is writing it: the workers of that binary serve on until it is mended, the end is told, or
 * they are no more. Returns NULL with one line in `error` then. */
static struct conf *await_conf(struct supervisor *s, char error[512])
{
    char last[512] = "";
    struct conf *conf;

    while ((conf = s->jobs->load(s->jobs->context, error)) == NULL && !s->ending &&
           serves(s->old)) {
        if (strcmp(last, error) != 0) {
            log_error("the old gates and hubs serve on until this is mended: %s", error);
            notify_send("READY=1\nSTATUS=not upgraded yet: %s", error);
        }
        snprintf(last, sizeof(last), "%s", error);
        wait_for_mending(s);
    }
    return conf;
}

/* Opens all and starts the first generation. Returns 0, or an exit status with one line in `error`.
 */
static int start(struct supervisor *s, char error[512])
{
    int taken, status;
    struct conf *conf;

    s->signal_fd = signals_open();
    s->board = scoreboard_create();
    taken = adopt(s);
    if (s->signal_fd < 0 || s->board == NULL || taken < 0) {
        snprintf(error, 512, "the system refuses: %s", strerror(errno));
        return EX_OSERR;
    }
    conf = taken == 1 ? await_conf(s, error) : s->jobs->load(s->jobs->context, error);
    if (s->ending) {
        snprintf(error, 512, "told to end");
        conf_free(conf);
        return EX_OK;
    }
    if (conf == NULL)
        return EX_CONFIG;
    log_open("supervisor", conf->log_level, conf->log_form);
    raise_limit();
    if (taken == 1)
        listener_check(&s->listener, conf);
    status = taken == 1 ? EX_OK : begin(s, conf, error);
    if (status == EX_OK && (s->current = start_generation(s, conf, error)) == NULL)
        status = EX_OSERR;
    if (status != EX_OK)
        conf_free(conf);
    return status;
}

int supervisor_run(const struct supervisor_jobs *jobs)
{
    struct supervisor s = {
        .jobs = jobs, .listener = LISTENER_INIT, .relay = {-1, -1}, .signal_fd = -1};
    char error[512];
    int status;

    upgrade_init(&s.upgrade, jobs->argv);
    s.watchdog_ms = notify_watchdog_ms();
    status = start(&s, error);
    if (s.current != NULL) {
        log_info("started: gates=%d hubs=%d", generation_gates(s.current),
                 generation_hubs(s.current));
        reap(&s); /* a SIGCHLD from before the handlers were set is lost */
        loop(&s);
        log_info("ended");
    } else if (s.old != NULL) {
        give_up(&s, error);
    } else if (status == EX_CONFIG) {
        log_fatal(error);
    } else {
        log_error("%s", error);
    }
    close_all(&s);
    return status;
}
