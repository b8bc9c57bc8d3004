#include "cli/pacing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"

#define STREAM_WAIT_S 4
#define BEATS 5
#define BEAT_MS 300
#define HELLO_MS 1500 /* how long to wait for the first event before talking all the same */
#define STEP_MS 20
#define LATE_MS 700 /* beyond two round trips, a message is held back */
#define TOGETHER_MS 100
#define ENOUGH_MS 20000

struct pacing {
    struct patient *patient;
    struct report *report;
    struct probe stream, sse, ndjson, poll, again;
    struct probe beats[BEATS];
    char bodies[BEATS][64];
    char match[160]; /* the header If-None-Match of the second long-poll */
};

/* --- asking --- */

static void start(struct pacing *p)
{
    struct patient *patient = p->patient;

    patient_ask(patient, &p->stream, "rooms/%s/events?as=sse&wait=%d", patient->room,
                STREAM_WAIT_S);
    p->stream.headers[0] = "Accept: text/event-stream";
    p->stream.limit_ms = ENOUGH_MS;
    patient_ask(patient, &p->sse, "rooms/%s/events?as=sse&wait=2", patient->quiet);
    p->sse.headers[0] = "Accept-Encoding: gzip, deflate, br";
    patient_ask(patient, &p->ndjson, "rooms/%s/events?as=ndjson&wait=2", patient->quiet);
    p->ndjson.headers[0] = "Accept-Encoding: gzip, deflate, br";
    patient_ask(patient, &p->poll, "rooms/%s/events?as=json&wait=1", patient->quiet);
    probe_start(patient->prober, &p->stream);
    probe_start(patient->prober, &p->sse);
    probe_start(patient->prober, &p->ndjson);
    probe_start(patient->prober, &p->poll);
}

static int64_t hello_ms(const struct pacing *p)
{
    return probe_when(&p->stream, "event: hello");
}

static void wait_hello(struct pacing *p)
{
    int64_t until_ms = clock_mono_ms() + HELLO_MS;

    while (hello_ms(p) < 0 && !p->stream.done && clock_mono_ms() < until_ms)
        probe_wait(p->patient->prober, NULL, 0, STEP_MS);
}

/* The long-poll that follows, once the first gave its ETag. */
static void go_on(struct pacing *p)
{
    char tag[128];

    if (p->again.began_ms != 0 || !p->poll.done || p->poll.status != 200 ||
        !probe_header(&p->poll, "etag", tag, sizeof(tag)))
        return;
    snprintf(p->match, sizeof(p->match), "If-None-Match: %s", tag);
    patient_ask(p->patient, &p->again, "rooms/%s/events?as=json&wait=1", p->patient->quiet);
    p->again.headers[0] = p->match;
    probe_start(p->patient->prober, &p->again);
}

static void talk(struct pacing *p)
{
    for (int i = 0; i < BEATS; i++) {
        struct probe *beat = &p->beats[i];

        if (p->patient->may_send) {
            snprintf(p->bodies[i], sizeof(p->bodies[i]),
                     "{\"ephemeral\":true,\"content\":\"beat %d\"}", i);
            patient_ask(p->patient, beat, "rooms/%s/messages", p->patient->room);
            beat->method = "POST";
            beat->headers[0] = "Content-Type: application/json";
            beat->text = p->bodies[i];
            beat->text_len = strlen(beat->text);
            probe_start(p->patient->prober, beat);
        }
        probe_wait(p->patient->prober, NULL, 0, BEAT_MS);
        go_on(p);
    }
}

static void finish(struct pacing *p)
{
    struct probe *all[BEATS + 5] = {&p->stream, &p->sse, &p->ndjson, &p->poll};
    size_t count = 4;

    probe_wait(p->patient->prober, all, count, ENOUGH_MS);
    go_on(p);
    if (p->again.began_ms != 0)
        all[count++] = &p->again;
    for (int i = 0; i < BEATS; i++)
        if (p->beats[i].began_ms != 0)
            all[count++] = &p->beats[i];
    probe_wait(p->patient->prober, all, count, ENOUGH_MS);
    for (size_t i = 0; i < count; i++)
        probe_stop(p->patient->prober, all[i]);
}

/* --- judging --- */

struct lags {
    int sent, arrived;
    int64_t least_ms, most_ms, round_ms;
    bool gone; /* one that was sent in time never came */
};

/* How late each message was that the stream had to carry. */
static struct lags measure(const struct pacing *p)
{
    struct lags lags = {.least_ms = INT64_MAX};

    for (int i = 0; i < BEATS; i++) {
        const struct probe *beat = &p->beats[i];
        char text[32];
        int64_t at_ms, lag_ms;

        if (beat->status != 201)
            continue;
        lags.sent++;
        if (beat->ended_ms - beat->began_ms > lags.round_ms)
            lags.round_ms = beat->ended_ms - beat->began_ms;
        snprintf(text, sizeof(text), "\"content\":\"beat %d\"", i);
        at_ms = probe_when(&p->stream, text);
        if (at_ms < 0) {
            lags.gone = lags.gone || beat->ended_ms < p->stream.ended_ms - TOGETHER_MS;
            continue;
        }
        lag_ms = at_ms - beat->began_ms;
        lags.arrived++;
        lags.least_ms = lag_ms < lags.least_ms ? lag_ms : lags.least_ms;
        lags.most_ms = lag_ms > lags.most_ms ? lag_ms : lags.most_ms;
    }
    return lags;
}

