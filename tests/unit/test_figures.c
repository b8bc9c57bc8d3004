/* test_figures.c - are the figures of many hubs added up as they are, and nothing counted twice? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "event/figures.h"

static struct figures figures;
static struct figures_part part, got;

static void make_part(const char *daemon, int first_user, int users)
{
    memset(&part, 0, sizeof(part));
    strcpy(part.daemon, daemon);
    for (int i = 0; i < FIGURES; i++)
        part.counts[i] = (uint64_t)(i + 1) * 1000;
    for (int i = 0; i < users; i++) {
        char name[16];

        snprintf(name, sizeof(name), "u%d", first_user + i);
        census_add(&part.people, name);
    }
    census_add(&part.rooms, "lobby");
}

static void read_part(void)
{
    struct buf text = BUF_INIT;

    figures_encode(&text, &part);
    assert_int_equal(figures_decode(&got, text.data), 0);
    assert_memory_equal(got.counts, part.counts, sizeof(part.counts));
    assert_string_equal(got.daemon, part.daemon);
    assert_true(census_count(&got.people) == census_count(&part.people));
    figures_add(&figures, &got);
    buf_free(&text);
}

/* Does a part arrive whole, are sums sums, gates counted once a daemon, people once each? */
static void test_sum(void **state)
{
    (void)state;
    figures_init(&figures);
    make_part("a", 0, 10);
    read_part();
    make_part("a", 5, 10);
    read_part();
    make_part("b", 0, 20);
    read_part();
    assert_int_equal(figures.counts[FIGURE_DELIVERIES], 3 * 1000 * (FIGURE_DELIVERIES + 1));
    assert_int_equal(figures.counts[FIGURE_GATES], 2 * 1000 * (FIGURE_GATES + 1));
    assert_int_equal(figures.counts[FIGURE_DELAY_US], 1000 * (FIGURE_DELAY_US + 1));
    assert_int_equal(figures.daemons_count, 2);
    assert_int_equal(figures.hubs_answered, 3);
    assert_int_equal(census_count(&figures.people), 20);
    assert_int_equal(census_count(&figures.rooms), 1);
}

/* Is a count of many right within a tenth, however it is spread, and does it go through text? */
static void test_census(void **state)
{
    static struct census all, some;
    struct buf word = BUF_INIT;
    char name[16];

    (void)state;
    memset(&all, 0, sizeof(all));
    for (int hub = 0; hub < 4; hub++) {
        memset(&some, 0, sizeof(some));
        for (int i = 0; i < 20000; i++) {
            snprintf(name, sizeof(name), "user%d", hub * 10000 + i);
            census_add(&some, name);
        }
        buf_clear(&word);
        census_encode(&word, &some);
        assert_int_equal(census_decode(&all, word.data, word.len), 0);
        assert_int_equal(census_decode(&all, word.data, word.len), 0);
    }
    assert_in_range(census_count(&all), 45000, 55000);
    memset(&all, 0, sizeof(all));
    for (int i = 0; i < 2 * 512; i++) {
        snprintf(name, sizeof(name), "%d", i / 2);
        census_add(&all, name);
    }
    assert_int_equal(census_count(&all), 512);
    buf_free(&word);
}

/* Is what is no part refused? */
static void test_refused(void **state)
{
    static const char *const words[] = {
        "", ":", "x:", "0", "999:", "0:12", "0:00000000000g", "0:000000000000", "1:000000000001"};
    static struct census census;
    struct buf text = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (census_decode(&census, words[i], strlen(words[i])) == 0)
            fail_msg("\"%s\" passed", words[i]);
    make_part("a", 0, 3);
    figures_encode(&text, &part);
    /* Its last byte is the end of the line. */
    for (size_t len = 0; len < text.len - 1; len++) {
        char short_text[1024];

        memcpy(short_text, text.data, len);
        short_text[len] = '\0';
        /* A census that is cut behind a name is one, too. */
        if (figures_decode(&got, short_text) == 0)
            assert_true(short_text[len - 1] == ':' || len > text.len - 14);
    }
    buf_str(&text, "more");
    assert_int_equal(figures_decode(&got, text.data), -1);
    buf_free(&text);
}

static struct json_object *parse(void)
{
    struct buf text = BUF_INIT;
    struct json_object *object;

    buf_char(&text, '{');
    figures_write(&text, &figures);
    buf_char(&text, '}');
    object = json_tokener_parse(text.data);
    assert_non_null(object);
    buf_free(&text);
    return object;
}

static struct json_object *member(struct json_object *object, const char *outer, const char *inner)
{
    return json_object_object_get(json_object_object_get(object, outer), inner);
}

/* Is it JSON, with null for what is not known, and is INFO read? */
static void test_json(void **state)
{
    struct json_object *object;

    (void)state;
    figures_init(&figures);
    object = parse();
    assert_null(member(object, "redis", "usedMemory"));
    assert_null(member(object, "redis", "version"));
    assert_null(member(object, "redis", "eviction"));
    assert_null(member(object, "redis", "clockAhead"));
    assert_null(member(object, "canary", "ms"));
    assert_string_equal(json_object_get_string(member(object, "canary", "reason")), "not_measured");
    assert_null(member(object, "messages", "today"));
    json_object_put(object);
    figures.redis.reachable = true;
    figures.counts[FIGURE_DELAY_US] = 1500;
    figures_read_info(&figures.redis,
                      "# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:7\r\n\r\n# Memory\r\n"
                      "used_memory:100\r\nused_memory_rss:1\r\nmaxmemory:0\r\n# Stats\r\n"
                      "evicted_keys:2\r\ninstantaneous_ops_per_sec:3\r\nconnected_clients:4\r\n"
                      "aof_enabled:1\r\naof_last_write_status:err\r\n"
                      "maxmemory_policy:allkeys-lru\r\nserver_time_usec:90000000\r\n",
                      91000);
    object = parse();
    assert_int_equal(json_object_get_int(member(object, "redis", "usedMemory")), 100);
    assert_int_equal(json_object_get_int(member(object, "redis", "maxMemory")), 0);
    assert_int_equal(json_object_get_int(member(object, "redis", "evicted")), 2);
    assert_int_equal(json_object_get_int(member(object, "redis", "uptime")), 7);
    assert_string_equal(json_object_get_string(member(object, "redis", "version")), "7.0.15");
    assert_string_equal(json_object_get_string(member(object, "redis", "aof")), "failing");
    assert_string_equal(json_object_get_string(member(object, "redis", "eviction")), "allkeys-lru");
    assert_int_equal(json_object_get_int(member(object, "redis", "clockAhead")), -1000);
    assert_true(json_object_get_double(member(object, "canary", "ms")) == 1.5);
    json_object_put(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_census),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
