/* script.h - the Lua scripts, and how they are called.
 * Runs in: gate, hub.  Blocks: never.
 * The build makes scripts.inc of the files in lua. Called by EVALSHA; a Redis that restarted or
 * failed over has forgotten them and answers NOSCRIPT: script_load() and call again. */
#ifndef EARSHOT_SCRIPT_H
#define EARSHOT_SCRIPT_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "store/link.h"

enum script {
    SCRIPT_SEND,
    SCRIPT_READ,
    SCRIPT_LIST,
    SCRIPT_HISTORY,
    SCRIPT_CHANGE,
    SCRIPT_GOVERN,
    SCRIPT_ROLL,
    SCRIPT_HERE,
    SCRIPT_PRESENCE,
    SCRIPT_SAY,
    SCRIPT_MARK,
    SCRIPT_UNREAD,
    SCRIPT_ACCOUNT,
    SCRIPT_REVOKE,
    SCRIPT_INQUIRE,
    SCRIPT_ANSWER,
    SCRIPT_FIGURES,
    SCRIPTS
};

#define SCRIPT_ARGS_MAX 256

/* Formats EVALSHA with one key, as redisFormatCommandArgv does: returns the length, or below 0. */
int script_format(char **formatted, enum script script, const char *key, int argc,
                  const char **argv, const size_t *lens);

/* Queues SCRIPT LOAD; its reply is one string. */
int script_load(struct link *link, enum script script);

/* Is this the error NOSCRIPT? */
bool script_missing(const redisReply *reply);

#endif
