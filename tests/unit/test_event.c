/* test_event.c - are ids, types and the JSON of events what they must be? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

static int parse(struct event_id *id, const char *s)
{
    return event_id_parse(id, s, strlen(s));
}

/* Does every legal id come back as it was written? */
static void test_id_round_trip(void **state)
{
    static const char *const good[] = {
        "0-0",
        "0-1",
        "1-0",
        "10-90",
        "1795499539123-0",
        "18446744073709551615-18446744073709551615",
        "18446744073709551614-1",
    };
    char text[EVENT_ID_TEXT];
    struct event_id id;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(parse(&id, good[i]), 0);
        assert_int_equal(event_id_format(text, id), strlen(good[i]));
        assert_string_equal(text, good[i]);
    }
    assert_int_equal(parse(&id, "18446744073709551615-7"), 0);
    assert_true(id.ms == UINT64_MAX && id.seq == 7);
}

/* Is everything refused that Redis might take for an id, but that is not how Redis writes one? */
static void test_id_strict(void **state)
{
    static const char *const bad[] = {
        "",
        "-",
        "1",
        "1-",
        "-1",
        "1--1",
        "1-1-1",
        "+1-0",
        "1-+0",
        "-1-0",
        " 1-0",
        "1-0 ",
        "1 -0",
        "01-0",
        "1-00",
        "00-0",
        "0x1-0",
        "1-0\n",
        "1-a",
        "a-1",
        "$",
        "*",
        "1-*",
        "1.0-0",
        "18446744073709551616-0",
        "0-18446744073709551616",
        "18446744073709551620-0",
        "99999999999999999999-0",
        "0-99999999999999999999",
        "100000000000000000000-0",
        "184467440737095516150-0",
        "\xd9\xa1-\xd9\xa1",
    };
    struct event_id id = {42, 43};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parse(&id, bad[i]) == 0)
            fail_msg("\"%s\" passed", bad[i]);
    assert_int_equal(event_id_parse(&id, "1-\0", 3), -1);
    assert_int_equal(event_id_parse(&id, NULL, 0), -1);
    /* What failed left nothing behind. */
    assert_true(id.ms == 42 && id.seq == 43);
}

/* Is only `len` of the text read? */
static void test_id_length(void **state)
{
    struct event_id id;

    (void)state;
    assert_int_equal(event_id_parse(&id, "12-345", 5), 0);
    assert_true(id.ms == 12 && id.seq == 34);
    assert_int_equal(event_id_parse(&id, "12-345", 3), -1);
}

/* Are ids ordered by time, then by sequence, as numbers? */
static void test_id_compare(void **state)
{
    static const char *const ordered[] = {"0-0", "0-1",  "0-10", "1-0",
                                          "9-9", "10-0", "10-1", "18446744073709551615-0"};
    const int count = sizeof(ordered) / sizeof(ordered[0]);
    struct event_id a, b;

    (void)state;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < count; k++) {
            int order;

            parse(&a, ordered[i]);
            parse(&b, ordered[k]);
            order = event_id_compare(a, b);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
}

