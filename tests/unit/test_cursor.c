/* test_cursor.c - does a cursor mean one place, or nothing? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "event/cursor.h"
#include "event/name.h"

#define NOW 1795499539123
static const struct start latest = {START_LATEST, {0, 0}};

static void assert_after(struct start start, uint64_t ms, uint64_t seq)
{
    assert_int_equal(start.kind, START_AFTER);
    assert_true(start.id.ms == ms && start.id.seq == seq);
}

/* Are the words and the spans that since= may hold read? */
static void test_since(void **state)
{
    static const struct {
        const char *text;
        int64_t back_ms;
    } spans[] = {
        {"0", 0},
        {"1", 1000},
        {"90", 90000},
        {"1m", 60000},
        {"10m", 600000},
        {"2h", 7200000},
        {"1d", 86400000},
        {"0d", 0},
        {"86400", 86400000},
        {"999d", 86313600000},
    };
    struct start start;

    (void)state;
    assert_int_equal(cursor_parse_since(&start, "all", NOW), 0);
    assert_int_equal(start.kind, START_ALL);
    assert_int_equal(cursor_parse_since(&start, "latest", NOW), 0);
    assert_int_equal(start.kind, START_LATEST);
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        assert_int_equal(cursor_parse_since(&start, spans[i].text, NOW), 0);
        assert_int_equal(start.kind, START_TIME);
        assert_true(start.id.ms == (uint64_t)(NOW - spans[i].back_ms));
        assert_true(start.id.seq == 0);
    }
}

/* Is longer ago than 1970 the beginning, and no number that wraps? */
static void test_since_long_ago(void **state)
{
    struct start start;

    (void)state;
    assert_int_equal(cursor_parse_since(&start, "100000d", NOW), 0);
    assert_int_equal(start.kind, START_TIME);
    assert_true(start.id.ms == 0);
    assert_int_equal(cursor_parse_since(&start, "9223372036854775", NOW), 0);
    assert_true(start.id.ms == 0);
    assert_int_equal(cursor_parse_since(&start, "9223372036854776", NOW), -1);
    assert_int_equal(cursor_parse_since(&start, "106751991168d", NOW), -1);
    assert_int_equal(cursor_parse_since(&start, "18446744073709551615", NOW), -1);
    assert_int_equal(cursor_parse_since(&start, "18446744073709551616", NOW), -1);
}

/* Is anything else no span? */
static void test_since_refused(void **state)
{
    static const char *const bad[] = {"",   "ALL", "al",  "all ", "latest,", "-1",    "+1",
                                      " 1", "1 ",  "1s",  "1w",   "m",       "1mm",   "1.5h",
                                      "01", "1-0", "1e3", "0x10", "10M",     "1h30m", "now"};
    struct start start;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (cursor_parse_since(&start, bad[i], NOW) == 0)
            fail_msg("\"%s\" passed", bad[i]);
}

/* Is a bare id the place in the one room, also at the maximum, and never in several? */
static void test_bare(void **state)
{
    const char *const rooms[] = {"lobby", "ops"};
    struct start starts[2];

    (void)state;
    assert_int_equal(cursor_parse(starts, rooms, 1, false, latest, "5-1"), 0);
    assert_after(starts[0], 5, 1);
    assert_int_equal(cursor_parse(starts, rooms, 1, true, latest, "0-0"), 0);
    assert_after(starts[0], 0, 0);
    assert_int_equal(
        cursor_parse(starts, rooms, 1, false, latest, "18446744073709551615-18446744073709551615"),
        0);
    assert_after(starts[0], UINT64_MAX, UINT64_MAX);
    assert_int_equal(cursor_parse(starts, rooms, 2, true, latest, "5-1"), -1);
    assert_int_equal(cursor_parse(starts, rooms, 0, true, latest, "5-1"), -1);
}

/* Does each room get its place, in any order, commas in its name and all? */
static void test_named(void **state)
{
    const char *const rooms[] = {"ops", "@alice,bob", "a", "@alice"};
    struct start starts[4];

    (void)state;
    assert_int_equal(
        cursor_parse(starts, rooms, 4, true, latest, "@alice:1-0,a:2-0,@alice,bob:3-3,ops:4-0"), 0);
    assert_after(starts[0], 4, 0);
    assert_after(starts[1], 3, 3);
    assert_after(starts[2], 2, 0);
    assert_after(starts[3], 1, 0);
}

/* Does a room that the cursor does not name start as its caller says? */
static void test_named_some(void **state)
{
    const char *const rooms[] = {"a", "b"};
    const struct start otherwise = {START_TIME, {77, 0}};
    struct start starts[2];

    (void)state;
    assert_int_equal(cursor_parse(starts, rooms, 2, true, otherwise, "b:9-0"), 0);
    assert_int_equal(starts[0].kind, START_TIME);
    assert_true(starts[0].id.ms == 77);
    assert_after(starts[1], 9, 0);
}

