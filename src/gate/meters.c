#include "gate/meters.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "gate/route.h"
#include "http/exposition.h"
#include "supervisor/scoreboard.h"

/* The build system knows it; a file compiled by hand does not. */
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

#define SILENT_MS (3 * SCOREBOARD_RENEW_MS)
#define FIRST_OF_LAG 3 /* Redis tells times in ms: the first step is 1 ms */

static const char *const roles[] = {[SLOT_GATE] = "gate", [SLOT_HUB] = "hub"};

/* One label, in place of what was there. */
static const struct buf *label(struct buf *labels, const char *name, const char *value)
{
    buf_clear(labels);
    exposition_label(labels, name, value);
    return labels;
}

/* --- families of one sample --- */

static const struct {
    const char *name, *help;
    size_t offset; /* in struct ledger */
} counters[] = {
    {"earshot_messages_total",
     "Messages taken from senders, those of batches one by one; repetitions of an Idempotency-Key "
     "are none.",
     offsetof(struct ledger, messages)},
    {"earshot_rate_limited_total",
     "Sends, changes and sign-ins refused as too many, those of batches one by one.",
     offsetof(struct ledger, limited)},
    {"earshot_response_bytes_total", "Bytes of replies by gates, headers included.",
     offsetof(struct ledger, reply_bytes)},
    {"earshot_receives_refused_total",
     "Receives that no hub took: streams_max are open, or all inlets are full.",
     offsetof(struct ledger, full)},
    {"earshot_deliveries_total", "Events written to receivers, once for each of them.",
     offsetof(struct ledger, deliveries)},
    {"earshot_delivered_bytes_total", "Bytes of content written to receivers by hubs.",
     offsetof(struct ledger, bytes)},
    {"earshot_deliveries_ahead_total",
     "Deliveries of events whose time in Redis was yet to come by this machine's clock; their lag "
     "was counted as 0. The clocks differ where this grows.",
     offsetof(struct ledger, ahead)},
    {"earshot_slow_reader_cuts_total", "Receives that were cut since their reader took nothing.",
     offsetof(struct ledger, cuts)},
    {"earshot_gaps_total", "Gap events told: a receiver has missed what is no longer kept.",
     offsetof(struct ledger, gaps)},
};

static void put_counters(struct buf *out, const struct ledger *sum)
{
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        exposition_family(out, counters[i].name, "counter", counters[i].help);
        exposition_count(out, counters[i].name, NULL,
                         meter_read((const meter *)((const char *)sum + counters[i].offset)));
    }
}

static void put_one(struct buf *out, const char *name, const char *type, const char *help,
                    double value)
{
    exposition_family(out, name, type, help);
    exposition_value(out, name, NULL, value);
}

static void put_life(struct buf *out, const struct scoreboard_life *life)
{
    struct buf labels = BUF_INIT;
    const char *name = "earshot_config_reloads_total";

    exposition_family(out, "earshot_build_info", "gauge", "Always 1; the version is its label.");
    exposition_count(out, "earshot_build_info", label(&labels, "version", PACKAGE_VERSION), 1);
    put_one(out, "process_start_time_seconds", "gauge",
            "When this daemon began to count, since 1970: its start, or its last upgrade.",
            (double)meter_read(&life->started_ms) / 1000);
    exposition_family(out, name, "counter", "Reloads of the configuration.");
    exposition_count(out, name, label(&labels, "result", "done"), meter_read(&life->reloads));
    exposition_count(out, name, label(&labels, "result", "failed"),
                     meter_read(&life->reloads_failed));
    put_one(out, "earshot_config_last_reload_successful", "gauge",
            "0 when the last reload failed: the configuration before it still holds.",
            meter_read(&life->reload_failing) == 0);
    put_one(out, "earshot_config_loaded_timestamp_seconds", "gauge",
            "Since when the present configuration holds, since 1970.",
            (double)meter_read(&life->loaded_ms) / 1000);
    buf_free(&labels);
}

/* --- workers --- */

enum state { STATE_STARTING, STATE_IDLE, STATE_BUSY, STATE_DRAINING, STATE_SILENT, STATES };

static const char *const state_names[STATES] = {"starting", "idle", "busy", "draining", "silent"};

/* A hub works on all at once: it is never idle but serves, and is silent when it hangs. */
static enum state state_of(const struct slot *slot, int64_t now_ms)
{
    bool is_late = now_ms - slot->since_ms > SILENT_MS;
    int state = slot->state;

    switch (state) {
    case SLOT_IDLE:
        return is_late ? STATE_SILENT : slot->role == SLOT_HUB ? STATE_BUSY : STATE_IDLE;
    case SLOT_BUSY:
        return STATE_BUSY;
    case SLOT_DRAINING:
        return STATE_DRAINING;
    default:
        return STATE_STARTING;
    }
}

