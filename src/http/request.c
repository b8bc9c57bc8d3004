#include "http/request.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "event/name.h"

#define REQUEST_ID_BYTES 16
#define REQUEST_ID_MAX 64
#define LENGTH_DIGITS_MAX 18 /* fits 63 bits */

const char *const request_methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "?"};

enum variable {
    V_METHOD,
    V_PATH,
    V_QUERY,
    V_SCRIPT,
    V_REDIRECT,
    V_NAMESPACE,
    V_HTTPS,
    V_SCHEME,
    V_REMOTE,
    V_PORT,
    V_LENGTH,
    V_TYPE,
    V_ACCEPT,
    V_AUTHORIZATION,
    V_COOKIE,
    V_FORWARDED,
    V_PROXY,
    V_HOST,
    V_KEY,
    V_IF_MATCH,
    V_MATCH,
    V_LAST,
    V_ORIGIN,
    V_SITE,
    V_TRACE,
    V_ID,
    VARIABLES
};

/* What to do with a second, different value. */
enum repeat { REFUSE, IGNORE, JOIN };

#define NAME(text) text, sizeof(text) - 1

static const struct {
    const char *name;
    size_t len;
    enum variable variable;
    enum repeat repeat;
    const char *separator;
} known[] = {
    {NAME("REQUEST_METHOD"), V_METHOD, REFUSE, NULL},
    {NAME("PATH_INFO"), V_PATH, REFUSE, NULL},
    {NAME("QUERY_STRING"), V_QUERY, REFUSE, NULL},
    {NAME("SCRIPT_NAME"), V_SCRIPT, REFUSE, NULL},
    {NAME("REDIRECT_URL"), V_REDIRECT, IGNORE, NULL},
    {NAME("EARSHOT_NAMESPACE"), V_NAMESPACE, REFUSE, NULL},
    {NAME("HTTPS"), V_HTTPS, REFUSE, NULL},
    {NAME("REQUEST_SCHEME"), V_SCHEME, REFUSE, NULL},
    {NAME("REMOTE_ADDR"), V_REMOTE, REFUSE, NULL},
    {NAME("SERVER_PORT"), V_PORT, REFUSE, NULL},
    {NAME("CONTENT_LENGTH"), V_LENGTH, REFUSE, NULL},
    {NAME("HTTP_CONTENT_LENGTH"), V_LENGTH, REFUSE, NULL},
    {NAME("CONTENT_TYPE"), V_TYPE, REFUSE, NULL},
    {NAME("HTTP_CONTENT_TYPE"), V_TYPE, REFUSE, NULL},
    {NAME("HTTP_ACCEPT"), V_ACCEPT, JOIN, ", "},
    {NAME("HTTP_AUTHORIZATION"), V_AUTHORIZATION, REFUSE, NULL},
    {NAME("HTTP_COOKIE"), V_COOKIE, JOIN, "; "},
    {NAME("HTTP_X_FORWARDED_FOR"), V_FORWARDED, JOIN, ", "},
    {NAME("HTTP_FORWARDED"), V_PROXY, IGNORE, NULL},
    {NAME("HTTP_VIA"), V_PROXY, IGNORE, NULL},
    {NAME("HTTP_X_REAL_IP"), V_PROXY, IGNORE, NULL},
    {NAME("HTTP_HOST"), V_HOST, REFUSE, NULL},
    {NAME("HTTP_IDEMPOTENCY_KEY"), V_KEY, REFUSE, NULL},
    {NAME("HTTP_IF_MATCH"), V_IF_MATCH, REFUSE, NULL},
    {NAME("HTTP_IF_NONE_MATCH"), V_MATCH, JOIN, ", "},
    {NAME("HTTP_LAST_EVENT_ID"), V_LAST, REFUSE, NULL},
    {NAME("HTTP_ORIGIN"), V_ORIGIN, REFUSE, NULL},
    {NAME("HTTP_SEC_FETCH_SITE"), V_SITE, REFUSE, NULL},
    {NAME("HTTP_TRACEPARENT"), V_TRACE, IGNORE, NULL},
    {NAME("HTTP_X_REQUEST_ID"), V_ID, IGNORE, NULL},
};

static int refuse(struct problem *problem, const char *code, const char *detail)
{
    /* The first thing found is told. */
    if (problem->status == 0)
        *problem = (struct problem){400, code, detail};
    return -1;
}

static void keep(const char *values[VARIABLES], struct arena *arena, size_t row, const char *value,
                 struct problem *problem)
{
    const char **slot = &values[known[row].variable];

    if (*value == '\0')
        return;
    if (!utf8_valid(value, strlen(value)))
        refuse(problem, "header_invalid",
               arena_printf(arena, "%s is not well-formed UTF-8", known[row].name));
    else if (*slot == NULL)
        *slot = arena_strdup(arena, value);
    else if (known[row].repeat == JOIN)
        *slot = arena_printf(arena, "%s%s%s", *slot, known[row].separator, value);
    else if (known[row].repeat == REFUSE && strcmp(*slot, value) != 0)
        refuse(problem, "header_duplicate",
               arena_printf(arena, "%s came twice with different values", known[row].name));
}

