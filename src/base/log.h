/* log.h - one line a log entry, on standard error.
 * Runs in: every process.  Blocks: as long as standard error does.
 * A line reads: time level role[pid] request=ID text key=value ...
 * error = someone must act, warn = degraded, info = lifecycle, debug = the
 * rest. No token, ticket, secret or message text goes into a log. */
#ifndef EARSHOT_LOG_H
#define EARSHOT_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The names of the levels, in the order of the enum, NULL at the end. */
extern const char *const log_level_names[];

/* Names the process in its log lines ("gate", "hub"); lines above `level` are dropped. */
void log_open(const char *role, enum log_level level);

/* The request that the lines from here on belong to; NULL for none. Borrowed. */
void log_request(const char *request_id);

/* May what happens again and again be logged now? Once a second: clients must not fill the log.
 * `next_ms` is the caller's, one for each kind of line, 0 at first. */
bool log_may(int64_t *next_ms);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
