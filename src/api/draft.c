#include "api/draft.h"

#include <string.h>

#include "api/page.h"
#include "base/utf8.h"
#include "event/event.h"
#include "http/form.h"
#include "http/json.h"

#define CLIENT_ID_MAX 128

static const char *const members[] = {"content", "type",     "metadata",
                                      "replyTo", "clientId", "ephemeral"};

static int fail(struct problem *problem, int status, const char *code, const char *detail)
{
    *problem = (struct problem){status, code, detail};
    return -1;
}

int draft_form(enum draft_form *form, const struct request *request, struct problem *problem)
{
    static const struct {
        const char *type;
        enum draft_form form;
    } types[] = {
        {"text/plain", DRAFT_RAW},           {"application/x-www-form-urlencoded", DRAFT_FORM},
        {"application/json", DRAFT_JSON},    {"application/x-ndjson", DRAFT_LINES},
        {"application/ndjson", DRAFT_LINES}, {"application/jsonl", DRAFT_LINES},
    };

    if (request->charset != NULL && strcmp(request->charset, "utf-8") != 0 &&
        strcmp(request->charset, "utf8") != 0)
        return fail(problem, 415, "charset_unsupported", "the charset must be utf-8");
    *form = DRAFT_RAW;
    if (request->media_type == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(request->media_type, types[i].type) != 0)
            continue;
        *form = types[i].form;
        /* With csrf it is surely one; that field must not become a message. */
        if (*form == DRAFT_FORM && !form_names(request->body, request->body_len, "content") &&
            !form_names(request->body, request->body_len, "csrf"))
            *form = DRAFT_RAW;
        return 0;
    }
    return fail(problem, 415, "content_type_unsupported",
                "the Content-Type must be text/plain, application/x-www-form-urlencoded, "
                "application/json or application/x-ndjson");
}

static bool is_member(const char *name)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (strcmp(members[i], name) == 0)
            return true;
    return false;
}

static int unknown(struct problem *problem, struct arena *arena, const char *what, const char *name)
{
    return fail(problem, 400, "member_unknown",
                arena_printf(arena,
                             "the %s \"%.64s\" is unknown; known are content, type, metadata, "
                             "replyTo, clientId, ephemeral",
                             what, name));
}

static int json_problem(struct problem *problem, struct arena *arena, const char *what,
                        const struct json_fault *fault)
{
    return fail(problem, 400, "json_invalid",
                arena_printf(arena, "%s: %s, at byte %zu", what, fault->reason, fault->offset));
}

const char *draft_metadata(struct arena *arena, const char *text, size_t len)
{
    struct buf compact = BUF_INIT;

    json_compact(&compact, text, len);
    return arena_keep(arena, &compact);
}

static int read_flag(bool *flag, const char *value, struct problem *problem)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return fail(problem, 400, "ephemeral_invalid", "ephemeral must be true or false");
    *flag = value[0] == 't';
    return 0;
}

/* Browsers end the lines of a form by CR LF (WHATWG HTML, 4.10.22.4); a message has line feeds. */
static const char *without_returns(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text), *to = copy;

    for (const char *from = copy; *from != '\0'; from++)
        if (from[0] != '\r' || from[1] != '\n')
            *to++ = *from;
    *to = '\0';
    return copy;
}

static int read_form(struct draft *draft, struct arena *arena, bool is_page, const char *data,
                     size_t len, struct problem *problem)
{
    struct form form;
    struct json_fault fault;
    const char *reason, *metadata, *ephemeral;

    if (form_parse(&form, arena, data, len, &reason) < 0)
        return fail(problem, 400, "form_invalid",
                    arena_printf(arena, "the form is malformed: %s", reason));
    for (size_t i = 0; i < form.count; i++) {
        /* The gate has seen the one, messages_post() the other. */
        if (strcmp(form.pairs[i].name, "csrf") == 0 ||
            (is_page && strcmp(form.pairs[i].name, "once") == 0))
            continue;
        if (!is_member(form.pairs[i].name))
            return unknown(problem, arena, "field", form.pairs[i].name);
        if (form_count(&form, form.pairs[i].name) > 1)
            return fail(problem, 400, "member_duplicate",
                        arena_printf(arena, "%s= may be given once", form.pairs[i].name));
    }
    draft->content = form_value(&form, "content");
    if (draft->content != NULL && is_page)
        draft->content = without_returns(arena, draft->content);
    draft->content_len = draft->content != NULL ? strlen(draft->content) : 0;
    draft->type = form_value(&form, "type");
    draft->reply_to = form_value(&form, "replyTo");
    draft->client_id = form_value(&form, "clientId");
    metadata = form_value(&form, "metadata");
    if (metadata != NULL) {
        struct json_object *object = json_read(metadata, strlen(metadata), &fault);

        if (object == NULL)
            return json_problem(problem, arena, "metadata is no JSON object", &fault);
        json_object_put(object);
        draft->metadata = draft_metadata(arena, metadata, strlen(metadata));
    }
    ephemeral = form_value(&form, "ephemeral");
    return ephemeral != NULL ? read_flag(&draft->ephemeral, ephemeral, problem) : 0;
}

