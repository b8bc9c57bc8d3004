/* test_json.c - does only JSON come through that every reader understands alike? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <stdlib.h>

#include "http/json.h"

/* Written with its length, for a NUL may be in it. */
#define TEXT(s) s, sizeof(s) - 1

static void refused(const char *text, size_t len, size_t offset)
{
    struct json_fault fault = {NULL, 0};

    if (json_check(text, len, &fault) == 0)
        fail_msg("accepted: %s", text);
    assert_non_null(fault.reason);
    if (fault.offset != offset)
        fail_msg("%s: %s at %zu, not %zu", text, fault.reason, fault.offset, offset);
}

/* Does what RFC 8259 allows pass, and json-c read it? */
static void test_accepted(void **state)
{
    static const char *const good[] = {
        "{}",
        " \t\r\n{ \"a\" : [ 1 , -0 , 0.5e-3 , 1E+2 , true , false , null , \"\" ] } \n",
        "{\"\\u00e9\":\"\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\\\\\"\"}",
        "{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":18446744073709551615}",
        "{\"a\":1.7976931348623157e308,\"b\":1e-400,\"c\":-0.0}",
        "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":2}}",
        "{\"\":1,\" \":2}",
        "{\"a\":\"\x7f\xe2\x80\xa8\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct json_fault fault;
        struct json_object *object = json_read(good[i], strlen(good[i]), &fault);

        if (object == NULL)
            fail_msg("%s: %s at %zu", good[i], fault.reason, fault.offset);
        json_object_put(object);
    }
}

/* Is what is malformed refused, and the place told? */
static void test_malformed(void **state)
{
    (void)state;
    refused(TEXT(""), 0);
    refused(TEXT("  "), 2);
    refused(TEXT("{"), 1);
    refused(TEXT("{\"a\""), 4);
    refused(TEXT("{\"a\":"), 5);
    refused(TEXT("{\"a\":1,}"), 7);
    refused(TEXT("[1,]"), 3);
    refused(TEXT("[1 2]"), 3);
    refused(TEXT("{a:1}"), 1);
    refused(TEXT("{'a':1}"), 1);
    refused(TEXT("{\"a\":01}"), 6);
    refused(TEXT("{\"a\":+1}"), 5);
    refused(TEXT("{\"a\":.5}"), 5);
    refused(TEXT("{\"a\":1.}"), 7);
    refused(TEXT("{\"a\":1e}"), 7);
    refused(TEXT("{\"a\":-}"), 6);
    refused(TEXT("{\"a\":NaN}"), 5);
    refused(TEXT("{\"a\":Infinity}"), 5);
    refused(TEXT("{\"a\":tru}"), 5);
    refused(TEXT("{\"a\":\"\\x\"}"), 7);
    refused(TEXT("{\"a\":\"\\u12\"}"), 10);
    refused(TEXT("{\"a\":\"\t\"}"), 6);
    refused(TEXT("{\"a\":\"\n\"}"), 6);
    refused(TEXT("{} x"), 3);
    refused(TEXT("{}{}"), 2);
    refused(TEXT("/* c */{}"), 0);
    refused(TEXT("\xef\xbb\xbf{}"), 0);
}

/* Are characters refused that are none, or that end a C string? */
static void test_characters(void **state)
{
    (void)state;
    refused(TEXT("{\"a\":\"\\u0000\"}"), 6);
    refused(TEXT("{\"a\":\"\\ud800\"}"), 6);
    refused(TEXT("{\"a\":\"\\udc00\"}"), 6);
    refused(TEXT("{\"a\":\"\\ud800\\ud800\"}"), 6);
    refused(TEXT("{\"a\":\"\\ud800x\"}"), 6);
    refused(TEXT("{\"\\udead\":1}"), 2);
    refused(TEXT("{\"a\":\"\xff\"}"), 6);
    refused(TEXT("{\"\xc3\":1}"), 2);
    refused(TEXT("{\"a\":\"\xed\xa0\x80\"}"), 6);
    refused(TEXT("{\"a\0b\":1}"), 3);
    refused(TEXT("{}\0"), 2);
}

