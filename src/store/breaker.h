/* breaker.h - what all gates know of a Redis that fails.
 * Runs in: gate; lies in the scoreboard, which all share.  Blocks: never.
 * When Redis does not answer in time, all fail at once for a while; then one of them tries again. A
 * stopped Redis must not hold every gate for its full time-out. */
#ifndef EARSHOT_BREAKER_H
#define EARSHOT_BREAKER_H

#include <stdatomic.h>
#include <stdint.h>

struct breaker {
    _Atomic int64_t down_until_ms; /* clock_mono_ms(); 0 = Redis answers */
};

#endif