/* Is a name that nobody asked for ignored among many, refused for one, and not enough alone? */
static void test_named_others(void **state)
{
    const char *const rooms[] = {"a", "b"};
    struct start starts[2];

    (void)state;
    assert_int_equal(cursor_parse(starts, rooms, 2, true, latest, "z:1-0,b:9-0,y:1-0"), 0);
    assert_after(starts[1], 9, 0);
    assert_int_equal(cursor_parse(starts, rooms, 2, true, latest, "z:1-0"), -1);
    assert_int_equal(cursor_parse(starts, rooms, 1, false, latest, "a:1-0,z:1-0"), -1);
    assert_int_equal(cursor_parse(starts, rooms, 1, false, latest, "z:1-0"), -1);
    assert_int_equal(cursor_parse(starts, rooms, 1, false, latest, "a:1-0"), 0);
    assert_after(starts[0], 1, 0);
}

/* Is every malformed cursor refused? */
static void test_malformed(void **state)
{
    static const char *const bad[] = {"",
                                      ":",
                                      "a",
                                      "a:",
                                      "a:1",
                                      ":1-0",
                                      ",a:1-0",
                                      "a:1-0,",
                                      "a:1-0,,b:1-0",
                                      "a:1-0 ",
                                      " a:1-0",
                                      "a: 1-0",
                                      "a:1-0;b:1-0",
                                      "a:1-0,b",
                                      "a:01-0",
                                      "a:1-00",
                                      "a:-1-0",
                                      "a:1-0-0",
                                      "a:1-0:2-0",
                                      "a:1-0,a:1-0",
                                      "a:1-0,a:2-0",
                                      "1-0",
                                      "1-0,2-0",
                                      "a/b:1-0,a:1-0",
                                      "a:1-0\n",
                                      "a:1-0,\r\nb:1-0",
                                      "@:1-0,a:1-0",
                                      "@x,:1-0,a:1-0",
                                      "{a}:1-0,a:1-0",
                                      "a:18446744073709551616-0",
                                      "a:1-18446744073709551616",
                                      "all",
                                      "latest",
                                      "*",
                                      "a:$",
                                      "a:*,b:1-0",
                                      "\xff:1-0,a:1-0"};
    const char *const rooms[] = {"a", "b"};
    struct start starts[2];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (cursor_parse(starts, rooms, 2, true, latest, bad[i]) == 0)
            fail_msg("\"%s\" passed", bad[i]);
}

/* Is a name that is longer than any room's refused before it is copied? */
static void test_long_name(void **state)
{
    const char *const rooms[] = {"a"};
    struct start starts[1];
    char *s = mem_zero(100000);

    (void)state;
    memset(s, 'a', 90000);
    strcpy(s + 90000, ":1-0,a:1-0");
    assert_int_equal(cursor_parse(starts, rooms, 1, true, latest, s), -1);
    memcpy(s + NAME_ROOM_MAX, ":1-0", 5);
    assert_int_equal(cursor_parse(starts, rooms, 1, true, latest, s), -1);
    free(s);
}

/* Does what cursor_append() writes for many rooms read back, at once? */
static void test_round_trip_many(void **state)
{
    enum { COUNT = 2000 };
    char **rooms = mem_zero(COUNT * sizeof(rooms[0]));
    struct start *starts = mem_zero(COUNT * sizeof(starts[0]));
    struct buf b = BUF_INIT;
    int64_t before;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        char name[32];

        snprintf(name, sizeof(name), i % 3 == 0 ? "@u%d,v%d" : "room-%d", i, i);
        rooms[i] = mem_strdup(name);
        if (i > 0)
            buf_char(&b, ',');
        cursor_append(&b, name, (struct event_id){(uint64_t)i, (uint64_t)i * 7});
    }
    assert_int_equal(strlen(b.data), b.len);
    before = clock_mono_ms();
    assert_int_equal(cursor_parse(starts, (const char *const *)rooms, COUNT, true, latest, b.data),
                     0);
    /* Well under what comparing every name with every room takes under a sanitizer. */
    assert_true(clock_mono_ms() - before < 1000);
    for (int i = 0; i < COUNT; i++) {
        assert_after(starts[i], (uint64_t)i, (uint64_t)i * 7);
        free(rooms[i]);
    }
    free(rooms);
    free(starts);
    buf_free(&b);
}

/* Is a cursor written with and without a room, ending with a NUL, where the buffer just grows? */
static void test_append(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    cursor_append(&b, NULL, (struct event_id){12, 3});
    assert_string_equal(b.data, "12-3");
    buf_char(&b, '|');
    cursor_append(&b, "@a,b", (struct event_id){UINT64_MAX, UINT64_MAX});
    assert_string_equal(b.data, "12-3|@a,b:18446744073709551615-18446744073709551615");
    assert_int_equal(b.len, strlen(b.data));
    buf_free(&b);
    for (size_t fill = 0; fill < 130; fill++) {
        memset(buf_reserve(&b, fill), 'x', fill);
        b.len += fill;
        cursor_append(&b, "room", (struct event_id){UINT64_MAX, UINT64_MAX});
        assert_int_equal(b.len, fill + 46);
        assert_int_equal(b.data[b.len], 0);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_since),         cmocka_unit_test(test_since_long_ago),
        cmocka_unit_test(test_since_refused), cmocka_unit_test(test_bare),
        cmocka_unit_test(test_named),         cmocka_unit_test(test_named_some),
        cmocka_unit_test(test_named_others),  cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_long_name),     cmocka_unit_test(test_round_trip_many),
        cmocka_unit_test(test_append),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
