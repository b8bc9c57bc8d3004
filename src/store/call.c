#include "store/call.h"

#include <stdio.h>
#include <string.h>

#include "store/keys.h"

#define CALLER_ARGS 4

void call_queue(struct store *store, const char *namespace, const char *room,
                const struct caller *caller, enum script script, int argc, const char **argv,
                const size_t *lens)
{
    char key[KEY_MAX], issued[24];
    const char *words[SCRIPT_ARGS_MAX] = {caller->user_id != NULL ? caller->user_id : "",
                                          caller->token_id != NULL ? caller->token_id : "", issued,
                                          caller->rights};
    size_t sizes[SCRIPT_ARGS_MAX];

    key_log(key, namespace, room);
    snprintf(issued, sizeof(issued), "%lld", (long long)caller->issued_s);
    for (int i = 0; i < CALLER_ARGS; i++)
        sizes[i] = strlen(words[i]);
    for (int i = 0; i < argc; i++) {
        words[CALLER_ARGS + i] = argv[i];
        sizes[CALLER_ARGS + i] = lens != NULL ? lens[i] : strlen(argv[i]);
    }
    store_script(store, script, key, CALLER_ARGS + argc, words, sizes);
}

enum store_status call_run(struct store *store, const char *namespace, const char *room,
                           const struct caller *caller, enum script script, int argc,
                           const char **argv, redisReply **reply, struct refusal *refusal)
{
    enum store_status status;

    call_queue(store, namespace, room, caller, script, argc, argv, NULL);
    status = store_run(store, reply, 1);
    if (status == STORE_OK)
        status = store_reply_status(*reply);
    if (status == STORE_REFUSED)
        store_refusal(*reply, refusal);
    if (status != STORE_OK)
        store_free(reply, 1);
    return status;
}
