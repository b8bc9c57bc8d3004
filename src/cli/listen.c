#include "cli/listen.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/address.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/field.h"
#include "cli/sse.h"
#include "cli/terminal.h"
#include "event/frame.h"

/* The server sends something every 15 s, by default: three missing heartbeats are a dead
 * connection. */
#define SILENCE_MS 45000
/* A stream that lasted so long was a good one, even if nobody said anything. */
#define GOOD_STREAM_MS 10000
/* No server gets us to wait longer than this. */
#define RETRY_MAX_MS 300000
#define FIRST_RETRY_FOR_MS 10000

struct listener {
    const struct options *options;
    struct client *client;
    char *const *rooms;
    size_t rooms_count;
    struct sse *sse;   /* of this connection */
    struct buf cursor; /* where to go on, or empty */
    struct buf out;    /* lines that are not printed yet */
    int64_t printed;   /* lines, of all connections */
    int64_t retry_ms;  /* what the server wants us to wait, or -1 */
    unsigned failures; /* since something good happened */
    bool done;         /* printed all that was wanted */
    bool broken;       /* what came is no stream of events */
    bool connected;    /* at least once */
};

/* --- one event --- */

static void print_text(struct listener *l, const struct sse_event *event)
{
    struct event shown = {.json = event->data, .json_len = event->data_len};
    struct json_object *object;
    const char *room;

    if (l->options->feed != NULL)
        field_time(&l->out, event->data, event->data_len);
    if (l->rooms_count == 1) {
        frame_event(&l->out, FRAME_TEXT, &shown);
        return;
    }
    object = field_parse(event->data, event->data_len);
    room = field_text(object, "room");
    frame_text_room(&l->out, &shown, room != NULL ? room : "?");
    json_object_put(object);
}

static void say_gap(const struct sse_event *event)
{
    struct json_object *object = field_parse(event->data, event->data_len);
    const char *room = field_text(object, "room"), *requested = field_text(object, "requested"),
               *oldest = field_text(object, "oldest");

    terminal_error("gap: messages%s%s are lost: asked for those after %s, the oldest kept is %s",
                   room != NULL ? " of " : "", room != NULL ? room : "",
                   requested != NULL ? requested : "?", oldest != NULL ? oldest : "?");
    json_object_put(object);
}

static void say_bye(const struct sse_event *event)
{
    struct json_object *object = field_parse(event->data, event->data_len);
    const char *reason = field_text(object, "reason");
    struct json_object *in;

    if (json_object_object_get_ex(object, "in", &in))
        terminal_notice("the token ends in %lld s", (long long)json_object_get_int64(in));
    else
        terminal_notice("the server ends this stream: %s",
                        reason != NULL ? reason : "no reason given");
    json_object_put(object);
}

static void take_event(struct listener *l, const struct sse_event *event)
{
    size_t before = l->out.len;
    const char *id = sse_last_id(l->sse);

    if (id[0] != '\0') {
        buf_clear(&l->cursor);
        buf_str(&l->cursor, id);
    }
    if (strcmp(event->type, "hello") == 0) {
        terminal_notice(l->connected ? "connected again" : "connected");
        l->connected = true;
        return;
    }
    if (strcmp(event->type, "bye") == 0) {
        say_bye(event);
        return;
    }
    l->failures = 0;
    if (strcmp(event->type, "gap") == 0)
        say_gap(event);
    else if (l->options->ndjson)
        field_line(&l->out, event->data, event->data_len);
    else
        print_text(l, event);
    if (l->out.len > before && ++l->printed == l->options->count)
        l->done = true;
}

static int on_bytes(void *context, const char *bytes, size_t len)
{
    struct listener *l = context;
    struct sse_event event;
    int got;

    sse_feed(l->sse, bytes, len);
    while (!l->done && (got = sse_next(l->sse, &event)) != 0) {
        if (got < 0) {
            l->broken = true;
            break;
        }
        take_event(l, &event);
    }
    terminal_write(l->out.data, l->out.len);
    buf_clear(&l->out);
    if (sse_retry_ms(l->sse) >= 0)
        l->retry_ms = sse_retry_ms(l->sse) < RETRY_MAX_MS ? sse_retry_ms(l->sse) : RETRY_MAX_MS;
    return l->done || l->broken ? -1 : 0;
}

/* --- one connection --- */

