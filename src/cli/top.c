#include "cli/top.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/dashboard.h"
#include "cli/field.h"
#include "cli/listen.h"
#include "cli/operator.h"
#include "cli/screen.h"
#include "cli/terminal.h"

#define TICK_MS 1000
#define AGAIN_MS 2000 /* until a child that ended is started again; and between two looks */
#define ONCE_ROWS 40
#define ONCE_COLUMNS 100
#define LINE_BYTES_MAX (4 << 20) /* what is longer is of no server of ours */
#define CONNECTIONS "/connections?limit=1000"

_Static_assert(DASHBOARD_CONNECTIONS == 1000, "the limit in CONNECTIONS");

static int follow_figures(const struct options *options)
{
    struct options feed = *options;
    char room[] = "figures";

    feed.feed = "figures";
    return listen_run(&feed, &(char *){room}, 1);
}

/* Calls for one thing and appends it as a line. Returns the exit status. */
static int get(const struct options *options, const char *path, struct buf *out)
{
    struct client_call what = {.method = "GET", .url = path};
    struct client_answer answer = {0};
    int status = operator_call(options, &what, &answer);

    if (status == CLI_DONE && answer.body.len > 0)
        field_line(out, answer.body.data, answer.body.len);
    client_answer_free(&answer);
    return status;
}

/* Lines of a screen, less the blanks at their ends. */
static void print_trimmed(const struct buf *lines)
{
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < lines->len; i++) {
        while (lines->data[i] == '\n' && out.len > 0 && out.data[out.len - 1] == ' ')
            out.len--;
        buf_char(&out, lines->data[i]);
    }
    terminal_write(out.data, out.len);
    buf_free(&out);
}

static int look_once(const struct options *options)
{
    struct buf figures = BUF_INIT, connections = BUF_INIT, out = BUF_INIT;
    struct dashboard *d = dashboard_create(options->url != NULL ? options->url : "");
    int status = get(options, "/figures", &figures);

    if (status == CLI_DONE && !options->ndjson)
        status = get(options, CONNECTIONS, &connections);
    if (status == CLI_DONE && options->ndjson) {
        terminal_write(figures.data, figures.len);
    } else if (status == CLI_DONE) {
        dashboard_figures(d, figures.data, figures.len, clock_mono_ms());
        dashboard_connections(d, connections.data, connections.len, clock_mono_ms());
        dashboard_draw(d, &out, ONCE_ROWS, ONCE_COLUMNS, false);
        print_trimmed(&out);
    }
    dashboard_free(d);
    buf_free(&figures);
    buf_free(&connections);
    buf_free(&out);
    return status;
}

/* --- the children, which speak with the server: curl blocks, and a key is to be heard at once ---
 */

struct child {
    int (*main)(const struct options *options);
    void (*take)(struct dashboard *d, const char *json, size_t len, int64_t now_ms);
    pid_t pid;          /* 0 = it does not run */
    int out, err;       /* what it prints; -1 = ended */
    struct buf read[2]; /* of both, until a line is whole */
    int64_t again_ms;   /* when it is to be started */
    int status;         /* how it ended */
};

static int bring_figures(const struct options *options)
{
    struct options feed = *options;

    feed.ndjson = true;
    terminal_open(true);
    return follow_figures(&feed);
}

/* What goes wrong here goes wrong with the figures too, and is said there. */
static int bring_connections(const struct options *options)
{
    struct options quick = *options;
    struct buf line = BUF_INIT;

    quick.retry_for_ms = 0;
    for (;;) {
        if (get(&quick, CONNECTIONS, &line) == CLI_DONE)
            terminal_write(line.data, line.len);
        if (terminal_reader_gone())
            return CLI_DONE;
        buf_clear(&line);
        client_rest(AGAIN_MS);
    }
}

static int run_child(const struct child *child, const struct options *options, const int fds[2])
{
    struct operator operator;
    struct options longer = *options;
    sigset_t none;
    int status;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    dup2(fds[0], STDOUT_FILENO);
    dup2(fds[1], STDERR_FILENO);
    terminal_open(false);
    longer.follow = true; /* its token lasts */
    status = operator_complete(&operator, & longer);
    if (status == CLI_DONE)
        status = child->main(&operator.options);
    return status;
}

static void start(struct child *child, const struct options *options)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};

    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 || (child->pid = fork()) < 0) {
        terminal_error("cannot start a child: %s", strerror(errno));
        exit(CLI_REFUSED);
    }
    if (child->pid == 0) /* not exit(): the terminal is the parent's */
        _exit(run_child(child, options, (const int[]){out[1], err[1]}));
    close(out[1]);
    close(err[1]);
    child->out = out[0];
    child->err = err[0];
}