static void say_held(struct pacing *p, const struct lags *lags, int64_t hello_lag_ms)
{
    double open_s = (double)(p->stream.ended_ms - p->stream.began_ms) / 1000;
    int64_t hello = hello_ms(p);

    if (hello < 0 || p->stream.ended_ms - hello < TOGETHER_MS)
        report_say(p->report, REPORT_WRONG, "buffering",
                   "the stream is held back to its end: for %.1f s nothing, then all at once%s",
                   open_s, lags->sent > 0 ? ", with the messages sent meanwhile" : "");
    else if (lags->sent == 0)
        report_say(p->report, REPORT_WRONG, "buffering", "the first event came after %.1f s",
                   (double)hello_lag_ms / 1000);
    else
        report_say(p->report, REPORT_WRONG, "buffering",
                   "messages sent %d ms apart came in heaps, up to %.1f s late, %d of %d", BEAT_MS,
                   (double)lags->most_ms / 1000, lags->arrived, lags->sent);
}

static void check_pace(struct pacing *p)
{
    struct lags lags = measure(p);
    int64_t late_ms = LATE_MS + 2 * lags.round_ms;
    int64_t hello = hello_ms(p), hello_lag_ms = hello < 0 ? INT64_MAX : hello - p->stream.began_ms;

    if (hello_lag_ms > late_ms || lags.most_ms > late_ms || lags.gone)
        say_held(p, &lags, hello_lag_ms);
    else if (lags.sent == 0)
        report_say(p->report, REPORT_OK, "buffering",
                   "the first event came after %lld ms, the end %.1f s later (no right to send, so "
                   "no more was measured)",
                   (long long)hello_lag_ms, (double)(p->stream.ended_ms - hello) / 1000);
    else
        report_say(p->report, REPORT_OK, "buffering",
                   "%d messages, %d ms apart, came %lld to %lld ms after they were sent",
                   lags.arrived, BEAT_MS, (long long)lags.least_ms, (long long)lags.most_ms);
}

/* Is it a stream at all? */
static bool check_stream(struct pacing *p)
{
    char type[96], code[64];

    probe_header(&p->stream, "content-type", type, sizeof(type));
    probe_problem(&p->stream, code, sizeof(code));
    if (p->stream.status == 200 && strncasecmp(type, "text/event-stream", 17) == 0)
        return true;
    if (p->stream.status == 200)
        report_say(p->report, REPORT_WRONG, "stream",
                   "asked for text/event-stream, got %s: is the query handed on?", type);
    else
        report_say(p->report, REPORT_WRONG, "stream", "a stream is answered %ld %s",
                   p->stream.status, p->stream.status == 0 ? p->stream.error : code);
    return false;
}

static void check_compression(struct pacing *p)
{
    char sse[48], ndjson[48];
    bool first = probe_header(&p->sse, "content-encoding", sse, sizeof(sse));
    bool second = probe_header(&p->ndjson, "content-encoding", ndjson, sizeof(ndjson));

    if (first || second)
        report_say(p->report, REPORT_WRONG, "compression",
                   "streams are compressed (%s): messages wait until a block is full, and each "
                   "stream costs the web server memory",
                   first && second ? "server-sent events and ndjson"
                   : first         ? "server-sent events"
                                   : "ndjson");
    else
        report_say(p->report, REPORT_OK, "compression", "streams come as they are");
}

static void check_polls(struct pacing *p)
{
    char value[128];

    if (p->poll.status != 200) {
        report_say(p->report, REPORT_WRONG, "long-poll", "is answered %ld %s", p->poll.status,
                   p->poll.error);
        return;
    }
    if (!probe_header(&p->poll, "etag", value, sizeof(value)))
        report_say(p->report, REPORT_WRONG, "etag", "the ETag of a long-poll is lost");
    else if (p->again.status != 304)
        report_say(p->report, REPORT_WRONG, "etag",
                   "a long-poll that has nothing new (If-None-Match) is answered %ld, not 304",
                   p->again.status);
    else if (!probe_header(&p->poll, "content-length", value, sizeof(value)))
        report_say(p->report, REPORT_NOTE, "long-poll",
                   "comes without its Content-Length: where it is cut off, clients cannot tell");
    else
        report_say(p->report, REPORT_OK, "long-poll", "waits, and comes with its length and ETag");
}

void pacing_run(struct patient *patient)
{
    struct pacing *p = mem_zero(sizeof(*p));

    p->patient = patient;
    p->report = &patient->report;
    start(p);
    wait_hello(p);
    talk(p);
    finish(p);
    if (check_stream(p)) {
        check_pace(p);
        check_compression(p);
        check_polls(p);
    }
    probe_free(&p->stream);
    probe_free(&p->sse);
    probe_free(&p->ndjson);
    probe_free(&p->poll);
    probe_free(&p->again);
    for (int i = 0; i < BEATS; i++)
        probe_free(&p->beats[i]);
    free(p);
}
