#include "hub/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define NO_SCRIPT (-1)

struct question {
    TAILQ_ENTRY(question) link;
    char *formatted; /* NULL: a SCRIPT LOAD, made anew when it is asked again */
    size_t len;
    int script;      /* enum script, or NO_SCRIPT */
    bool sent;       /* and not answered */
    int64_t sent_us; /* clock_mono_us() */
    bool cancelled;
    ask_answer *answer;
    void *arg;
};

static void on_up(void *owner);
static void on_down(void *owner);
static void on_reply(void *owner, const redisReply *reply);

static const struct wire_events wire_events = {on_up, on_down, on_reply};

void ask_open(struct ask *ask, uv_loop_t *loop, const struct topology *topology, int64_t timeout_ms)
{
    TAILQ_INIT(&ask->sent);
    TAILQ_INIT(&ask->unsent);
    wire_init(&ask->wire, loop, topology, "ask", timeout_ms, &wire_events, ask);
}

static void free_question(struct question *q)
{
    redisFreeCommand(q->formatted);
    free(q);
}

void ask_close(struct ask *ask)
{
    struct question *q;

    wire_close(&ask->wire);
    TAILQ_CONCAT(&ask->sent, &ask->unsent, link);
    while ((q = TAILQ_FIRST(&ask->sent)) != NULL) {
        TAILQ_REMOVE(&ask->sent, q, link);
        free_question(q);
    }
}

/* Moves a question onto the wire when that is up. */
static void send_question(struct ask *ask, struct question *q)
{
    int status;

    q->sent = false;
    if (!ask->wire.ready) {
        TAILQ_INSERT_TAIL(&ask->unsent, q, link);
        return;
    }
    if (q->formatted == NULL)
        status = script_load(ask->wire.link, (enum script)q->script);
    else
        status = link_append(ask->wire.link, q->formatted, q->len);
    if (status < 0) {
        TAILQ_INSERT_TAIL(&ask->unsent, q, link);
        wire_drop(&ask->wire, "too much is unsent");
        return;
    }
    if (TAILQ_EMPTY(&ask->sent))
        wire_expect(&ask->wire, true);
    TAILQ_INSERT_TAIL(&ask->sent, q, link);
    q->sent = true;
    q->sent_us = clock_mono_us();
}

struct question *ask_script(struct ask *ask, enum script script, const char *key, int argc,
                            const char **argv, ask_answer *answer, void *arg)
{
    struct question *q = mem_zero(sizeof(*q));
    int len = script_format(&q->formatted, script, key, argc, argv, NULL);

    q->len = len > 0 ? (size_t)len : 0;
    q->script = (int)script;
    q->answer = answer;
    q->arg = arg;
    send_question(ask, q);
    return q;
}

void ask_cancel(struct ask *ask, struct question *q)
{
    q->cancelled = true;
    if (q->sent)
        return;
    TAILQ_REMOVE(&ask->unsent, q, link);
    free_question(q);
}

void ask_command(struct ask *ask, int argc, const char **argv, ask_answer *answer, void *arg)
{
    struct question *q = mem_zero(sizeof(*q));
    int len = redisFormatCommandArgv(&q->formatted, argc, argv, NULL);

    q->len = len > 0 ? (size_t)len : 0;
    q->script = NO_SCRIPT;
    q->answer = answer;
    q->arg = arg;
    send_question(ask, q);
}

static void on_up(void *owner)
{
    struct ask *ask = owner;
    struct question_list again = TAILQ_HEAD_INITIALIZER(again);
    struct question *q;

    TAILQ_CONCAT(&again, &ask->unsent, link);
    while (ask->wire.ready && (q = TAILQ_FIRST(&again)) != NULL) {
        TAILQ_REMOVE(&again, q, link);
        send_question(ask, q);
    }
    TAILQ_CONCAT(&ask->unsent, &again, link);
}

static void on_down(void *owner)
{
    struct ask *ask = owner;
    struct question *q, *next;

    TAILQ_CONCAT(&ask->sent, &ask->unsent, link);
    TAILQ_CONCAT(&ask->unsent, &ask->sent, link);
    for (q = TAILQ_FIRST(&ask->unsent); q != NULL && q->sent; q = next) {
        next = TAILQ_NEXT(q, link);
        q->sent = false;
        if (q->cancelled)
            ask_cancel(ask, q);
    }
}

/* Redis has forgotten the script: gives it, and asks again behind it. */
static void ask_again(struct ask *ask, struct question *q)
{
    struct question *load = mem_zero(sizeof(*load));

    load->script = q->script;
    send_question(ask, load);
    send_question(ask, q);
}

/* Loading, failing over, busy: what is asked here only reads, so it is asked until it is answered.
 */
static bool passes_by_itself(const redisReply *reply)
{
    static const char *const words[] = {"LOADING",     "BUSY",     "MASTERDOWN",
                                        "CLUSTERDOWN", "TRYAGAIN", "READONLY"};

    for (size_t i = 0; reply->type == REDIS_REPLY_ERROR && i < sizeof(words) / sizeof(words[0]);
         i++)
        if (strncmp(reply->str, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static void count(struct trips *trips, const struct question *q, const redisReply *reply)
{
    if (trips == NULL)
        return;
    meter_observe(&trips->round, clock_mono_us() - q->sent_us);
    if (reply->type == REDIS_REPLY_ERROR)
        trips_answered(trips, reply->str);
}

static void on_reply(void *owner, const redisReply *reply)
{
    struct ask *ask = owner;
    struct question *q = TAILQ_FIRST(&ask->sent);

    if (q == NULL) {
        wire_drop(&ask->wire, "a reply to nothing");
        return;
    }
    TAILQ_REMOVE(&ask->sent, q, link);
    wire_expect(&ask->wire, !TAILQ_EMPTY(&ask->sent));
    if (q->cancelled) {
        free_question(q);
        return;
    }
    if (q->script != NO_SCRIPT && script_missing(reply)) {
        ask_again(ask, q);
        return;
    }
    if (q->answer != NULL && passes_by_itself(reply)) {
        TAILQ_INSERT_HEAD(&ask->sent, q, link);
        wire_drop(&ask->wire, reply->str);
        return;
    }
    count(ask->wire.trips, q, reply);
    if (q->answer != NULL)
        q->answer(q->arg, reply);
    else if (reply->type == REDIS_REPLY_ERROR)
        log_debug("Redis refuses reply=\"%.200s\"", reply->str);
    free_question(q);
}

void ask_tick(struct ask *ask, int64_t now_ms)
{
    wire_tick(&ask->wire, now_ms);
}

void ask_flush(struct ask *ask)
{
    wire_flush(&ask->wire);
}
