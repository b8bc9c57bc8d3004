/* units.h - numbers as people write them: 1500ms, 10m, 12h, 256k.
 * Runs in: every process.  Blocks: never. */
#ifndef EARSHOT_UNITS_H
#define EARSHOT_UNITS_H

#include <stdint.h>

/* Digits only. Returns 0, or -1 when `text` is anything else or over INT64_MAX. */
int units_number(const char *text, int64_t *out);

/* A number with ms, s, m, h or d behind it; a bare 0 is a duration too. Returns 0 or -1. */
int units_duration(const char *text, int64_t *out_ms);

/* A number of bytes, with k, m or g (1024, its square, its cube) or nothing behind it. Returns 0 or
 * -1. */
int units_size(const char *text, int64_t *out_bytes);

/* The shortest text that the functions above read as the same value. */
#define UNITS_TEXT 32
void units_format_duration(char out[UNITS_TEXT], int64_t ms);
void units_format_size(char out[UNITS_TEXT], int64_t bytes);

#endif
