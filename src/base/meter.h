/* meter.h - counters and histograms that others read while one process writes them.
 * Runs in: every process.  Blocks: never.
 * One writer a meter: to add is a load and a store, without a locked instruction. */
#ifndef EARSHOT_METER_H
#define EARSHOT_METER_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t meter;

static inline uint64_t meter_read(const meter *m)
{
    return atomic_load_explicit(m, memory_order_relaxed);
}

static inline void meter_set(meter *m, uint64_t value)
{
    atomic_store_explicit(m, value, memory_order_relaxed);
}

static inline void meter_add(meter *m, uint64_t n)
{
    meter_set(m, meter_read(m) + n);
}

/* How long things took, counted by steps. */
#define METER_STEPS 16
extern const int64_t meter_steps_us[METER_STEPS]; /* upper bounds, rising */

struct meter_histogram {
    meter counts[METER_STEPS + 1]; /* each above the last step; the last one above all */
    meter sum_us;
};

/* Counts one that took so long. */
void meter_observe(struct meter_histogram *histogram, int64_t us);

#endif
