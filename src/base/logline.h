/* logline.h - one entry of the log, and the forms in which it is written.
 * Runs in: every process.  Blocks: never.  No I/O, no allocation: it must work when memory is out.
 * An entry is taken apart by its format, which is ours, and never by what stands in it: a value is
 * what a conversion behind `key=` gave, whatever it holds. So no value can pass for another key, a
 * second line or the end of a JSON string. */
#ifndef EARSHOT_LOGLINE_H
#define EARSHOT_LOGLINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pipe takes so many bytes at once or not at all: lines of several processes never mix. */
#define LOGLINE_MAX 4096
#define LOGLINE_BYTES 2048 /* of text and values */
#define LOGLINE_VALUE_MAX 1024
#define LOGLINE_PIECES 48

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_form { LOG_FORM_TEXT, LOG_FORM_JSON };

/* The names, in the order of the enums, NULL at the end. */
extern const char *const logline_levels[];
extern const char *const logline_forms[];

enum logline_kind { LOGLINE_TEXT, LOGLINE_STRING, LOGLINE_NUMBER };

struct logline_piece {
    enum logline_kind kind;
    bool quoted;     /* key="value" */
    const char *key; /* of a string or number; not terminated; in the format */
    size_t key_len;
    size_t at, len; /* in bytes[] */
};

struct logline {
    enum log_level level;
    int64_t wall_ms;
    int pid;
    const char *role;
    const char *request, *trace; /* or NULL */
    size_t pieces_count, len;
    struct logline_piece pieces[LOGLINE_PIECES];
    char bytes[LOGLINE_BYTES];
};

/* Takes a message in, by its format: %s %d %u %x %f with flags of size and a precision. What is too
 * long is cut. `format` must live as long as the entry. */
void logline_take(struct logline *line, const char *format, va_list args);

/* Writes the entry as one line with its end, and returns how long it is.
 * Text: time level role[pid] request=ID trace=ID text key=value key="a value"
 * JSON: an object with time, level, role, pid, request, trace, msg and each key=value as a member;
 * pairs at the end of the message stand there alone, those within it in msg too.
 * `untimed` leaves the time out of the text: who reads it, adds it. */
size_t logline_write(char out[LOGLINE_MAX], const struct logline *line, enum log_form form,
                     bool untimed);

#endif