/* Are numbers read up to the last that fits, and not past it? */
static void test_number(void **state)
{
    uint64_t n = 5;

    (void)state;
    assert_int_equal(event_number_parse(&n, "18446744073709551615", 20), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(event_number_parse(&n, "0", 1), 0);
    assert_true(n == 0);
    assert_int_equal(event_number_parse(&n, "", 0), -1);
    assert_int_equal(event_number_parse(&n, "18446744073709551616", 20), -1);
    assert_int_equal(event_number_parse(&n, "000000000000000000001", 21), -1);
    assert_int_equal(event_number_parse(&n, "1/", 2), -1);
    assert_int_equal(event_number_parse(&n, "1:", 2), -1);
    assert_int_equal(event_number_parse(&n, "\xb1", 1), -1);
}

/* Does the stored form hold all members, the type first? */
static void test_write_full(void **state)
{
    const struct event_draft draft = {
        .type = "alert",
        .room = "ops",
        .user_id = "alice",
        .name = "Alice \"A\"",
        .content = "line\nnext",
        .content_len = 9,
        .metadata = "{\"a\":[1,2]}",
        .reply_to = "1-0",
        .client_id = "c1",
    };
    struct buf b = BUF_INIT;

    (void)state;
    event_write(&b, &draft);
    assert_string_equal(b.data,
                        "{\"type\":\"alert\",\"room\":\"ops\",\"userId\":\"alice\","
                        "\"name\":\"Alice \\\"A\\\"\",\"content\":\"line\\nnext\","
                        "\"metadata\":{\"a\":[1,2]},\"replyTo\":\"1-0\",\"clientId\":\"c1\"}");
    buf_free(&b);
}

/* Are absent parts left out, and is empty content kept apart from none? */
static void test_write_sparse(void **state)
{
    struct event_draft draft = {.type = "message", .room = "r", .name = "", .content = ""};
    struct buf b = BUF_INIT;

    (void)state;
    event_write(&b, &draft);
    assert_string_equal(b.data, "{\"type\":\"message\",\"room\":\"r\",\"content\":\"\"}");
    buf_clear(&b);
    draft.content = NULL;
    draft.type = NULL;
    event_write(&b, &draft);
    assert_string_equal(b.data, "{\"type\":\"message\",\"room\":\"r\"}");
    buf_free(&b);
}

/* Is the stored form one line of JSON, whatever the content and however the metadata is laid out?
 */
static void test_write_one_line(void **state)
{
    char content[256];
    struct event_draft draft = {.type = "message", .room = "r", .content = content};
    struct buf b = BUF_INIT;
    struct json_object *object, *value;

    (void)state;
    for (int i = 0; i < 127; i++)
        content[i] = (char)(i + 1);
    draft.content_len = 127;
    draft.metadata = "{\r\n\t\"a\":\n1\r}";
    event_write(&b, &draft);
    assert_null(memchr(b.data, '\n', b.len));
    assert_null(memchr(b.data, '\r', b.len));
    object = json_tokener_parse(b.data);
    assert_non_null(object);
    assert_true(json_object_object_get_ex(object, "content", &value));
    assert_int_equal(json_object_get_string_len(value), 127);
    assert_memory_equal(json_object_get_string(value), content, 127);
    assert_true(json_object_object_get_ex(object, "metadata", &value));
    assert_string_equal(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), "{\"a\":1}");
    json_object_put(object);
    buf_free(&b);
}

static struct event make_event(bool durable, const char *json)
{
    return (struct event){durable, {1795499539123, 4}, 1795499539123, json, strlen(json)};
}

/* Do id and time stand in front of what the log keeps, and the rest as it was? */
static void test_json_durable(void **state)
{
    struct event event = make_event(true, "{\"type\":\"message\",\"content\":\"x\"}");
    struct buf b = BUF_INIT;

    (void)state;
    event_json(&b, &event);
    assert_string_equal(b.data,
                        "{\"id\":\"1795499539123-4\",\"timestamp\":\"2026-11-24T05:52:19.123Z\","
                        "\"type\":\"message\",\"content\":\"x\"}");
    buf_free(&b);
}

/* Has an ephemeral event a time and no id? */
static void test_json_ephemeral(void **state)
{
    struct event event = make_event(false, "{\"type\":\"typing\"}");
    struct buf b = BUF_INIT;

    (void)state;
    event_json(&b, &event);
    assert_string_equal(b.data, "{\"timestamp\":\"2026-11-24T05:52:19.123Z\",\"type\":\"typing\"}");
    buf_free(&b);
}

