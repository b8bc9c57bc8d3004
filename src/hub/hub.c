#include "hub/hub.h"

#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "heritage.h"
#include "hub/connection.h"
#include "hub/control.h"
#include "hub/inlet.h"
#include "hub/lease.h"
#include "hub/room.h"
#include "hub/state.h"
#include "hub/tally.h"
#include "hub/watch.h"
#include "store/topology.h"
#include "supervisor/scoreboard.h"

#define TRIM_STREAMS 1000
#define ALONE_SILENT_S 10 /* as long as a supervisor would let it hang */

static uv_timer_t tick_timer;
static uv_prepare_t turn_end;
static uv_timer_t rest_timer;
static uv_signal_t term_signal;
static pid_t supervisor;
static int64_t second_ms; /* when the last second's work was done */
static int64_t end_by_ms; /* while draining */
static unsigned peak;     /* of streams, since memory was last given back */

uint32_t hub_tick_in(const struct hub *hub, int64_t in_ms)
{
    int64_t ticks =
        (clock_mono_ms() - hub->started_ms + (in_ms > 0 ? in_ms : 0)) / WHEEL_TICK_MS + 1;

    return ticks < UINT32_MAX / 2 ? (uint32_t)ticks : UINT32_MAX / 2;
}

/* The end of the turn that this begins does the work. */
static void on_rest_end(uv_timer_t *timer)
{
    (void)timer;
}

/* Is nothing left of what it is to end with? */
static bool is_over(const struct hub *hub)
{
    return (hub->draining || hub->alone) && hub->connections_count == 0 && inlet_is_empty();
}

/* Once a turn, when all that came in is taken: what came in together goes out together. */
static void on_turn_end(uv_prepare_t *prepare)
{
    struct hub *hub = prepare->data;
    int64_t rest_ms;

    control_flush(hub);
    rest_ms = room_flush_all(hub);
    if (rest_ms >= 0)
        uv_timer_start(&rest_timer, on_rest_end, (uint64_t)rest_ms, 0);
    lease_flush(hub, clock_mono_ms());
    feed_flush(&hub->feed);
    ask_flush(&hub->ask);
    if (is_over(hub))
        uv_stop(&hub->loop);
}

/* Gives back to the system what a peak of streams took: glibc does not by itself. */
static void trim(const struct hub *hub)
{
    if (hub->connections_count > peak)
        peak = hub->connections_count;
    if (peak < TRIM_STREAMS || hub->connections_count > peak / 2)
        return;
    peak = hub->connections_count;
    malloc_trim(0);
}

