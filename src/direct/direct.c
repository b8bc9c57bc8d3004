#include "direct/direct.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "direct/quota.h"
#include "direct/setup.h"
#include "gate/canary.h"
#include "gate/cgi.h"
#include "gate/fcgi.h"
#include "gate/gate.h"
#include "heritage.h"
#include "hub/hub.h"
#include "supervisor/listener.h"
#include "supervisor/scoreboard.h"

/* mod_fcgid ends what says nothing for 40 s (FcgidIOTimeout), and a long-poll says nothing before
 * its answer. */
#define POLL_MAX_MS 30000

struct direct {
    struct heritage heritage;
    struct setup setup;
    const struct source *source;
    void *from;
    struct gate *gate; /* NULL = there is no configuration */
    /* Of the request: */
    int place;        /* among all receives of this site on this machine; -1 = none */
    char holder[512]; /* who receives, for hub_serve_one() */
};

static volatile sig_atomic_t stopping;

/* --- how it was started --- */

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

enum direct_mode direct_mode(const char *program)
{
    bool fcgi = ends_in(program, ".fcgi");

    if (listener_is_spawned())
        return fcgi ? DIRECT_FASTCGI : DIRECT_NOT;
    if (getenv("GATEWAY_INTERFACE") != NULL)
        return DIRECT_CGI;
    return fcgi || ends_in(program, ".cgi") ? DIRECT_MISUSED : DIRECT_NOT;
}

/* --- signals --- */

static void on_stop(int signal)
{
    stopping = signal;
}

/* As the supervisor would kill a gate that hangs, or a hub. */
static void on_alarm(int signal)
{
    static const char line[] = "earshot hangs for longer than request_limit: it ends\n";

    (void)signal;
    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0) {
        /* There is nowhere to say so. */
    }
    _exit(EX_SOFTWARE);
}

