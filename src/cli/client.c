#include "cli/client.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/address.h"
#include "cli/cli.h"
#include "cli/field.h"
#include "cli/terminal.h"

#define DEFAULT_URL "http://127.0.0.1:8080/chat/v1"
#define CONNECT_LIMIT_MS 10000
#define BACKOFF_BASE_MS 200
#define BACKOFF_MAX_MS 30000
#define TOKEN_FILE_MAX 8192

struct client {
    CURL *curl;
    char *url;           /* without a slash at the end */
    char *authorization; /* the header, or NULL */
    char error[CURL_ERROR_SIZE + 128];
    char curl_error[CURL_ERROR_SIZE];
};

/* One call on its way. */
struct transfer {
    struct client *client;
    const struct client_call *call;
    struct client_answer *answer;
    bool type_known;
    bool stopped; /* on_bytes had enough */
    bool silent;  /* ended for silence */
    bool reader_gone;
    int64_t heard_ms; /* when the last byte came */
};

/* --- opening --- */

/* A token is printable ASCII without blanks; anything else would break the header it goes into. */
static bool token_valid(const char *token)
{
    for (const char *p = token; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return false;
    return *token != '\0';
}

/* Reads the token of a file, without the blanks and line ends around it. Returns NULL after an
 * error. */
static char *read_token(const char *path)
{
    char text[TOKEN_FILE_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    size_t start = 0, end;

    if (n < 0)
        terminal_error("cannot read the token in %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return NULL;
    end = (size_t)n;
    while (end > 0 && isspace((unsigned char)text[end - 1]))
        end--;
    while (start < end && isspace((unsigned char)text[start]))
        start++;
    if (n > TOKEN_FILE_MAX || start == end) {
        terminal_error("%s holds no token", path);
        return NULL;
    }
    return mem_strndup(text + start, end - start);
}

/* Finds the token and makes the header of it. Returns 0, or -1 after an error. */
static int find_token(struct client *client, const struct options *options)
{
    const char *environment = getenv("EARSHOT_TOKEN");
    char *token = NULL;
    size_t size;

    if (options->token != NULL && options->token_file != NULL) {
        terminal_error("--token and --token-file: give one of them");
        return -1;
    }
    if (options->token != NULL)
        token = mem_strdup(options->token);
    else if (options->token_file != NULL)
        token = read_token(options->token_file);
    else if (environment != NULL && environment[0] != '\0')
        token = mem_strdup(environment);
    else
        return 0;
    if (token == NULL)
        return -1;
    if (!token_valid(token)) {
        terminal_error("the token has blanks or other characters that no token has");
        free(token);
        return -1;
    }
    size = strlen(token) + sizeof("Authorization: Bearer ");
    client->authorization = mem_alloc(size);
    snprintf(client->authorization, size, "Authorization: Bearer %s", token);
    free(token);
    return 0;
}

static int find_url(struct client *client, const struct options *options)
{
    const char *url = options->url;
    size_t len;

    if (url == NULL)
        url = getenv("EARSHOT_URL");
    if (url == NULL || url[0] == '\0')
        url = DEFAULT_URL;
    if (!address_valid(url)) {
        terminal_error("%s is not the URL of a server: it reads like " DEFAULT_URL, url);
        return -1;
    }
    len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    client->url = mem_strndup(url, len);
    return 0;
}

struct client *client_open(const struct options *options)
{
    struct client *client = mem_zero(sizeof(*client));

    if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        terminal_error("libsodium or libcurl cannot start");
    else if (find_url(client, options) == 0 && find_token(client, options) == 0) {
        client->curl = curl_easy_init();
        if (client->curl != NULL)
            return client;
        terminal_error("libcurl cannot start");
    }
    client_close(client);
    return NULL;
}

void client_close(struct client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    free(client->url);
    if (client->authorization != NULL)
        sodium_memzero(client->authorization, strlen(client->authorization));
    free(client->authorization);
    free(client);
    curl_global_cleanup();
}

const char *client_base(const struct client *client)
{
    return client->url;
}

const char *client_authorization(const struct client *client)
{
    return client->authorization;
}

void client_url(const struct client *client, struct buf *out, const char *const *segments)
{
    address_path(out, client->url, segments);
}

/* --- the answer --- */

/* Finds the target of rel=next in the value of a Link header (RFC 8288): <target>; rel="next", ...
 */
static void read_link(struct client_answer *answer, const char *value, size_t len)
{
    const char *end = value + len;

    while (value < end) {
        const char *open = memchr(value, '<', (size_t)(end - value));
        const char *close = open != NULL ? memchr(open, '>', (size_t)(end - open)) : NULL;
        const char *stop;
        size_t size;

        if (close == NULL)
            return;
        stop = memchr(close, '<', (size_t)(end - close));
        if (stop == NULL)
            stop = end;
        size = (size_t)(close - open - 1);
        if ((memmem(close, (size_t)(stop - close), "rel=\"next\"", 10) != NULL ||
             memmem(close, (size_t)(stop - close), "rel=next", 8) != NULL) &&
            size < sizeof(answer->next)) {
            memcpy(answer->next, open + 1, size);
            answer->next[size] = '\0';
            return;
        }
        value = stop;
    }
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t len = size * count, end = len;

    while (end > 0 && (line[end - 1] == '\r' || line[end - 1] == '\n'))
        end--;
    t->heard_ms = clock_mono_ms();
    if (end >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        /* A 100 Continue may come before the real answer. */
        t->answer->next[0] = t->answer->location[0] = '\0';
    } else if (end > 5 && strncasecmp(line, "link:", 5) == 0) {
        read_link(t->answer, line + 5, end - 5);
    } else if (end > 9 && strncasecmp(line, "location:", 9) == 0) {
        size_t skip = 9 + strspn(line + 9, " \t");

        snprintf(t->answer->location, sizeof(t->answer->location), "%.*s",
                 end > skip ? (int)(end - skip) : 0, line + skip);
    }
    return len;
}

/* Status and media type, once they are known. */
static void read_status(struct transfer *t)
{
    struct client_answer *answer = t->answer;
    const char *type = NULL;
    size_t len = 0;

    curl_easy_getinfo(t->client->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(t->client->curl, CURLINFO_CONTENT_TYPE, &type);
    if (type == NULL)
        type = "";
    while (len < sizeof(answer->type) - 1 && type[len] > ' ' && type[len] != ';') {
        answer->type[len] = (char)tolower((unsigned char)type[len]);
        len++;
    }
    answer->type[len] = '\0';
    answer->streamed = t->call->on_bytes != NULL && answer->status == 200 &&
                       strcmp(answer->type, "text/event-stream") == 0;
    t->type_known = true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t len = size * count;

    t->heard_ms = clock_mono_ms();
    if (!t->type_known)
        read_status(t);
    if (t->answer->streamed) {
        t->stopped = t->call->on_bytes(t->call->context, bytes, len) < 0;
        return t->stopped ? 0 : len;
    }
    if (t->answer->body.len + len > CLIENT_ANSWER_MAX)
        return 0;
    buf_append(&t->answer->body, bytes, len);
    return len;
}

/* Called about once a second while nothing comes. curl has a limit of its own for slow transfers,
 * but takes a heartbeat of three bytes in 15 seconds for none. */
static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *t = context;

    (void)a, (void)b, (void)c, (void)d;
    if (t->call->silence_ms > 0 && clock_mono_ms() - t->heard_ms > t->call->silence_ms)
        t->silent = true;
    if (t->call->on_bytes != NULL && terminal_reader_gone())
        t->reader_gone = true;
    return t->silent || t->reader_gone;
}

/* --- the call --- */

static struct curl_slist *make_headers(const struct client *client, const struct client_call *call)
{
    struct curl_slist *headers = NULL;

    for (size_t i = 0; i < CLIENT_HEADERS_MAX && call->headers[i] != NULL; i++)
        headers = curl_slist_append(headers, call->headers[i]);
    if (client->authorization != NULL)
        headers = curl_slist_append(headers, client->authorization);
    /* No waiting for a 100 Continue before a large body. */
    return curl_slist_append(headers, "Expect:");
}

static void set_up(struct transfer *t, struct curl_slist *headers)
{
    CURL *curl = t->client->curl;
    const struct client_call *call = t->call;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, call->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "earshot/" PACKAGE_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_LIMIT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->client->curl_error);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    if (call->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
    }
}

/* May the same call do better later? Not when its URL, the certificate or the disk is wrong. */
static bool failure_retriable(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_AGAIN:
        return true;
    default:
        return false;
    }
}

static void set_error(struct transfer *t, CURLcode code)
{
    struct client *client = t->client;

    if (t->silent)
        snprintf(client->error, sizeof(client->error), "nothing came for %d seconds",
                 (int)(t->call->silence_ms / 1000));
    else if (code == CURLE_WRITE_ERROR)
        snprintf(client->error, sizeof(client->error), "the answer is over %d MiB",
                 CLIENT_ANSWER_MAX >> 20);
    else
        snprintf(client->error, sizeof(client->error), "%s",
                 client->curl_error[0] != '\0' ? client->curl_error : curl_easy_strerror(code));
}

int client_call(struct client *client, const struct client_call *call, struct client_answer *answer)
{
    struct transfer t = {.client = client, .call = call, .answer = answer};
    struct curl_slist *headers = make_headers(client, call);
    curl_off_t retry_after = 0;
    CURLcode code;

    buf_clear(&answer->body);
    answer->status = 0;
    answer->next[0] = answer->location[0] = answer->type[0] = '\0';
    answer->streamed = false;
    client->curl_error[0] = client->error[0] = '\0';
    t.heard_ms = clock_mono_ms();
    set_up(&t, headers);
    code = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    if (t.reader_gone)
        exit(CLI_DONE);
    read_status(&t);
    curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_after);
    answer->retry_after_ms = retry_after > 0 ? (int64_t)retry_after * 1000 : -1;
    if (code == CURLE_OK || t.stopped) {
        answer->retriable =
            answer->status == 429 || (answer->status >= 502 && answer->status <= 504);
        return 0;
    }
    set_error(&t, code);
    answer->retriable = failure_retriable(code);
    return -1;
}

