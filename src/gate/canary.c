#include "gate/canary.h"

#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/event.h"
#include "gate/park.h"
#include "store/journal.h"
#include "supervisor/scoreboard.h"

/* No client can name it, for ! is in no name; and what begins with @ stands in no list of rooms. */
#define ROOM "@!canary"
#define NAMESPACE "main"

#define CHECK_MS 1500
#define FRESH_MS 1000   /* a verdict that is not older is told again */
#define PATIENCE_MS 200 /* how long to wait for another gate's check */
#define WAITING_MAX 2   /* gates */
#define STALE_MS 4000   /* a verdict that is older is none; longer than a check and FRESH_MS */
#define HELLO "\"type\":\"hello\""
#define NONCE_BYTES 16

enum outcome { OUTCOME_OK, OUTCOME_NO_REDIS, OUTCOME_FULL, OUTCOME_SILENT };

struct verdict {
    enum outcome outcome;
    int hub; /* the silent one */
    int64_t latency_ms;
};

/* A stream in one hub. */
struct perch {
    int fd;
    size_t len;
    char heard[4096];
};

struct canary {
    const struct heritage *heritage;
    char nonce[NONCE_BYTES * 2 + 1];
    struct perch perches[HERITAGE_HUBS_MAX];
};

/* --- one check --- */

/* Opens a stream in a hub. Returns 0, or -1 when the hub takes none in time. */
static int perch_open(struct canary *canary, int hub, int64_t deadline_ms)
{
    struct pollfd inlet = {.fd = canary->heritage->inlets[hub][1], .events = POLLOUT};
    const struct parking parking = {
        .form = FRAME_NDJSON,
        .wait_ms = CHECK_MS,
        .headers = "",
        .request_ref = "canary",
        .user_id = "",
        .name = "",
        .token_id = "",
        .address = "",
        .namespace = NAMESPACE,
        .rooms_count = 1,
        .rooms = {ROOM},
        .starts = {{START_LATEST, {0, 0}}},
        .rights = {PARKING_READ},
    };
    int pair[2], result;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    while ((result = park_offer(canary->heritage, hub, &parking, pair[1])) < 0 &&
           clock_mono_ms() < deadline_ms)
        poll(&inlet, 1, 50);
    close(pair[1]);
    canary->perches[hub].fd = pair[0];
    return result;
}

/* Reads what a hub says. Returns 0, or -1 when it ended the stream. */
static int perch_read(struct perch *perch)
{
    ssize_t len;

    /* A full buffer holds what is not ours; a word may have begun at its end. */
    if (perch->len == sizeof(perch->heard)) {
        perch->len = sizeof(perch->heard) / 2;
        memmove(perch->heard, perch->heard + perch->len, perch->len);
    }
    len = recv(perch->fd, perch->heard + perch->len, sizeof(perch->heard) - perch->len, 0);
    if (len > 0)
        perch->len += (size_t)len;
    return len == 0 ? -1 : 0;
}

static bool has_heard(const struct perch *perch, const char *word)
{
    return memmem(perch->heard, perch->len, word, strlen(word)) != NULL;
}

/* Waits until all hubs have said the word. Returns -1, or the first hub that has not. */
static int await(struct canary *canary, const char *word, int64_t deadline_ms)
{
    const int hubs = canary->heritage->hubs;
    int first = 0;

    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        struct pollfd p = {.events = POLLIN};

        while (first < hubs && has_heard(&canary->perches[first], word))
            first++;
        if (first == hubs)
            return -1;
        p.fd = canary->perches[first].fd;
        if (left_ms <= 0 ||
            (poll(&p, 1, (int)left_ms) > 0 && perch_read(&canary->perches[first]) < 0))
            return first;
    }
}

static enum store_status send_event(const struct canary *canary, struct store *store)
{
    const struct journal_limits limits = {.history_max = 1};
    const struct caller caller = {.rights = "rw"};
    const struct event_draft draft = {.type = "canary",
                                      .room = ROOM,
                                      .name = "canary",
                                      .content = canary->nonce,
                                      .content_len = strlen(canary->nonce)};
    struct send send = {.room = ROOM};
    struct buf json = BUF_INIT;