static void put_workers(struct buf *out, const struct scoreboard *board, int64_t now_ms)
{
    unsigned counts[SLOT_HUB + 1][STATES] = {{0}};
    struct buf labels = BUF_INIT;

    for (int i = 0; i < board->slots_used; i++)
        counts[board->slots[i].role][state_of(&board->slots[i], now_ms)]++;
    exposition_family(out, "earshot_workers", "gauge",
                      "Processes by what they do; a hub that serves is busy, one that hangs is "
                      "silent.");
    for (int role = SLOT_GATE; role <= SLOT_HUB; role++)
        for (int state = 0; state < STATES; state++) {
            label(&labels, "role", roles[role]);
            exposition_label(&labels, "state", state_names[state]);
            exposition_count(out, "earshot_workers", &labels, counts[role][state]);
        }
    exposition_family(out, "earshot_worker_restarts_total", "counter",
                      "Processes that died though nobody had told them to end; others took their "
                      "place.");
    for (int role = SLOT_GATE; role <= SLOT_HUB; role++)
        exposition_count(out, "earshot_worker_restarts_total", label(&labels, "role", roles[role]),
                         meter_read(&board->life.deaths[role]));
    put_one(out, "earshot_worker_kills_total", "counter",
            "Processes that the supervisor killed since they were stuck.",
            (double)meter_read(&board->life.kills));
    buf_free(&labels);
}

/* --- requests --- */

/* What stands for a path's ? in openapi.json, by the segment before it. */
static const char *parameter(const char *before, size_t len)
{
    static const char *const names[][2] = {{"rooms", "{room}"},
                                           {"messages", "{id}"},
                                           {"reactions", "{emoji}"},
                                           {"connections", "{connection}"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i][0]) == len && memcmp(names[i][0], before, len) == 0)
            return names[i][1];
    return "{user}";
}

static void append_path(struct buf *out, const char *path)
{
    const char *before = "";
    size_t before_len = 0;

    do {
        size_t len = strcspn(path, "/");

        buf_char(out, '/');
        if (len == 1 && *path == '?')
            buf_str(out, parameter(before, before_len));
        else
            buf_append(out, path, len);
        before = path;
        before_len = len;
        path += len + (path[len] != '\0');
    } while (*path != '\0');
}

size_t meters_row(enum method method)
{
    return route_count() + (size_t)method;
}

static void put_row(struct buf *out, const struct ledger *sum, size_t row)
{
    const struct route *route = route_at(row);
    enum method method = route != NULL ? route->method : (enum method)(row - route_count());
    struct buf path = BUF_INIT, labels = BUF_INIT;

    if (route != NULL)
        append_path(&path, route->path);
    else
        buf_str(&path, "other");
    for (int code = 0; code < LEDGER_CODES; code++) {
        uint64_t count = meter_read(&sum->requests[row][code]);

        if (count == 0)
            continue;
        label(&labels, "route", path.data);
        exposition_label(&labels, "method",
                         method == METHOD_OTHER ? "other" : request_methods[method]);
        exposition_label(&labels, "code", ledger_code_name(code));
        exposition_count(out, "earshot_requests_total", &labels, count);
    }
    buf_free(&path);
    buf_free(&labels);
}

static void put_requests(struct buf *out, const struct ledger *sum)
{
    struct buf labels = BUF_INIT;

    exposition_family(out, "earshot_requests_total", "counter",
                      "Requests by route, method (HEAD counts as GET) and status; parked: a hub "
                      "answers, see earshot_receive_answers_total.");
    for (size_t row = 0; row < route_count() + METHOD_OTHER + 1; row++)
        put_row(out, sum, row);
    exposition_family(out, "earshot_request_duration_seconds", "histogram",
                      "From the first byte of a request to the last of its reply, by group of "
                      "routes; of receives until a hub has them.");
    for (int group = 0; group < ROUTE_GROUPS; group++)
        exposition_histogram(out, "earshot_request_duration_seconds",
                             label(&labels, "group", route_groups[group]), &sum->durations[group],
                             0);
    buf_free(&labels);
}

/* --- receives --- */

static uint64_t sum_of(const struct scoreboard *board, size_t offset)
{
    uint64_t sum = 0;

    for (int i = 0; i < board->slots_used; i++)
        sum += meter_read((const meter *)((const char *)&board->slots[i] + offset));
    return sum;
}

static void put_streams(struct buf *out, const struct scoreboard *board, int streams_max)
{
    struct buf labels = BUF_INIT;

    exposition_family(out, "earshot_streams", "gauge",
                      "Open receives by form; json are long-polls that wait.");
    for (int form = 0; form < FRAME_FORMS; form++)
        exposition_count(
            out, "earshot_streams", label(&labels, "form", frame_names[form]),
            sum_of(board, offsetof(struct slot, forms) + (size_t)form * sizeof(meter)));
    put_one(out, "earshot_streams_max", "gauge",
            "How many receives may be open: streams_max of the configuration.", streams_max);
    put_one(out, "earshot_rooms", "gauge",
            "Rooms with receivers; one that has some at two hubs counts twice.",
            (double)sum_of(board, offsetof(struct slot, rooms)));
    buf_free(&labels);
}

