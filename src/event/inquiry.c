#include "event/inquiry.h"

#include <stdlib.h>
#include <string.h>

#include "event/event.h"
#include "event/name.h"

#define FORMAT "1"
#define KEY_BYTES_MAX 64

enum {
    AT_VERSION,
    AT_KIND,
    AT_NAMESPACE,
    AT_KEY,
    AT_USER,
    AT_ROOM,
    AT_CONNECTION,
    AT_LIMIT,
    AT_MACHINE,
    AT_SENT,
    WORDS
};

static const char *const kinds[INQUIRY_KINDS] = {"connections", "end", "figures"};

/* Absent is "*", which no name is. */
static const char *or_any(const char *name)
{
    return name != NULL ? name : "*";
}

void inquiry_encode(struct buf *out, const struct inquiry *q)
{
    buf_printf(out, FORMAT " %s %s %s %s %s %s %u %s %llu", kinds[q->kind], q->namespace, q->key,
               or_any(q->user), or_any(q->room), or_any(q->connection), q->limit,
               or_any(q->machine), (unsigned long long)q->sent_us);
}

static const char *or_null(const char *word)
{
    return strcmp(word, "*") != 0 ? word : NULL;
}

/* Parts the text at its blanks. Returns 0, or -1 when it has not so many words. */
static int part(char *text, char *words[WORDS])
{
    for (int i = 0; i < WORDS; i++)
        if ((words[i] = strsep(&text, " ")) == NULL || words[i][0] == '\0')
            return -1;
    return text == NULL ? 0 : -1;
}

static int read_kind(enum inquiry_kind *kind, const char *word)
{
    for (int i = 0; i < INQUIRY_KINDS; i++)
        if (strcmp(word, kinds[i]) == 0) {
            *kind = (enum inquiry_kind)i;
            return 0;
        }
    return -1;
}

int inquiry_decode(struct inquiry *q, char *text)
{
    char *words[WORDS];
    uint64_t limit;

    if (part(text, words) < 0 || strcmp(words[AT_VERSION], FORMAT) != 0 ||
        read_kind(&q->kind, words[AT_KIND]) < 0 || !name_namespace_valid(words[AT_NAMESPACE]) ||
        strlen(words[AT_KEY]) > KEY_BYTES_MAX ||
        event_number_parse(&limit, words[AT_LIMIT], strlen(words[AT_LIMIT])) < 0 ||
        limit > UINT32_MAX ||
        event_number_parse(&q->sent_us, words[AT_SENT], strlen(words[AT_SENT])) < 0)
        return -1;
    q->namespace = words[AT_NAMESPACE];
    q->key = words[AT_KEY];
    q->user = or_null(words[AT_USER]);
    q->room = or_null(words[AT_ROOM]);
    q->connection = or_null(words[AT_CONNECTION]);
    q->limit = (unsigned)limit;
    q->machine = or_null(words[AT_MACHINE]);
    return 0;
}

const char *inquiry_head(const char *text, int64_t *number)
{
    const char *blank = strchr(text, ' ');
    char *end;

    if (blank == NULL)
        return NULL;
    *number = strtoll(blank + 1, &end, 10);
    return end != blank + 1 && *end == '\n' ? end + 1 : NULL;
}