/* Is what is not our JSON answered with a well-formed object on one line? */
static void test_json_foreign(void **state)
{
    static const char *const foreign[] = {"",    "{}",      "{",        "}",   "x",
                                          "[1]", "hello {", "{\"a\":1", "null"};
    struct event event;
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        event = make_event(true, foreign[i]);
        buf_clear(&b);
        event_json(&b, &event);
        assert_string_equal(
            b.data, "{\"id\":\"1795499539123-4\",\"timestamp\":\"2026-11-24T05:52:19.123Z\"}");
    }
    event = make_event(false, "{\n\"type\":\r\n\"x\"\n}");
    buf_clear(&b);
    event_json(&b, &event);
    assert_string_equal(b.data, "{\"timestamp\":\"2026-11-24T05:52:19.123Z\", \"type\":  \"x\" }");
    buf_free(&b);
}

/* Is an id at the end of the numbers written, with a time that is still a date? */
static void test_json_maximum(void **state)
{
    struct event event = {true, {UINT64_MAX, UINT64_MAX}, (int64_t)UINT64_MAX, "{\"a\":1}", 7};
    struct buf b = BUF_INIT;

    (void)state;
    event_json(&b, &event);
    assert_string_equal(b.data, "{\"id\":\"18446744073709551615-18446744073709551615\","
                                "\"timestamp\":\"9999-12-31T23:59:59.999Z\",\"a\":1}");
    buf_free(&b);
}

static void check_type(const char *json, const char *want)
{
    size_t len = 99;
    const char *type = event_type(json, strlen(json), &len);

    assert_int_equal(len, strlen(want));
    assert_memory_equal(type, want, len);
}

/* Is the type found where event_write() puts it, and nothing else taken for one? */
static void test_type(void **state)
{
    (void)state;
    check_type("{\"type\":\"message\",\"room\":\"r\"}", "message");
    check_type("{\"type\":\"a\"}", "a");
    check_type("{\"type\":\"a.b_c-9\"}", "a.b_c-9");
    check_type("{\"type\":\"abcdefghijklmnopqrstuvwxyz012345\"}",
               "abcdefghijklmnopqrstuvwxyz012345");
    check_type("{\"type\":\"abcdefghijklmnopqrstuvwxyz0123456\"}", "");
    check_type("{\"type\":\"\"}", "");
    check_type("{\"type\":\"A\"}", "");
    check_type("{\"type\":\"x\\ndata: forged\"}", "");
    check_type("{\"type\":\"x\ndata: forged\"}", "");
    check_type("{\"type\":\"x", "");
    check_type("{\"type\":\"", "");
    check_type("{ \"type\":\"x\"}", "");
    check_type("{\"room\":\"r\",\"type\":\"x\"}", "");
    check_type("", "");
}

/* May a sender choose his own types, but none of earshot's? */
static void test_type_sendable(void **state)
{
    static const char *const good[] = {
        "message", "alert", "a",        "x.y",
        "a-b_c.9", "edits", "messages", "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const bad[] = {
        "edit",
        "delete",
        "reaction",
        "join",
        "leave",
        "typing",
        "read",
        "signal",
        "room",
        "member",
        "hello",
        "gap",
        "bye",
        "error",
        "open",
        "",
        "A",
        "Message",
        "9a",
        ".a",
        "-a",
        "_a",
        "a b",
        "a\n",
        "a/b",
        "a:b",
        "\xc3\xa9",
        "a\xc3\xa9",
        "abcdefghijklmnopqrstuvwxyz0123456",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(event_type_sendable(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(event_type_sendable(bad[i]));
    assert_false(event_type_sendable(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_round_trip), cmocka_unit_test(test_id_strict),
        cmocka_unit_test(test_id_length),     cmocka_unit_test(test_id_compare),
        cmocka_unit_test(test_number),        cmocka_unit_test(test_write_full),
        cmocka_unit_test(test_write_sparse),  cmocka_unit_test(test_write_one_line),
        cmocka_unit_test(test_json_durable),  cmocka_unit_test(test_json_ephemeral),
        cmocka_unit_test(test_json_foreign),  cmocka_unit_test(test_json_maximum),
        cmocka_unit_test(test_type),          cmocka_unit_test(test_type_sendable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