static void every_second(struct hub *hub, int64_t now_ms)
{
    second_ms = now_ms;
    atomic_store(&hub->slot->since_ms, now_ms);
    room_tick_all(hub, now_ms);
    control_tick(hub, now_ms);
    tally_tick(hub, now_ms);
    watch_tick(hub, now_ms);
    trim(hub);
    if (hub->alone) {
        alarm(ALONE_SILENT_S);
    } else if (getppid() != supervisor && !hub->draining) {
        log_error("the supervisor is gone");
        uv_stop(&hub->loop);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct hub *hub = timer->data;
    int64_t now_ms = clock_mono_ms();

    feed_tick(&hub->feed, now_ms);
    ask_tick(&hub->ask, now_ms);
    wheel_advance(&hub->wheel, (uint32_t)((now_ms - hub->started_ms) / WHEEL_TICK_MS),
                  connection_due, hub);
    if (now_ms - second_ms >= SCOREBOARD_RENEW_MS)
        every_second(hub, now_ms);
    if (hub->draining && now_ms > end_by_ms)
        uv_stop(&hub->loop);
}

static void on_term(uv_signal_t *signal, int number)
{
    struct hub *hub = signal->data;
    int64_t spread_ms = hub->conf->drain_ms / 2;

    (void)number;
    if (hub->draining)
        return;
    log_write(hub->alone ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "drains streams=%u",
              hub->connections_count);
    hub->draining = true;
    scoreboard_state(hub->slot, SLOT_DRAINING);
    end_by_ms = clock_mono_ms() + hub->conf->drain_ms;
    /* A millisecond a stream keeps those who come back from coming all at once. */
    if (spread_ms > (int64_t)hub->connections_count)
        spread_ms = (int64_t)hub->connections_count;
    connection_bye_all(hub, spread_ms);
}

/* Names the hub by its inlet, which its successor inherits, and by this start of the machine: what
 * a hub that was killed had told of its listeners is overwritten by the next, not added to. */
static void name_hub(struct hub *hub, int inlet_fd)
{
    char text[MACHINE_TEXT + 32], host[MACHINE_TEXT];
    unsigned char hash[16];
    struct stat inlet = {0};

    machine_boot(hub->machine);
    fstat(inlet_fd, &inlet);
    snprintf(text, sizeof(text), "%s %llu", hub->machine, (unsigned long long)inlet.st_ino);
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
    sodium_bin2base64(hub->id, sizeof(hub->id), hash, sizeof(hash),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    randombytes_buf(hash, sizeof(hash));
    sodium_bin2base64(hub->self, sizeof(hub->self), hash, sizeof(hash),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    memcpy(hub->people, hub->self, sizeof(hub->people));
    machine_name(host);
    snprintf(hub->label, sizeof(hub->label), "%s:%d", host, (int)getpid());
}

static int open_hub(struct hub *hub, const struct heritage *heritage, struct topology **topology)
{
    char error[256];
    int rc;

    hub->conf = heritage->conf;
    hub->slot = heritage->slot;
    hub->ledger = scoreboard_ledger(heritage->board, heritage->slot);
    hub->started_ms = clock_mono_ms();
    hub->board = heritage->board;
    name_hub(hub, heritage->inlets[heritage->index][0]);
    TAILQ_INIT(&hub->dirty);
    TAILQ_INIT(&hub->leases);
    LIST_INIT(&hub->connections);
    wheel_init(&hub->wheel);
    *topology = topology_parse(hub->conf->redis, error);
    if (*topology == NULL) {
        log_error("%s", error);
        return -1;
    }
    if ((rc = uv_loop_init(&hub->loop)) < 0) {
        log_error("cannot make an event loop: %s", uv_strerror(rc));
        topology_free(*topology);
        return -1;
    }
    hub->loop.data = hub;
    feed_open(&hub->feed, hub, *topology, hub->conf->redis_timeout_ms);
    ask_open(&hub->ask, &hub->loop, *topology, hub->conf->redis_timeout_ms);
    hub->feed.wire.trips = hub->ask.wire.trips = &hub->ledger->hub_trips;
    return 0;
}

static void start_handles(struct hub *hub, int inlet_fd)
{
    sigset_t none;

    inlet_open(hub, inlet_fd);
    uv_timer_init(&hub->loop, &tick_timer);
    tick_timer.data = hub;
    uv_timer_start(&tick_timer, on_tick, 0, WHEEL_TICK_MS);
    uv_timer_init(&hub->loop, &rest_timer);
    uv_prepare_init(&hub->loop, &turn_end);
    turn_end.data = hub;
    uv_prepare_start(&turn_end, on_turn_end);
    uv_signal_init(&hub->loop, &term_signal);
    term_signal.data = hub;
    uv_signal_start(&term_signal, on_term, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_hub(struct hub *hub, struct topology *topology)
{
    connection_close_all(hub);
    lease_end(hub);
    ask_flush(&hub->ask);
    inlet_close(hub);
    uv_close((uv_handle_t *)&tick_timer, NULL);
    uv_close((uv_handle_t *)&rest_timer, NULL);
    uv_close((uv_handle_t *)&turn_end, NULL);
    uv_close((uv_handle_t *)&term_signal, NULL);
    feed_close(&hub->feed);
    ask_close(&hub->ask);
    room_free_all(hub);
    control_free_all(hub);
    tally_free_all(hub);
    uv_run(&hub->loop, UV_RUN_DEFAULT);
    uv_loop_close(&hub->loop);
    buf_free(&hub->scratch);
    buf_free(&hub->line);
    topology_free(topology);
}

static void run(struct hub *hub, const struct heritage *heritage)
{
    start_handles(hub, heritage->inlets[heritage->index][0]);
    scoreboard_state(hub->slot, SLOT_IDLE);
    uv_run(&hub->loop, UV_RUN_DEFAULT);
}

int hub_main(const struct heritage *heritage)
{
    struct hub *hub = mem_zero(sizeof(*hub));
    struct topology *topology = NULL;

    log_open("hub", heritage->conf->log_level, heritage->conf->log_form);
    supervisor = getppid();
    /* Without a system call for each stream's random age. */
    randombytes_set_implementation(&randombytes_internal_implementation);
    if (sodium_init() < 0 || open_hub(hub, heritage, &topology) < 0) {
        free(hub);
        return EX_CONFIG;
    }
    log_info("up hub=%d", heritage->index);
    run(hub, heritage);
    close_hub(hub, topology);
    free(hub);
    log_info("ends");
    return 0;
}

/* All processes that serve one user are one to the others: he is here while one of them says so,
 * and what of them is gone leaves nothing behind but that one lease. */
static void name_people(struct hub *hub, const char *holder)
{
    unsigned char hash[16];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)holder, strlen(holder), NULL, 0);
    sodium_bin2base64(hub->people, sizeof(hub->people), hash, sizeof(hash),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool hub_serve_one(const struct heritage *heritage, const char *holder)
{
    struct hub *hub = mem_zero(sizeof(*hub));
    struct topology *topology = NULL;
    bool ended = true;

    if (open_hub(hub, heritage, &topology) == 0) {
        hub->alone = true;
        if (holder[0] != '\0')
            name_people(hub, holder);
        alarm(ALONE_SILENT_S);
        run(hub, heritage);
        ended = hub->draining;
        close_hub(hub, topology);
        alarm(0);
    }
    free(hub);
    return ended;
}