static void make_url(const struct listener *l, struct buf *url)
{
    if (l->options->feed != NULL)
        client_url(l->client, url, (const char *[]){"admin", l->options->feed, "events", NULL});
    else if (l->rooms_count == 1)
        client_url(l->client, url, (const char *[]){"rooms", l->rooms[0], "events", NULL});
    else
        client_url(l->client, url, (const char *[]){"events", NULL});
    for (size_t i = 0; l->rooms_count > 1 && i < l->rooms_count; i++)
        address_query(url, "room", l->rooms[i]);
    address_query(url, "as", "sse");
    if (l->cursor.len == 0)
        address_query(url, "since", l->options->since);
    address_query(url, "types", l->options->types);
}

static int connect_once(struct listener *l, struct client_answer *answer)
{
    struct buf url = BUF_INIT, cursor = BUF_INIT;
    struct client_call call = {.method = "GET",
                               .headers = {"Accept: text/event-stream", NULL},
                               .silence_ms = SILENCE_MS,
                               .on_bytes = on_bytes,
                               .context = l};
    int rc;

    make_url(l, &url);
    call.url = url.data;
    if (l->cursor.len > 0) {
        buf_printf(&cursor, "Last-Event-ID: %s", l->cursor.data);
        call.headers[1] = cursor.data;
    }
    l->sse = sse_create();
    rc = client_call(l->client, &call, answer);
    sse_free(l->sse);
    l->sse = NULL;
    buf_free(&url);
    buf_free(&cursor);
    return rc;
}

/* --- all of them --- */

/* Is this the end? Sets the exit status if so. `tried_ms`: how long we have been at it. */
static bool is_final(const struct listener *l, int rc, const struct client_answer *answer,
                     int64_t tried_ms, int *status)
{
    int64_t retry_for_ms =
        l->options->retry_for_ms >= 0 ? l->options->retry_for_ms : FIRST_RETRY_FOR_MS;
    bool busy = answer->status == 429 || answer->status == 503 || answer->status == 507;

    *status = CLI_DONE;
    if (l->done)
        return true;
    if (l->broken) {
        terminal_error("what the server sends is no stream of events");
        *status = CLI_REFUSED;
        return true;
    }
    if (answer->streamed)
        return false;
    if (rc == 0 && answer->status == 204)
        return true;
    /* Once it worked, it will again; before, more likely the URL is wrong. */
    if (answer->retriable && (l->connected || busy || tried_ms < retry_for_ms))
        return false;
    *status = client_explain(l->client, answer);
    return true;
}

static void say_cut(const struct listener *l, int rc, const struct client_answer *answer,
                    int64_t wait_ms)
{
    double seconds = (double)wait_ms / 1000;

    if (rc < 0)
        terminal_notice("%s; connecting again in %.1f s", client_error(l->client), seconds);
    else if (!answer->streamed)
        terminal_notice("the server answered %ld; connecting again in %.1f s", answer->status,
                        seconds);
    else
        terminal_notice("the stream ended; connecting again in %.1f s", seconds);
}

/* Sleeps, and ends the command when the reader of its output has gone meanwhile. */
static void rest(int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms;

    while ((ms = until_ms - clock_mono_ms()) > 0) {
        struct timespec step = {.tv_nsec = (ms < 500 ? ms : 500) * 1000000};

        if (terminal_reader_gone())
            exit(CLI_DONE);
        nanosleep(&step, NULL);
    }
}

static int listen_all(struct listener *l)
{
    struct client_answer answer = {0};
    int64_t start_ms = clock_mono_ms();
    int status;

    for (;;) {
        int64_t before_ms = clock_mono_ms(), wait_ms, now_ms;
        int rc = connect_once(l, &answer);

        now_ms = clock_mono_ms();
        if (is_final(l, rc, &answer, now_ms - start_ms, &status))
            break;
        if (answer.streamed) {
            l->connected = true;
            if (now_ms - before_ms > GOOD_STREAM_MS)
                l->failures = 0;
        }
        wait_ms = answer.streamed ? l->retry_ms : answer.retry_after_ms;
        if (wait_ms > RETRY_MAX_MS)
            wait_ms = RETRY_MAX_MS;
        wait_ms = client_backoff_ms(l->failures++, wait_ms);
        say_cut(l, rc, &answer, wait_ms);
        rest(wait_ms);
    }
    client_answer_free(&answer);
    return status;
}

int listen_run(const struct options *options, char *const *rooms, size_t count)
{
    struct listener l = {.options = options, .rooms = rooms, .rooms_count = count, .retry_ms = -1};
    int status;

    l.client = client_open(options);
    if (l.client == NULL)
        return CLI_USAGE;
    status = listen_all(&l);
    client_close(l.client);
    buf_free(&l.cursor);
    buf_free(&l.out);
    return status;
}