void client_answer_free(struct client_answer *answer)
{
    buf_free(&answer->body);
}

const char *client_error(const struct client *client)
{
    return client->error;
}

/* --- trying again --- */

static int64_t random_below(int64_t ms)
{
    return randombytes_uniform((uint32_t)ms + 1);
}

int64_t client_backoff_ms(unsigned n, int64_t least_ms)
{
    int64_t ms = BACKOFF_BASE_MS;

    while (n-- > 0 && ms < BACKOFF_MAX_MS)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    ms = ms / 2 + random_below(ms / 2);
    return ms >= least_ms ? ms : least_ms + random_below(least_ms / 4);
}

void client_rest(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}

int client_persist(struct client *client, const struct client_call *call, int64_t retry_for_ms,
                   struct client_answer *answer)
{
    int64_t end = clock_mono_ms() + retry_for_ms;

    for (unsigned n = 0;; n++) {
        int rc = client_call(client, call, answer);
        int64_t wait_ms = client_backoff_ms(n, answer->retry_after_ms);

        if (rc == 0 && !answer->retriable)
            return 0;
        if (!answer->retriable || clock_mono_ms() + wait_ms > end)
            return rc;
        if (rc == 0)
            terminal_notice("the server answered %ld; trying again in %.1f s", answer->status,
                            (double)wait_ms / 1000);
        else
            terminal_notice("%s; trying again in %.1f s", client->error, (double)wait_ms / 1000);
        client_rest(wait_ms);
    }
}

