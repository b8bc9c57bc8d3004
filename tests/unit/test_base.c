/* test_base.c - does what everything stands on hold? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"

/* Does a buffer keep every byte, zero bytes too, while it grows? */
static void test_buf_grows(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (int i = 0; i < 100000; i++)
        buf_char(&b, (char)i);
    assert_int_equal(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], (char)i);
    assert_int_equal(b.data[b.len], 0);
    assert_true(b.cap < 300000);
    buf_free(&b);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    buf_str(&b, "again");
    assert_string_equal(b.data, "again");
    buf_free(&b);
}

/* Is there a NUL behind the text after each way to append? */
static void test_buf_ends_with_nul(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_append(&b, NULL, 0);
    assert_string_equal(b.data, "");
    buf_append(&b, "ab", 2);
    assert_string_equal(b.data, "ab");
    buf_printf(&b, "%d-%s", 7, "x");
    assert_string_equal(b.data, "ab7-x");
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    buf_printf(&b, "%s", "");
    assert_string_equal(b.data, "");
    buf_free(&b);
}

/* Does a long printf come out whole? */
static void test_buf_printf_long(void **state)
{
    struct buf b = BUF_INIT;
    char *text = mem_alloc(70001);

    (void)state;
    memset(text, 'x', 70000);
    text[70000] = '\0';
    buf_printf(&b, "<%s>", text);
    assert_int_equal(b.len, 70002);
    assert_int_equal(b.data[0], '<');
    assert_int_equal(b.data[70001], '>');
    free(text);
    buf_free(&b);
}

/* Does consuming leave the rest, and does reserving not count as content? */
static void test_buf_consume_reserve(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_consume(&b, 0);
    buf_str(&b, "headtail");
    buf_consume(&b, 4);
    assert_string_equal(b.data, "tail");
    buf_consume(&b, 0);
    assert_string_equal(b.data, "tail");
    memcpy(buf_reserve(&b, 1000), "!", 1);
    assert_int_equal(b.len, 4);
    buf_consume(&b, 4);
    assert_string_equal(b.data, "");
    buf_free(&b);
}

/* Is every byte that JSON forbids in a string escaped, and nothing else? */
static void test_buf_json(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_json(&b, "a\"b\\c\n\r\t\x01\x1f/\x7f\xc3\xa9", 14);
    assert_string_equal(b.data, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f/\x7f\xc3\xa9\"");
    buf_clear(&b);
    buf_json(&b, "\0x", 2);
    assert_string_equal(b.data, "\"\\u0000x\"");
    buf_clear(&b);
    buf_json(&b, "", 0);
    assert_string_equal(b.data, "\"\"");
    buf_free(&b);
}

/* Is arena memory zeroed, aligned and apart, in small and in huge pieces, also when used again? */
static void test_arena(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 16, 100, 5000, 16384, 16385, 1000000};
    struct arena a = {NULL};

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            unsigned char *p = arena_alloc(&a, sizes[i]);

            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(p[k], 0);
            memset(p, 0xa5, sizes[i]);
        }
        arena_clear(&a);
    }
    arena_free(&a);
    assert_null(a.chunks);
}

/* Are copies in an arena whole and not overwritten by later ones? */
static void test_arena_strings(void **state)
{
    struct arena a = {NULL};
    char *first, *second, *third;

    (void)state;
    assert_null(arena_strdup(&a, NULL));
    first = arena_strdup(&a, "first");
    second = arena_strndup(&a, "secondary", 6);
    third = arena_printf(&a, "%05d|%s", 42, "x");
    assert_string_equal(arena_strndup(&a, NULL, 0), "");
    assert_string_equal(first, "first");
    assert_string_equal(second, "second");
    assert_string_equal(third, "00042|x");
    arena_free(&a);
}

