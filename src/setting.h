/* setting.h - the table of the configuration's keys, a row a key.
 * Runs in: every process, at start; the supervisor again on SIGHUP.  Blocks: never.
 * A row knows the type, range, default and secrecy of its key; values are read, checked, printed
 * and freed by it alone. Where values come from is conf.c's business. */
#ifndef EARSHOT_SETTING_H
#define EARSHOT_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct conf;

enum setting_kind {
    SETTING_SECRET,   /* char *: anything */
    SETTING_ADDRESS,  /* char *: unix:PATH or HOST:PORT */
    SETTING_URL,      /* char *: a scheme and something behind it */
    SETTING_WORD,     /* char *: no white space; may be empty */
    SETTING_PROXIES,  /* char *: "10.0.0.0/8, ::1, unix:" */
    SETTING_RIGHTS,   /* char *: "lobby=rw,news-*=r" */
    SETTING_KEYS,     /* char *[] and a count: "kid alg source", repeatable */
    SETTING_ORIGINS,  /* char *[] and a count: comma-separated */
    SETTING_LEVEL,    /* enum log_level */
    SETTING_FORM,     /* enum log_form */
    SETTING_METRICS,  /* enum conf_metrics, as an int */
    SETTING_FLAG,     /* bool: on or off */
    SETTING_MODE,     /* int: octal */
    SETTING_INT,      /* int */
    SETTING_COUNT,    /* int64_t */
    SETTING_DURATION, /* int64_t: ms */
    SETTING_SIZE,     /* int64_t: bytes */
    SETTING_RATE      /* struct conf_rate: "100/10s", or off */
};

struct setting {
    const char *key;
    enum setting_kind kind;
    size_t offset;       /* of the field in struct conf */
    int64_t least, most; /* of numbers; of a secret: bytes, at least */
    const char *preset;  /* the default, as it would be written */
    bool secret;         /* never shown whole; may come from a file that EARSHOT_<KEY>_FILE names */
};

/* All rows, in the order in which they are printed; `key` is NULL behind the last. */
extern const struct setting setting_table[];

#define SETTING_ROWS_MAX 64

/* The row of a key, or NULL. */
const struct setting *setting_find(const char *key);

/* The row whose key looks most like `key`, or NULL when none does. */
const struct setting *setting_nearest(const char *key);

/* Can it be given more than once? Then setting_set() appends. */
bool setting_repeats(const struct setting *setting);

/* Reads a value into its field. Returns 0, or -1 with what is allowed in `allowed`; the field is
 * then unchanged (a list keeps what came before the bad part). */
int setting_set(struct conf *conf, const struct setting *setting, const char *value,
                char allowed[256]);

/* Frees the field and empties it. */
void setting_clear(struct conf *conf, const struct setting *setting);

/* Prints "key = value" lines that a file could hold; secrets, and passwords within URLs, as
 * ********. */
void setting_print(const struct conf *conf, const struct setting *setting, FILE *out);

#endif