static void stop(struct child *child)
{
    if (child->pid > 0) {
        kill(child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
    }
    buf_free(&child->read[0]);
    buf_free(&child->read[1]);
}

static void reap(struct child *child)
{
    int status = 0;

    waitpid(child->pid, &status, 0);
    child->status = WIFEXITED(status) ? WEXITSTATUS(status) : CLI_REFUSED;
    child->pid = 0;
    child->again_ms = clock_mono_ms() + AGAIN_MS;
}

/* --- the loop --- */

static void take_notice(struct dashboard *d, const char *line, size_t len)
{
    char text[256];

    if (len > 9 && memcmp(line, "earshot: ", 9) == 0) {
        line += 9;
        len -= 9;
    }
    snprintf(text, sizeof(text), "%.*s", (int)len, line);
    dashboard_notice(d, strncmp(text, "connected", 9) == 0 ? "" : text);
}

/* Reads what there is. Closes the end of a child that has ended. */
static void hear(struct child *child, int which, struct dashboard *d)
{
    int *fd = which == 0 ? &child->out : &child->err;
    struct buf *b = &child->read[which];
    ssize_t n = read(*fd, buf_reserve(b, 65536), 65536);
    char *end;

    if (n <= 0) {
        close(*fd);
        *fd = -1;
        buf_clear(b);
        return;
    }
    b->len += (size_t)n;
    while ((end = memchr(b->data, '\n', b->len)) != NULL) {
        size_t len = (size_t)(end - b->data);

        if (which == 0)
            child->take(d, b->data, len, clock_mono_ms());
        else if (child->take == dashboard_figures)
            take_notice(d, b->data, len);
        buf_consume(b, len + 1);
    }
    if (b->len > LINE_BYTES_MAX)
        buf_clear(b);
}

static void draw(struct dashboard *d)
{
    struct buf out = BUF_INIT;
    int rows, columns;

    screen_size(&rows, &columns);
    dashboard_draw(d, &out, rows, columns, screen_styled());
    screen_show(&out);
    buf_free(&out);
}

/* Waits for something and takes it. Returns false when it is to end. */
static bool turn(struct dashboard *d, struct child *children, int count,
                 const struct options *options)
{
    struct pollfd fds[4];
    int key;

    for (int i = 0; i < count; i++) {
        struct child *child = &children[i];

        if (child->pid > 0 && child->out < 0 && child->err < 0)
            reap(child);
        if (child->pid == 0 && clock_mono_ms() >= child->again_ms)
            start(child, options);
        fds[2 * i] = (struct pollfd){.fd = child->out, .events = POLLIN};
        fds[2 * i + 1] = (struct pollfd){.fd = child->err, .events = POLLIN};
    }
    key = screen_wait(fds, (nfds_t)(2 * count), TICK_MS);
    for (int i = 0; i < 2 * count; i++)
        if (fds[i].revents != 0)
            hear(&children[i / 2], i % 2, d);
    return key == 0 || dashboard_key(d, key);
}

static int live(const struct options *options)
{
    struct child children[] = {
        {.main = bring_figures, .take = dashboard_figures, .out = -1, .err = -1},
        {.main = bring_connections, .take = dashboard_connections, .out = -1, .err = -1}};
    const char *url = options->url != NULL ? options->url : getenv("EARSHOT_URL");
    struct dashboard *d = dashboard_create(url != NULL ? url : "");
    int status = CLI_DONE;

    if (screen_open() < 0) {
        terminal_error("cannot take the terminal: %s", strerror(errno));
        dashboard_free(d);
        return CLI_REFUSED;
    }
    dashboard_notice(d, "connecting");
    do {
        draw(d);
        /* Where it never began, it is the command line that is wrong: that is said and the end. */
        if (!dashboard_knows(d) && children[0].pid == 0 && children[0].again_ms > 0)
            status = children[0].status;
    } while (status == CLI_DONE && turn(d, children, 2, options));
    screen_close();
    for (int i = 0; i < 2; i++)
        stop(&children[i]);
    if (status != CLI_DONE)
        terminal_error("%s", dashboard_said(d));
    dashboard_free(d);
    return status;
}

int top_run(const struct options *options)
{
    struct options longer = *options;
    struct operator operator;
    int status;

    if (!options->once && !options->ndjson && screen_possible())
        return live(options);
    longer.follow = !options->once;
    status = operator_complete(&operator, & longer);
    if (status == CLI_DONE)
        status = options->once ? look_once(&operator.options) : follow_figures(&operator.options);
    operator_free(&operator);
    return status;
}
