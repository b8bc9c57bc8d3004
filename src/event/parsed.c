#include "event/parsed.h"

#include <string.h>

/* Metadata may nest deeper than json-c's default of 32; what the gate let in must not vanish here.
 */
#define DEPTH_MAX 256

struct json_object *parsed_object(const char *json, size_t len)
{
    static struct json_tokener *tokener; /* kept: it costs more than most events */
    struct json_object *object;

    if (tokener == NULL)
        tokener = json_tokener_new_ex(DEPTH_MAX);
    if (tokener == NULL || len > INT32_MAX)
        return NULL;
    json_tokener_reset(tokener);
    object = json_tokener_parse_ex(tokener, json, (int)len);
    if (object != NULL && (!json_object_is_type(object, json_type_object) ||
                           json_tokener_get_parse_end(tokener) != len)) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

const char *parsed_text(struct json_object *object, const char *key, size_t *len)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return NULL;
    if (len != NULL)
        *len = (size_t)json_object_get_string_len(value);
    return json_object_get_string(value);
}

const char *parsed_name(struct json_object *object, size_t *len)
{
    const char *name = parsed_text(object, "name", len);

    if (name == NULL)
        name = parsed_text(object, "userId", len);
    if (name != NULL)
        return name;
    *len = strlen("anonymous");
    return "anonymous";
}