    event_write(&json, &draft);
    send.json = json.data;
    send.json_len = json.len;
    journal_send(store, NAMESPACE, &caller, &limits, &send, 1);
    buf_free(&json);
    return send.status;
}

static struct verdict redis_verdict(enum store_status status)
{
    return (struct verdict){.outcome = status == STORE_FULL ? OUTCOME_FULL : OUTCOME_NO_REDIS};
}

/* A hub's hello says that it is subscribed and knows where the log ends: from then on it must
 * deliver what is stored. */
static struct verdict listen_and_send(struct canary *canary, struct store *store)
{
    int64_t deadline_ms = clock_mono_ms() + CHECK_MS, sent_ms;
    enum store_status status = store_ping(store);
    int silent;

    if (status != STORE_OK)
        return redis_verdict(status);
    for (int i = 0; i < canary->heritage->hubs; i++)
        if (perch_open(canary, i, deadline_ms) < 0)
            return (struct verdict){.outcome = OUTCOME_SILENT, .hub = i};
    silent = await(canary, HELLO, deadline_ms);
    if (silent >= 0)
        return (struct verdict){.outcome = OUTCOME_SILENT, .hub = silent};
    sent_ms = clock_mono_ms();
    status = send_event(canary, store);
    if (status != STORE_OK)
        return redis_verdict(status);
    silent = await(canary, canary->nonce, deadline_ms);
    if (silent >= 0)
        return (struct verdict){.outcome = OUTCOME_SILENT, .hub = silent};
    return (struct verdict){.outcome = OUTCOME_OK, .latency_ms = clock_mono_ms() - sent_ms};
}

static struct verdict check(const struct heritage *heritage, struct store *store)
{
    static struct canary canary;
    unsigned char nonce[NONCE_BYTES];
    struct verdict verdict;

    canary.heritage = heritage;
    for (int i = 0; i < heritage->hubs; i++) {
        canary.perches[i].fd = -1;
        canary.perches[i].len = 0;
    }
    randombytes_buf(nonce, sizeof(nonce));
    sodium_bin2hex(canary.nonce, sizeof(canary.nonce), nonce, sizeof(nonce));
    verdict = listen_and_send(&canary, store);
    for (int i = 0; i < heritage->hubs; i++)
        if (canary.perches[i].fd >= 0)
            close(canary.perches[i].fd);
    return verdict;
}

/* --- one at a time --- */

/* In one word, so that whoever reads it reads all of one verdict. */
static uint64_t pack(const struct verdict *verdict)
{
    return (uint64_t)verdict->latency_ms << 16 | (uint64_t)verdict->hub << 8 |
           (uint64_t)verdict->outcome;
}

static struct verdict unpack(uint64_t word)
{
    return (struct verdict){.outcome = (enum outcome)(word & 0xff),
                            .hub = (int)(word >> 8 & 0xff),
                            .latency_ms = (int64_t)(word >> 16)};
}

/* Reads the last verdict, unless it is older than `age_ms`. */
static bool recall(struct scoreboard_canary *shared, int64_t age_ms, struct verdict *verdict)
{
    int64_t done_ms = atomic_load(&shared->done_ms);

    if (done_ms == 0 || clock_mono_ms() - done_ms > age_ms)
        return false;
    *verdict = unpack(atomic_load(&shared->verdict));
    return true;
}

/* Makes this gate the one that checks. A gate that dies at it gives way when its time is over. */
static bool take_turn(struct scoreboard_canary *shared, int64_t most_ms)
{
    int64_t now_ms = clock_mono_ms(), until_ms = atomic_load(&shared->busy_until_ms);

    return now_ms >= until_ms &&
           atomic_compare_exchange_strong(&shared->busy_until_ms, &until_ms, now_ms + most_ms);
}

