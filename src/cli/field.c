#include "cli/field.h"

#include <string.h>

/* An event's metadata may nest deeper than json-c's default of 32. */
#define DEPTH_MAX 256

struct json_object *field_parse(const char *json, size_t len)
{
    struct json_tokener *tokener;
    struct json_object *object = NULL;
    size_t end;

    if (len == 0 || len > INT32_MAX)
        return NULL;
    tokener = json_tokener_new_ex(DEPTH_MAX);
    if (tokener != NULL)
        object = json_tokener_parse_ex(tokener, json, (int)len);
    end = object != NULL ? json_tokener_get_parse_end(tokener) : 0;
    json_tokener_free(tokener);
    while (end < len && memchr(" \t\r\n", json[end], 4) != NULL)
        end++;
    if (end < len || !json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

const char *field_text(struct json_object *object, const char *key)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string) || json_object_get_string_len(value) == 0)
        return NULL;
    return json_object_get_string(value);
}

void field_time(struct buf *out, const char *json, size_t len)
{
    struct json_object *object = field_parse(json, len);
    const char *time = field_text(object, "timestamp");

    /* It is printed as it came: only what a time is made of. */
    if (time != NULL && strspn(time, "0123456789-:.TZ") == strlen(time))
        buf_printf(out, "%s ", time);
    json_object_put(object);
}

void field_line(struct buf *out, const char *json, size_t len)
{
    size_t start = out->len;

    buf_append(out, json, len);
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
    buf_char(out, '\n');
}
