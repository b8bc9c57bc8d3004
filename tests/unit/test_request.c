/* test_request.c - is a request read as it was meant, and an ambiguous one refused? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "http/cors.h"
#include "http/reply.h"
#include "http/request.h"

static struct arena arena;
static struct request request;
static struct problem problem;

#define PARSE(...) parse((char *[]){"REQUEST_METHOD=GET", __VA_ARGS__, NULL})

static int parse(char **envp)
{
    return request_parse(&request, &arena, envp, &problem);
}

static void refused(int result, const char *code)
{
    assert_int_equal(result, -1);
    assert_string_equal(problem.code, code);
    assert_non_null(problem.detail);
    assert_non_null(request.id);
}

/* Is a usual request read? */
static void test_usual(void **state)
{
    const char *values[3];

    (void)state;
    assert_int_equal(PARSE("SCRIPT_NAME=/chat/v1", "PATH_INFO=/rooms/a b/events",
                           "QUERY_STRING=since=1-0&room=a&room=b%2Fc&x=+", "HTTP_HOST=h:80",
                           "HTTP_ACCEPT=text/plain", "REMOTE_ADDR=::1", "HTTPS=on",
                           "CONTENT_TYPE=Text/Plain; x=y ; Charset=\"UTF-8\"", "CONTENT_LENGTH=12",
                           "HTTP_LAST_EVENT_ID=", "EARSHOT_NAMESPACE=site-1"),
                     0);
    assert_int_equal(request.method, METHOD_GET);
    assert_int_equal(request.segments_count, 3);
    assert_string_equal(request.segments[1], "a b");
    assert_string_equal(request_query(&request, "since"), "1-0");
    assert_int_equal(request_query_all(&request, "room", values, 3), 2);
    assert_string_equal(values[1], "b/c");
    assert_string_equal(request_query(&request, "x"), " ");
    assert_null(request_query(&request, "y"));
    assert_string_equal(request.media_type, "text/plain");
    assert_string_equal(request.charset, "utf-8");
    assert_int_equal(request.content_length, 12);
    assert_true(request.https);
    assert_null(request.last_event_id);
    assert_string_equal(request.namespace, "site-1");
    assert_string_equal(request.accept, "text/plain");
    assert_string_equal(request.script_name, "/chat/v1");
}

/* Behind a rule that rewrites addresses, are we where clients find us? */
static void test_rewritten(void **state)
{
    (void)state;
    PARSE("SCRIPT_NAME=/chat/earshot.cgi", "PATH_INFO=/rooms/a", "REDIRECT_URL=/chat/v1/rooms/a");
    assert_string_equal(request.script_name, "/chat/v1");
    PARSE("SCRIPT_NAME=/earshot.cgi", "PATH_INFO=/rooms/a", "REDIRECT_URL=/rooms/a");
    assert_string_equal(request.script_name, "");
    PARSE("SCRIPT_NAME=/chat/v1", "PATH_INFO=/rooms/a", "REDIRECT_URL=/elsewhere");
    assert_string_equal(request.script_name, "/chat/v1");
    PARSE("SCRIPT_NAME=/chat/v1", "PATH_INFO=/rooms/a", "REDIRECT_URL=/a");
    assert_string_equal(request.script_name, "/chat/v1");
}

/* What stands in for what is not there? */
static void test_absent(void **state)
{
    (void)state;
    assert_int_equal(PARSE("CONTENT_LENGTH=", "QUERY_STRING=", "HTTPS=", "BROKEN", "=x"), 0);
    assert_string_equal(request.namespace, "main");
    assert_int_equal(request.content_length, -1);
    assert_int_equal(request.segments_count, 0);
    assert_false(request.https);
    assert_null(request.media_type);
    assert_int_equal(strlen(request.id), 32);
    assert_int_equal(PARSE("PATH_INFO=/"), 0);
    assert_int_equal(request.segments_count, 0);
    assert_int_equal(PARSE("PATH_INFO=/a//b/"), 0);
    assert_int_equal(request.segments_count, 4);
    assert_string_equal(request.segments[1], "");
    refused(parse((char *[]){"PATH_INFO=/", NULL}), "method_missing");
    assert_int_equal(parse((char *[]){"REQUEST_METHOD=BREW", NULL}), 0);
    assert_int_equal(request.method, METHOD_OTHER);
}

