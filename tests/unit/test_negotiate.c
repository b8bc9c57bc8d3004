/* test_negotiate.c - does every client get the form that it can read? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "http/negotiate.h"

static struct arena arena;
static struct problem problem;

static int pick(const char *as, const char *accept, unsigned offered)
{
    enum frame_form form;

    problem = (struct problem){0, NULL, NULL};
    if (negotiate_form(&form, as, accept, offered, &arena, &problem) < 0)
        return -problem.status;
    return (int)form;
}

#define BROWSER "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

/* What do the clients that there are get? */
static void test_clients(void **state)
{
    (void)state;
    assert_int_equal(pick(NULL, NULL, NEGOTIATE_ALL), FRAME_JSON);
    assert_int_equal(pick(NULL, "*/*", NEGOTIATE_ALL), FRAME_JSON); /* curl, fetch */
    assert_int_equal(pick(NULL, "text/event-stream", NEGOTIATE_ALL), FRAME_SSE);
    assert_int_equal(pick(NULL, "application/json, text/plain, */*", NEGOTIATE_ALL), FRAME_JSON);
    assert_int_equal(pick(NULL, BROWSER, NEGOTIATE_ALL), FRAME_HTML);
    assert_int_equal(pick(NULL, BROWSER, NEGOTIATE_ALL & ~NEGOTIATE_FORM(FRAME_HTML)), FRAME_JSON);
    /* Java's URLConnection, for a program that names nothing. */
    assert_int_equal(pick(NULL, "text/html, image/gif, *; q=.2, */*; q=.2", NEGOTIATE_ALL),
                     FRAME_JSON);
}

/* Who gets a page? */
static void test_page(void **state)
{
    (void)state;
    assert_true(negotiate_page(BROWSER));
    assert_true(negotiate_page("text/html"));
    assert_true(negotiate_page("text/html, text/*;q=0.5, image/*, application/*")); /* w3m */
    assert_true(negotiate_page(
        "text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01")); /* lynx
                                                                                            */
    assert_true(negotiate_page("text/html, application/xhtml+xml, image/jxr, */*"));
    assert_true(negotiate_page("text/html, application/xml;q=0.9, application/xhtml+xml, "
                               "image/png, image/webp, image/jpeg, "
                               "image/gif, image/x-xbitmap, */*;q=0.1")); /* old Opera */
    assert_false(negotiate_page(NULL));
    assert_false(negotiate_page(""));
    assert_false(negotiate_page("*/*"));
    assert_false(negotiate_page("text/*"));
    assert_false(negotiate_page("text/html;q=0"));
    assert_false(negotiate_page("text/html, application/json"));
    assert_false(negotiate_page("text/html;q=0.5, */*"));
    assert_false(negotiate_page("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"));
    assert_false(negotiate_page("text/html, image/gif, image/jpeg, */*; q=0.2"));
}

/* Do quality and specificity count (RFC 9110, 12.5.1)? */
static void test_quality(void **state)
{
    const char *rfc = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, "
                      "text/plain;format=fixed;q=0.4, */*;q=0.5";

    (void)state;
    assert_int_equal(negotiate_quality(rfc, "text/plain"), 700);
    assert_int_equal(negotiate_quality(rfc, "text/html"), 300);
    assert_int_equal(negotiate_quality(rfc, "image/jpeg"), 500);
    assert_int_equal(negotiate_quality("TEXT/Plain; Q=0.25", "text/plain"), 250);
    assert_int_equal(negotiate_quality("text/plain;q=1.9", "text/plain"), 1000);
    assert_int_equal(negotiate_quality("text/plain;q=0.0001", "text/plain"), 0);
    assert_int_equal(negotiate_quality("text/plain; charset=utf-8", "text/plain"), 1000);
    assert_int_equal(negotiate_quality("a/b;x=\",text/plain\"", "text/plain"), 0);
    assert_int_equal(negotiate_quality("", "text/plain"), 0);
    assert_int_equal(negotiate_quality(",,;;q=, ;", "text/plain"), 0);
    assert_int_equal(pick(NULL, "text/event-stream;q=0.5, application/x-ndjson", NEGOTIATE_ALL),
                     FRAME_NDJSON);
    assert_int_equal(pick(NULL, "*/*, application/json;q=0", NEGOTIATE_ALL), FRAME_TEXT);
    assert_int_equal(pick(NULL, "application/jsonl", NEGOTIATE_ALL), FRAME_NDJSON);
    assert_int_equal(pick(NULL, "text/*", NEGOTIATE_ALL), FRAME_TEXT);
}

/* Does as= go first, and is what is not there refused with what is? */
static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(pick("sse", "application/json", NEGOTIATE_ALL), FRAME_SSE);
    assert_int_equal(pick("text", "image/png", NEGOTIATE_ALL), FRAME_TEXT);
    assert_int_equal(pick("xml", "*/*", NEGOTIATE_ALL), -400);
    assert_non_null(strstr(problem.detail, "json, text, ndjson, sse, html"));
    assert_int_equal(pick("", NULL, NEGOTIATE_ALL), -400);
    assert_int_equal(pick("SSE", NULL, NEGOTIATE_ALL), -400);
    assert_int_equal(pick("sse", NULL, NEGOTIATE_ALL & ~NEGOTIATE_FORM(FRAME_SSE)), -400);
    assert_int_equal(pick(NULL, "image/png", NEGOTIATE_ALL), -406);
    assert_int_equal(pick(NULL, "*/*;q=0", NEGOTIATE_ALL), -406);
    assert_int_equal(pick(NULL, "text/event-stream", NEGOTIATE_FORM(FRAME_JSON)), -406);
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
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_quality),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, clean);
}