static void collect(const char *values[VARIABLES], struct arena *arena, char *const *envp,
                    struct problem *problem)
{
    for (; *envp != NULL; envp++) {
        const char *equals = strchr(*envp, '=');
        size_t len = equals != NULL ? (size_t)(equals - *envp) : 0;

        for (size_t row = 0; len > 0 && row < sizeof(known) / sizeof(known[0]); row++)
            if (known[row].len == len && memcmp(known[row].name, *envp, len) == 0)
                keep(values, arena, row, equals + 1, problem);
    }
}

static bool is_token_of(const char *s, size_t max)
{
    size_t len = strnlen(s, max + 1);

    return len > 0 && len <= max &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static const char *read_id(struct arena *arena, const char *value)
{
    static unsigned char pool[32 * REQUEST_ID_BYTES]; /* randomness for some: a system call less */
    static size_t left;
    char *id;

    if (value != NULL && is_token_of(value, REQUEST_ID_MAX))
        return value;
    id = arena_alloc(arena, REQUEST_ID_BYTES * 2 + 1);
    if (left == 0) {
        randombytes_buf(pool, sizeof(pool));
        left = sizeof(pool);
    }
    left -= REQUEST_ID_BYTES;
    return sodium_bin2hex(id, REQUEST_ID_BYTES * 2 + 1, pool + left, REQUEST_ID_BYTES);
}

static enum method read_method(const char *value)
{
    int method = METHOD_GET;

    while (method < METHOD_OTHER && (value == NULL || strcmp(value, request_methods[method]) != 0))
        method++;
    return (enum method)method;
}

/* version-trace-parent-flags, in lower-case hexadecimal (W3C Trace Context, 3.2): the trace. A
 * later version may have more behind a dash; all zeros are no id. */
static const char *read_trace(struct arena *arena, const char *value)
{
    static const char shape[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    const size_t trace = 3, trace_len = 32, parent = 36, parent_len = 16, len = sizeof(shape) - 1;

    if (value == NULL || strlen(value) < len)
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (shape[i] == 'x' ? strchr("0123456789abcdef", value[i]) == NULL : value[i] != shape[i])
            return NULL;
    if (strncmp(value, "ff", 2) == 0 || strspn(value + trace, "0") >= trace_len ||
        strspn(value + parent, "0") >= parent_len ||
        (value[len] != '\0' && (strncmp(value, "00", 2) == 0 || value[len] != '-')))
        return NULL;
    return arena_strndup(arena, value + trace, trace_len);
}

static int read_namespace(struct request *request, const char *value, struct problem *problem)
{
    request->namespace = "main";
    if (value == NULL)
        return 0;
    if (!name_namespace_valid(value)) {
        *problem = (struct problem){500, "namespace_invalid",
                                    "the web server passes a malformed EARSHOT_NAMESPACE"};
        return -1;
    }
    request->namespace = value;
    return 0;
}

static int read_path(struct request *request, struct arena *arena, const char *path,
                     struct problem *problem)
{
    request->path = path != NULL ? path : "";
    if (request->path[0] == '\0' || strcmp(request->path, "/") == 0)
        return 0;
    if (request->path[0] != '/')
        return refuse(problem, "path_invalid", "the path must begin with a slash");
    for (const char *s = request->path; *s == '/'; request->segments_count++) {
        size_t len = strcspn(++s, "/");

        if (request->segments_count < REQUEST_SEGMENTS_MAX)
            request->segments[request->segments_count] = arena_strndup(arena, s, len);
        s += len;
    }
    return 0;
}

/* Where clients find us. A rule of Apache's mod_rewrite that leads /chat/v1/rooms to
 * /chat/earshot.cgi/rooms makes the latter the SCRIPT_NAME, and keeps the former as REDIRECT_URL:
 * links and cookies must have what clients ask for. */
static const char *read_mount(struct arena *arena, const char *const values[VARIABLES])
{
    const char *path = values[V_PATH], *asked = values[V_REDIRECT];
    size_t path_len = path != NULL ? strlen(path) : 0;
    size_t asked_len = asked != NULL ? strlen(asked) : 0;

    if (path_len > 0 && asked_len >= path_len &&
        memcmp(asked + asked_len - path_len, path, path_len) == 0)
        return arena_strndup(arena, asked, asked_len - path_len);
    return values[V_SCRIPT] != NULL ? values[V_SCRIPT] : "";
}

/* -1 where it is not known. Caddy says so too, of a body that comes in chunks. */
static int read_length(struct request *request, const char *value, struct problem *problem)
{
    request->content_length = -1;
    if (value == NULL || strcmp(value, "-1") == 0)
        return 0;
    if (strspn(value, "0123456789") != strlen(value))
        return refuse(problem, "content_length_invalid",
                      "Content-Length must be a decimal number and nothing else");
    if (strlen(value) > LENGTH_DIGITS_MAX)
        return refuse(problem, "content_length_invalid", "Content-Length is out of range");
    request->content_length = 0;
    for (const char *s = value; *s != '\0'; s++)
        request->content_length = request->content_length * 10 + (*s - '0');
    return 0;
}

static char *lower(struct arena *arena, const char *s, size_t len)
{
    char *text = arena_strndup(arena, s, len);

    for (char *c = text; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return text;
}

/* type/subtype *( OWS ";" OWS name=value ), RFC 9110, 8.3.1. Only the charset counts. */
static int read_type(struct request *request, struct arena *arena, const char *value,
                     struct problem *problem)
{
    size_t len;

    if (value == NULL)
        return 0;
    len = strcspn(value, "; \t");
    request->media_type = lower(arena, value, len);
    for (const char *s = value + len; *(s += strspn(s, " \t")) != '\0'; s += strcspn(s, ";")) {
        if (*s++ != ';')
            return refuse(problem, "content_type_invalid", "the Content-Type is malformed");
        s += strspn(s, " \t");
        if (strncasecmp(s, "charset=", 8) != 0)
            continue;
        s += 8;
        s += *s == '"';
        if (request->charset != NULL)
            return refuse(problem, "content_type_invalid", "the Content-Type names two charsets");
        request->charset = lower(arena, s, strcspn(s, "\"; \t"));
    }
    return 0;
}

static int read_query(struct request *request, struct arena *arena, const char *value,
                      struct problem *problem)
{
    const char *reason;

    if (value == NULL)
        return 0;
    if (form_parse(&request->query, arena, value, strlen(value), &reason) < 0)
        return refuse(problem, "query_invalid",
                      arena_printf(arena, "the query string is malformed: %s", reason));
    return 0;
}

int request_parse(struct request *request, struct arena *arena, char *const *envp,
                  struct problem *problem)
{
    const char *values[VARIABLES] = {NULL};

    *request = (struct request){.body = ""};
    *problem = (struct problem){0, NULL, NULL};
    collect(values, arena, envp, problem);
    request->id = read_id(arena, values[V_ID]);
    request->method = read_method(values[V_METHOD]);
    request->script_name = read_mount(arena, values);
    request->https = (values[V_HTTPS] != NULL && strcasecmp(values[V_HTTPS], "off") != 0) ||
                     (values[V_SCHEME] != NULL && strcasecmp(values[V_SCHEME], "https") == 0);
    request->accept = values[V_ACCEPT];
    request->authorization = values[V_AUTHORIZATION];
    request->cookie = values[V_COOKIE];
    request->forwarded_for = values[V_FORWARDED];
    request->is_forwarded = values[V_FORWARDED] != NULL || values[V_PROXY] != NULL;
    request->host = values[V_HOST];
    request->idempotency_key = values[V_KEY];
    request->if_match = values[V_IF_MATCH];
    request->if_none_match = values[V_MATCH];
    request->last_event_id = values[V_LAST];
    request->origin = values[V_ORIGIN];
    request->remote_addr = values[V_REMOTE];
    request->server_port = values[V_PORT];
    request->sec_fetch_site = values[V_SITE];
    request->trace = read_trace(arena, values[V_TRACE]);
    read_namespace(request, values[V_NAMESPACE], problem);
    read_path(request, arena, values[V_PATH], problem);
    read_length(request, values[V_LENGTH], problem);
    read_type(request, arena, values[V_TYPE], problem);
    read_query(request, arena, values[V_QUERY], problem);
    if (values[V_METHOD] == NULL)
        refuse(problem, "method_missing", "the web server passes no REQUEST_METHOD");
    return problem->status == 0 ? 0 : -1;
}

const char *request_query(const struct request *request, const char *name)
{
    return form_value(&request->query, name);
}

size_t request_query_all(const struct request *request, const char *name, const char **values,
                         size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < request->query.count; i++) {
        if (strcmp(request->query.pairs[i].name, name) != 0)
            continue;
        if (count < max)
            values[count] = request->query.pairs[i].value;
        count++;
    }
    return count;
}

const char *request_cookie(const struct request *request, struct arena *arena, const char *name,
                           bool *differs)
{
    const char *s = request->cookie, *found = NULL;
    size_t name_len = strlen(name);

    *differs = false;
    while (s != NULL && *s != '\0') {
        size_t len;

        s += strspn(s, "; \t");
        len = strcspn(s, ";");
        if (len > name_len && strncmp(s, name, name_len) == 0 && s[name_len] == '=') {
            const char *value = arena_strndup(arena, s + name_len + 1, len - name_len - 1);

            if (found != NULL && strcmp(found, value) != 0)
                *differs = true;
            found = found != NULL ? found : value;
        }
        s += len;
    }
    return found;
}

bool request_unsafe(const struct request *request)
{
    return request->method != METHOD_GET && request->method != METHOD_HEAD &&
           request->method != METHOD_OPTIONS;
}