/* A hub has its own, while it runs. SIGTERM is let in only while nothing is served. */
static void set_handlers(void)
{
    struct sigaction stop = {.sa_handler = on_stop}, late = {.sa_handler = on_alarm};
    sigset_t blocked;

    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGUSR1, &stop, NULL);
    sigaction(SIGALRM, &late, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

/* --- what a gate asks of its place --- */

/* It ends when this process does. Not spawn_start(), which closes all descriptors that it does not
 * know: libuv has some since the last hub. */
static pid_t start_hub(const struct heritage *heritage)
{
    pid_t parent = getpid(), pid = heritage->slot != NULL ? fork() : -1;

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    exit(getppid() == parent ? hub_main(heritage) : EXIT_FAILURE);
}

/* readyz?deep=1: the check listens and sends at once, so the hub of one must be beside it. */
static void check_deep(struct api *api, const struct heritage *heritage)
{
    struct heritage beside = *heritage;
    pid_t pid;

    beside.slot = scoreboard_take(heritage->board, SLOT_HUB, 0);
    pid = start_hub(&beside);
    canary_check(api, heritage);
    if (pid > 0) {
        kill(pid, SIGTERM);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (beside.slot != NULL)
        scoreboard_give_back(beside.slot);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A place for a receive, and how long it may last, so that it ends before the web server ends it,
 * and those that a crowded machine has no place for get their turn. */
static int admit(void *context, struct parking *parking)
{
    struct direct *direct = context;
    struct conf *conf = direct->setup.conf;
    int most = conf->direct_streams_max, held;
    int64_t life_ms;

    if (!direct->source->fastcgi && !cgi_streams())
        return -1;
    direct->place = quota_take(direct->setup.path.data, most, &held);
    if (direct->place < 0 && held < most)
        held = most - 1; /* not to be counted */
    life_ms = quota_life_ms(conf->direct_stream_age_ms, held, most);
    if (life_ms == 0 && parking->form != FRAME_JSON)
        return -1;
    /* A long-poll that has no place is answered with what there is: 0 would be for ever. */
    if (parking->form == FRAME_JSON)
        parking->wait_ms = least(parking->wait_ms, life_ms > 0 ? least(life_ms, POLL_MAX_MS) : 1);
    conf->stream_age_ms = life_ms * 5 / 6; /* of which it lives 80 to 120 % */
    if (parking->user_id[0] != '\0')
        snprintf(direct->holder, sizeof(direct->holder), "direct %s %s", parking->namespace,
                 parking->user_id);
    return 0;
}

/* --- a request --- */

/* Makes the gate of this request's configuration. Returns 0, or -1: it cannot be used (logged). */
static int make_ready(struct direct *direct, char **envp)
{
    const struct gate_place place = {.heritage = &direct->heritage,
                                     .source = direct->source,
                                     .from = direct->from,
                                     .deep = check_deep,
                                     .admit = admit,
                                     .context = direct};

    if (!setup_differs(&direct->setup, envp) && direct->gate != NULL)
        return 0;
    gate_close(direct->gate);
    direct->gate = NULL;
    if (setup_read(&direct->setup, envp) < 0)
        return -1;
    direct->heritage.conf = direct->setup.conf;
    log_open("direct", direct->setup.conf->log_level, direct->setup.conf->log_form);
    direct->gate = gate_open(&place);
    if (direct->gate == NULL && access(direct->setup.path.data, F_OK) < 0)
        log_error("there is no file %s", direct->setup.path.data);
    return direct->gate != NULL ? 0 : -1;
}

/* Where there is no configuration: says so, and no more, for it is a stranger who asks. */
static void refuse(struct direct *direct)
{
    const struct problem problem = {
        500, "misconfigured",
        "earshot is not configured rightly here; the web server's error log says what is wrong"};
    struct reply reply = {0};
    struct buf output = BUF_INIT;

    reply_clear(&reply);
    reply_problem(&reply, &problem, NULL);
    reply_encode(&output, &reply, false);
    direct->source->reply(direct->from, output.data, output.len);
    buf_free(&output);
    reply_free(&reply);
}

/* Waits for as long as the receive lasts that was just handed over. */
static void wait_for_it(struct direct *direct)
{
    if (stopping)
        raise(SIGTERM); /* blocked: the hub hears it as soon as it listens */
    if (hub_serve_one(&direct->heritage, direct->holder))
        stopping = SIGTERM;
    set_handlers();
    scoreboard_state(direct->heritage.slot, SLOT_IDLE);
}

static void serve(struct direct *direct, char **envp)
{
    direct->place = -1;
    direct->holder[0] = '\0';
    if (make_ready(direct, envp) < 0) {
        refuse(direct);
        return;
    }
    alarm((unsigned)(direct->setup.conf->request_limit_ms / 1000));
    if (gate_serve(direct->gate, envp))
        wait_for_it(direct);
    alarm(0);
    if (direct->place >= 0)
        close(direct->place);
}

/* --- the process --- */

static int open_direct(struct direct *direct)
{
    struct heritage *h = &direct->heritage;
    struct scoreboard *board = scoreboard_create();

    *h = (struct heritage){
        .board = board, .listen_fd = -1, .hubs = 1, .gates = 1, .relay = {-1, -1}};
    if (board == NULL || (h->slot = scoreboard_take(board, SLOT_HUB, 0)) == NULL ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, h->inlets[0]) < 0) {
        log_error("out of memory or descriptors");
        return -1;
    }
    return 0;
}

static void close_direct(struct direct *direct)
{
    gate_close(direct->gate);
    conf_free(direct->setup.conf);
    buf_free(&direct->setup.source);
    buf_free(&direct->setup.path);
    scoreboard_free(direct->heritage.board);
}

static void serve_cgi(struct direct *direct)
{
    static struct cgi cgi;

    direct->source = &cgi_source;
    direct->from = &cgi;
    serve(direct, cgi_begin(&cgi));
}

/* Serves what has something to say. */
static void serve_next(struct direct *direct, struct fcgi *fcgi)
{
    char **envp = fcgi_accept(fcgi);

    if (envp != NULL)
        serve(direct, envp);
}

static int serve_fastcgi(struct direct *direct)
{
    int listen_fd = listener_take_spawned();
    sigset_t let_in;
    struct fcgi *fcgi;

    sigemptyset(&let_in);
    fcgi = fcgi_open(listen_fd, NULL, &let_in);
    if (fcgi == NULL)
        return EX_OSERR;
    set_handlers();
    direct->source = &fcgi_source;
    direct->from = fcgi;
    while (!stopping)
        if (fcgi_wait(fcgi, -1) == 1)
            serve_next(direct, fcgi);
    /* A web server that has not noticed yet may have sent the next request: it is answered, and
     * who comes later is refused and goes to another process. */
    fcgi_drain(fcgi);
    while (fcgi_wait(fcgi, 0) == 1)
        serve_next(direct, fcgi);
    close(listen_fd);
    fcgi_close(fcgi);
    return EXIT_SUCCESS;
}

int direct_main(const char *program, enum direct_mode mode)
{
    static struct direct direct;
    int status = EXIT_SUCCESS;

    log_open("direct", LOG_LEVEL_INFO, LOG_FORM_TEXT);
    if (mode == DIRECT_MISUSED) {
        fprintf(stderr, "%s is for a web server to run, by CGI or FastCGI; earshotd(8) has more\n",
                program);
        return EX_USAGE;
    }
    direct.setup.program = program;
    set_handlers();
    if (open_direct(&direct) < 0)
        return EX_OSERR;
    if (mode == DIRECT_CGI)
        serve_cgi(&direct);
    else
        status = serve_fastcgi(&direct);
    close_direct(&direct);
    return status;
}
