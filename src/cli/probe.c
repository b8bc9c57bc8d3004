#include "cli/probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/field.h"
#include "cli/terminal.h"

#define CONNECT_LIMIT_MS 10000
#define LIMIT_MS 8000
#define TURN_MS 200

struct prober {
    CURLM *multi;
    const char *authorization;
};

struct prober *probe_begin(const char *authorization)
{
    struct prober *prober = mem_zero(sizeof(*prober));

    prober->multi = curl_multi_init();
    prober->authorization = authorization;
    if (prober->multi != NULL)
        return prober;
    terminal_error("libcurl cannot start");
    free(prober);
    return NULL;
}

void probe_end(struct prober *prober)
{
    if (prober == NULL)
        return;
    curl_multi_cleanup(prober->multi);
    free(prober);
}

void probe_authorize(struct prober *prober, const char *authorization)
{
    prober->authorization = authorization;
}

/* --- what comes --- */

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct probe *probe = context;
    size_t len = size * count;

    probe->heard_ms = clock_mono_ms();
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) /* perhaps behind a 100 Continue */
        buf_clear(&probe->head);
    if (probe->head_ms == 0)
        probe->head_ms = probe->heard_ms;
    if (probe->head.len + len <= PROBE_HEAD_MAX)
        buf_append(&probe->head, line, len);
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct probe *probe = context;
    size_t len = size * count;

    probe->heard_ms = clock_mono_ms();
    if (probe->body.len + len > PROBE_BODY_MAX)
        return len;
    buf_append(&probe->body, bytes, len);
    if (probe->chunks_count < PROBE_CHUNKS_MAX)
        probe->chunks[probe->chunks_count++] =
            (struct probe_chunk){probe->heard_ms, probe->body.len};
    return len;
}

/* --- on its way --- */

static struct curl_slist *make_headers(const struct prober *prober, const struct probe *probe)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (size_t i = 0; i < PROBE_HEADERS_MAX && probe->headers[i] != NULL; i++)
        list = curl_slist_append(list, probe->headers[i]);
    if (prober->authorization != NULL && !probe->alone)
        list = curl_slist_append(list, prober->authorization);
    return list;
}

static void set_up(struct probe *probe, CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_URL, probe->url.data);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, probe->method != NULL ? probe->method : "GET");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, probe->list);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "earshot/" PACKAGE_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_LIMIT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     (long)(probe->limit_ms > 0 ? probe->limit_ms : LIMIT_MS));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, probe->error);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, probe);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, probe);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, probe);
    if (probe->text != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)probe->text_len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, probe->text);
    }
    if (probe->method != NULL && strcmp(probe->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
}

void probe_start(struct prober *prober, struct probe *probe)
{
    CURL *curl = curl_easy_init();

    probe->began_ms = probe->heard_ms = clock_mono_ms();
    if (curl == NULL) {
        snprintf(probe->error, sizeof(probe->error), "libcurl cannot start");
        probe->done = true;
        return;
    }
    probe->handle = curl;
    probe->list = make_headers(prober, probe);
    set_up(probe, curl);
    curl_multi_add_handle(prober->multi, curl);
}

static void read_result(struct probe *probe, CURLcode code)
{
    long version = 0;

    curl_easy_getinfo(probe->handle, CURLINFO_RESPONSE_CODE, &probe->status);
    curl_easy_getinfo(probe->handle, CURLINFO_HTTP_VERSION, &version);
    probe->version = version >= CURL_HTTP_VERSION_2_0 ? 2 : 1;
    probe->whole = code == CURLE_OK;
    probe->timed_out = code == CURLE_OPERATION_TIMEDOUT;
    probe->tls_refused = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION;
    if (code != CURLE_OK && probe->error[0] == '\0')
        snprintf(probe->error, sizeof(probe->error), "%s", curl_easy_strerror(code));
    terminal_defuse(probe->error);
}

static void finish(struct prober *prober, struct probe *probe, CURLcode code)
{
    probe->ended_ms = clock_mono_ms();
    probe->done = true;
    read_result(probe, code);
    curl_multi_remove_handle(prober->multi, probe->handle);
    curl_easy_cleanup(probe->handle);
    curl_slist_free_all(probe->list);
    probe->handle = probe->list = NULL;
}

void probe_stop(struct prober *prober, struct probe *probe)
{
    if (probe->handle != NULL)
        finish(prober, probe, CURLE_ABORTED_BY_CALLBACK);
}

static void collect(struct prober *prober)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(prober->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        char *probe = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &probe);
        finish(prober, (struct probe *)(void *)probe, code);
    }
}

static bool all_done(struct probe *const *probes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!probes[i]->done)
            return false;
    return count > 0;
}

void probe_wait(struct prober *prober, struct probe *const *probes, size_t count, int64_t most_ms)
{
    int64_t until_ms = clock_mono_ms() + most_ms, left_ms;
    int running;

    for (;;) {
        curl_multi_perform(prober->multi, &running);
        collect(prober);
        left_ms = until_ms - clock_mono_ms();
        if (all_done(probes, count) || left_ms <= 0)
            return;
        curl_multi_poll(prober->multi, NULL, 0, (int)(left_ms < TURN_MS ? left_ms : TURN_MS), NULL);
    }
}

void probe_ask(struct prober *prober, struct probe *probe)
{
    probe_start(prober, probe);
    probe_wait(prober, &probe, 1, INT32_MAX);
}

void probe_free(struct probe *probe)
{
    buf_free(&probe->url);
    buf_free(&probe->head);
    buf_free(&probe->body);
    memset(probe, 0, sizeof(*probe));
}

/* --- what it says --- */

bool probe_header(const struct probe *probe, const char *name, char *value, size_t size)
{
    const char *line = probe->head.len > 0 ? probe->head.data : "";
    size_t name_len = strlen(name), len = 0;
    bool found = false;

    value[0] = '\0';
    for (; line != NULL; line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL) {
        const char *start = line + name_len + 1;

        if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
            continue;
        start += strspn(start, " \t");
        if (len < size)
            len += (size_t)snprintf(value + len, size - len, "%s%.*s", found ? ", " : "",
                                    (int)strcspn(start, "\r\n"), start);
        found = true;
    }
    terminal_defuse(value);
    return found;
}

int64_t probe_when(const struct probe *probe, const char *text)
{
    size_t len = strlen(text);
    const char *at =
        probe->body.len > 0 ? memmem(probe->body.data, probe->body.len, text, len) : NULL;
    size_t end = at != NULL ? (size_t)(at - probe->body.data) + len : 0;

    for (size_t i = 0; at != NULL && i < probe->chunks_count; i++)
        if (probe->chunks[i].end >= end)
            return probe->chunks[i].at_ms;
    return -1;
}

void probe_problem(const struct probe *probe, char *code, size_t size)
{
    struct json_object *object = NULL;
    const char *text = NULL;
    char type[64];

    code[0] = '\0';
    if (probe_header(probe, "content-type", type, sizeof(type)) &&
        strncasecmp(type, "application/problem+json", 24) == 0 && probe->body.len > 0)
        object = field_parse(probe->body.data, probe->body.len);
    if (object != NULL)
        text = field_text(object, "code");
    /* These two are said by the web servers of our examples. */
    if (text != NULL && strcmp(text, "refused_by_web_server") != 0 &&
        strcmp(text, "daemon_down") != 0) {
        snprintf(code, size, "%s", text);
        terminal_defuse(code);
    }
    json_object_put(object);
}
