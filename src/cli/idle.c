#include "cli/idle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define POLL_MAX_S 120 /* poll_wait_max, unless it was changed */
#define GRACE_MS 2000
#define TURN_MS 500
#define NOTHING "doctor.nothing" /* a type that nobody sends: who comes and goes does not count */

struct idle {
    struct patient *patient;
    int64_t began_ms, look_ms;
    int64_t poll_s; /* 0 = as long as the server likes */
    bool asked_again;
    struct probe stream, poll;
};

static void start_poll(struct idle *idle)
{
    struct patient *patient = idle->patient;

    if (idle->poll_s > 0)
        patient_ask(patient, &idle->poll, "rooms/%s/events?as=json&types=" NOTHING "&wait=%lld",
                    patient->quiet, (long long)idle->poll_s);
    else
        patient_ask(patient, &idle->poll, "rooms/%s/events?as=json&types=" NOTHING, patient->quiet);
    idle->poll.limit_ms = idle->look_ms + GRACE_MS;
    probe_start(patient->prober, &idle->poll);
}

struct idle *idle_start(struct patient *patient, int64_t ms)
{
    struct idle *idle = mem_zero(sizeof(*idle));

    idle->patient = patient;
    idle->began_ms = clock_mono_ms();
    idle->look_ms = ms;
    /* Its answer must be here when the time is over. */
    idle->poll_s = (ms - 500) / 1000 < POLL_MAX_S ? (ms - 500) / 1000 : POLL_MAX_S;
    if (idle->poll_s < 1)
        idle->poll_s = 1;
    patient_ask(patient, &idle->stream, "rooms/%s/events?as=sse&types=" NOTHING, patient->quiet);
    idle->stream.headers[0] = "Accept: text/event-stream";
    idle->stream.limit_ms = ms + 60000; /* it is stopped before */
    probe_start(patient->prober, &idle->stream);
    start_poll(idle);
    return idle;
}

static bool is_over(const struct idle *idle)
{
    int64_t past_ms = clock_mono_ms() - idle->began_ms;

    return (idle->stream.done && idle->poll.done) ||
           past_ms > idle->look_ms + (idle->poll.done ? 0 : GRACE_MS);
}

/* Where the site allows no poll as long as ours: one as long as it likes. */
static void poll_again(struct idle *idle)
{
    if (!idle->poll.done || idle->poll.status != 400 || idle->asked_again)
        return;
    idle->asked_again = true;
    idle->poll_s = 0;
    probe_free(&idle->poll);
    start_poll(idle);
}

static void look(struct idle *idle)
{
    struct probe *both[] = {&idle->stream, &idle->poll};

    for (poll_again(idle); !is_over(idle); poll_again(idle)) {
        report_progress(&idle->patient->report, "looking at an idle stream: %lld of %lld s",
                        (long long)((clock_mono_ms() - idle->began_ms) / 1000),
                        (long long)(idle->look_ms / 1000));
        probe_wait(idle->patient->prober, both, 2, TURN_MS);
    }
    report_progress(&idle->patient->report, "%s", "");
}

/* --- judging --- */

static int count_beats(const struct probe *stream)
{
    int beats = 0;

    for (const char *at = stream->body.len > 0 ? stream->body.data : NULL;
         at != NULL && (at = strstr(at, "\n:")) != NULL; at++)
        beats++;
    return beats;
}

/* Did the server end it: with a time to come back after, or with the reason? */
static bool ended_in_order(const struct probe *stream)
{
    const char *hello = stream->body.len > 0 ? strstr(stream->body.data, "event: hello") : NULL;

    return hello != NULL &&
           (strstr(hello, "\nretry:") != NULL || strstr(hello, "event: bye") != NULL);
}

static void judge_stream(struct idle *idle)
{
    struct report *report = &idle->patient->report;
    const struct probe *stream = &idle->stream;
    double lived_s = (double)(stream->ended_ms - stream->began_ms) / 1000;
    double silent_s = (double)(stream->ended_ms - stream->heard_ms) / 1000;

    if (!stream->done)
        report_say(report, REPORT_OK, "idle", "a silent stream is open after %lld s, %d heartbeats",
                   (long long)((clock_mono_ms() - stream->began_ms) / 1000), count_beats(stream));
    else if (stream->status != 200 && stream->status != 504 && stream->status != 0)
        report_say(report, REPORT_NOTE, "idle", "a second stream is answered %ld", stream->status);
    else if (ended_in_order(stream))
        report_say(report, REPORT_OK, "idle", "earshot itself ended the stream after %.1f s",
                   lived_s);
    else
        report_say(report, REPORT_WRONG, "idle",
                   "a silent stream was cut after %.1f s, %.1f s after its last byte: clients come "
                   "back all the time",
                   lived_s, silent_s);
}

static void judge_poll(struct idle *idle)
{
    struct report *report = &idle->patient->report;
    const struct probe *poll = &idle->poll;
    int64_t waited_ms = (poll->done ? poll->ended_ms : clock_mono_ms()) - poll->began_ms;
    double waited_s = (double)waited_ms / 1000;
    bool answered = poll->done && (poll->status == 200 || poll->status == 304);
    bool early = answered && idle->poll_s > 0 && waited_ms < idle->poll_s * 1000 - GRACE_MS / 2;

    if (answered && !early)
        report_say(report, REPORT_OK, "idle-poll", "a long-poll waited for %.1f s", waited_s);
    else if (early)
        report_say(report, REPORT_NOTE, "idle-poll",
                   "a long-poll of wait=%lld was answered after %.1f s: something was said there, "
                   "or too many are open",
                   (long long)idle->poll_s, waited_s);
    else if (!poll->done && idle->poll_s == 0)
        report_say(report, REPORT_OK, "idle-poll", "a long-poll waits since %.1f s", waited_s);
    else if (poll->status >= 400 && poll->status < 500)
        report_say(report, REPORT_NOTE, "idle-poll", "a long-poll is answered %ld", poll->status);
    else if (poll->status != 0)
        report_say(report, REPORT_WRONG, "idle",
                   "a long-poll of wait=%lld was answered %ld after %.1f s",
                   (long long)idle->poll_s, poll->status, waited_s);
    else
        report_say(report, REPORT_WRONG, "idle",
                   "a long-poll of wait=%lld was not answered, but %s after %.1f s",
                   (long long)idle->poll_s, poll->done && !poll->timed_out ? "cut" : "left open",
                   waited_s);
}

void idle_finish(struct idle *idle)
{
    struct prober *prober = idle->patient->prober;

    look(idle);
    judge_stream(idle);
    judge_poll(idle);
    probe_stop(prober, &idle->stream);
    probe_stop(prober, &idle->poll);
    probe_free(&idle->stream);
    probe_free(&idle->poll);
    free(idle);
}
