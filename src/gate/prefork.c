#include "gate/prefork.h"

#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "conf.h"
#include "gate/canary.h"
#include "gate/fcgi.h"
#include "gate/gate.h"
#include "gate/meters.h"
#include "heritage.h"
#include "supervisor/scoreboard.h"

/* The signal that came. */
static volatile sig_atomic_t stopping;

static void on_stop(int signal)
{
    stopping = signal;
}

/* SIGTERM and SIGHUP are let in only while the gate waits, so that they never cut a request. The
 * supervisor blocked them, and SIGINT and SIGUSR2, which are its own business. Ours come after
 * FCGX_Init, which installs handlers too. */
static void set_handlers(void)
{
    struct sigaction action = {.sa_handler = on_stop};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
}

static struct fcgi *listen_to(const struct heritage *heritage)
{
    sigset_t stop, let_in;
    struct fcgi *fcgi;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    sigprocmask(SIG_BLOCK, &stop, &let_in);
    sigdelset(&let_in, SIGTERM);
    sigdelset(&let_in, SIGHUP);
    fcgi = fcgi_open(heritage->listen_fd, heritage->relay, &let_in);
    set_handlers();
    return fcgi;
}

static void serve(struct gate *gate, struct fcgi *fcgi)
{
    char **envp = fcgi_accept(fcgi);

    if (envp != NULL)
        gate_serve(gate, envp);
}

/* Answers what has come already, unless others do. The supervisor has unlinked the socket, so that
 * nothing more should; where it does (TCP, or a socket that others hold open), there is an end to
 * it all the same. */
static void drain(struct gate *gate, struct fcgi *fcgi, int64_t drain_ms)
{
    int64_t end_ms = clock_mono_ms() + drain_ms;

    if (stopping == SIGHUP)
        fcgi_retire(fcgi);
    else
        fcgi_drain(fcgi);
    while (clock_mono_ms() < end_ms && fcgi_wait(fcgi, 0) == 1)
        serve(gate, fcgi);
}

static void work(const struct heritage *heritage, struct gate *gate, struct fcgi *fcgi)
{
    while (!stopping) {
        scoreboard_state(heritage->slot, SLOT_IDLE);
        if (fcgi_wait(fcgi, SCOREBOARD_RENEW_MS) == 1) {
            scoreboard_state(heritage->slot, SLOT_BUSY);
            serve(gate, fcgi);
        }
    }
    scoreboard_state(heritage->slot, SLOT_DRAINING);
    drain(gate, fcgi, heritage->conf->drain_ms);
}

int prefork_main(const struct heritage *heritage)
{
    struct fcgi *fcgi = listen_to(heritage);
    const struct gate_place place = {.heritage = heritage,
                                     .source = &fcgi_source,
                                     .from = fcgi,
                                     .deep = canary_check,
                                     .metrics = meters_reply};
    struct gate *gate = fcgi != NULL ? gate_open(&place) : NULL;

    if (gate != NULL)
        work(heritage, gate, fcgi);
    gate_close(gate);
    fcgi_close(fcgi);
    return gate != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
