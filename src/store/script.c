#include "store/script.h"

#include <string.h>

#include "store/scripts.inc"

static const struct {
    const char *sha;
    const char *source;
} scripts[SCRIPTS] = {
    [SCRIPT_SEND] = {script_sha_send, script_source_send},
    [SCRIPT_READ] = {script_sha_read, script_source_read},
    [SCRIPT_LIST] = {script_sha_list, script_source_list},
    [SCRIPT_HISTORY] = {script_sha_history, script_source_history},
    [SCRIPT_CHANGE] = {script_sha_change, script_source_change},
    [SCRIPT_GOVERN] = {script_sha_govern, script_source_govern},
    [SCRIPT_ROLL] = {script_sha_roll, script_source_roll},
    [SCRIPT_HERE] = {script_sha_here, script_source_here},
    [SCRIPT_PRESENCE] = {script_sha_presence, script_source_presence},
    [SCRIPT_SAY] = {script_sha_say, script_source_say},
    [SCRIPT_MARK] = {script_sha_mark, script_source_mark},
    [SCRIPT_UNREAD] = {script_sha_unread, script_source_unread},
    [SCRIPT_ACCOUNT] = {script_sha_account, script_source_account},
    [SCRIPT_REVOKE] = {script_sha_revoke, script_source_revoke},
    [SCRIPT_INQUIRE] = {script_sha_inquire, script_source_inquire},
    [SCRIPT_ANSWER] = {script_sha_answer, script_source_answer},
    [SCRIPT_FIGURES] = {script_sha_figures, script_source_figures},
};

int script_format(char **formatted, enum script script, const char *key, int argc,
                  const char **argv, const size_t *lens)
{
    const char *words[SCRIPT_ARGS_MAX + 4] = {"EVALSHA", scripts[script].sha, "1", key};
    size_t sizes[SCRIPT_ARGS_MAX + 4];

    for (int i = 0; i < argc; i++) {
        words[4 + i] = argv[i];
        sizes[4 + i] = lens != NULL ? lens[i] : strlen(argv[i]);
    }
    for (int i = 0; i < 4; i++)
        sizes[i] = strlen(words[i]);
    return redisFormatCommandArgv(formatted, 4 + argc, words, sizes);
}

int script_load(struct link *link, enum script script)
{
    return link_command(link, 3, (const char *[]){"SCRIPT", "LOAD", scripts[script].source}, NULL);
}

bool script_missing(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}
