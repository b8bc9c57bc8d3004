#include "hub/who.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* FNV-1a. */
uint32_t who_hash(const char *token_id)
{
    uint32_t hash = 2166136261u;

    for (; *token_id != '\0'; token_id++)
        hash = (hash ^ (unsigned char)*token_id) * 16777619u;
    return hash;
}

struct who *who_create(const struct parking *p, struct connection *connection)
{
    size_t user_bytes, name_bytes;
    struct who *who;

    if (p->user_id == NULL || p->user_id[0] == '\0')
        return NULL;
    user_bytes = strlen(p->user_id) + 1;
    name_bytes = strlen(p->name) + 1;
    who = mem_zero(sizeof(*who) + user_bytes + name_bytes);
    memcpy(who->bytes, p->user_id, user_bytes);
    memcpy(who->bytes + user_bytes, p->name, name_bytes);
    who->user = who->bytes;
    who->name = who->bytes + user_bytes;
    who->connection = connection;
    who_renew(who, p->token_id, p->issued_s);
    return who;
}

void who_free(struct who *who)
{
    if (who != NULL)
        free(who->token_id);
    free(who);
}

void who_renew(struct who *who, const char *token_id, int64_t issued_s)
{
    free(who->token_id);
    who->token_id = mem_strdup(token_id);
    who->token_hash = who_hash(token_id);
    who->issued_s = issued_s;
}
