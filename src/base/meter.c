#include "base/meter.h"

const int64_t meter_steps_us[METER_STEPS] = {100,     250,     500,     1000,    2500,   5000,
                                             10000,   25000,   50000,   100000,  250000, 500000,
                                             1000000, 2500000, 5000000, 10000000};

void meter_observe(struct meter_histogram *histogram, int64_t us)
{
    unsigned step = 0;

    while (step < METER_STEPS && us > meter_steps_us[step])
        step++;
    meter_add(&histogram->counts[step], 1);
    meter_add(&histogram->sum_us, (uint64_t)us);
}
