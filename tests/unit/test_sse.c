#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cli/sse.h"

/* What a stream gives when it comes in pieces of `step` bytes: "type|data|last id;" an event. */
static char *read_all(const char *stream, size_t len, size_t step)
{
    struct sse *sse = sse_create();
    struct buf out = BUF_INIT;
    struct sse_event event;

    buf_str(&out, "");
    for (size_t at = 0; at < len; at += step) {
        sse_feed(sse, stream + at, len - at < step ? len - at : step);
        while (sse_next(sse, &event) == 1) {
            buf_printf(&out, "%s|", event.type);
            buf_append(&out, event.data, event.data_len);
            buf_printf(&out, "|%s;", sse_last_id(sse));
        }
    }
    sse_free(sse);
    return out.data;
}

static void expect_len(const char *stream, size_t len, const char *wanted)
{
    for (size_t step = 1; step <= len; step++) {
        char *got = read_all(stream, len, step);

        assert_string_equal(got, wanted);
        free(got);
    }
}

static void expect(const char *stream, const char *wanted)
{
    expect_len(stream, strlen(stream), wanted);
}

/* Is an event read however its bytes are cut? */
static void test_event(void **state)
{
    (void)state;
    expect("id: 1-0\nevent: message\ndata: {\"a\":1}\n\n", "message|{\"a\":1}|1-0;");
    expect("event: edit\ndata: x\n\ndata: y\n\n", "edit|x|;message|y|;");
}

/* Do CR, LF and CR LF all end lines, mixed too? */
static void test_line_ends(void **state)
{
    (void)state;
    expect("data: a\rid: 1\r\rdata: b\r\nid: 2\r\n\r\ndata: c\nid: 3\n\n",
           "message|a|1;message|b|2;message|c|3;");
    expect("data: a\n\r\ndata: b\r\n\n", "message|a|;message|b|;");
}

/* Does an event that ends with CR CR come out without waiting for a byte more? */
static void test_cr_does_not_wait(void **state)
{
    struct sse *sse = sse_create();
    struct sse_event event;

    (void)state;
    sse_feed(sse, "data: a\r\r", 9);
    assert_int_equal(sse_next(sse, &event), 1);
    sse_feed(sse, "\ndata: b\n\n", 10);
    assert_int_equal(sse_next(sse, &event), 1);
    assert_string_equal(event.data, "b");
    assert_int_equal(sse_next(sse, &event), 0);
    sse_free(sse);
}

/* Is a byte order mark skipped at the start, and only there? */
static void test_bom(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf"
           "data: a\n\n",
           "message|a|;");
    expect("\xef\xbb\xbf\xef\xbb\xbf"
           "data: a\n\ndata: b\n\n",
           "message|b|;");
    expect("data: a\n\n\xef\xbb\xbf"
           "data: b\n\n",
           "message|a|;");
    expect("\xef\xbb"
           "data: a\n\ndata: b\n\n",
           "message|b|;");
}

/* The standard's own examples: what do several data lines, empty ones and a missing space give? */
static void test_data(void **state)
{
    (void)state;
    expect("data: YHOO\ndata: +2\ndata: 10\n\n", "message|YHOO\n+2\n10|;");
    expect(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
           "event\n\n",
           "message|first event|1;message|second event|;message| third event|;");
    expect("data\n\ndata\ndata\n\ndata:\n", "message||;message|\n|;");
    expect("data:test\n\ndata: test\n\n", "message|test|;message|test|;");
    expect("data: a: b\n\n", "message|a: b|;");
}

/* Does an id stay until another one comes, and count without data too? */
static void test_id(void **state)
{
    struct sse *sse = sse_create();
    struct sse_event event;

    (void)state;
    expect("id: 7\ndata: a\n\ndata: b\n\n", "message|a|7;message|b|7;");
    expect("id: 7\n\ndata: b\n\n", "message|b|7;");
    expect_len("id: 7\ndata: a\n\nid: 8\0x\ndata: b\n\n", 32, "message|a|7;message|b|7;");
    sse_feed(sse, "id: 7\ndata: a\n", 14);
    assert_int_equal(sse_next(sse, &event), 0);
    assert_string_equal(sse_last_id(sse), "");
    sse_feed(sse, "\n", 1);
    assert_int_equal(sse_next(sse, &event), 1);
    assert_string_equal(sse_last_id(sse), "7");
    sse_free(sse);
}

/* Are comments, unknown fields and events without data passed over? */
static void test_ignored(void **state)
{
    (void)state;
    expect(":\n\n: heartbeat\n\nfoo: bar\n\n", "");
    expect("event: lost\n\ndata: a\n\n", "message|a|;");
    expect("Data: a\n\n data: b\n\ndatax: c\n\n", "");
}

/* Is what the end of the stream cuts off not taken for an event? */
static void test_cut(void **state)
{
    (void)state;
    expect("data: a\n\ndata: b\n", "message|a|;");
    expect("data: a", "");
    expect("", "");
}

/* Is `retry:` read, and nonsense in it passed over? */
static void test_retry(void **state)
{
    static const char *const bad[] = {"retry: \n", "retry: 1s\n", "retry: -1\n", "retry: 1.5\n",
                                      "retry: 99999999999999999999\n"};
    struct sse *sse = sse_create();
    struct sse_event event;

    (void)state;
    assert_true(sse_retry_ms(sse) == -1);
    sse_feed(sse, "retry: 2500\n", 12);
    assert_int_equal(sse_next(sse, &event), 0);
    assert_true(sse_retry_ms(sse) == 2500);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        sse_feed(sse, bad[i], strlen(bad[i]));
        assert_int_equal(sse_next(sse, &event), 0);
        assert_true(sse_retry_ms(sse) == 2500);
    }
    sse_free(sse);
}

/* Does a stream without line ends, or with an event without end, stop being read at the limit? */
static void test_limit(void **state)
{
    char block[4096];
    struct sse_event event;

    (void)state;
    for (int lines = 0; lines < 2; lines++) {
        struct sse *sse = sse_create();
        size_t fed = 0;
        int got;

        memset(block, 'x', sizeof(block));
        memcpy(block, "data:", 5);
        if (lines)
            block[sizeof(block) - 1] = '\n';
        do {
            sse_feed(sse, block, sizeof(block));
            fed += sizeof(block);
            got = sse_next(sse, &event);
        } while (got == 0);
        assert_int_equal(got, -1);
        assert_true(fed < 2 * SSE_EVENT_MAX);
        sse_feed(sse, "\n\n", 2);
        assert_int_equal(sse_next(sse, &event), -1);
        sse_free(sse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_cr_does_not_wait),
        cmocka_unit_test(test_bom),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
