/* fuzz_publication.c - no payload crashes a hub; one that parses is written the same way, and every
 * form of its event is what its readers need: a frame of SSE, a line of text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "event/frame.h"
#include "event/publication.h"

static void append_id(struct buf *out, struct event_id id)
{
    char text[EVENT_ID_TEXT];

    buf_append(out, text, event_id_format(text, id));
}

static void check_round_trip(const struct publication *p, const uint8_t *data, size_t size)
{
    struct buf b = BUF_INIT;

    append_id(&b, p->previous);
    buf_char(&b, ' ');
    if (p->event.durable)
        append_id(&b, p->event.id);
    else
        buf_printf(&b, "-%lld", (long long)p->event.timestamp_ms);
    buf_char(&b, ' ');
    buf_append(&b, p->event.json, p->event.json_len);
    if (b.len != size || memcmp(b.data, data, size) != 0)
        abort();
    buf_free(&b);
}

static size_t count(const struct buf *b, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < b->len; i++)
        n += b->data[i] == c;
    return n;
}

/* Whatever the event holds, a frame has the lines that it should and no more. */
static void check_frames(const struct event *event)
{
    struct buf b = BUF_INIT;
    size_t own, type_len;

    event_type(event->json, event->json_len, &type_len);
    own = frame_event(&b, FRAME_SSE, event);
    if (count(&b, '\n') != 2 + (type_len > 0) + (size_t)event->durable || count(&b, '\r') != 0 ||
        (own > 0) != event->durable || (own > 0 && b.data[own - 1] != '\n') ||
        memcmp(b.data + b.len - 3, "}\n\n", 3) != 0)
        abort();
    buf_clear(&b);
    own = frame_event(&b, FRAME_NDJSON, event);
    if (count(&b, '\n') != 1 || b.data[0] != '{' || own != (size_t)event->durable)
        abort();
    buf_clear(&b);
    frame_event(&b, FRAME_JSON, event);
    if (count(&b, '\n') != 0)
        abort();
    buf_clear(&b);
    frame_event(&b, FRAME_TEXT, event);
    if (b.len > 0 && (count(&b, '\n') != 1 || b.data[b.len - 1] != '\n' || b.data[0] == '#'))
        abort();
    buf_clear(&b);
    frame_text_room(&b, event, "lobby");
    if (b.len > 0 && (count(&b, '\n') != 1 || memcmp(b.data, "[lobby] ", 8) != 0))
        abort();
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct publication p;

    if (publication_parse(&p, (const char *)data, size) < 0)
        return 0;
    check_round_trip(&p, data, size);
    check_frames(&p.event);
    return 0;
}
