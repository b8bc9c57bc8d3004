#include "event/event.h"

#include <string.h>

#include "base/clock.h"

#define NUMBER_TEXT 20 /* digits of the largest 64-bit number */

int event_number_parse(uint64_t *number, const char *s, size_t len)
{
    uint64_t n = 0;

    if (len == 0 || len > NUMBER_TEXT || (len > 1 && s[0] == '0'))
        return -1;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)s[i] - '0';

        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return -1;
        n = n * 10 + digit;
    }
    *number = n;
    return 0;
}

int event_id_parse(struct event_id *id, const char *s, size_t len)
{
    const char *dash = len > 0 ? memchr(s, '-', len) : NULL;
    struct event_id read;
    size_t ms_len;

    if (dash == NULL)
        return -1;
    ms_len = (size_t)(dash - s);
    if (event_number_parse(&read.ms, s, ms_len) < 0 ||
        event_number_parse(&read.seq, dash + 1, len - ms_len - 1) < 0)
        return -1;
    *id = read;
    return 0;
}

/* Writes a number without a NUL and returns its length; printf is five times as slow here. */
static size_t number_format(char *out, uint64_t n)
{
    char digits[NUMBER_TEXT];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    memcpy(out, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

size_t event_id_format(char out[EVENT_ID_TEXT], struct event_id id)
{
    size_t len = number_format(out, id.ms);

    out[len++] = '-';
    len += number_format(out + len, id.seq);
    out[len] = '\0';
    return len;
}

int event_id_compare(struct event_id a, struct event_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/* Appends JSON as one line. In well-formed JSON a bare line end is white space between tokens, so
 * a blank says the same; left in, it would end a frame early and let the rest pass for another. */
static void append_line(struct buf *out, const char *json, size_t len)
{
    size_t start = out->len;
    char *p, *end;

    buf_append(out, json, len);
    end = out->data + out->len;
    for (p = out->data + start; (p = memchr(p, '\n', (size_t)(end - p))) != NULL;)
        *p = ' ';
    for (p = out->data + start; (p = memchr(p, '\r', (size_t)(end - p))) != NULL;)
        *p = ' ';
}

static void append_member(struct buf *out, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_str(out, ",\"");
    buf_str(out, key);
    buf_str(out, "\":");
    buf_json(out, value, strlen(value));
}

void event_write(struct buf *out, const struct event_draft *draft)
{
    const char *type = draft->type;

    if (type == NULL || type[0] == '\0')
        type = "message";
    buf_str(out, "{\"type\":");
    buf_json(out, type, strlen(type));
    append_member(out, "to", draft->to);
    append_member(out, "room", draft->room);
    append_member(out, "userId", draft->user_id);
    append_member(out, "name", draft->name);
    if (draft->content != NULL) {
        buf_str(out, ",\"content\":");
        buf_json(out, draft->content, draft->content_len);
    }
    if (draft->metadata != NULL && draft->metadata[0] != '\0') {
        buf_str(out, ",\"metadata\":");
        append_line(out, draft->metadata, strlen(draft->metadata));
    }
    append_member(out, "replyTo", draft->reply_to);
    append_member(out, "clientId", draft->client_id);
    if (draft->more != NULL)
        buf_str(out, draft->more);
    buf_char(out, '}');
}

void event_json(struct buf *out, const struct event *event)
{
    const char *json = event->json;
    size_t len = event->json_len;
    char id[EVENT_ID_TEXT], stamp[CLOCK_TEXT];

    buf_reserve(out, len + sizeof(id) + sizeof(stamp) + 24);
    if (event->durable) {
        buf_append(out, "{\"id\":\"", 7);
        buf_append(out, id, event_id_format(id, event->id));
        buf_append(out, "\",\"timestamp\":\"", 15);
    } else {
        buf_append(out, "{\"timestamp\":\"", 14);
    }
    clock_format(stamp, event->timestamp_ms);
    buf_str(out, stamp);
    buf_char(out, '"');
    /* What someone else wrote into the stream may be no object: the reader still gets its id. */
    if (len > 2 && json[0] == '{' && json[len - 1] == '}') {
        buf_char(out, ',');
        append_line(out, json + 1, len - 1);
    } else {
        buf_char(out, '}');
    }
}

/* How long the type at `s` is: [a-z][a-z0-9._-]{0,31}, or 0. */
static size_t type_span(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && n <= EVENT_TYPE_MAX &&
           ((s[n] >= 'a' && s[n] <= 'z') ||
            (n > 0 && ((s[n] >= '0' && s[n] <= '9') || s[n] == '.' || s[n] == '_' || s[n] == '-'))))
        n++;
    return n <= EVENT_TYPE_MAX ? n : 0;
}

const char *event_type(const char *json, size_t json_len, size_t *type_len)
{
    static const char opening[] = "{\"type\":\"";
    const size_t open_len = sizeof(opening) - 1;
    size_t len;

    *type_len = 0;
    if (json_len <= open_len || memcmp(json, opening, open_len) != 0)
        return "";
    len = type_span(json + open_len, json_len - open_len);
    if (len == 0 || open_len + len >= json_len || json[open_len + len] != '"')
        return "";
    *type_len = len;
    return json + open_len;
}

const char *event_to(const char *json, size_t json_len, size_t *to_len)
{
    static const char opening[] = "{\"type\":\"signal\",\"to\":\"";
    const size_t open_len = sizeof(opening) - 1;
    const char *end;

    if (json_len <= open_len || memcmp(json, opening, open_len) != 0)
        return NULL;
    end = memchr(json + open_len, '"', json_len - open_len);
    *to_len = end != NULL ? (size_t)(end - json) - open_len : 0;
    return json + open_len;
}

const char *event_but(const char *json, size_t json_len, size_t *user_len)
{
    static const char before[] = "\",\"userId\":\"";
    size_t type_len;
    const char *type = event_type(json, json_len, &type_len), *user, *end;

    if (!(type_len == 4 && memcmp(type, "join", 4) == 0) &&
        !(type_len == 6 && memcmp(type, "typing", 6) == 0))
        return NULL;
    user = memmem(json, json_len, before, sizeof(before) - 1);
    if (user == NULL)
        return NULL;
    user += sizeof(before) - 1;
    end = memchr(user, '"', json_len - (size_t)(user - json));
    *user_len = end != NULL ? (size_t)(end - user) : 0;
    return user;
}

bool event_type_sendable(const char *type)
{
    /* In a browser, events of the type error or open would call EventSource's own onerror and
     * onopen. */
    static const char *const own[] = {"edit",    "delete", "reaction", "join",  "leave",
                                      "typing",  "read",   "signal",   "room",  "member",
                                      "hello",   "gap",    "bye",      "error", "open",
                                      "mention", "direct", "notice",   "audit", "figures"};
    size_t len = type != NULL ? strlen(type) : 0;

    if (len == 0 || type_span(type, len) != len)
        return false;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcmp(type, own[i]) == 0)
            return false;
    return true;
}