/* Do copies on the heap end with a NUL, and is an allocation of nothing something to free? */
static void test_mem(void **state)
{
    char *copy = mem_strndup("abcdef", 3);
    char *zero = mem_zero(64);
    void *nothing = mem_alloc(0);

    (void)state;
    assert_string_equal(copy, "abc");
    for (int i = 0; i < 64; i++)
        assert_int_equal(zero[i], 0);
    assert_non_null(nothing);
    nothing = mem_resize(nothing, 10);
    assert_non_null(nothing);
    free(copy);
    free(zero);
    free(nothing);
    copy = mem_strdup("");
    assert_string_equal(copy, "");
    free(copy);
}

static bool valid(const char *s)
{
    return utf8_valid(s, strlen(s));
}

/* Does well-formed UTF-8 pass, up to both ends of each length? */
static void test_utf8_good(void **state)
{
    (void)state;
    assert_true(utf8_valid("", 0));
    assert_true(valid("plain"));
    assert_true(valid("\x01\x7f"));
    assert_true(valid("\xc2\x80 \xdf\xbf"));
    assert_true(valid("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"));
    assert_true(valid("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
}

/* Is every ill-formed sequence of RFC 3629 refused, and NUL? */
static void test_utf8_bad(void **state)
{
    static const char *const bad[] = {
        "\x80",             /* a lone continuation */
        "\xbf",             /* another */
        "\xc0\xaf",         /* over-long slash */
        "\xc1\xbf",         /* over-long */
        "\xe0\x9f\xbf",     /* over-long */
        "\xf0\x8f\xbf\xbf", /* over-long */
        "\xed\xa0\x80",     /* a surrogate */
        "\xed\xbf\xbf",     /* the last surrogate */
        "\xf4\x90\x80\x80", /* past U+10FFFF */
        "\xf5\x80\x80\x80", /* no lead byte */
        "\xfe",             /* no byte of UTF-8 */
        "\xff",             /* no byte of UTF-8 */
        "\xc3",             /* cut */
        "\xe2\x82",         /* cut */
        "\xf0\x9f\x98",     /* cut */
        "\xc3(",            /* no continuation */
        "\xe2(\xa1",        /* no continuation in the middle */
        "\xe2\x82(",        /* no continuation at the end */
        "\xf0\x9f\x98(",    /* no continuation at the end */
        "ok\xf0\x9f\x98",   /* cut after good text */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(valid(bad[i]));
    assert_false(utf8_valid("a\0b", 3));
    assert_false(utf8_valid("\0", 1));
    /* Cut by the length, though the bytes go on behind it. */
    assert_false(utf8_valid("\xc3\xa9", 1));
    assert_false(utf8_valid("\xf0\x9f\x98\x80", 3));
}

/* Is every code point from U+0001 to U+10FFFF accepted but for the surrogates? */
static void test_utf8_every_code_point(void **state)
{
    (void)state;
    for (unsigned c = 1; c <= 0x10ffff; c++) {
        char s[4];
        size_t len;

        if (c < 0x80) {
            s[0] = (char)c;
            len = 1;
        } else if (c < 0x800) {
            s[0] = (char)(0xc0 | c >> 6);
            len = 2;
        } else if (c < 0x10000) {
            s[0] = (char)(0xe0 | c >> 12);
            len = 3;
        } else {
            s[0] = (char)(0xf0 | c >> 18);
            len = 4;
        }
        for (size_t i = 1; i < len; i++)
            s[i] = (char)(0x80 | (c >> (6 * (len - 1 - i)) & 0x3f));
        if (utf8_valid(s, len) != (c < 0xd800 || c > 0xdfff))
            fail_msg("U+%04X", c);
    }
}

/* Are times written as RFC 3339, also at the ends of what a date can be? */
static void test_clock_format(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {999, "1970-01-01T00:00:00.999Z"},
        {951782400001, "2000-02-29T00:00:00.001Z"},
        {1795499539123, "2026-11-24T05:52:19.123Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {-1, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "9999-12-31T23:59:59.999Z"},
    };
    char text[CLOCK_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        clock_format(text, cases[i].ms);
        assert_string_equal(text, cases[i].text);
    }
}

/* Do both clocks go on, and is the wall clock past the day this was written? */
static void test_clock_runs(void **state)
{
    int64_t mono = clock_mono_ms();

    (void)state;
    assert_true(clock_wall_ms() > 1700000000000);
    usleep(3000);
    assert_true(clock_mono_ms() - mono >= 2);
    assert_true(clock_mono_ms() - mono < 10000);
}

static int log_pipe[2], log_saved;

static void catch_log(void)
{
    assert_int_equal(pipe(log_pipe), 0);
    log_saved = dup(STDERR_FILENO);
    dup2(log_pipe[1], STDERR_FILENO);
}

/* What went into the log since catch_log(). */
static size_t caught_log(char *out, size_t size)
{
    ssize_t len;

    dup2(log_saved, STDERR_FILENO);
    close(log_saved);
    close(log_pipe[1]);
    len = read(log_pipe[0], out, size - 1);
    close(log_pipe[0]);
    if (len < 0)
        len = 0;
    out[len] = '\0';
    return (size_t)len;
}

/* Does a line say when, how grave, who, for which request and what? */
static void test_log_line(void **state)
{
    char line[4096], want[128];

    (void)state;
    log_open("gate", LOG_LEVEL_INFO, LOG_FORM_TEXT);
    log_request("abc123", NULL);
    catch_log();
    log_warn("redis is away for_ms=%d", 12);
    caught_log(line, sizeof(line));
    log_request(NULL, NULL);
    snprintf(want, sizeof(want), "Z warn gate[%d] request=abc123 redis is away for_ms=12\n",
             (int)getpid());
    assert_non_null(strstr(line, want));
    assert_int_equal(line[4], '-');
    assert_int_equal(line[10], 'T');
}

/* Can what came from outside forge a second line, or drive a terminal? */
static void test_log_cannot_be_forged(void **state)
{
    char line[4096];
    size_t len;

    (void)state;
    log_open("gate", LOG_LEVEL_INFO, LOG_FORM_TEXT);
    log_request("id\n2026 error forged", NULL);
    catch_log();
    log_error("path=%s", "a\r\n2026-01-01T00:00:00.000Z error gate[1] forged\x1b[2J\x7f");
    len = caught_log(line, sizeof(line));
    log_request(NULL, NULL);
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    for (size_t i = 0; i + 1 < len; i++)
        assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
}

/* Does a line without end stay one line of bounded length? */
static void test_log_is_bounded(void **state)
{
    char line[8192], *text = mem_zero(6000);
    size_t len;

    (void)state;
    memset(text, 'x', 5999);
    log_request(text, NULL);
    catch_log();
    log_error("%s", text);
    len = caught_log(line, sizeof(line));
    log_request(NULL, NULL);
    assert_true(len <= LOGLINE_MAX);
    assert_int_equal(line[len - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    free(text);
}

/* Are lines above the level dropped? */
static void test_log_level(void **state)
{
    char line[4096];

    (void)state;
    log_open("hub", LOG_LEVEL_WARN, LOG_FORM_TEXT);
    catch_log();
    log_info("not this");
    log_debug("nor this");
    log_warn("but this");
    caught_log(line, sizeof(line));
    assert_null(strstr(line, "not this"));
    assert_null(strstr(line, "nor this"));
    assert_non_null(strstr(line, "but this"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_grows),
        cmocka_unit_test(test_buf_ends_with_nul),
        cmocka_unit_test(test_buf_printf_long),
        cmocka_unit_test(test_buf_consume_reserve),
        cmocka_unit_test(test_buf_json),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_strings),
        cmocka_unit_test(test_mem),
        cmocka_unit_test(test_utf8_good),
        cmocka_unit_test(test_utf8_bad),
        cmocka_unit_test(test_utf8_every_code_point),
        cmocka_unit_test(test_clock_format),
        cmocka_unit_test(test_clock_runs),
        cmocka_unit_test(test_log_line),
        cmocka_unit_test(test_log_cannot_be_forged),
        cmocka_unit_test(test_log_is_bounded),
        cmocka_unit_test(test_log_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
