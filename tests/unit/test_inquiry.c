/* test_inquiry.c - does a question reach the hubs as the gate meant it, or not at all? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "event/inquiry.h"

static void assert_same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

/* Does every field arrive, there or not? */
static void test_round_trip(void **state)
{
    (void)state;
    for (int bits = 0; bits < 8; bits++)
        for (int kind = 0; kind < INQUIRY_KINDS; kind++) {
            const struct inquiry sent = {
                .kind = (enum inquiry_kind)kind,
                .namespace = "main",
                .key = "0123456789abcdef01234567",
                .user = bits & 1 ? "alice" : NULL,
                .room = bits & 2 ? "@alice,bob" : NULL,
                .connection = bits & 4 ? "AbC_d-e.17" : NULL,
                .limit = 1000,
                .machine = bits & 1 ? "5e0c-1" : NULL,
                .sent_us = UINT64_MAX,
            };
            struct inquiry got;
            struct buf text = BUF_INIT;

            inquiry_encode(&text, &sent);
            memset(&got, 0xee, sizeof(got));
            assert_int_equal(inquiry_decode(&got, text.data), 0);
            assert_int_equal(got.kind, sent.kind);
            assert_string_equal(got.namespace, sent.namespace);
            assert_string_equal(got.key, sent.key);
            assert_same_text(got.user, sent.user);
            assert_same_text(got.room, sent.room);
            assert_same_text(got.connection, sent.connection);
            assert_int_equal(got.limit, sent.limit);
            assert_same_text(got.machine, sent.machine);
            assert_true(got.sent_us == sent.sent_us);
            buf_free(&text);
        }
}

/* Is what is no question refused? */
static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "1",
        "1 connections main key * * *",
        "1 connections main key * * * 5 m 7 8",
        "1 connections main key * * * 5 m x",
        "1 connections main key * * * x m 7",
        "1 connections main key * * * -1 m 7",
        "1 connections main key * * * 4294967296 m 7",
        "1 connections  key * * * 5 m 7",
        "1 connections a:b key * * * 5 m 7",
        "1 nothing main key * * * 5 m 7",
        "2 connections main key * * * 5 m 7",
        ("1 connections main 01234567890123456789012345678901234567890123456789012345678901234 * * "
         "* 5 m 7"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[256];
        struct inquiry got;

        strcpy(text, bad[i]);
        if (inquiry_decode(&got, text) == 0)
            fail_msg("\"%s\" passed", bad[i]);
    }
}

/* Does an address come out of its 16 bytes as it went in? */
static void test_address(void **state)
{
    static const char *const pairs[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:db8::1", "2001:db8::1"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"-", ""},
        {"", ""},
        {"192.0.2.256", ""},
    };
    unsigned char ip[IP_BYTES];
    char text[IP_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        ip_pack(ip, pairs[i][0]);
        ip_text(text, ip);
        assert_string_equal(text, pairs[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