/* --- saying why --- */

/* Prints "403 Forbidden: detail (code)". Returns false when the body states no problem. */
static bool explain_problem(const struct client_answer *answer)
{
    struct json_object *problem;
    const char *title, *detail, *code;

    if (answer->body.len == 0 || strcmp(answer->type, "application/problem+json") != 0)
        return false;
    problem = field_parse(answer->body.data, answer->body.len);
    title = field_text(problem, "title");
    detail = field_text(problem, "detail");
    code = field_text(problem, "code");
    if (title != NULL || detail != NULL)
        terminal_error("%ld %s%s%s%s%s%s", answer->status, title != NULL ? title : "",
                       title != NULL && detail != NULL ? ": " : "", detail != NULL ? detail : "",
                       code != NULL ? " (" : "", code != NULL ? code : "", code != NULL ? ")" : "");
    json_object_put(problem);
    return title != NULL || detail != NULL;
}

int client_explain(const struct client *client, const struct client_answer *answer)
{
    if (answer->status == 0) {
        terminal_error("%s: %s", client->url, client->error);
        return CLI_UNREACHABLE;
    }
    if (client->error[0] != '\0')
        terminal_error("%s: the answer was cut off: %s", client->url, client->error);
    else if (answer->location[0] != '\0' && answer->status >= 300 && answer->status < 400)
        terminal_error("%s: the server says %ld, go to %s; if that is right, use it as --url",
                       client->url, answer->status, answer->location);
    else if (!explain_problem(answer))
        terminal_error("%s: the server answered %ld%s", client->url, answer->status,
                       answer->status == 502 || answer->status == 504
                           ? "; the web server runs, but earshotd does not answer it"
                       : answer->status < 400
                           ? ", which is not what earshot answers; is the URL right?"
                           : "");
    return CLI_REFUSED;
}
