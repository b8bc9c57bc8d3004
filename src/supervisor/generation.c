#include "supervisor/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "supervisor/handover.h"

#define WATCH_MS 1000
#define WATCH_LATE_MS 2000  /* past it we stood still ourselves, perhaps with all others */
#define SILENT_MS 10000     /* a hub and an idle gate renew their slot every second */
#define GATES_GRACE_MS 4000 /* how long hubs wait for the last gates */

enum phase { PHASE_RUNNING, PHASE_GATES_END, PHASE_HUBS_END, PHASE_KILLED };

struct generation {
    struct generation_mains mains;
    struct conf *conf;
    struct heritage heritage;
    int64_t drain_ms;
    enum phase phase;
    int64_t drain_started_ms;
    int64_t watch_ms; /* of the next look at the scoreboard */
    int64_t fair_ms;  /* since when the workers had their time, as we had ours */
    bool opened;      /* a hub has been up, so there are gates */
    int gates;
    int count; /* hubs, then gates */
    struct worker workers[];
};

/* --- its size --- */

static int cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

static int between(int least, int value, int most)
{
    return value < least ? least : value > most ? most : value;
}

static int count_gates(const struct conf *conf)
{
    return conf->gates > 0 ? conf->gates : between(8, 4 * cores(), 192);
}

static int count_hubs(const struct conf *conf)
{
    return conf->hubs > 0 ? conf->hubs : between(1, cores(), HERITAGE_HUBS_MAX);
}

/* --- birth --- */

/* A storm of receives waits in the inlet until the hub's next turn: the system's usual buffer holds
 * some 200. */
#define INLET_BYTES (4 * 1024 * 1024)

/* Both ends stay open here as long as the generation lives, so that what a gate sent survives its
 * hub. */
