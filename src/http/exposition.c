#include "http/exposition.h"

#include <stdbool.h>

#define US 1000000.0 /* in a second */

void exposition_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void exposition_label(struct buf *labels, const char *name, const char *value)
{
    buf_printf(labels, "%s%s=\"", labels->len > 0 ? "," : "", name);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            buf_char(labels, '\\');
        buf_char(labels, *value == '\n' ? 'n' : *value);
    }
    buf_char(labels, '"');
}

/* name{labels,more} and the space behind it. */
static void put_name(struct buf *out, const char *name, const char *suffix,
                     const struct buf *labels, const char *more)
{
    bool some = labels != NULL && labels->len > 0;

    buf_printf(out, "%s%s", name, suffix);
    if (some || more[0] != '\0')
        buf_printf(out, "{%s%s%s}", some ? labels->data : "", some && more[0] != '\0' ? "," : "",
                   more);
    buf_char(out, ' ');
}

void exposition_count(struct buf *out, const char *name, const struct buf *labels, uint64_t value)
{
    put_name(out, name, "", labels, "");
    buf_printf(out, "%llu\n", (unsigned long long)value);
}

void exposition_value(struct buf *out, const char *name, const struct buf *labels, double value)
{
    put_name(out, name, "", labels, "");
    buf_printf(out, "%.15g\n", value);
}

void exposition_histogram(struct buf *out, const char *name, const struct buf *labels,
                          const struct meter_histogram *histogram, unsigned first)
{
    struct buf step = BUF_INIT;
    uint64_t count = 0;

    for (unsigned i = 0; i <= METER_STEPS; i++) {
        count += meter_read(&histogram->counts[i]);
        if (i < first)
            continue;
        buf_clear(&step);
        if (i < METER_STEPS)
            buf_printf(&step, "le=\"%g\"", (double)meter_steps_us[i] / US);
        else
            buf_str(&step, "le=\"+Inf\"");
        put_name(out, name, "_bucket", labels, step.data);
        buf_printf(out, "%llu\n", (unsigned long long)count);
    }
    put_name(out, name, "_sum", labels, "");
    buf_printf(out, "%.15g\n", (double)meter_read(&histogram->sum_us) / US);
    put_name(out, name, "_count", labels, "");
    buf_printf(out, "%llu\n", (unsigned long long)count);
    buf_free(&step);
}
