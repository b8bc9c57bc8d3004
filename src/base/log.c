#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define AGAIN_MS 1000
#define HELD_MAX 8

static const char *log_role = "earshot";
static enum log_level log_most = LOG_LEVEL_INFO;
static enum log_form log_as;
static const char *log_request_id, *log_trace_id;

static struct logline held[HELD_MAX];
static unsigned held_count;
static bool holding;

void log_open(const char *role, enum log_level level, enum log_form form)
{
    log_role = role;
    log_most = level;
    log_as = form;
}

void log_request(const char *request_id, const char *trace_id)
{
    log_request_id = request_id;
    log_trace_id = trace_id;
}

bool log_takes(enum log_level level)
{
    return level <= log_most;
}

bool log_may(int64_t *next_ms)
{
    int64_t now_ms = clock_mono_ms();

    if (now_ms < *next_ms)
        return false;
    *next_ms = now_ms + AGAIN_MS;
    return true;
}

/* Is standard error the journal's? JOURNAL_STREAM is its device and inode, and inherited by
 * programs whose standard error is not: systemd.exec(5). Asked each time, for a few microseconds:
 * standard error may be redirected. */
static bool in_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void write_line(const struct logline *line, enum log_form form)
{
    static const char priorities[] = {'3', '4', '6', '7'}; /* syslog(3) */
    char out[3 + LOGLINE_MAX];
    size_t front = 0;

    if (in_journal()) {
        memcpy(out, (const char[]){'<', priorities[line->level], '>'}, 3);
        front = 3;
    }
    if (write(STDERR_FILENO, out, front + logline_write(out + front, line, form, front > 0)) < 0) {
        /* A log that cannot be written has nowhere to say so. */
    }
}

void log_write(enum log_level level, const char *format, ...)
{
    int saved = errno;
    struct logline own, *line = &own;
    va_list args;

    if (!log_takes(level) || (holding && held_count == HELD_MAX))
        return;
    if (holding)
        line = &held[held_count++];
    line->level = level;
    line->wall_ms = clock_wall_ms();
    line->pid = (int)getpid();
    line->role = log_role;
    line->request = holding ? NULL : log_request_id;
    line->trace = holding ? NULL : log_trace_id;
    va_start(args, format);
    logline_take(line, format, args);
    va_end(args);
    if (!holding)
        write_line(line, log_as);
    errno = saved;
}

void log_hold(void)
{
    holding = true;
}

void log_release(const enum log_form *form)
{
    holding = false;
    for (unsigned i = 0; i < held_count; i++)
        write_line(&held[i], form != NULL ? *form : log_as);
    held_count = 0;
}

void log_fatal(const char *text)
{
    if (log_as == LOG_FORM_JSON)
        log_error("%s", text);
    else
        fprintf(stderr, "earshotd: %s\n", text);
}