static void put_receives(struct buf *out, const struct ledger *sum)
{
    struct buf labels = BUF_INIT;

    exposition_family(out, "earshot_receives_total", "counter",
                      "Receives that hubs took over, by form.");
    for (int form = 0; form < FRAME_FORMS; form++)
        exposition_count(out, "earshot_receives_total", label(&labels, "form", frame_names[form]),
                         meter_read(&sum->receives[form]));
    exposition_family(out, "earshot_receive_answers_total", "counter",
                      "What hubs answered to receives, by status.");
    for (int code = 0; code < LEDGER_CODES; code++)
        if (meter_read(&sum->answers[code]) > 0)
            exposition_count(out, "earshot_receive_answers_total",
                             label(&labels, "code", ledger_code_name(code)),
                             meter_read(&sum->answers[code]));
    exposition_family(out, "earshot_delivery_lag_seconds", "histogram",
                      "From an event's time in Redis, in whole ms, to its write to a receiver that "
                      "was there before it; below 0 counts as 0.");
    exposition_histogram(out, "earshot_delivery_lag_seconds", NULL, &sum->lag, FIRST_OF_LAG);
    buf_free(&labels);
}

/* --- Redis --- */

static const struct trips *trips_of(const struct ledger *sum, int role)
{
    return role == SLOT_GATE ? &sum->gate_trips : &sum->hub_trips;
}

static void put_redis(struct buf *out, const struct scoreboard *board, const struct ledger *sum)
{
    struct buf labels = BUF_INIT;

    put_one(out, "earshot_redis_up", "gauge",
            "0 since Redis failed a gate, until one finds it well: only requests ask, and deep=1.",
            atomic_load(&board->redis.down_until_ms) == 0);
    exposition_family(out, "earshot_redis_round_trip_seconds", "histogram",
                      "How long Redis took: of a gate for all that it asks at once, of a hub for "
                      "each question.");
    for (int role = SLOT_GATE; role <= SLOT_HUB; role++)
        exposition_histogram(out, "earshot_redis_round_trip_seconds",
                             label(&labels, "role", roles[role]), &trips_of(sum, role)->round, 0);
    exposition_family(out, "earshot_redis_errors_total", "counter",
                      "Errors of Redis. lost: no connection; late: no reply in time; refused: "
                      "LOADING, READONLY and the like; full: no memory or disk; spared: not asked "
                      "since it had just failed; wrong: any other.");
    for (int role = SLOT_GATE; role <= SLOT_HUB; role++)
        for (int error = 0; error < TRIPS_ERRORS; error++) {
            label(&labels, "role", roles[role]);
            exposition_label(&labels, "error", trips_names[error]);
            exposition_count(out, "earshot_redis_errors_total", &labels,
                             meter_read(&trips_of(sum, role)->errors[error]));
        }
    buf_free(&labels);
}

void meters_canary(struct buf *out, const struct canary_last *canary)
{
    put_one(out, "earshot_canary_up", "gauge",
            "1 when the last deep check found that a send reaches every hub.", canary->good);
    put_one(out, "earshot_canary_timestamp_seconds", "gauge",
            "When the last deep check was done, since 1970.",
            (double)(clock_wall_ms() - canary->age_ms) / 1000);
    if (canary->good)
        put_one(out, "earshot_canary_latency_seconds", "gauge",
                "How long the event of the last deep check took to the last of the hubs.",
                (double)canary->latency_ms / 1000);
}

/* --- the whole --- */

void meters_write(struct buf *out, const struct scoreboard *board, int streams_max)
{
    static struct ledger sum; /* too large for a stack */

    memset(&sum, 0, sizeof(sum));
    for (int i = 0; i < board->slots_used; i++)
        ledger_sum(&sum, &board->ledgers[i]);
    put_life(out, &board->life);
    put_workers(out, board, clock_mono_ms());
    put_requests(out, &sum);
    put_counters(out, &sum);
    put_streams(out, board, streams_max);
    put_receives(out, &sum);
    put_redis(out, board, &sum);
}

void meters_reply(struct api *api, const struct heritage *heritage)
{
    struct canary_last canary;

    reply_clear(api->reply);
    api->reply->status = 200;
    api->reply->content_type = EXPOSITION_TYPE;
    meters_write(&api->reply->body, heritage->board, heritage->conf->streams_max);
    /* Behind the others, which would else tell of the streams that it opens. */
    if (api->deep)
        canary_run(api, heritage);
    if (canary_last(heritage, &canary))
        meters_canary(&api->reply->body, &canary);
}
