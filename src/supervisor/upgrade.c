#include "supervisor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define CHECK_MS 10000
#define CHECK_OPTION "--check-config"

extern char **environ;

/* --- which binary --- */

static bool is_same_file(const char *path, const char *other)
{
    struct stat a, b;

    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* argv[0] as it is, where it names this binary: a symbolic link that is moved to another version
 * must lead there. Else what the kernel says, without "(deleted)" as long as we are early enough.
 */
void upgrade_init(struct upgrade *upgrade, char *const *argv)
{
    static const char self[] = "/proc/self/exe";
    char path[PATH_MAX] = "", *directory = NULL;
    ssize_t len;

    *upgrade = (struct upgrade){.argv = argv, .output = -1};
    if (strchr(argv[0], '/') != NULL && is_same_file(argv[0], self) &&
        (argv[0][0] == '/' || (directory = getcwd(NULL, 0)) != NULL)) {
        snprintf(path, sizeof(path), "%s%s%s", directory != NULL ? directory : "",
                 directory != NULL ? "/" : "", argv[0]);
    } else {
        len = readlink(self, path, sizeof(path) - 1);
        path[len > 0 ? len : 0] = '\0';
    }
    free(directory);
    upgrade->path = mem_strdup(path);
}

void upgrade_free(struct upgrade *upgrade)
{
    upgrade_cancel(upgrade);
    free(upgrade->path);
    upgrade->path = NULL;
}

/* --- the check --- */

static char **check_arguments(char *const *argv)
{
    static char option[] = CHECK_OPTION;
    size_t count = 0;
    char **all;

    while (argv[count] != NULL)
        count++;
    all = mem_zero((count + 2) * sizeof(*all));
    memcpy(all, argv, count * sizeof(*all));
    all[count] = option;
    return all;
}

static void run_check(const struct upgrade *upgrade, char **argv, int output)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0)
        execve(upgrade->path, argv, environ);
    dprintf(output, "cannot run %s: %s\n", upgrade->path, strerror(errno));
    _exit(EXIT_FAILURE);
}

int upgrade_check(struct upgrade *upgrade, char error[512])
{
    char **argv;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        snprintf(error, 512, "cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    argv = check_arguments(upgrade->argv);
    upgrade->checker = fork();
    if (upgrade->checker == 0)
        run_check(upgrade, argv, ends[1]);
    free(argv);
    close(ends[1]);
    if (upgrade->checker < 0) {
        snprintf(error, 512, "cannot fork: %s", strerror(errno));
        close(ends[0]);
        upgrade->checker = 0;
        return -1;
    }
    upgrade->output = ends[0];
    upgrade->limit_ms = clock_mono_ms() + CHECK_MS;
    return 0;
}

/* The last line of what it said, which is the reason. Past what a pipe holds it blocks on its own
 * words, and its time runs out. */
static void read_reason(int fd, char reason[400])
{
    char text[65536];
    size_t len = 0;
    ssize_t n;
    char *line;

    while (len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    while (len > 0 && text[len - 1] == '\n')
        len--;
    text[len] = '\0';
    line = strrchr(text, '\n');
    snprintf(reason, 400, "%.399s", line != NULL ? line + 1 : text);
}

static void forget_check(struct upgrade *upgrade)
{
    upgrade->checker = 0;
    upgrade->limit_ms = 0;
    close(upgrade->output);
    upgrade->output = -1;
}

int upgrade_checked(struct upgrade *upgrade, int status, char error[512])
{
    bool late = upgrade->limit_ms == 0;
    char reason[400];

    read_reason(upgrade->output, reason);
    forget_check(upgrade);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (late)
        snprintf(error, 512, "%s " CHECK_OPTION " did not end within %d ms", upgrade->path,
                 CHECK_MS);
    else if (WIFSIGNALED(status))
        snprintf(error, 512, "%s " CHECK_OPTION " died of signal %d: %s", upgrade->path,
                 WTERMSIG(status), reason);
    else
        snprintf(error, 512, "%s " CHECK_OPTION " failed with status %d: %s", upgrade->path,
                 WEXITSTATUS(status), reason);
    return -1;
}

void upgrade_tick(struct upgrade *upgrade, int64_t now_ms)
{
    if (upgrade->checker == 0 || upgrade->limit_ms == 0 || now_ms < upgrade->limit_ms)
        return;
    upgrade->limit_ms = 0;
    kill(upgrade->checker, SIGKILL);
}

void upgrade_cancel(struct upgrade *upgrade)
{
    if (upgrade->checker == 0)
        return;
    kill(upgrade->checker, SIGKILL);
    forget_check(upgrade);
}

/* --- the exec --- */

static void keep_over_exec(const struct handover *h, bool keep)
{
    const int fds[] = {h->listen_fd, h->relay[0], h->relay[1]};

    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
        fcntl(fds[i], F_SETFD, keep ? 0 : FD_CLOEXEC);
}

void upgrade_exec(struct upgrade *upgrade, const struct handover *handover, char error[512])
{
    char *text = handover_encode(handover);

    keep_over_exec(handover, true);
    if (setenv(HANDOVER_VARIABLE, text, 1) == 0)
        execve(upgrade->path, upgrade->argv, environ);
    snprintf(error, 512, "cannot run %s: %s", upgrade->path, strerror(errno));
    unsetenv(HANDOVER_VARIABLE);
    keep_over_exec(handover, false);
    free(text);
}
