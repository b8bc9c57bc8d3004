#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define AGAIN_MS 1000

const char *const log_level_names[] = {"error", "warn", "info", "debug", NULL};

static const char *log_role = "earshot";
static enum log_level log_most = LOG_LEVEL_INFO;
static const char *log_request_id;

void log_open(const char *role, enum log_level level)
{
    log_role = role;
    log_most = level;
}

void log_request(const char *request_id)
{
    log_request_id = request_id;
}

bool log_may(int64_t *next_ms)
{
    int64_t now_ms = clock_mono_ms();

    if (now_ms < *next_ms)
        return false;
    *next_ms = now_ms + AGAIN_MS;
    return true;
}

void log_write(enum log_level level, const char *format, ...)
{
    int saved = errno;
    char line[1024], stamp[32];
    struct timespec now;
    struct tm tm;
    va_list args;
    size_t len;

    if (level > log_most)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    len = (size_t)snprintf(line, sizeof(line), "%s.%03ldZ %s %s[%d] ", stamp, now.tv_nsec / 1000000,
                           log_level_names[level], log_role, (int)getpid());
    if (log_request_id != NULL)
        len += (size_t)snprintf(line + len, sizeof(line) - len, "request=%.64s ", log_request_id);
    errno = saved;
    va_start(args, format);
    vsnprintf(line + len, sizeof(line) - len - 1, format, args);
    va_end(args);
    len = strlen(line);
    /* What came from outside must not forge a second line. */
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0) {
        /* A log that cannot be written has nowhere to say so. */
    }
    errno = saved;
}
