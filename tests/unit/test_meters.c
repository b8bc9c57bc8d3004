/* test_meters.c - is what is counted told as it is, under names that stay, and as Prometheus reads
 * it? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gate/meters.h"
#include "gate/route.h"
#include "http/exposition.h"
#include "supervisor/scoreboard.h"

static struct scoreboard *board;
static struct buf out;

static int make_board(void **state)
{
    (void)state;
    board = scoreboard_create();
    return board != NULL ? 0 : -1;
}

static int drop_board(void **state)
{
    (void)state;
    scoreboard_free(board);
    buf_free(&out);
    return 0;
}

static const char *written(void)
{
    buf_clear(&out);
    meters_write(&out, board, 100);
    return out.data;
}

static bool has_line(const char *line)
{
    size_t len = strlen(line);

    for (const char *at = out.data; (at = strstr(at, line)) != NULL; at++)
        if ((at == out.data || at[-1] == '\n') && at[len] == '\n')
            return true;
    print_error("missing: %s\n", line);
    return false;
}

/* Does a histogram count each step and all below it, and tell seconds? */
static void test_histogram(void **state)
{
    struct meter_histogram histogram = {{0}, 0};
    struct buf labels = BUF_INIT;

    (void)state;
    meter_observe(&histogram, 0);
    meter_observe(&histogram, 100);
    meter_observe(&histogram, 101);
    meter_observe(&histogram, 1000);
    meter_observe(&histogram, 10000000);
    meter_observe(&histogram, 10000001);
    exposition_label(&labels, "a", "x");
    buf_clear(&out);
    exposition_histogram(&out, "h", &labels, &histogram, 0);
    assert_true(has_line("h_bucket{a=\"x\",le=\"0.0001\"} 2"));
    assert_true(has_line("h_bucket{a=\"x\",le=\"0.00025\"} 3"));
    assert_true(has_line("h_bucket{a=\"x\",le=\"0.001\"} 4"));
    assert_true(has_line("h_bucket{a=\"x\",le=\"10\"} 5"));
    assert_true(has_line("h_bucket{a=\"x\",le=\"+Inf\"} 6"));
    assert_true(has_line("h_sum{a=\"x\"} 20.001202"));
    assert_true(has_line("h_count{a=\"x\"} 6"));
    /* Without the finest steps the first one holds what they held. */
    buf_clear(&out);
    exposition_histogram(&out, "h", NULL, &histogram, 3);
    assert_int_equal(strncmp(out.data, "h_bucket{le=\"0.001\"} 4\n", 23), 0);
    buf_free(&labels);
}

/* Can a label's value break out of its quotes? */
static void test_escaping(void **state)
{
    struct buf labels = BUF_INIT;

    (void)state;
    exposition_label(&labels, "a", "\\ \" \n");
    exposition_label(&labels, "b", "");
    assert_string_equal(labels.data, "a=\"\\\\ \\\" \\n\",b=\"\"");
    buf_free(&labels);
}

/* Do counters stay when a worker dies and another one takes its slot, while what it had open goes?
 */
static void test_successor(void **state)
{
    struct slot *gate = scoreboard_take(board, SLOT_GATE, 0);
    struct slot *hub = scoreboard_take(board, SLOT_HUB, 0);

    (void)state;
    meter_add(&scoreboard_ledger(board, gate)->messages, 2);
    meter_add(&scoreboard_ledger(board, hub)->deliveries, 5);
    meter_add(&hub->forms[FRAME_TEXT], 3);
    written();
    assert_true(has_line("earshot_messages_total 2"));
    assert_true(has_line("earshot_deliveries_total 5"));
    assert_true(has_line("earshot_streams{form=\"text\"} 3"));
    assert_true(has_line("earshot_workers{role=\"hub\",state=\"starting\"} 1"));
    scoreboard_give_back(gate);
    scoreboard_give_back(hub);
    written();
    assert_true(has_line("earshot_messages_total 2"));
    assert_true(has_line("earshot_streams{form=\"text\"} 0"));
    assert_true(has_line("earshot_workers{role=\"hub\",state=\"starting\"} 0"));
    /* The hub comes first now: it counts on where the gate did. */
    hub = scoreboard_take(board, SLOT_HUB, 0);
    meter_add(&scoreboard_ledger(board, hub)->deliveries, 1);
    meter_add(&scoreboard_ledger(board, hub)->hub_trips.errors[TRIPS_LATE], 1);
    written();
    assert_true(has_line("earshot_messages_total 2"));
    assert_true(has_line("earshot_deliveries_total 6"));
    assert_true(has_line("earshot_redis_errors_total{role=\"hub\",error=\"late\"} 1"));
    assert_true(has_line("earshot_redis_errors_total{role=\"gate\",error=\"late\"} 0"));
}