/* May a path be long without harm? */
static void test_long_path(void **state)
{
    (void)state;
    assert_int_equal(PARSE("PATH_INFO=/1/2/3/4/5/6/7/8/9/10/11"), 0);
    assert_int_equal(request.segments_count, 11);
    assert_string_equal(request.segments[REQUEST_SEGMENTS_MAX - 1], "8");
    refused(PARSE("PATH_INFO=rooms"), "path_invalid");
}

/* Is Content-Length a decimal number or nothing, and one? */
static void test_length(void **state)
{
    static char *const bad[] = {
        "-2", "-01", "+1", " 1", "1 ", "0x1", "1,1", "1.0", "999999999999999999999", "\xd9\xa1"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(PARSE(arena_printf(&arena, "CONTENT_LENGTH=%s", bad[i])), "content_length_invalid");
    refused(PARSE("CONTENT_LENGTH=5", "CONTENT_LENGTH=6"), "header_duplicate");
    refused(PARSE("CONTENT_LENGTH=5", "HTTP_CONTENT_LENGTH=6"), "header_duplicate");
    assert_int_equal(PARSE("CONTENT_LENGTH=5", "CONTENT_LENGTH=5"), 0);
    assert_int_equal(PARSE("CONTENT_LENGTH=", "HTTP_CONTENT_LENGTH=5"), 0);
    assert_int_equal(request.content_length, 5);
    assert_int_equal(PARSE("CONTENT_LENGTH=-1"), 0);
    assert_int_equal(request.content_length, -1);
}

/* Are headers that come twice joined where they are lists, else refused? */
static void test_twice(void **state)
{
    (void)state;
    assert_int_equal(
        PARSE("HTTP_ACCEPT=a/b", "HTTP_ACCEPT=c/d", "HTTP_COOKIE=a=1", "HTTP_COOKIE=b=2"), 0);
    assert_string_equal(request.accept, "a/b, c/d");
    assert_string_equal(request.cookie, "a=1; b=2");
    refused(PARSE("HTTP_AUTHORIZATION=Bearer a", "HTTP_AUTHORIZATION=Bearer b"),
            "header_duplicate");
    refused(PARSE("HTTP_IDEMPOTENCY_KEY=a", "HTTP_IDEMPOTENCY_KEY=b"), "header_duplicate");
    refused(PARSE("HTTP_ORIGIN=http://a", "HTTP_ORIGIN=http://b"), "header_duplicate");
    refused(PARSE("CONTENT_TYPE=text/plain", "CONTENT_TYPE=application/json"), "header_duplicate");
    refused(PARSE("CONTENT_TYPE=text/plain; charset=utf-8; charset=utf-7"), "content_type_invalid");
    refused(PARSE("CONTENT_TYPE=text/plain x"), "content_type_invalid");
}

/* Is bad UTF-8 refused in each place where text comes in? */
static void test_utf8(void **state)
{
    static const char *const names[] = {
        "PATH_INFO=/",         "HTTP_ACCEPT=",        "HTTP_AUTHORIZATION=",
        "HTTP_COOKIE=",        "HTTP_LAST_EVENT_ID=", "HTTP_IDEMPOTENCY_KEY=",
        "HTTP_IF_NONE_MATCH=", "HTTP_ORIGIN=",        "CONTENT_TYPE=",
        "HTTP_HOST=",          "QUERY_STRING=a=",     "SCRIPT_NAME="};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        refused(PARSE(arena_printf(&arena, "%s\xc3\x28", names[i])), "header_invalid");
    refused(PARSE("QUERY_STRING=a=%00"), "query_invalid");
    refused(PARSE("QUERY_STRING=%ff=a"), "query_invalid");
    assert_int_equal(PARSE("HTTP_USER_AGENT=\xff"), 0);
}

/* Is a request id taken when it is harmless, else made? */
static void test_id(void **state)
{
    static char *const bad[] = {
        "HTTP_X_REQUEST_ID=a b", "HTTP_X_REQUEST_ID=<script>", "HTTP_X_REQUEST_ID=a\nb",
        "HTTP_X_REQUEST_ID=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char first[64];

    (void)state;
    assert_int_equal(PARSE("HTTP_X_REQUEST_ID=A.b_c-9"), 0);
    assert_string_equal(request.id, "A.b_c-9");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(PARSE(bad[i]), 0);
        assert_int_equal(strlen(request.id), 32);
    }
    strcpy(first, request.id);
    assert_int_equal(PARSE("X=y"), 0);
    assert_string_not_equal(first, request.id);
}

/* Is a trace taken only when it is one, and a namespace refused when it is none? */
static void test_others(void **state)
{
    static const char *const none[] = {
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", /* upper case */
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", /* not in version 00 */
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c b7ad6b7169203331-01",
    };
    char variable[128];

    (void)state;
    assert_int_equal(
        PARSE("HTTP_TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), 0);
    assert_string_equal(request.trace, "0af7651916cd43dd8448eb211c80319c");
    assert_int_equal(
        PARSE("HTTP_TRACEPARENT=cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-09-more"), 0);
    assert_string_equal(request.trace, "0af7651916cd43dd8448eb211c80319c");
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        snprintf(variable, sizeof(variable), "HTTP_TRACEPARENT=%s", none[i]);
        assert_int_equal(PARSE(variable), 0);
        assert_null(request.trace);
    }
    refused(PARSE("EARSHOT_NAMESPACE=a/b"), "namespace_invalid");
    assert_int_equal(problem.status, 500);
    assert_string_equal(request.namespace, "main");
}

/* Is a cookie found among others, and two different ones told? */
static void test_cookie(void **state)
{
    bool differs;

    (void)state;
    assert_int_equal(PARSE("HTTP_COOKIE=xearshot=0; earshot=a.b=c; earshotx=1"), 0);
    assert_string_equal(request_cookie(&request, &arena, "earshot", &differs), "a.b=c");
    assert_false(differs);
    assert_null(request_cookie(&request, &arena, "none", &differs));
    assert_int_equal(PARSE("HTTP_COOKIE=earshot=a;earshot=b"), 0);
    assert_string_equal(request_cookie(&request, &arena, "earshot", &differs), "a");
    assert_true(differs);
    assert_int_equal(PARSE("HTTP_COOKIE=earshot=a; earshot=a; ;="), 0);
    assert_string_equal(request_cookie(&request, &arena, "earshot", &differs), "a");
    assert_false(differs);
    assert_int_equal(PARSE("HTTP_COOKIE=earshot="), 0);
    assert_string_equal(request_cookie(&request, &arena, "earshot", &differs), "");
}

/* Is a reply whole, and can no value forge a line of it? */
static void test_reply(void **state)
{
    struct reply reply = {0};
    struct buf out = BUF_INIT;
    const struct problem wrong = {413, "body_too_large", "a \"long\" one"};

    (void)state;
    reply_clear(&reply);
    reply_header(&reply, "Location", "a\r\nSet-Cookie: x");
    reply_problem(&reply, &wrong, "id-1");
    reply_encode(&out, &reply, false);
    assert_string_equal(
        out.data,
        "Status: 413 Content Too Large\r\nContent-Type: application/problem+json\r\n"
        "Content-Length: 134\r\nCache-Control: no-store\r\n"
        "Location: a  Set-Cookie: x\r\n\r\n"
        "{\"type\":\"about:blank\",\"title\":\"Content Too Large\",\"status\":413,"
        "\"code\":\"body_too_large\",\"detail\":\"a \\\"long\\\" one\",\"request_id\":\"id-1\"}\n");
    buf_clear(&out);
    reply_encode(&out, &reply, true);
    assert_non_null(strstr(out.data, "Content-Length: 134\r\n"));
    assert_null(strstr(out.data, "{"));
    reply.status = 304;
    buf_clear(&out);
    reply_encode(&out, &reply, false);
    assert_null(strstr(out.data, "Content-"));
    assert_null(strstr(out.data, "{"));
    buf_free(&out);
    reply_free(&reply);
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
        cmocka_unit_test(test_usual),  cmocka_unit_test(test_rewritten),
        cmocka_unit_test(test_absent), cmocka_unit_test(test_long_path),
        cmocka_unit_test(test_length), cmocka_unit_test(test_twice),
        cmocka_unit_test(test_utf8),   cmocka_unit_test(test_id),
        cmocka_unit_test(test_others), cmocka_unit_test(test_cookie),
        cmocka_unit_test(test_reply),
    };

    return cmocka_run_group_tests(tests, NULL, clean);
}
