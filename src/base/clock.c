#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return now_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return now_ms(CLOCK_MONOTONIC);
}

int64_t clock_mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_format(char out[CLOCK_TEXT], int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    char text[CLOCK_TEXT - 8];
    struct tm tm;

    /* A stream id may hold any 64-bit number: past year 9999 it is no date any more. */
    if (wall_ms < 0 || wall_ms > 253402300799999 || gmtime_r(&seconds, &tm) == NULL) {
        snprintf(out, CLOCK_TEXT, "9999-12-31T23:59:59.999Z");
        return;
    }
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, CLOCK_TEXT, "%s.%03dZ", text, (int)(wall_ms % 1000));
}
