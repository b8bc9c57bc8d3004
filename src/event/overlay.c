#include "event/overlay.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "event/event.h"

/* Where the JSON value (or key) at `s` ends. It is well-formed: only strings and depth count. */
static size_t value_len(const char *s, size_t len)
{
    bool quoted = false;
    int depth = 0;
    size_t i;

    for (i = 0; i < len; i++) {
        if (quoted && s[i] == '\\')
            i++;
        else if (s[i] == '"')
            quoted = !quoted;
        else if (!quoted && (s[i] == '{' || s[i] == '['))
            depth++;
        else if (!quoted && (s[i] == '}' || s[i] == ']') && depth-- == 0)
            break;
        else if (!quoted && depth == 0 && (s[i] == ',' || s[i] == ':'))
            break;
    }
    return i < len ? i : len;
}

static bool is_one_of(const char *key, size_t len, const char *const *names)
{
    for (; *names != NULL; names++)
        if (len == strlen(*names) + 2 && memcmp(key + 1, *names, len - 2) == 0)
            return true;
    return false;
}

/* Appends the object's members but for some, without the closing brace. Our own JSON has no white
 * space between tokens. */
static void append_members(struct buf *out, const char *json, size_t len, const char *const *but)
{
    size_t at = 1;

    buf_char(out, '{');
    while (at < len && json[at] == '"') {
        size_t key_len = value_len(json + at, len - at), whole;

        if (at + key_len >= len || json[at + key_len] != ':')
            break;
        whole = key_len + 1 + value_len(json + at + key_len + 1, len - at - key_len - 1);
        if (!is_one_of(json + at, key_len, but)) {
            if (out->data[out->len - 1] != '{')
                buf_char(out, ',');
            buf_append(out, json + at, whole);
        }
        at += whole;
        at += at < len && json[at] == ',';
    }
}

static void append_time(struct buf *out, const char *name, const char *id)
{
    char stamp[CLOCK_TEXT];
    struct event_id when;
    size_t len = strcspn(id, " ");

    if (event_id_parse(&when, id, len) < 0)
        return;
    clock_format(stamp, (int64_t)when.ms);
    buf_printf(out, ",\"%s\":\"%s\"", name, stamp);
}

/* [["emoji",count],...] as {"emoji":count,...}. */
static void append_reactions(struct buf *out, const char *text)
{
    struct json_object *all = json_tokener_parse(text);
    const char *before = ",\"reactions\":{";

    for (size_t i = 0;
         json_object_is_type(all, json_type_array) && i < json_object_array_length(all); i++) {
        struct json_object *one = json_object_array_get_idx(all, i), *emoji;

        if (!json_object_is_type(one, json_type_array) || json_object_array_length(one) != 2)
            continue;
        emoji = json_object_array_get_idx(one, 0);
        buf_str(out, before);
        buf_json(out, json_object_get_string(emoji), (size_t)json_object_get_string_len(emoji));
        buf_printf(out, ":%lld",
                   (long long)json_object_get_int64(json_object_array_get_idx(one, 1)));
        before = ",";
    }
    if (before[1] == '\0')
        buf_char(out, '}');
    json_object_put(all);
}

static void append_reacted(struct buf *out, const char *lines)
{
    const char *before = ",\"reacted\":[";

    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");

        buf_str(out, before);
        buf_json(out, lines, len);
        before = ",";
        lines += len + (lines[len] == '\n');
    }
    if (before[1] == '\0')
        buf_char(out, ']');
}

void overlay_apply(struct buf *out, const char *json, size_t len, const struct overlay *o)
{
    static const char *const edited[] = {"content", "metadata", NULL};
    static const char *const deleted[] = {"content", "metadata", "clientId", NULL};
    static const char *const none[] = {NULL};
    const char *members = strchr(o->edit, ' ');

    if (len < 2 || json[0] != '{') { /* what someone else wrote into the stream */
        buf_append(out, json, len);
        return;
    }
    append_members(out, json, len, members != NULL ? edited : o->edit[0] != '\0' ? deleted : none);
    if (members != NULL) {
        buf_char(out, ',');
        buf_str(out, members + 1);
        append_time(out, "edited", o->edit);
    } else if (o->edit[0] != '\0') {
        append_time(out, "deleted", o->edit);
    }
    if (o->reactions[0] != '\0')
        append_reactions(out, o->reactions);
    append_reacted(out, o->reacted);
    if (o->replies > 0)
        buf_printf(out, ",\"replies\":%lld", (long long)o->replies);
    buf_char(out, '}');
}
