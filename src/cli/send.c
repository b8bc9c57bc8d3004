#include "cli/send.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/field.h"
#include "cli/terminal.h"

#define RETRY_FOR_MS 10000
#define CALL_LIMIT_MS 15000
#define KEY_MAX 150                  /* a batch puts numbers behind it */
#define INPUT_MAX (16 * 1024 * 1024) /* of one message, far above what any server takes */

/* How much of a batch goes in one request: below the server's default limits. */
#define BATCH_LINES 100
#define BATCH_BYTES (512 * 1024)
#define LIMITED_REST_MS 1000

struct sending {
    const struct options *options;
    struct client *client;
    struct buf url;
    char key[KEY_MAX + 40]; /* the header Idempotency-Key */
    size_t first_line;      /* of the batch on its way, in the input */
    int status;             /* to exit with */
};

/* Under one key the server takes a message once, however often a send is repeated. `number` tells
 * the requests of a batch apart. */
static const char *make_key(struct sending *s, unsigned number)
{
    unsigned char random[16];
    char hex[2 * sizeof(random) + 1];

    if (s->options->idempotency_key != NULL && number > 0) {
        snprintf(s->key, sizeof(s->key), "Idempotency-Key: %s.%u", s->options->idempotency_key,
                 number);
    } else if (s->options->idempotency_key != NULL) {
        snprintf(s->key, sizeof(s->key), "Idempotency-Key: %s", s->options->idempotency_key);
    } else {
        randombytes_buf(random, sizeof(random));
        sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
        snprintf(s->key, sizeof(s->key), "Idempotency-Key: %s", hex);
    }
    return s->key;
}

/* Posts a body. Returns 0 when the server took it (2xx), or told line by line what it took; else -1
 * after an error, s->status set. */
static int post(struct sending *s, const char *type, const char *key, const struct buf *body,
                struct client_answer *answer)
{
    struct client_call call = {.method = "POST",
                               .url = s->url.data,
                               .headers = {type, "Accept: application/json", key, NULL},
                               .body = body->data,
                               .body_len = body->len,
                               .timeout_ms = CALL_LIMIT_MS};
    int64_t retry_for_ms = s->options->retry_for_ms >= 0 ? s->options->retry_for_ms : RETRY_FOR_MS;
    int rc = client_persist(s->client, &call, retry_for_ms, answer);

    if (rc == 0 && ((answer->status >= 200 && answer->status < 300) ||
                    strcmp(answer->type, "application/x-ndjson") == 0))
        return 0;
    s->status = client_explain(s->client, answer);
    return -1;
}

/* --- one message --- */

static void append_member(struct buf *body, const char *key, const char *value)
{
    if (value == NULL)
        return;
    buf_printf(body, ",\"%s\":", key);
    buf_json(body, value, strlen(value));
}

static void write_message(struct buf *body, const struct options *o, const char *text, size_t len)
{
    buf_str(body, "{\"content\":");
    buf_json(body, text, len);
    append_member(body, "type", o->type);
    append_member(body, "replyTo", o->reply_to);
    if (o->metadata != NULL)
        buf_printf(body, ",\"metadata\":%s", o->metadata);
    if (o->ephemeral)
        buf_str(body, ",\"ephemeral\":true");
    buf_char(body, '}');
}

static void send_one(struct sending *s, const char *text, size_t len)
{
    struct client_answer answer = {0};
    struct buf body = BUF_INIT;

    if (!utf8_valid(text, len)) {
        terminal_error("the message is not text: it has a zero byte or is not UTF-8");
        s->status = CLI_USAGE;
        return;
    }
    write_message(&body, s->options, text, len);
    if (post(s, "Content-Type: application/json", make_key(s, 0), &body, &answer) == 0 &&
        s->options->ndjson) {
        if (answer.body.len > 0 && answer.body.data[answer.body.len - 1] != '\n')
            buf_char(&answer.body, '\n');
        terminal_write(answer.body.data, answer.body.len);
    }
    buf_free(&body);
    client_answer_free(&answer);
}

/* Reads standard input to its end. One line end there is the shell's (echo), not the message's. */
static int read_input(struct buf *text)
{
    ssize_t n;

    buf_reserve(text, 0);
    while ((n = read(STDIN_FILENO, buf_reserve(text, 65536), 65536)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            terminal_error("cannot read standard input: %s", strerror(errno));
            return -1;
        }
        text->len += (size_t)n;
        if (text->len > INPUT_MAX) {
            terminal_error("standard input has over %d MiB: too much for a message",
                           INPUT_MAX >> 20);
            return -1;
        }
    }
    if (text->len > 0 && text->data[text->len - 1] == '\n')
        text->len--;
    return 0;
}

/* --- a batch --- */

/* What goes in one request. */
struct batch {
    struct buf body;
    size_t lines, filled; /* how many, and how many of them are not blank */
    unsigned number;      /* of the request */
};

/* Goes through the results of a batch, one a line: prints those that are problems. */
static void read_results(struct sending *s, const struct buf *results)
{
    const char *line = results->data, *end = results->data + results->len;

    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t len = stop != NULL ? (size_t)(stop - line) : (size_t)(end - line);
        struct json_object *result = field_parse(line, len);
        const char *detail = field_text(result, "detail"), *code = field_text(result, "code");
        struct json_object *number;

        if (code != NULL && json_object_object_get_ex(result, "line", &number)) {
            terminal_error("line %zu: %s (%s)", s->first_line + json_object_get_int64(number) - 1,
                           detail != NULL ? detail : "refused", code);
            s->status = CLI_REFUSED;
        }
        json_object_put(result);
        line += len + 1;
    }
}

