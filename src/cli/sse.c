#include "cli/sse.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define RETRY_DIGITS_MAX 9

struct sse {
    struct buf in;   /* what was fed; before `taken` it is done with */
    size_t taken;    /* where the line that is being read starts */
    size_t scanned;  /* no line end is before here */
    bool started;    /* past the place of a byte order mark */
    bool skip_lf;    /* the last line ended with CR: an LF now belongs to it */
    bool broken;     /* over the limit */
    bool given;      /* `type` and `data` belong to an event that was given out */
    struct buf type; /* of the event that is being read, as all below */
    struct buf data;
    struct buf id;
    struct buf last_id; /* `id` as of the last dispatch */
    int64_t retry_ms;
};

struct sse *sse_create(void)
{
    struct sse *sse = mem_zero(sizeof(*sse));

    sse->retry_ms = -1;
    return sse;
}

void sse_free(struct sse *sse)
{
    if (sse == NULL)
        return;
    buf_free(&sse->in);
    buf_free(&sse->type);
    buf_free(&sse->data);
    buf_free(&sse->id);
    buf_free(&sse->last_id);
    free(sse);
}

void sse_feed(struct sse *sse, const void *bytes, size_t len)
{
    if (sse->broken)
        return;
    buf_consume(&sse->in, sse->taken);
    sse->scanned -= sse->taken;
    sse->taken = 0;
    buf_append(&sse->in, bytes, len);
}

const char *sse_last_id(const struct sse *sse)
{
    return sse->last_id.len > 0 ? sse->last_id.data : "";
}

int64_t sse_retry_ms(const struct sse *sse)
{
    return sse->retry_ms;
}

/* Skips a byte order mark at the very start. Returns false while it cannot be told. */
static bool skip_bom(struct sse *sse)
{
    static const char bom[] = "\xef\xbb\xbf";
    size_t len = sse->in.len < 3 ? sse->in.len : 3;

    if (len == 0 || (len < 3 && memcmp(sse->in.data, bom, len) == 0))
        return false;
    if (len == 3 && memcmp(sse->in.data, bom, 3) == 0)
        sse->taken = sse->scanned = 3;
    sse->started = true;
    return true;
}

/* Takes the next whole line, without its end. Returns false when there is none yet. A CR ends a
 * line at once: an LF that may follow is skipped when it comes, so that no event waits for the next
 * one's first byte. */
static bool take_line(struct sse *sse, const char **line, size_t *len)
{
    const char *data = sse->in.data;

    if (sse->skip_lf && sse->taken < sse->in.len) {
        if (data[sse->taken] == '\n')
            sse->taken++;
        sse->skip_lf = false;
    }
    if (sse->scanned < sse->taken)
        sse->scanned = sse->taken;
    while (sse->scanned < sse->in.len && data[sse->scanned] != '\n' && data[sse->scanned] != '\r')
        sse->scanned++;
    if (sse->scanned == sse->in.len)
        return false;
    *line = data + sse->taken;
    *len = sse->scanned - sse->taken;
    sse->skip_lf = data[sse->scanned] == '\r';
    sse->taken = ++sse->scanned;
    return true;
}

static void set_retry(struct sse *sse, const char *value, size_t len)
{
    int64_t ms = 0;

    if (len == 0 || len > RETRY_DIGITS_MAX)
        return;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return;
        ms = ms * 10 + (value[i] - '0');
    }
    sse->retry_ms = ms;
}

static bool is(const char *name, size_t len, const char *field)
{
    return len == strlen(field) && memcmp(name, field, len) == 0;
}

/* One field of an event. */
static void read_field(struct sse *sse, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon != NULL ? (size_t)(colon - line) : len;
    const char *value = colon != NULL ? colon + 1 : line + len;
    size_t value_len = (size_t)(line + len - value);

    if (value_len > 0 && *value == ' ') {
        value++;
        value_len--;
    }
    if (is(line, name_len, "data")) {
        buf_append(&sse->data, value, value_len);
        buf_char(&sse->data, '\n');
    } else if (is(line, name_len, "event")) {
        buf_clear(&sse->type);
        buf_append(&sse->type, value, value_len);
    } else if (is(line, name_len, "id") && memchr(value, '\0', value_len) == NULL) {
        buf_clear(&sse->id);
        buf_append(&sse->id, value, value_len);
    } else if (is(line, name_len, "retry")) {
        set_retry(sse, value, value_len);
    }
    /* A line that begins with a colon has the empty name: a comment. */
}

/* The empty line: an event is whole. Returns true when it has data; without, only its id counts. */
static bool dispatch(struct sse *sse, struct sse_event *event)
{
    buf_clear(&sse->last_id);
    buf_append(&sse->last_id, sse->id.data, sse->id.len);
    if (sse->data.len == 0) {
        buf_clear(&sse->type);
        return false;
    }
    sse->data.data[--sse->data.len] = '\0';
    event->type = sse->type.len > 0 ? sse->type.data : "message";
    event->data = sse->data.data;
    event->data_len = sse->data.len;
    sse->given = true;
    return true;
}

int sse_next(struct sse *sse, struct sse_event *event)
{
    const char *line;
    size_t len;

    if (sse->given) {
        buf_clear(&sse->type);
        buf_clear(&sse->data);
        sse->given = false;
    }
    if (!sse->started && !skip_bom(sse))
        return 0;
    while (!sse->broken && take_line(sse, &line, &len)) {
        if (len > 0)
            read_field(sse, line, len);
        else if (dispatch(sse, event))
            return 1;
        if (sse->data.len > SSE_EVENT_MAX)
            sse->broken = true;
    }
    if (sse->in.len - sse->taken > SSE_EVENT_MAX)
        sse->broken = true;
    return sse->broken ? -1 : 0;
}