/* Is each worker told as what it is, and one that hangs as silent? */
static void test_workers(void **state)
{
    struct slot *slots[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        slots[i] = scoreboard_take(board, i < 2 ? SLOT_GATE : SLOT_HUB, i % 2);
    scoreboard_state(slots[0], SLOT_IDLE);
    scoreboard_state(slots[1], SLOT_BUSY);
    scoreboard_state(slots[2], SLOT_IDLE);
    scoreboard_state(slots[3], SLOT_IDLE);
    slots[1]->since_ms = slots[3]->since_ms = clock_mono_ms() - 5000;
    written();
    assert_true(has_line("earshot_workers{role=\"gate\",state=\"idle\"} 1"));
    assert_true(has_line("earshot_workers{role=\"gate\",state=\"busy\"} 1"));
    assert_true(has_line("earshot_workers{role=\"hub\",state=\"busy\"} 1"));
    assert_true(has_line("earshot_workers{role=\"hub\",state=\"silent\"} 1"));
    assert_true(has_line("earshot_streams_max 100"));
}

/* Has every status its code, and what is not foreseen the last one? */
static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(ledger_code(LEDGER_PARKED), 0);
    assert_string_equal(ledger_code_name(ledger_code(0)), "parked");
    assert_string_equal(ledger_code_name(ledger_code(201)), "201");
    assert_string_equal(ledger_code_name(ledger_code(507)), "507");
    assert_string_equal(ledger_code_name(ledger_code(299)), "other");
    assert_string_equal(ledger_code_name(ledger_code(-1)), "other");
}

/* Is every route told by the path that openapi.json has for it, in lines of its own? */
static void test_routes(void **state)
{
    struct slot *gate = scoreboard_take(board, SLOT_GATE, 0);
    struct ledger *ledger = scoreboard_ledger(board, gate);
    const char *dir = getenv("srcdir");
    struct json_object *document, *paths, *path;
    char name[4096];
    size_t lines = 0;

    (void)state;
    snprintf(name, sizeof(name), "%s/src/api/openapi.json", dir != NULL ? dir : ".");
    document = json_object_from_file(name);
    assert_true(json_object_object_get_ex(document, "paths", &paths));
    for (size_t row = 0; row <= meters_row(METHOD_OTHER); row++)
        meter_add(&ledger->requests[row][ledger_code(200)], row + 1);
    written();
    for (const char *at = out.data; (at = strstr(at, "\nearshot_requests_total{")) != NULL; at++) {
        assert_int_equal(
            sscanf(at + 1, "earshot_requests_total{route=\"%127[^\"]\",method=\"", name), 1);
        if (strcmp(name, "other") != 0 && !json_object_object_get_ex(paths, name, &path))
            fail_msg("openapi.json has no %s", name);
        lines++;
    }
    assert_int_equal(lines, meters_row(METHOD_OTHER) + 1);
    assert_true(has_line("earshot_requests_total{route=\"/\",method=\"GET\",code=\"200\"} 1"));
    snprintf(name, sizeof(name),
             "earshot_requests_total{route=\"other\",method=\"other\",code=\"200\"} %zu",
             meters_row(METHOD_OTHER) + 1);
    assert_true(has_line(name));
    json_object_put(document);
}

/* Is what the last deep check found told, and no latency where it found nothing? */
static void test_canary(void **state)
{
    struct canary_last canary = {.good = true, .latency_ms = 12, .age_ms = 1000};

    (void)state;
    buf_clear(&out);
    meters_canary(&out, &canary);
    assert_true(has_line("earshot_canary_up 1"));
    assert_true(has_line("earshot_canary_latency_seconds 0.012"));
    canary.good = false;
    buf_clear(&out);
    meters_canary(&out, &canary);
    assert_true(has_line("earshot_canary_up 0"));
    assert_null(strstr(out.data, "latency"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_escaping),
        cmocka_unit_test_setup_teardown(test_successor, make_board, drop_board),
        cmocka_unit_test_setup_teardown(test_workers, make_board, drop_board),
        cmocka_unit_test(test_codes),
        cmocka_unit_test_setup_teardown(test_routes, make_board, drop_board),
        cmocka_unit_test(test_canary),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
