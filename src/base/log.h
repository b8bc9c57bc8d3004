/* log.h - one line a log entry, on standard error.
 * Runs in: every process.  Blocks: as long as standard error does.
 * A line reads: time level role[pid] request=ID trace=ID text key=value ..., or is a JSON object
 * (base/logline.h). In systemd's journal the level stands in front as sd-daemon(3) has it, and the
 * time is left to the journal.
 * error = someone must act, warn = degraded, info = lifecycle, debug = the
 * rest. No token, ticket, secret or message text goes into a log. */
#ifndef EARSHOT_LOG_H
#define EARSHOT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/logline.h"

/* Names the process in its log lines ("gate", "hub"); lines above `level` are dropped. */
void log_open(const char *role, enum log_level level, enum log_form form);

/* Keeps the lines back until it is known in which form they are to be written: that of
 * log_release(), or the present one for NULL. Of more than a few the last are dropped. */
void log_hold(void);
void log_release(const enum log_form *form);

/* What keeps the program from starting: an entry where entries are JSON, else "earshotd: text" for
 * the person who started it. */
void log_fatal(const char *text);

/* The request that the lines from here on belong to, and its trace; NULL for none. Borrowed. */
void log_request(const char *request_id, const char *trace_id);

/* Are lines of this level written? */
bool log_takes(enum log_level level);

/* May what happens again and again be logged now? Once a second: clients must not fill the log.
 * `next_ms` is the caller's, one for each kind of line, 0 at first. */
bool log_may(int64_t *next_ms);

/* The format is a literal: text, then key=%s or key="%s"; see logline_take(). */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
