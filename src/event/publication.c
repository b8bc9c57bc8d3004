#include "event/publication.h"

#include <string.h>

/* The bytes up to the next blank, which is taken too; NULL when there is none. */
static const char *word(const char **s, size_t *len, size_t *word_len)
{
    const char *start = *s;
    const char *blank = *len > 0 ? memchr(start, ' ', *len) : NULL;

    if (blank == NULL)
        return NULL;
    *word_len = (size_t)(blank - start);
    *len -= *word_len + 1;
    *s = blank + 1;
    return start;
}

/* Reads "ms-seq" of a durable event or "-ms" of an ephemeral one. */
static int read_id(struct event *event, const char *s, size_t len)
{
    uint64_t ms;

    event->durable = len > 0 && s[0] != '-';
    event->id = (struct event_id){0, 0};
    if (event->durable) {
        if (event_id_parse(&event->id, s, len) < 0)
            return -1;
        event->timestamp_ms = (int64_t)event->id.ms;
        return 0;
    }
    if (len == 0 || event_number_parse(&ms, s + 1, len - 1) < 0 || ms > INT64_MAX)
        return -1;
    event->timestamp_ms = (int64_t)ms;
    return 0;
}

int publication_parse(struct publication *p, const char *payload, size_t len)
{
    const char *text;
    size_t text_len;

    text = word(&payload, &len, &text_len);
    if (text == NULL || event_id_parse(&p->previous, text, text_len) < 0)
        return -1;
    text = word(&payload, &len, &text_len);
    if (text == NULL || read_id(&p->event, text, text_len) < 0)
        return -1;
    /* Ids of a stream only grow. */
    if (p->event.durable && event_id_compare(p->previous, p->event.id) >= 0)
        return -1;
    if (len < 2 || payload[0] != '{' || payload[len - 1] != '}')
        return -1;
    p->event.json = payload;
    p->event.json_len = len;
    return 0;
}
