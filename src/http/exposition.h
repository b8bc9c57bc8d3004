/* exposition.h - numbers as Prometheus reads them: its text format 0.0.4.
 * Runs in: gate.  Blocks: never.  No I/O. */
#ifndef EARSHOT_EXPOSITION_H
#define EARSHOT_EXPOSITION_H

#include <stdint.h>

#include "base/buf.h"
#include "base/meter.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Begins a family: all its samples follow. `type` is "counter", "gauge" or "histogram". */
void exposition_family(struct buf *out, const char *name, const char *type, const char *help);

/* A label behind others: name="value", the value escaped. */
void exposition_label(struct buf *labels, const char *name, const char *value);

/* A sample; `labels` NULL or empty = none. */
void exposition_count(struct buf *out, const char *name, const struct buf *labels, uint64_t value);
void exposition_value(struct buf *out, const char *name, const struct buf *labels, double value);

/* All samples of a histogram, in seconds, without the steps before `first`: finer than what was
 * measured. */
void exposition_histogram(struct buf *out, const char *name, const struct buf *labels,
                          const struct meter_histogram *histogram, unsigned first);

#endif
