#include "api/fields.h"

#include <string.h>

#include "api/page.h"
#include "base/units.h"
#include "http/form.h"
#include "http/json.h"

#define DURATION_MAX_MS (INT64_C(3660) * 24 * 60 * 60 * 1000)

static int unknown(struct api *api, const char *const *names, const char *name)
{
    const char *known = "";

    for (; *names != NULL; names++)
        known = arena_printf(api->arena, "%s%s%s", known, known[0] != '\0' ? ", " : "", *names);
    api_fail(api, 400, "member_unknown", "\"%.64s\" is unknown; known are %s", name, known);
    return -1;
}

/* Sets the value of a name. Returns 0, or -1 with the reply. */
static int set(struct api *api, const char *const *names, const char **values, const char *name,
               const char *value)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        if (values[i] != NULL && strcmp(values[i], value) != 0) {
            api_fail(api, 400, "member_duplicate", "%s may be given once", name);
            return -1;
        }
        values[i] = value;
        return 0;
    }
    return unknown(api, names, name);
}

static int read_form(struct api *api, const char *const *names, const char **values)
{
    const char *reason;
    struct form form;

    if (form_parse(&form, api->arena, api->request->body, api->request->body_len, &reason) < 0) {
        api_fail(api, 400, "form_invalid", "the form is malformed: %s", reason);
        return -1;
    }
    for (size_t i = 0; i < form.count; i++)
        if (strcmp(form.pairs[i].name, "csrf") != 0 &&
            !(page_form(api->request) && form.pairs[i].value[0] == '\0') &&
            set(api, names, values, form.pairs[i].name, form.pairs[i].value) < 0)
            return -1;
    return 0;
}

/* The text of a JSON value, or NULL when it is none of those that a field may be. */
static const char *text_of(struct api *api, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
    case json_type_int:
    case json_type_boolean:
        return arena_strdup(api->arena, json_object_get_string(value));
    default:
        return NULL;
    }
}

static int read_json(struct api *api, const char *const *names, const char **values)
{
    struct json_fault fault;
    struct json_object *object = json_read(api->request->body, api->request->body_len, &fault);
    int rc = object != NULL ? 0 : -1;

    if (object == NULL) {
        api_fail(api, 400, "json_invalid", "%s, at byte %zu", fault.reason, fault.offset);
        return -1;
    }
    json_object_object_foreach(object, key, value)
    {
        const char *text = text_of(api, value);

        if (rc == 0 && text == NULL) {
            api_fail(api, 400, "member_invalid",
                     "%.64s must be a text, a whole number, true or false", key);
            rc = -1;
        }
        if (rc == 0)
            rc = set(api, names, values, arena_strdup(api->arena, key), text);
    }
    json_object_put(object);
    return rc;
}

static int read_body(struct api *api, const char *const *names, const char **values)
{
    const char *type = api->request->media_type;

    if (api->request->body_len == 0)
        return 0;
    if (type != NULL && strcmp(type, "application/json") == 0)
        return read_json(api, names, values);
    if (type == NULL || strcmp(type, "application/x-www-form-urlencoded") == 0)
        return read_form(api, names, values);
    api_fail(api, 415, "content_type_unsupported",
             "the Content-Type must be application/x-www-form-urlencoded or application/json");
    return -1;
}

/* Is it what a page's form has in its address: which kind of page it is, and where it leads back
 * to? */
static bool is_pages(struct api *api, const char *name)
{
    return page_form(api->request) && (strcmp(name, "as") == 0 || strcmp(name, "to") == 0);
}

int fields_read(struct api *api, const char *const *names, const char **values)
{
    const struct form *query = &api->request->query;

    for (size_t i = 0; names[i] != NULL; i++)
        values[i] = NULL;
    if (read_body(api, names, values) < 0)
        return -1;
    for (size_t i = 0; i < query->count; i++)
        if (!is_pages(api, query->pairs[i].name) &&
            set(api, names, values, query->pairs[i].name, query->pairs[i].value) < 0)
            return -1;
    return 0;
}

int fields_duration(struct api *api, const char *name, const char *value, int64_t *ms)
{
    int64_t read = 0;

    if (value == NULL)
        return 0;
    if (units_number(value, &read) == 0 && read <= DURATION_MAX_MS / 1000)
        read *= 1000;
    else if (units_duration(value, &read) < 0)
        read = -1;
    if (read < 0 || read > DURATION_MAX_MS) {
        api_fail(api, 400, "parameter_invalid",
                 "%s must be seconds, or a duration such as 10m, 2h or 1d, up to 3660d", name);
        return -1;
    }
    *ms = read;
    return 0;
}

int fields_number(struct api *api, const char *name, const char *value, int64_t least, int64_t most,
                  int64_t *number)
{
    int64_t read;

    if (value == NULL)
        return 0;
    if (units_number(value, &read) < 0 || read < least || read > most) {
        api_fail(api, 400, "parameter_invalid", "%s must be a whole number from %lld to %lld", name,
                 (long long)least, (long long)most);
        return -1;
    }
    *number = read;
    return 0;
}

int fields_flag(struct api *api, const char *name, const char *value, bool *flag)
{
    if (value == NULL)
        return 0;
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0 && strcmp(value, "1") != 0 &&
        strcmp(value, "0") != 0) {
        api_fail(api, 400, "parameter_invalid", "%s must be true or false", name);
        return -1;
    }
    *flag = value[0] == 't' || value[0] == '1';
    return 0;
}
