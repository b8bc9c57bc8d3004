#include "base/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Smallest first, so that formatting can look for the last one that divides. */
static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000},
    {NULL, 0}};
static const struct unit sizes[] = {
    {"", 1}, {"k", 1024}, {"m", 1024 * 1024}, {"g", 1024 * 1024 * 1024}, {NULL, 0}};

/* Reads the digits at the start; returns what follows them, or NULL. */
static const char *read_digits(const char *text, int64_t *out)
{
    int64_t value = 0;

    if (*text < '0' || *text > '9')
        return NULL;
    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *text - '0', &value))
            return NULL;
    *out = value;
    return text;
}

static int read_with_unit(const char *text, const struct unit *units, int64_t *out)
{
    int64_t value;
    const char *rest = read_digits(text, &value);

    if (rest == NULL)
        return -1;
    for (; units->name != NULL; units++)
        if (strcmp(rest, units->name) == 0)
            return __builtin_mul_overflow(value, units->factor, out) ? -1 : 0;
    if (*rest != '\0' || value != 0)
        return -1;
    *out = 0;
    return 0;
}

static void format_with_unit(char out[UNITS_TEXT], const struct unit *units, int64_t value)
{
    const struct unit *best = units;

    for (; value != 0 && units->name != NULL; units++)
        if (value % units->factor == 0)
            best = units;
    snprintf(out, UNITS_TEXT, "%" PRId64 "%s", value / best->factor, value == 0 ? "" : best->name);
}

int units_number(const char *text, int64_t *out)
{
    const char *rest = read_digits(text, out);

    return rest != NULL && *rest == '\0' ? 0 : -1;
}

int units_duration(const char *text, int64_t *out_ms)
{
    return read_with_unit(text, durations, out_ms);
}

int units_size(const char *text, int64_t *out_bytes)
{
    return read_with_unit(text, sizes, out_bytes);
}

void units_format_duration(char out[UNITS_TEXT], int64_t ms)
{
    format_with_unit(out, durations, ms);
}

void units_format_size(char out[UNITS_TEXT], int64_t bytes)
{
    format_with_unit(out, sizes, bytes);
}