static struct verdict check_alone(struct scoreboard_canary *shared, const struct heritage *heritage,
                                  struct store *store)
{
    struct verdict verdict = check(heritage, store);

    if (verdict.outcome == OUTCOME_SILENT)
        log_warn("hub=%d does not deliver", verdict.hub);
    atomic_store(&shared->waiting, 0); /* a gate that died while it waited is forgotten here */
    /* In this order: who sees the new time sees this verdict or a newer one. */
    atomic_store(&shared->verdict, pack(&verdict));
    atomic_store(&shared->done_ms, clock_mono_ms());
    return verdict;
}

/* Those that were forgotten at the end of a check are not subtracted again. */
static void stop_waiting(struct scoreboard_canary *shared)
{
    int waiting = atomic_load(&shared->waiting);

    while (waiting > 0 && !atomic_compare_exchange_weak(&shared->waiting, &waiting, waiting - 1)) {
    }
}

/* Waits for the check that is under way: it seldom takes long. Returns whether it was done. */
static bool wait_for_other(struct scoreboard_canary *shared, struct verdict *verdict)
{
    int64_t give_up_ms = clock_mono_ms() + PATIENCE_MS;
    bool done = false;

    if (atomic_fetch_add(&shared->waiting, 1) < WAITING_MAX)
        while (!(done = recall(shared, FRESH_MS, verdict)) && clock_mono_ms() < give_up_ms)
            poll(NULL, 0, 5);
    stop_waiting(shared);
    return done;
}

/* Returns whether there is a verdict to tell. */
static bool find_verdict(struct api *api, const struct heritage *heritage, struct verdict *verdict)
{
    struct scoreboard_canary *shared = &heritage->board->canary;

    if (recall(shared, FRESH_MS, verdict))
        return true;
    if (take_turn(shared, CHECK_MS + 3 * api->conf->redis_timeout_ms)) {
        /* Another may have been done with its own since. */
        if (!recall(shared, FRESH_MS, verdict))
            *verdict = check_alone(shared, heritage, api->store);
        atomic_store(&shared->busy_until_ms, 0);
        return true;
    }
    return recall(shared, STALE_MS, verdict) || wait_for_other(shared, verdict);
}

void canary_run(struct api *api, const struct heritage *heritage)
{
    struct verdict verdict;

    find_verdict(api, heritage, &verdict);
}

bool canary_last(const struct heritage *heritage, struct canary_last *last)
{
    struct scoreboard_canary *shared = &heritage->board->canary;
    int64_t done_ms = atomic_load(&shared->done_ms);
    struct verdict verdict = unpack(atomic_load(&shared->verdict));

    *last = (struct canary_last){.good = verdict.outcome == OUTCOME_OK,
                                 .latency_ms = verdict.latency_ms,
                                 .age_ms = clock_mono_ms() - done_ms};
    return done_ms != 0;
}

void canary_check(struct api *api, const struct heritage *heritage)
{
    struct verdict verdict;

    if (!find_verdict(api, heritage, &verdict)) {
        api_fail(api, 503, "check_running", "another check is under way; try again soon");
    } else if (verdict.outcome == OUTCOME_OK) {
        api->reply->status = 200;
        api->reply->content_type = "application/json";
        buf_printf(&api->reply->body, "{\"status\":\"ok\",\"hubs\":%d,\"latency_ms\":%lld}\n",
                   heritage->hubs, (long long)verdict.latency_ms);
    } else if (verdict.outcome == OUTCOME_SILENT) {
        api_fail(api, 503, "hub_silent", "hub %d did not deliver within %d ms what was sent",
                 verdict.hub, CHECK_MS);
    } else if (verdict.outcome == OUTCOME_FULL) {
        api_fail(api, 503, "redis_full", "Redis has no memory or disk left: it stores nothing");
    } else {
        api_fail(api, 503, "redis_unavailable", "Redis does not answer");
    }
    api_retry_after(api, 0);
}
