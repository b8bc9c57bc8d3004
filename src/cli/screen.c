#include "cli/screen.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/terminal.h"

#define FDS_MAX 8

/* The alternate screen (xterm's 1049) without a cursor and without wrapping. */
static const char enter[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char leave[] = "\033[0m\033[?7h\033[?25h\033[?1049l";

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static struct termios before, raw;
static volatile sig_atomic_t is_open, ending, stopping;
static sigset_t while_waiting; /* signals that are blocked while it waits: none of ours */

bool screen_possible(void)
{
    const char *term = getenv("TERM");

    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' &&
           strcmp(term, "dumb") != 0;
}

bool screen_styled(void)
{
    const char *none = getenv("NO_COLOR");

    return none == NULL || none[0] == '\0';
}

/* Of calls that a signal handler may make. */
static void give_back(void)
{
    ssize_t ignored;

    if (!is_open)
        return;
    is_open = 0;
    ignored = write(STDOUT_FILENO, leave, sizeof(leave) - 1);
    (void)ignored;
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void take_over(void)
{
    is_open = 1;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    terminal_write(enter, sizeof(enter) - 1);
}

static void on_signal(int signal)
{
    if (signal == SIGTSTP)
        stopping = 1;
    else if (signal != SIGWINCH)
        ending = signal;
}

/* SA_RESETHAND: the signal that is raised again has its usual end. */
static void on_crash(int signal)
{
    give_back();
    raise(signal);
}

static void set_handlers(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t ours;

    sigemptyset(&ours);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        sigaction(ends[i], &action, NULL);
        sigaddset(&ours, ends[i]);
    }
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGTSTP, &action, NULL);
    sigaddset(&ours, SIGWINCH);
    sigaddset(&ours, SIGTSTP);
    sigprocmask(SIG_BLOCK, &ours, &while_waiting);
    action = (struct sigaction){.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        sigaction(crashes[i], &action, NULL);
}

int screen_open(void)
{
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return -1;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    set_handlers();
    atexit(screen_close);
    take_over();
    return 0;
}

void screen_close(void)
{
    give_back();
}

void screen_size(int *rows, int *columns)
{
    struct winsize size = {0};

    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *rows = size.ws_row > 0 ? size.ws_row : 24;
    *columns = size.ws_col > 0 ? size.ws_col : 80;
}

/* Ends as the signal would have ended us. */
static void end_by(int number)
{
    sigset_t one;

    give_back();
    signal(number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    _exit(CLI_REFUSED);
}

static void stop(void)
{
    stopping = 0;
    give_back();
    raise(SIGSTOP);
    take_over();
}

/* What the terminal sends for keys that are no letters (ECMA-48, xterm). */
static int read_key(void)
{
    static const struct {
        const char *bytes;
        int key;
    } known[] = {{"\033[D", SCREEN_LEFT},      {"\033OD", SCREEN_LEFT}, {"\033[C", SCREEN_RIGHT},
                 {"\033OC", SCREEN_RIGHT},     {"\033[A", SCREEN_UP},   {"\033OA", SCREEN_UP},
                 {"\033[B", SCREEN_DOWN},      {"\033OB", SCREEN_DOWN}, {"\033[5~", SCREEN_PAGE_UP},
                 {"\033[6~", SCREEN_PAGE_DOWN}};
    char bytes[16];
    ssize_t len = read(STDIN_FILENO, bytes, sizeof(bytes) - 1);

    if (len == 0 || (len < 0 && errno != EINTR && errno != EAGAIN))
        end_by(SIGHUP); /* the terminal is gone */
    if (len <= 0)
        return 0;
    bytes[len] = '\0';
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(bytes, known[i].bytes) == 0)
            return known[i].key;
    return bytes[0] != '\033' ? (unsigned char)bytes[0] : 0;
}

int screen_wait(struct pollfd *fds, nfds_t count, int ms)
{
    struct pollfd all[FDS_MAX] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    int n;

    memcpy(all + 1, fds, count * sizeof(*fds));
    n = ppoll(all, count + 1, &time, &while_waiting);
    if (ending)
        end_by(ending);
    if (stopping)
        stop();
    for (nfds_t i = 0; i < count; i++)
        fds[i].revents = n > 0 ? all[i + 1].revents : 0;
    return n > 0 && all[0].revents != 0 ? read_key() : 0;
}

void screen_show(const struct buf *lines)
{
    struct buf out = BUF_INIT;
    const char *at = lines->data, *end;
    int rows, columns, shown = 0;

    buf_str(&out, "\033[H");
    for (; (end = memchr(at, '\n', (size_t)(lines->data + lines->len - at))) != NULL;
         at = end + 1) {
        if (shown++ > 0)
            buf_str(&out, "\r\n");
        /* Before it: after the last column, the cursor stands on that, which would be cleared. */
        buf_str(&out, "\033[0m\033[K");
        buf_append(&out, at, (size_t)(end - at));
    }
    screen_size(&rows, &columns);
    for (; shown < rows; shown++)
        buf_str(&out, "\r\n\033[0m\033[K");
    terminal_write(out.data, out.len);
    buf_free(&out);
}
