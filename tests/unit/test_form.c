/* test_form.c - is a form read as browsers and curl write it? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "http/form.h"

static struct arena arena;

static struct form parse(const char *text)
{
    struct form form;
    const char *reason;

    assert_int_equal(form_parse(&form, &arena, text, strlen(text), &reason), 0);
    return form;
}

/* Are fields decoded, plus, percent and all? */
static void test_decode(void **state)
{
    struct form form = parse("content=a+b%20c%2B%26%3d&x=%E2%98%83&empty=&bare&=noname&&a=1=2");

    (void)state;
    assert_int_equal(form.count, 6);
    assert_string_equal(form_value(&form, "content"), "a b c+&=");
    assert_string_equal(form_value(&form, "x"), "\xe2\x98\x83");
    assert_string_equal(form_value(&form, "empty"), "");
    assert_string_equal(form_value(&form, "bare"), "");
    assert_string_equal(form_value(&form, ""), "noname");
    assert_string_equal(form_value(&form, "a"), "1=2");
    assert_null(form_value(&form, "missing"));
    assert_int_equal(parse("").count, 0);
}

/* Does a percent sign that begins nothing stand for itself (WHATWG URL, 5.1)? */
static void test_bare_percent(void **state)
{
    struct form form = parse("a=100%&b=%zz&c=%4&d=%&e=%4%41");

    (void)state;
    assert_string_equal(form_value(&form, "a"), "100%");
    assert_string_equal(form_value(&form, "b"), "%zz");
    assert_string_equal(form_value(&form, "c"), "%4");
    assert_string_equal(form_value(&form, "d"), "%");
    assert_string_equal(form_value(&form, "e"), "%4A");
}

/* Is what is no text refused, wherever it stands? */
static void test_refused(void **state)
{
    static const char *const bad[] = {"a=%00",     "%00=a",       "a=%ff",    "a=\xff",
                                      "\xc0\x80=", "a=%ed%a0%80", "a=b&c=%80"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct form form;
        const char *reason = NULL;

        assert_int_equal(form_parse(&form, &arena, bad[i], strlen(bad[i]), &reason), -1);
        assert_non_null(reason);
    }
}

/* Has a form a cap? */
static void test_cap(void **state)
{
    char text[2 * FORM_PAIRS_MAX + 2];
    const char *reason;
    struct form form;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 == 0 ? 'a' : '&';
    assert_int_equal(form_parse(&form, &arena, text, 2 * FORM_PAIRS_MAX - 1, &reason), 0);
    assert_int_equal(form.count, FORM_PAIRS_MAX);
    assert_int_equal(form_count(&form, "a"), FORM_PAIRS_MAX);
    assert_int_equal(form_parse(&form, &arena, text, sizeof(text), &reason), -1);
}

/* Is it told whether text is a form with a field of this name? */
static void test_names(void **state)
{
    static const char *const with[] = {"content=", "a=1&content=x", "%63ontent=x", "&&content=%ff"};
    static const char *const without[] = {
        "", "content", "contents=x", "conten=x", "I am content=x", "x=content=", "a&content"};

    (void)state;
    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
        assert_true(form_names(with[i], strlen(with[i]), "content"));
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
        assert_false(form_names(without[i], strlen(without[i]), "content"));
}

static int clean(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),  cmocka_unit_test(test_bare_percent),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_cap),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, clean);
}
