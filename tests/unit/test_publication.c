/* test_publication.c - is what the live channel carries read strictly? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "event/publication.h"

static int parse(struct publication *p, const char *s)
{
    return publication_parse(p, s, strlen(s));
}

/* Does a stored event come with its id, its time and the id before it? */
static void test_durable(void **state)
{
    static const char payload[] = "1-2 1795499539123-0 {\"type\":\"message\",\"content\":\"a b\"}";
    struct publication p;

    (void)state;
    assert_int_equal(parse(&p, payload), 0);
    assert_true(p.previous.ms == 1 && p.previous.seq == 2);
    assert_true(p.event.durable);
    assert_true(p.event.id.ms == 1795499539123 && p.event.id.seq == 0);
    assert_int_equal(p.event.timestamp_ms, 1795499539123);
    assert_ptr_equal(p.event.json, strchr(payload, '{'));
    assert_int_equal(p.event.json_len, strlen(strchr(payload, '{')));
}

/* Has the first event of a room 0-0 before it? */
static void test_first(void **state)
{
    struct publication p;

    (void)state;
    assert_int_equal(parse(&p, "0-0 5-0 {}"), 0);
    assert_true(p.previous.ms == 0 && p.previous.seq == 0);
}

/* Does an ephemeral event come with its time and no id? */
static void test_ephemeral(void **state)
{
    struct publication p;

    (void)state;
    assert_int_equal(parse(&p, "7-1 -1795499539123 {\"type\":\"typing\"}"), 0);
    assert_false(p.event.durable);
    assert_true(p.event.id.ms == 0 && p.event.id.seq == 0);
    assert_int_equal(p.event.timestamp_ms, 1795499539123);
    assert_int_equal(parse(&p, "0-0 -9223372036854775807 {}"), 0);
    assert_int_equal(p.event.timestamp_ms, INT64_MAX);
}

/* Is everything else refused? */
static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{}",
        "1-0",
        "1-0 2-0",
        "1-0 2-0 ",
        "1-0  2-0 {}",
        " 1-0 2-0 {}",
        "1-0 2-0  {}",
        "1-0 2-0 {} ",
        "1-0 2-0 {",
        "1-0 2-0 }",
        "1-0 2-0 []",
        "1-0 2-0 x}",
        "1-0\t2-0 {}",
        "1 2-0 {}",
        "1-0 2 {}",
        "1-0 - {}",
        "1-0 -- {}",
        "1-0 --1 {}",
        "1-0 -01 {}",
        "1-0 -1-0 {}",
        "1-0 -9223372036854775808 {}",
        "1-0 -18446744073709551615 {}",
        "-1 2-0 {}",
        "01-0 2-0 {}",
        "1-0 02-0 {}",
        "18446744073709551616-0 2-0 {}",
        "1-0 18446744073709551616-0 {}",
        "2-0 1-0 {}", /* ids only grow */
        "2-0 2-0 {}",
        "0-0 0-0 {}",
    };
    struct publication p;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parse(&p, bad[i]) == 0)
            fail_msg("\"%s\" passed", bad[i]);
    assert_int_equal(publication_parse(&p, NULL, 0), -1);
}

/* Is no prefix of a publication one, and is nothing read past its length? */
static void test_cut(void **state)
{
    static const char payload[] = "1-2 3-4 {\"type\":\"x\"}";
    struct publication p;

    (void)state;
    for (size_t len = 0; len < strlen(payload); len++)
        assert_int_equal(publication_parse(&p, payload, len), -1);
    assert_int_equal(publication_parse(&p, payload, strlen(payload)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durable),   cmocka_unit_test(test_first),
        cmocka_unit_test(test_ephemeral), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
