#include "times.h"

#include <string.h>
#include <time.h>

int64_t times_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void times_clear(struct times *times)
{
    memset(times, 0, sizeof *times);
}

/* Values below TIMES_PARTS have a bucket each; above, the leading bit chooses the power and the
 * bits behind it the part. */
static unsigned bucket_of(uint64_t ns)
{
    unsigned power, bucket;

    if (ns < TIMES_PARTS)
        return (unsigned)ns;
    power = 63 - (unsigned)__builtin_clzll(ns) - 6;
    bucket = (power + 1) * TIMES_PARTS + (unsigned)(ns >> power) - TIMES_PARTS;
    return bucket < TIMES_POWERS * TIMES_PARTS ? bucket : TIMES_POWERS * TIMES_PARTS - 1;
}

/* The middle of a bucket. */
static double value_of(unsigned bucket)
{
    unsigned power = bucket / TIMES_PARTS, part = bucket % TIMES_PARTS;

    if (power == 0)
        return part;
    return ((double)(TIMES_PARTS + part) + 0.5) * (double)(UINT64_C(1) << (power - 1));
}

void times_add(struct times *times, int64_t ns)
{
    if (ns < 0)
        ns = 0;
    times->count++;
    if (ns > times->most_ns)
        times->most_ns = ns;
    times->buckets[bucket_of((uint64_t)ns)]++;
}

double times_quantile_us(const struct times *times, double share)
{
    uint64_t rank = (uint64_t)(share * (double)times->count), seen = 0;

    for (unsigned i = 0; i < TIMES_POWERS * TIMES_PARTS; i++) {
        seen += times->buckets[i];
        if (seen > rank)
            return value_of(i) / 1000;
    }
    return (double)times->most_ns / 1000;
}
