/* clock.h - the time, with its unit in the name.
 * Runs in: every process.  Blocks: never. */
#ifndef EARSHOT_CLOCK_H
#define EARSHOT_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970, which a person or a token can name; it may jump. */
int64_t clock_wall_ms(void);

/* Milliseconds since the machine started; never jumps, the same in all processes. */
int64_t clock_mono_ms(void);

/* The same in microseconds, where it is measured how long something takes. */
int64_t clock_mono_us(void);

/* Writes a time in ms since 1970 as RFC 3339 in UTC: 2026-11-24T05:52:19.123Z. */
#define CLOCK_TEXT 32
void clock_format(char out[CLOCK_TEXT], int64_t wall_ms);

#endif
