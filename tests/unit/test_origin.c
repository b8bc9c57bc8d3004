/* test_origin.c - is a request that a strange page made told from one of ours? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "auth/origin.h"
#include "http/cors.h"

static char allowed[] = "https://app.example.org";
static const struct conf conf = {.origins = {allowed}, .origins_count = 1};

static bool trusted(bool https, const char *host, const char *origin, const char *site)
{
    const struct request request = {
        .https = https, .host = host, .origin = origin, .sec_fetch_site = site};

    return origin_trusted(&request, &conf);
}

/* Who is trusted? */
static void test_trusted(void **state)
{
    (void)state;
    assert_true(trusted(true, "h.example", NULL, "same-origin"));
    assert_true(trusted(true, "h.example", "https://h.example", NULL));
    assert_true(trusted(false, "h.example:8080", "http://h.example:8080", "same-site"));
    assert_true(trusted(true, "h.example:443", "https://h.example", NULL));
    assert_true(trusted(false, "h.example", "http://h.example:80", NULL));
    assert_true(trusted(true, "H.example", "https://h.EXAMPLE", NULL));
    assert_true(trusted(true, "h.example", "https://app.example.org", "cross-site"));
}

/* Does the server's port stand in for one that the web server left out of the host? */
static void test_port(void **state)
{
    struct request request = {.host = "h", .origin = "http://h:8080", .server_port = "8080"};

    (void)state;
    assert_true(origin_trusted(&request, &conf));
    request.origin = "http://h:8081";
    assert_false(origin_trusted(&request, &conf));
    request.origin = "http://h:8080:8080";
    assert_false(origin_trusted(&request, &conf));
    request.origin = "http://h.evil:8080";
    assert_false(origin_trusted(&request, &conf));
    request.host = "h:80";
    request.origin = "http://h:80:8080";
    assert_false(origin_trusted(&request, &conf));
}

/* And who is not? */
static void test_strange(void **state)
{
    (void)state;
    assert_false(trusted(true, "h.example", NULL, NULL));
    assert_false(trusted(true, "h.example", NULL, "none"));
    assert_false(trusted(true, "h.example", NULL, "same-site"));
    assert_false(trusted(true, "h.example", "null", "cross-site"));
    assert_false(trusted(true, "h.example", "http://h.example", NULL));
    assert_false(trusted(true, "h.example", "https://h.example.evil", NULL));
    assert_false(trusted(true, "h.example", "https://h.example:8443", NULL));
    assert_false(trusted(true, "h.example", "https://evil/h.example", NULL));
    assert_false(trusted(true, "", "https://", NULL));
    assert_false(trusted(true, NULL, "https://h.example", NULL));
    assert_false(trusted(true, "h.example", "https://app.example.org.evil", NULL));
    assert_false(trusted(true, "h.example", "https://app.example.org/", NULL));
}

/* Are only configured origins let read a reply? */
static void test_cors(void **state)
{
    struct request request = {.id = "1", .origin = "https://app.example.org"};
    struct buf b = BUF_INIT;

    (void)state;
    cors_headers(&b, &request, &conf);
    assert_non_null(strstr(b.data, "Access-Control-Allow-Origin: https://app.example.org\r\n"));
    assert_non_null(strstr(b.data, "Vary: Origin\r\n"));
    assert_non_null(strstr(b.data, "X-Request-Id: 1\r\n"));
    buf_clear(&b);
    request.origin = "https://evil.example";
    cors_headers(&b, &request, &conf);
    assert_null(strstr(b.data, "Access-Control"));
    assert_non_null(strstr(b.data, "Vary: Origin\r\n"));
    buf_clear(&b);
    cors_preflight(&b, &request, &conf, "GET, OPTIONS");
    assert_string_equal(b.data, "Allow: GET, OPTIONS\r\n");
    buf_free(&b);
}

/* Which pages may sign somebody in by cookie? */
static void test_sign_in(void **state)
{
    struct request request = {.https = true, .host = "h.example"};

    (void)state;
    assert_false(origin_strange(&request, &conf)); /* a program */
    request.sec_fetch_site = "none";
    assert_false(origin_strange(&request, &conf));
    request.sec_fetch_site = "same-site";
    assert_true(origin_strange(&request, &conf));
    request.sec_fetch_site = "cross-site";
    assert_true(origin_strange(&request, &conf));
    request.origin = "https://app.example.org";
    assert_false(origin_strange(&request, &conf));
    request.origin = "null";
    assert_true(origin_strange(&request, &conf));
    request.sec_fetch_site = NULL;
    assert_true(origin_strange(&request, &conf));
    request.origin = "https://h.example";
    assert_false(origin_strange(&request, &conf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trusted), cmocka_unit_test(test_strange), cmocka_unit_test(test_port),
        cmocka_unit_test(test_cors),    cmocka_unit_test(test_sign_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
