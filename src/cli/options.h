/* options.h - what the command line of earshot says.
 * Runs in: earshot command.  Blocks: never.
 * One table holds every option: its value, the commands that take it, its help. */
#ifndef EARSHOT_OPTIONS_H
#define EARSHOT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum command_bit {
    COMMAND_SEND = 1,
    COMMAND_LISTEN = 2,
    COMMAND_HISTORY = 4,
    COMMAND_ROOMS = 8,
    COMMAND_TOKEN = 16,
    COMMAND_USER = 32,
    COMMAND_REVOKE = 64,
    COMMAND_AUDIT = 128,
    COMMAND_DOCTOR = 256,
    COMMAND_TOP = 512,
};

struct options {
    bool help, version;
    uint64_t given; /* a bit a row of the table */

    /* To reach a server. */
    const char *url, *token, *token_file;
    bool verbose;
    int64_t retry_for_ms; /* -1 = not given */

    /* send */
    const char *type, *metadata, *reply_to, *idempotency_key;
    bool ephemeral, batch;

    /* listen, history, rooms; send prints what the server answered */
    bool ndjson;
    const char *since, *types, *before, *after;
    int64_t count, limit; /* 0 = not given */

    /* token */
    const char *config, *user, *name, *rooms, *role, *ns;
    int64_t ttl_ms; /* 0 = not given */

    /* user, revoke, audit, top */
    bool password_stdin, follow, once;
    const char *jti;

    /* doctor */
    bool json, quick, whole;
    int64_t idle_ms; /* 0 = not given */

    /* Not of the command line: what is printed is admin/FEED/events, with times. */
    const char *feed;
};

/* Reads argv[1..] and fills in `options`; what is no option is moved to argv[1..] in its order. A
 * first word without dashes is the command, and belongs to these. After "--" nothing is an option.
 * Returns how many words remain, or -1 after an error was printed. */
int options_parse(struct options *options, int argc, char **argv);

/* Prints an error and returns -1 when an option was given that `command` (an enum command_bit) does
 * not take. */
int options_check(const struct options *options, unsigned command, const char *command_name);

/* Prints the help of the options that these commands take, or of those that all take when `command`
 * is 0. */
void options_help(FILE *out, unsigned command);

#endif
