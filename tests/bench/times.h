/* times.h - many times in little space: a histogram whose buckets are 1/64 of their value wide.
 * Runs in: load.  Blocks: never. */
#ifndef BENCH_TIMES_H
#define BENCH_TIMES_H

#include <stdint.h>

#define TIMES_PARTS 64 /* buckets for each power of two: an error of at most 1.6 % */
#define TIMES_POWERS 40

struct times {
    uint64_t count;
    int64_t most_ns;
    uint32_t buckets[TIMES_POWERS * TIMES_PARTS];
};

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t times_now(void);

void times_clear(struct times *times);
void times_add(struct times *times, int64_t ns);

/* The time, in microseconds, that `share` (0 to 1) of all do not exceed; 0 when there are none. */
double times_quantile_us(const struct times *times, double share);

#endif