/* The string that a member is, or NULL where it is not there or null. */
static int string_member(const char **text, size_t *len, struct arena *arena,
                         struct json_object *object, const char *name, struct problem *problem)
{
    struct json_object *value = NULL;

    *text = NULL;
    if (!json_object_object_get_ex(object, name, &value) || value == NULL)
        return 0;
    if (!json_object_is_type(value, json_type_string))
        return fail(problem, 400, "member_invalid",
                    arena_printf(arena, "%s must be a string", name));
    *len = (size_t)json_object_get_string_len(value);
    *text = arena_strndup(arena, json_object_get_string(value), *len);
    return 0;
}

static int read_metadata(struct draft *draft, struct arena *arena, struct json_object *object,
                         const char *data, size_t len, struct problem *problem)
{
    struct json_object *value = NULL;
    const char *slice;
    size_t slice_len;

    if (!json_object_object_get_ex(object, "metadata", &value) || value == NULL)
        return 0;
    if (!json_object_is_type(value, json_type_object) ||
        !json_slice(data, len, "metadata", &slice, &slice_len))
        return fail(problem, 400, "member_invalid", "metadata must be an object");
    draft->metadata = draft_metadata(arena, slice, slice_len);
    return 0;
}

static int read_members(struct draft *draft, struct arena *arena, struct json_object *object,
                        struct problem *problem)
{
    struct json_object *value = NULL;
    size_t len;

    json_object_object_foreach(object, key, unused)
    {
        (void)unused;
        if (!is_member(key))
            return unknown(problem, arena, "member", key);
    }
    if (string_member(&draft->content, &draft->content_len, arena, object, "content", problem) <
            0 ||
        string_member(&draft->type, &len, arena, object, "type", problem) < 0 ||
        string_member(&draft->reply_to, &len, arena, object, "replyTo", problem) < 0 ||
        string_member(&draft->client_id, &len, arena, object, "clientId", problem) < 0)
        return -1;
    if (json_object_object_get_ex(object, "ephemeral", &value) && value != NULL) {
        if (!json_object_is_type(value, json_type_boolean))
            return fail(problem, 400, "member_invalid", "ephemeral must be true or false");
        draft->ephemeral = json_object_get_boolean(value);
    }
    return 0;
}

static int read_json(struct draft *draft, struct arena *arena, const char *data, size_t len,
                     struct problem *problem)
{
    struct json_fault fault;
    struct json_object *object = json_read(data, len, &fault);
    int result;

    if (object == NULL)
        return json_problem(problem, arena, "no JSON object", &fault);
    result = read_members(draft, arena, object, problem);
    if (result == 0)
        result = read_metadata(draft, arena, object, data, len, problem);
    json_object_put(object);
    return result;
}

static int check(struct draft *draft, struct api *api, struct problem *problem)
{
    struct event_id id;

    if (draft->content == NULL || draft->content_len == 0)
        return fail(problem, 400, "content_empty", "a message needs content");
    if (draft->content_len > (size_t)api->conf->content_max_bytes)
        return fail(problem, 413, "content_too_long",
                    arena_printf(api->arena, "the content may have %lld bytes",
                                 (long long)api->conf->content_max_bytes));
    if (!utf8_valid(draft->content, draft->content_len))
        return fail(problem, 400, "content_invalid",
                    "the content is not well-formed UTF-8, or holds a zero byte");
    if (draft->type == NULL)
        draft->type = "message";
    if (!event_type_sendable(draft->type))
        return fail(
            problem, 400, "type_invalid",
            "the type must be message, or [a-z][a-z0-9._-]{0,31} and none of earshot's own");
    if (draft->metadata != NULL && strlen(draft->metadata) > (size_t)api->conf->metadata_max_bytes)
        return fail(problem, 413, "metadata_too_long",
                    arena_printf(api->arena, "the metadata may have %lld bytes",
                                 (long long)api->conf->metadata_max_bytes));
    if (draft->reply_to != NULL &&
        event_id_parse(&id, draft->reply_to, strlen(draft->reply_to)) < 0)
        return fail(problem, 400, "reply_to_invalid", "replyTo must be the id of an event");
    if (draft->client_id != NULL && strlen(draft->client_id) > CLIENT_ID_MAX)
        return fail(problem, 400, "client_id_too_long", "clientId may have 128 bytes");
    return 0;
}

int draft_read(struct draft *draft, struct api *api, enum draft_form form, const char *data,
               size_t len, struct problem *problem)
{
    int result = 0;

    *draft = (struct draft){.content = NULL};
    switch (form) {
    case DRAFT_RAW:
        draft->content = data;
        draft->content_len = len;
        break;
    case DRAFT_FORM:
        result = read_form(draft, api->arena, page_form(api->request), data, len, problem);
        break;
    default:
        result = read_json(draft, api->arena, data, len, problem);
    }
    return result == 0 ? check(draft, api, problem) : result;
}
