/* test_route.c - does every path lead where it should, and no other one anywhere? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/accounts.h"
#include "api/admin.h"
#include "api/connections.h"
#include "api/events.h"
#include "api/health.h"
#include "api/history.h"
#include "api/messages.h"
#include "api/metrics.h"
#include "api/rooms.h"
#include "api/session.h"
#include "api/users.h"
#include "gate/route.h"

static struct arena arena;
static struct request request;

static void read(const char *method, const char *path)
{
    struct problem problem;
    char *envp[] = {arena_printf(&arena, "REQUEST_METHOD=%s", method),
                    arena_printf(&arena, "PATH_INFO=%s", path), NULL};

    assert_int_equal(request_parse(&request, &arena, envp, &problem), 0);
}

static const struct route *found(const char *method, const char *path)
{
    const struct route *route;

    read(method, path);
    assert_int_equal(route_find(&request, &route), ROUTE_FOUND);
    return route;
}

/* Where do the paths lead? */
static void test_found(void **state)
{
    const struct route *route;

    (void)state;
    assert_ptr_equal(found("GET", "/")->handler, health_about);
    assert_ptr_equal(found("GET", "/livez")->handler, health_live);
    assert_ptr_equal(found("HEAD", "/readyz")->handler, health_ready);
    assert_ptr_equal(found("GET", "/health")->handler, health_ready);
    assert_ptr_equal(found("GET", "/metrics")->handler, metrics_get);
    assert_ptr_equal(found("GET", "/events")->handler, events_get_many);
    assert_ptr_equal(found("GET", "/rooms")->handler, rooms_get);
    route = found("GET", "/rooms/a\r\nb/events");
    assert_ptr_equal(route->handler, events_get);
    assert_int_equal(route->right, RIGHT_READ);
    assert_string_equal(route_param(route, &request, 0), "a\r\nb");
    assert_null(route_param(route, &request, 1));
    assert_ptr_equal(found("HEAD", "/rooms/a/messages")->handler, history_get);
    route = found("POST", "/rooms/?/messages");
    assert_ptr_equal(route->handler, messages_post);
    assert_int_equal(route->right, RIGHT_WRITE);
    assert_true(route->body);
    route = found("GET", "/rooms/a/messages/1-0");
    assert_ptr_equal(route->handler, history_get_one);
    assert_string_equal(route_param(route, &request, 0), "a");
    assert_string_equal(route_param(route, &request, 1), "1-0");
}

/* Where do those of accounts? */
static void test_accounts(void **state)
{
    const struct route *route = found("PUT", "/admin/users/ann");

    (void)state;
    assert_ptr_equal(route->handler, users_put);
    assert_string_equal(route_param(route, &request, 0), "ann");
    assert_ptr_equal(found("GET", "/admin/users")->handler, users_get);
    assert_ptr_equal(found("GET", "/admin/connections")->handler, connections_get);
    route = found("DELETE", "/admin/connections/a.1");
    assert_ptr_equal(route->handler, connections_delete);
    assert_string_equal(route_param(route, &request, 0), "a.1");
    assert_ptr_equal(found("GET", "/admin/figures")->handler, admin_figures);
    assert_ptr_equal(found("GET", "/admin/figures/events")->handler, admin_figures_events);
    assert_ptr_equal(found("POST", "/auth/login")->handler, accounts_login);
    assert_ptr_equal(found("HEAD", "/auth/me")->handler, session_me);
    read("GET", "/auth/login");
    assert_int_equal(route_find(&request, &route), ROUTE_NO_METHOD);
    read("POST", "/auth/login/");
    assert_int_equal(route_find(&request, &route), ROUTE_NO_PATH);
}

/* Are others told apart: no such path, no such method? */
static void test_missing(void **state)
{
    static const char *const none[] = {"/x",
                                       "/rooms/",
                                       "//",
                                       "/livez/",
                                       "/rooms/a/b/events",
                                       "/Rooms",
                                       "/rooms/a/messages/1/2",
                                       "/events?",
                                       "/a/b/c/d/e/f/g/h",
                                       "/a/b/c/d/e/f/g/h/i"};
    const struct route *route;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        read("GET", none[i]);
        assert_int_equal(route_find(&request, &route), ROUTE_NO_PATH);
    }
    read("DELETE", "/rooms/a/messages");
    assert_int_equal(route_find(&request, &route), ROUTE_NO_METHOD);
    read("BREW", "/");
    assert_int_equal(route_find(&request, &route), ROUTE_NO_METHOD);
    read("get", "/");
    assert_int_equal(route_find(&request, &route), ROUTE_NO_METHOD);
}

/* Does Allow name what there is? */
static void test_allow(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    read("PUT", "/rooms/a/messages");
    route_allow(&request, &b);
    assert_string_equal(b.data, "GET, HEAD, POST, OPTIONS");
    buf_clear(&b);
    read("PUT", "/nowhere");
    route_allow(&request, &b);
    assert_string_equal(b.data, "OPTIONS");
    buf_free(&b);
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
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_allow),
    };

    return cmocka_run_group_tests(tests, NULL, clean);
}