static int make_inlets(struct heritage *heritage)
{
    int bytes = INLET_BYTES;

    for (int i = 0; i < HERITAGE_HUBS_MAX; i++)
        heritage->inlets[i][0] = heritage->inlets[i][1] = -1;
    for (int i = 0; i < heritage->hubs; i++)
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                       heritage->inlets[i]) < 0)
            return -1;
    /* Only root may have more than the system's limit; the others get that. */
    for (int i = 0; i < heritage->hubs; i++)
        if (setsockopt(heritage->inlets[i][1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) <
            0)
            setsockopt(heritage->inlets[i][1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    return 0;
}

static void start_worker(struct generation *g, struct worker *worker)
{
    spawn_start(worker, &g->heritage, worker->role == SLOT_HUB ? g->mains.hub : g->mains.gate);
}

struct generation *generation_start(const struct generation_mains *mains, struct conf *conf,
                                    const struct generation_means *means, char error[512])
{
    int gates = count_gates(conf), hubs = count_hubs(conf);
    struct generation *g = mem_zero(sizeof(*g) + (size_t)(gates + hubs) * sizeof(struct worker));

    g->mains = *mains;
    g->gates = gates;
    g->count = gates + hubs;
    g->drain_ms = conf->drain_ms;
    g->heritage = (struct heritage){.conf = conf,
                                    .board = means->board,
                                    .index = -1,
                                    .listen_fd = means->listen_fd,
                                    .hubs = hubs,
                                    .gates = gates,
                                    .relay = {means->relay[0], means->relay[1]}};
    if (make_inlets(&g->heritage) < 0) {
        snprintf(error, 512, "cannot make the inlets of the hubs: %s", strerror(errno));
        generation_free(g);
        return NULL;
    }
    g->conf = conf;
    for (int i = 0; i < g->count; i++) {
        g->workers[i].role = i < hubs ? SLOT_HUB : SLOT_GATE;
        g->workers[i].index = i < hubs ? i : i - hubs;
        if (i < hubs)
            start_worker(g, &g->workers[i]);
    }
    return g;
}

struct generation *generation_adopt(const struct handover *handover)
{
    struct generation *g = mem_zero(sizeof(*g) + (size_t)handover->count * sizeof(struct worker));
    int gates = 0, hubs = 0;

    /* Their inlets are theirs alone: the ends that the last supervisor had closed with its exec. */
    g->drain_ms = handover->drain_ms;
    g->count = handover->count;
    for (int i = 0; i < g->count; i++) {
        struct worker *worker = &g->workers[i];

        worker->role = handover->workers[i].role;
        worker->pid = handover->workers[i].pid;
        worker->index = worker->role == SLOT_GATE ? gates++ : hubs++;
        worker->ending = true;
    }
    return g;
}

void generation_hand_over(const struct generation *g, struct handover *handover)
{
    handover->drain_ms = g->drain_ms;
    for (int i = 0; i < g->count && handover->count < SCOREBOARD_SLOTS; i++)
        if (g->workers[i].pid != 0)
            handover->workers[handover->count++] =
                (struct handover_worker){g->workers[i].role, g->workers[i].pid};
}

static void close_inlet(struct generation *g, int hub)
{
    for (int end = 0; end < 2; end++) {
        if (g->heritage.inlets[hub][end] >= 0)
            close(g->heritage.inlets[hub][end]);
        g->heritage.inlets[hub][end] = -1;
    }
}

void generation_free(struct generation *g)
{
    if (g == NULL)
        return;
    for (int i = 0; i < g->heritage.hubs; i++)
        close_inlet(g, i);
    conf_free(g->conf);
    free(g);
}

const struct conf *generation_conf(const struct generation *g)
{
    return g->conf;
}

int generation_gates(const struct generation *g)
{
    return g->gates;
}

int generation_hubs(const struct generation *g)
{
    return g->heritage.hubs;
}

/* --- life and death --- */

static int running(const struct generation *g, enum slot_role role)
{
    int count = 0;

    for (int i = 0; i < g->count; i++)
        count += g->workers[i].pid != 0 && g->workers[i].role == role;
    return count;
}

/* Sends a signal to all workers of a role, which are then expected to end. */
static void end_role(struct generation *g, enum slot_role role, int signal)
{
    for (int i = 0; i < g->count; i++) {
        struct worker *worker = &g->workers[i];
        if (worker->pid == 0 || worker->role != role)
            continue;
        worker->ending = true;
        kill(worker->pid, signal);
    }
}

bool generation_ended(struct generation *g, pid_t pid, int status)
{
    for (int i = 0; i < g->count; i++)
        if (g->workers[i].pid == pid) {
            if (!g->workers[i].ending) /* then there is a board: none that was adopted is left so */
                meter_add(&g->heritage.board->life.deaths[g->workers[i].role], 1);
            spawn_ended(&g->workers[i], status);
            /* No other hub will take what a late gate sends there: it shall see so. */
            if (g->phase != PHASE_RUNNING && i < g->heritage.hubs)
                close_inlet(g, i);
            return true;
        }
    return false;
}

static bool is_started(const struct worker *worker)
{
    return worker->pid != 0 && (worker->slot == NULL || worker->slot->state != SLOT_STARTING);
}

static int count_serving(const struct generation *g, enum slot_role role, int64_t age_ms)
{
    int64_t by_ms = clock_mono_ms() - age_ms;
    int count = 0;

    for (int i = 0; i < g->count; i++)
        count += g->workers[i].role == role && is_started(&g->workers[i]) &&
                 g->workers[i].started_ms <= by_ms;
    return count;
}

bool generation_is_up(const struct generation *g, int64_t age_ms)
{
    return count_serving(g, SLOT_GATE, age_ms) + count_serving(g, SLOT_HUB, age_ms) == g->count;
}

bool generation_is_alive(const struct generation *g, int64_t age_ms)
{
    return count_serving(g, SLOT_GATE, age_ms) > 0 && count_serving(g, SLOT_HUB, age_ms) > 0;
}

static void begin_end(struct generation *g, int gate_signal)
{
    if (g->phase != PHASE_RUNNING)
        return;
    g->phase = PHASE_GATES_END;
    g->drain_started_ms = clock_mono_ms();
    end_role(g, SLOT_GATE, gate_signal);
}

void generation_drain(struct generation *g)
{
    begin_end(g, SIGTERM);
}

void generation_retire(struct generation *g)
{
    begin_end(g, SIGHUP);
}

void generation_kill(struct generation *g)
{
    g->phase = PHASE_KILLED;
    end_role(g, SLOT_GATE, SIGKILL);
    end_role(g, SLOT_HUB, SIGKILL);
}

bool generation_done(const struct generation *g)
{
    return g->phase != PHASE_RUNNING && running(g, SLOT_GATE) == 0 && running(g, SLOT_HUB) == 0;
}

/* How long a worker may stay in its state, and whether it has. A starting gate counts as a busy
 * one. */
static bool is_stuck(const struct generation *g, const struct worker *worker, int64_t now_ms)
{
    int64_t since_ms;
    int state;

    if (worker->slot == NULL)
        return false;
    since_ms = worker->slot->since_ms > g->fair_ms ? worker->slot->since_ms : g->fair_ms;
    state = worker->slot->state;
    if (worker->role == SLOT_HUB || state == SLOT_IDLE)
        return now_ms - since_ms > SILENT_MS;
    return state != SLOT_DRAINING && now_ms - since_ms > g->conf->request_limit_ms;
}

static void watch(struct generation *g, int64_t now_ms)
{
    static const char *const states[] = {"starting", "idle", "busy", "draining"};

    /* Stopped and continued, or starved: the workers too may just be about to go on. */
    if (g->watch_ms != 0 && now_ms > g->watch_ms + WATCH_LATE_MS)
        g->fair_ms = now_ms;
    for (int i = 0; i < g->count; i++) {
        struct worker *worker = &g->workers[i];
        if (worker->pid == 0 || !is_stuck(g, worker, now_ms))
            continue;
        log_error("%s=%d worker=%d is stuck, killed: state=%s for_ms=%lld", spawn_role(worker),
                  worker->index, (int)worker->pid, states[worker->slot->state & 3],
                  (long long)(now_ms - worker->slot->since_ms));
        meter_add(&g->heritage.board->life.kills, 1);
        kill(worker->pid, SIGKILL);
    }
}

/* When is it to be forked? INT64_MAX = not, or not until a hub is up. */
static int64_t fork_ms(const struct generation *g, const struct worker *worker)
{
    bool waits = worker->role == SLOT_GATE && !g->opened;

    return worker->pid != 0 || worker->ending || waits ? INT64_MAX : worker->restart_ms;
}

static void start_due(struct generation *g, int64_t now_ms)
{
    g->opened = g->opened || count_serving(g, SLOT_HUB, 0) > 0;
    for (int i = 0; i < g->count; i++)
        if (now_ms >= fork_ms(g, &g->workers[i]))
            start_worker(g, &g->workers[i]);
}

static void drain_on(struct generation *g, int64_t now_ms)
{
    int64_t age_ms = now_ms - g->drain_started_ms;

    if (g->phase == PHASE_GATES_END && (running(g, SLOT_GATE) == 0 || age_ms >= GATES_GRACE_MS)) {
        g->phase = PHASE_HUBS_END;
        end_role(g, SLOT_HUB, SIGTERM);
    }
    if (age_ms < g->drain_ms + GENERATION_SLACK_MS || generation_done(g))
        return;
    log_warn("gates=%d hubs=%d did not end in time, killed", running(g, SLOT_GATE),
             running(g, SLOT_HUB));
    generation_kill(g);
}

void generation_tick(struct generation *g)
{
    int64_t now_ms = clock_mono_ms();

    if (now_ms >= g->watch_ms) {
        watch(g, now_ms);
        g->watch_ms = now_ms + WATCH_MS;
    }
    if (g->phase == PHASE_RUNNING)
        start_due(g, now_ms);
    else if (g->phase != PHASE_KILLED)
        drain_on(g, now_ms);
}

int64_t generation_due_ms(const struct generation *g)
{
    int64_t due_ms = g->watch_ms;

    for (int i = 0; i < g->count && g->phase == PHASE_RUNNING; i++)
        if (fork_ms(g, &g->workers[i]) < due_ms)
            due_ms = fork_ms(g, &g->workers[i]);
    return due_ms;
}
