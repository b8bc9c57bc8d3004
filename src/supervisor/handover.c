#include "supervisor/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

#define FIRST_LINE "earshot handover 1\n"
#define LAST_LINE "end\n"

/* --- the text --- */

char *handover_encode(const struct handover *h)
{
    struct buf out = BUF_INIT;

    buf_str(&out, FIRST_LINE);
    buf_printf(&out, "supervisor %d\n", (int)h->pid);
    buf_printf(&out, "listen %d\n", h->listen_fd);
    if (h->path[0] != '\0')
        buf_printf(&out, "socket %llu %llu %s\n", (unsigned long long)h->device,
                   (unsigned long long)h->inode, h->path);
    buf_printf(&out, "relay %d %d\n", h->relay[0], h->relay[1]);
    buf_printf(&out, "drain %lld\n", (long long)h->drain_ms);
    for (int i = 0; i < h->count; i++)
        buf_printf(&out, "%s %d\n", h->workers[i].role == SLOT_HUB ? "hub" : "gate",
                   (int)h->workers[i].pid);
    buf_str(&out, LAST_LINE);
    return out.data;
}

/* Moves past `word`, or does not. */
static bool skip(const char **at, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

/* A number as printf writes it, no sign, no zero in front, then the character `after`. */
static bool take_number(const char **at, uint64_t most, char after, uint64_t *value)
{
    const char *digits = *at;

    *value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');

        if (*value > (most - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    if (*at == digits || (digits[0] == '0' && *at - digits > 1) || **at != after)
        return false;
    (*at)++;
    return true;
}

static bool take_int(const char **at, int least, char after, int *value)
{
    uint64_t number;

    if (!take_number(at, INT32_MAX, after, &number) || number < (uint64_t)least)
        return false;
    *value = (int)number;
    return true;
}

/* The line of a socket that has a file, which is there or not. */
static bool take_socket(const char **at, struct handover *h)
{
    uint64_t device, inode;
    size_t len;

    if (!skip(at, "socket "))
        return true;
    if (!take_number(at, UINT64_MAX, ' ', &device) || !take_number(at, UINT64_MAX, ' ', &inode))
        return false;
    len = strcspn(*at, "\n");
    if (len == 0 || len >= sizeof(h->path) || (*at)[len] != '\n')
        return false;
    memcpy(h->path, *at, len);
    h->device = (dev_t)device;
    h->inode = (ino_t)inode;
    *at += len + 1;
    return true;
}

static bool take_workers(const char **at, struct handover *h)
{
    while (!skip(at, LAST_LINE)) {
        enum slot_role role = skip(at, "hub ") ? SLOT_HUB : SLOT_GATE;

        if ((role == SLOT_GATE && !skip(at, "gate ")) || h->count == SCOREBOARD_SLOTS ||
            !take_int(at, 1, '\n', &h->workers[h->count].pid))
            return false;
        h->workers[h->count++].role = role;
    }
    return **at == '\0';
}

int handover_decode(struct handover *h, const char *text)
{
    uint64_t drain_ms;
    bool good;

    memset(h, 0, sizeof(*h));
    good =
        skip(&text, FIRST_LINE) && skip(&text, "supervisor ") && take_int(&text, 1, '\n', &h->pid);
    good =
        good && skip(&text, "listen ") && take_int(&text, STDERR_FILENO + 1, '\n', &h->listen_fd);
    good = good && take_socket(&text, h);
    good = good && skip(&text, "relay ") && take_int(&text, STDERR_FILENO + 1, ' ', &h->relay[0]) &&
           take_int(&text, STDERR_FILENO + 1, '\n', &h->relay[1]);
    good = good && skip(&text, "drain ") && take_number(&text, INT32_MAX, '\n', &drain_ms);
    if (!good || !take_workers(&text, h))
        return -1;
    h->drain_ms = (int64_t)drain_ms;
    return 0;
}

/* --- taking it --- */

/* A process that has ended and was not reaped yet is a child too. */
static bool is_child(pid_t pid)
{
    siginfo_t info;

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static bool take_fd(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int handover_take(struct handover *h)
{
    const char *text = getenv(HANDOVER_VARIABLE);
    int rc, kept = 0;

    if (text == NULL)
        return 0;
    rc = handover_decode(h, text);
    unsetenv(HANDOVER_VARIABLE);
    if (rc == 0 && h->pid != getpid())
        return 0;
    if (rc < 0 || !take_fd(h->listen_fd) || !take_fd(h->relay[0]) || !take_fd(h->relay[1])) {
        log_error("what the last binary handed over cannot be used: %s",
                  rc < 0 ? "not understood" : strerror(errno));
        return -1;
    }
    for (int i = 0; i < h->count; i++)
        if (is_child(h->workers[i].pid))
            h->workers[kept++] = h->workers[i];
    h->count = kept;
    return 1;
}
