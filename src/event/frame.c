#include "event/frame.h"

#include <string.h>

#include "event/markup.h"
#include "event/parsed.h"

const char *const frame_names[FRAME_FORMS] = {"sse", "ndjson", "text", "html", "json"};

const char *const frame_content_types[FRAME_FORMS] = {
    "text/event-stream",        "application/x-ndjson", "text/plain; charset=utf-8",
    "text/html; charset=utf-8", "application/json",
};

/* How many bytes at `s` must be written as \xHH: the control characters C0, DEL and C1, and the
 * line and paragraph separators U+2028 and U+2029, at which many readers end a line too. */
static size_t control_len(const unsigned char *s, size_t len)
{
    if (s[0] < 0x20 || s[0] == 0x7f)
        return 1;
    if (s[0] == 0xc2 && len >= 2 && s[1] >= 0x80 && s[1] <= 0x9f)
        return 2;
    if (s[0] == 0xe2 && len >= 3 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9))
        return 3;
    return 0;
}

static void append_hex(struct buf *out, const unsigned char *s, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        const char escape[4] = {'\\', 'x', digits[s[i] >> 4], digits[s[i] & 15]};

        buf_append(out, escape, sizeof(escape));
    }
}

/* Appends text so that it stays on its line and gives back its bytes. `also` is one more byte to
 * write as \xHH, or NUL. */
static void append_text(struct buf *out, const char *text, size_t len, char also)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t start = 0, i = 0;

    while (i < len) {
        size_t control = control_len(s + i, len - i);

        if (control == 0 && (s[i] == '\\' || (also != '\0' && text[i] == also)))
            control = 1;
        if (control == 0) {
            i++;
            continue;
        }
        buf_append(out, s + start, i - start);
        if (s[i] == '\\')
            buf_append(out, "\\\\", 2);
        else if (s[i] == '\n')
            buf_append(out, "\\n", 2);
        else if (s[i] == '\r')
            buf_append(out, "\\r", 2);
        else
            append_hex(out, s + i, control);
        i += control;
        start = i;
    }
    buf_append(out, s + start, len - start);
}

static void append_message(struct buf *out, const struct event *event, const char *room)
{
    struct json_object *object = parsed_object(event->json, event->json_len);
    size_t content_len, name_len = 0;
    const char *content, *name;

    content = object != NULL ? parsed_text(object, "content", &content_len) : NULL;
    if (content == NULL)
        goto out;
    if (room != NULL) {
        buf_char(out, '[');
        buf_str(out, room);
        buf_append(out, "] ", 2);
    }
    name = parsed_name(object, &name_len);
    /* Control lines begin with "#": nobody may forge one by his name. */
    if (room == NULL && name_len > 0 && name[0] == '#') {
        append_hex(out, (const unsigned char *)name, 1);
        name++;
        name_len--;
    }
    append_text(out, name, name_len, ':');
    buf_append(out, ": ", 2);
    append_text(out, content, content_len, '\0');
    buf_char(out, '\n');
out:
    json_object_put(object);
}

void frame_text_room(struct buf *out, const struct event *event, const char *room)
{
    append_message(out, event, room);
}

static size_t append_sse(struct buf *out, const struct event *event)
{
    char id[EVENT_ID_TEXT];
    size_t before = out->len, cursor_len = 0, type_len;
    const char *type = event_type(event->json, event->json_len, &type_len);

    if (event->durable) {
        buf_append(out, "id: ", 4);
        buf_append(out, id, event_id_format(id, event->id));
        buf_char(out, '\n');
        cursor_len = out->len - before;
    }
    if (type_len > 0) {
        buf_append(out, "event: ", 7);
        buf_append(out, type, type_len);
        buf_char(out, '\n');
    }
    buf_append(out, "data: ", 6);
    event_json(out, event);
    buf_append(out, "\n\n", 2);
    return cursor_len;
}

size_t frame_event(struct buf *out, enum frame_form form, const struct event *event)
{
    switch (form) {
    case FRAME_SSE:
        return append_sse(out, event);
    case FRAME_NDJSON:
        event_json(out, event);
        buf_char(out, '\n');
        return event->durable ? 1 : 0;
    case FRAME_TEXT:
        append_message(out, event, NULL);
        return 0;
    case FRAME_HTML:
        return markup_event(out, event);
    default:
        event_json(out, event);
        return 0;
    }
}

static void append_control_json(struct buf *out, const char *type, const char *members)
{
    buf_str(out, "{\"type\":\"");
    buf_str(out, type);
    buf_char(out, '"');
    if (members != NULL && members[0] != '\0') {
        buf_char(out, ',');
        buf_str(out, members);
    }
    buf_char(out, '}');
}

/* "# gap room=lobby requested=1-0 oldest=5-0"; a `hello` says nothing to a reader of lines. */
static void append_control_text(struct buf *out, const char *type, const char *members)
{
    struct buf json = BUF_INIT;
    struct json_object *object;

    if (strcmp(type, "hello") == 0)
        return;
    append_control_json(&json, type, members);
    object = parsed_object(json.data, json.len);
    buf_free(&json);
    buf_str(out, "# ");
    buf_str(out, type);
    if (object != NULL) {
        json_object_object_foreach(object, key, value)
        {
            const char *text = json_object_get_string(value);

            if (strcmp(key, "type") == 0)
                continue;
            buf_char(out, ' ');
            append_text(out, key, strlen(key), '=');
            buf_char(out, '=');
            append_text(out, text != NULL ? text : "", text != NULL ? strlen(text) : 0, ' ');
        }
        json_object_put(object);
    }
    buf_char(out, '\n');
}

void frame_control(struct buf *out, enum frame_form form, const char *type, const char *cursor,
                   const char *members)
{
    if (form == FRAME_TEXT || form == FRAME_HTML) {
        (form == FRAME_TEXT ? append_control_text : markup_control)(out, type, members);
        return;
    }
    if (form == FRAME_SSE) {
        if (cursor != NULL) {
            buf_append(out, "id: ", 4);
            buf_str(out, cursor);
            buf_char(out, '\n');
        }
        buf_append(out, "event: ", 7);
        buf_str(out, type);
        buf_append(out, "\ndata: ", 7);
    }
    append_control_json(out, type, members);
    if (form == FRAME_SSE)
        buf_append(out, "\n\n", 2);
    else if (form == FRAME_NDJSON)
        buf_char(out, '\n');
}

void frame_heartbeat(struct buf *out, enum frame_form form)
{
    if (form == FRAME_SSE)
        buf_append(out, ":\n\n", 3);
    else if (form == FRAME_NDJSON)
        buf_char(out, '\n');
}
