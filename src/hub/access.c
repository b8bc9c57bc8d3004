#include "hub/access.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "event/parking.h"

#define ROLE (-1) /* in place of a ban's end: has a role */

struct line {
    const char *user;
    int64_t until_ms; /* of a ban, 0 = for ever; or ROLE */
};

struct access {
    bool members_only;
    size_t count;
    struct line *lines; /* by user, his role before his ban */
    char names[];
};

static int compare(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int order = strcmp(x->user, y->user);

    if (order != 0)
        return order;
    return x->until_ms < y->until_ms ? -1 : x->until_ms > y->until_ms;
}

static bool starts_with(const char *s, const char *start)
{
    return strncmp(s, start, strlen(start)) == 0;
}

/* Copies a name to *at and returns it there. */
static const char *keep(char **at, const char *name)
{
    char *start = *at;

    strcpy(start, name);
    *at += strlen(name) + 1;
    return start;
}

static void read_lines(struct access *access, const redisReply *reply)
{
    char *at = access->names;

    for (size_t i = 1; i + 1 < reply->elements; i += 2) {
        const redisReply *field = reply->element[i], *value = reply->element[i + 1];
        struct line *line = &access->lines[access->count];

        if (field->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING)
            continue;
        if (starts_with(field->str, "ban:"))
            *line = (struct line){keep(&at, field->str + 4), strtoll(value->str, NULL, 10)};
        else if (starts_with(field->str, "role:"))
            *line = (struct line){keep(&at, field->str + 5), ROLE};
        else
            continue;
        access->count++;
    }
    qsort(access->lines, access->count, sizeof(access->lines[0]), compare);
}

struct access *access_read(const redisReply *reply)
{
    struct access *access;
    size_t bytes = 0;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return NULL;
    if (reply->elements < 3 && strcmp(reply->element[0]->str, "members") != 0)
        return NULL;
    for (size_t i = 1; i < reply->elements; i += 2)
        bytes += reply->element[i]->type == REDIS_REPLY_STRING ? reply->element[i]->len + 1 : 0;
    access = mem_zero(sizeof(*access) + bytes);
    access->members_only = strcmp(reply->element[0]->str, "members") == 0;
    access->lines = mem_zero((reply->elements / 2 + 1) * sizeof(access->lines[0]));
    read_lines(access, reply);
    return access;
}

void access_free(struct access *access)
{
    if (access != NULL)
        free(access->lines);
    free(access);
}

/* The first line of a user, or behind them all. */
static const struct line *find(const struct access *access, const char *user)
{
    size_t low = 0, high = access->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(access->lines[middle].user, user) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return access->lines + low;
}

enum access_verdict access_check(const struct access *access, const char *user, unsigned rights,
                                 int64_t now_ms)
{
    bool member = false;

    if (access == NULL || (rights & (PARKING_ADMIN | PARKING_MODERATE)) != 0)
        return ACCESS_YES;
    if (user != NULL) {
        const struct line *line = find(access, user), *end = access->lines + access->count;

        for (; line < end && strcmp(line->user, user) == 0; line++) {
            if (line->until_ms == ROLE)
                member = true;
            else if (line->until_ms == 0 || line->until_ms > now_ms)
                return ACCESS_BANNED;
        }
    }
    return access->members_only && !member ? ACCESS_HIDDEN : ACCESS_YES;
}
