/* test_openapi.c - does the OpenAPI document know every route, and no other one? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "gate/route.h"
#include "http/request.h"

static struct json_object *paths;

/* "/rooms/{room}/read" as the route table has it: "rooms/?/read". */
static void pattern_of(char out[256], const char *path)
{
    size_t len = 0;

    for (const char *s = path + 1; *s != '\0' && len < 255; s++) {
        out[len++] = *s == '{' ? '?' : *s;
        if (*s == '{')
            s += strcspn(s, "}");
    }
    out[len] = '\0';
}

static bool is_method(const char *key, enum method method)
{
    return strcasecmp(key, request_methods[method]) == 0;
}

/* Does the document have this route? */
static bool is_documented(const struct route *route)
{
    json_object_object_foreach(paths, path, item)
    {
        char pattern[256];

        pattern_of(pattern, path);
        if (strcmp(pattern, route->path) != 0)
            continue;
        json_object_object_foreach(item, key, operation)
        {
            (void)operation;
            if (is_method(key, route->method))
                return true;
        }
    }
    return false;
}

static bool is_route(const char *path, const char *method)
{
    const struct route *route;
    char pattern[256];

    pattern_of(pattern, path);
    for (size_t i = 0; (route = route_at(i)) != NULL; i++)
        if (strcmp(route->path, pattern) == 0 && is_method(method, route->method))
            return true;
    return false;
}

static void test_routes(void **state)
{
    const struct route *route;
    int missing = 0;

    (void)state;
    for (size_t i = 0; (route = route_at(i)) != NULL; i++)
        if (!is_documented(route)) {
            print_error("openapi.json does not know %s %s\n", request_methods[route->method],
                        route->path);
            missing++;
        }
    assert_int_equal(missing, 0);
}

static void test_document(void **state)
{
    int missing = 0;

    (void)state;
    json_object_object_foreach(paths, path, item)
    {
        json_object_object_foreach(item, method, operation)
        {
            (void)operation;
            if (strcmp(method, "parameters") == 0 || is_route(path, method))
                continue;
            print_error("no route is %s %s\n", method, path);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_document),
    };
    const char *dir = getenv("srcdir");
    char path[4096];
    struct json_object *document;
    int failed;

    snprintf(path, sizeof(path), "%s/src/api/openapi.json", dir != NULL ? dir : ".");
    document = json_object_from_file(path);
    if (document == NULL || !json_object_object_get_ex(document, "paths", &paths)) {
        fprintf(stderr, "%s cannot be read\n", path);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_object_put(document);
    return failed;
}