/* How many lines the server did not take because they were too many at once. */
static size_t count_limited(const struct buf *results)
{
    static const char word[] = "\"code\":\"rate_limited\"";
    const char *at = results->data, *end = results->data + results->len;
    size_t count = 0;

    while (at < end && (at = memmem(at, (size_t)(end - at), word, sizeof(word) - 1)) != NULL) {
        at += sizeof(word) - 1;
        count++;
    }
    return count;
}

/* Posts the lines, and those of them again that were too many at once: under the same key what is
 * stored already is not stored again. It goes on as long as each time some more are taken. */
static int post_lines(struct sending *s, struct batch *batch, struct client_answer *answer)
{
    const char *key = make_key(s, ++batch->number);
    size_t left = batch->filled + 1;

    for (;;) {
        size_t limited;

        if (post(s, "Content-Type: application/x-ndjson", key, &batch->body, answer) < 0)
            return -1;
        limited = count_limited(&answer->body);
        if (limited == 0 || limited >= left)
            return 0;
        left = limited;
        client_rest(answer->retry_after_ms > 0 ? answer->retry_after_ms : LIMITED_REST_MS);
    }
}

static int post_batch(struct sending *s, struct batch *batch)
{
    struct client_answer answer = {0};
    int rc = 0;

    if (batch->filled > 0)
        rc = post_lines(s, batch, &answer);
    if (rc < 0) {
        terminal_error("line %zu and those after it were not sent", s->first_line);
    } else if (batch->filled > 0) {
        if (s->options->ndjson)
            terminal_write(answer.body.data, answer.body.len);
        read_results(s, &answer.body);
    }
    client_answer_free(&answer);
    s->first_line += batch->lines;
    batch->lines = batch->filled = 0;
    buf_clear(&batch->body);
    return rc;
}

/* Reads lines and posts them by the batch. Ends at the first batch that the server does not take as
 * a whole; a line that it refuses is no reason to stop. */
static void send_batch(struct sending *s)
{
    struct batch batch = {.body = BUF_INIT};
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int rc = 0;

    s->first_line = 1;
    while (rc == 0 && (len = getline(&line, &size, stdin)) > 0) {
        if (batch.lines == BATCH_LINES ||
            (batch.lines > 0 && batch.body.len + (size_t)len > BATCH_BYTES))
            rc = post_batch(s, &batch);
        buf_append(&batch.body, line, (size_t)len);
        batch.lines++;
        /* The server skips blank lines, and refuses a batch of nothing else. */
        batch.filled += strspn(line, " \t\r\n") < (size_t)len;
    }
    if (rc == 0 && batch.lines > 0)
        post_batch(s, &batch);
    if (ferror(stdin)) {
        terminal_error("cannot read standard input: %s", strerror(errno));
        s->status = CLI_REFUSED;
    }
    free(line);
    buf_free(&batch.body);
}

/* --- the command --- */

static bool is_visible(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    return true;
}

/* What would be refused, or worse, mean something else within the body or the header. */
static int check(const struct options *o, const char *text)
{
    struct json_object *metadata = NULL;
    const char *key = o->idempotency_key;

    if (o->batch && (text != NULL || o->type != NULL || o->metadata != NULL ||
                     o->reply_to != NULL || o->ephemeral)) {
        terminal_error(
            "--batch: each line of standard input says what it is, "
            "{\"content\":\"...\"}; no TEXT, --type, --metadata, --reply-to, --ephemeral");
        return -1;
    }
    if (key != NULL && (key[0] == '\0' || strlen(key) > KEY_MAX || !is_visible(key))) {
        terminal_error("--idempotency-key: 1 to %d visible ASCII characters are wanted", KEY_MAX);
        return -1;
    }
    if (o->metadata == NULL)
        return 0;
    metadata = field_parse(o->metadata, strlen(o->metadata));
    if (metadata == NULL || !utf8_valid(o->metadata, strlen(o->metadata))) {
        terminal_error("--metadata: a JSON object is wanted, like '{\"level\":3}'");
        json_object_put(metadata);
        return -1;
    }
    json_object_put(metadata);
    return 0;
}

int send_run(const struct options *options, const char *room, const char *text)
{
    struct sending s = {.options = options, .url = BUF_INIT, .status = CLI_DONE};
    struct buf input = BUF_INIT;

    if (check(options, text) != 0)
        return CLI_USAGE;
    s.client = client_open(options);
    if (s.client == NULL)
        return CLI_USAGE;
    client_url(s.client, &s.url, (const char *[]){"rooms", room, "messages", NULL});
    if (options->batch)
        send_batch(&s);
    else if (text != NULL)
        send_one(&s, text, strlen(text));
    else if (read_input(&input) == 0)
        send_one(&s, input.data, input.len);
    else
        s.status = CLI_USAGE;
    client_close(s.client);
    buf_free(&s.url);
    buf_free(&input);
    return s.status;
}