/* Are numbers refused that json-c would change? */
static void test_numbers(void **state)
{
    (void)state;
    refused(TEXT("{\"a\":18446744073709551616}"), 5);
    refused(TEXT("{\"a\":-9223372036854775809}"), 5);
    refused(TEXT("{\"a\":1e400}"), 5);
    refused(TEXT("{\"a\":-1e400}"), 5);
    refused(TEXT("{\"a\":[1,99999999999999999999999999]}"), 8);
}

/* Is a key that stands twice found, at any level, however it is written? */
static void test_duplicates(void **state)
{
    (void)state;
    refused(TEXT("{\"a\":1,\"a\":1}"), 0);
    refused(TEXT("{\"a\":1,\"b\":2,\"\\u0061\":3}"), 0);
    refused(TEXT("{\"x\":[{\"k\":1,\"l\":{},\"k\":2}]}"), 6);
    refused(TEXT("{\"\":1,\"\":2}"), 0);
    refused(TEXT("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"), 0);
}

/* Is depth capped, so that neither stack nor readers suffer? */
static void test_depth(void **state)
{
    size_t deep = 100000;
    char *text = malloc(2 * deep);
    struct json_fault fault;

    (void)state;
    memset(text, '[', deep);
    memset(text + deep, ']', deep);
    assert_int_equal(json_check(text + deep - JSON_DEPTH_MAX, 2 * JSON_DEPTH_MAX, &fault), 0);
    assert_int_equal(json_check(text + deep - JSON_DEPTH_MAX - 1, 2 * JSON_DEPTH_MAX + 2, &fault),
                     -1);
    assert_int_equal(fault.offset, JSON_DEPTH_MAX);
    assert_int_equal(json_check(text, 2 * deep, &fault), -1);
    assert_int_equal(json_check(text, deep, &fault), -1);
    for (size_t i = 0; i + 5 <= 2 * deep; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    assert_int_equal(json_check(text, 2 * deep, &fault), -1);
    free(text);
}

/* Does an object of very many keys cost no more than their sorting? */
static void test_many_keys(void **state)
{
    struct buf b = BUF_INIT;
    struct json_fault fault;

    (void)state;
    buf_char(&b, '{');
    for (int i = 0; i < 100000; i++)
        buf_printf(&b, "\"%d\":0,", i);
    buf_str(&b, "\"x\":0}");
    assert_int_equal(json_check(b.data, b.len, &fault), 0);
    b.len--;
    buf_str(&b, ",\"77777\":0}");
    assert_int_equal(json_check(b.data, b.len, &fault), -1);
    buf_free(&b);
}

/* Is only an object read as one? */
static void test_object(void **state)
{
    static const char *const others[] = {"null", "1", "\"a\"", "[]", "true"};
    struct json_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_null(json_read(others[i], strlen(others[i]), &fault));
}

/* Is a member's text given back as it was sent, and without white space on wish? */
static void test_slice(void **state)
{
    const char text[] =
        " { \"x\" : \"metadata\" , \"meta\\u0064ata\" : { \"n\" : 1e2,\n \"s\":\" \\\" \" } } ";
    const char *slice;
    size_t len;
    struct buf b = BUF_INIT;

    (void)state;
    assert_true(json_slice(text, strlen(text), "metadata", &slice, &len));
    assert_int_equal(len, strlen("{ \"n\" : 1e2,\n \"s\":\" \\\" \" }"));
    assert_memory_equal(slice, "{ \"n\" : 1e2,\n", 13);
    json_compact(&b, slice, len);
    assert_string_equal(b.data, "{\"n\":1e2,\"s\":\" \\\" \"}");
    assert_false(json_slice(text, strlen(text), "n", &slice, &len));
    assert_false(json_slice(TEXT("{}"), "n", &slice, &len));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),   cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_characters), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_duplicates), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_many_keys),  cmocka_unit_test(test_object),
        cmocka_unit_test(test_slice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
