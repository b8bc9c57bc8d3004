/* test_topology.c - is a Redis URL read as it is meant, or refused? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/topology.h"

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void expect(const char *url, struct topology wanted)
{
    char error[256] = "";
    struct topology *t = topology_parse(url, error);

    if (t == NULL)
        fail_msg("%s: %s", url, error);
    if (!same(t->path, wanted.path) || !same(t->host, wanted.host) || t->port != wanted.port ||
        !same(t->user, wanted.user) || !same(t->password, wanted.password) || t->db != wanted.db)
        fail_msg("%s: path=%s host=%s port=%d user=%s password=%s db=%d", url, t->path, t->host,
                 t->port, t->user, t->password, t->db);
    topology_free(t);
}

#define EXPECT(url, ...) expect(url, (struct topology){__VA_ARGS__})

/* Is every form with a host read, with its defaults? */
static void test_tcp(void **state)
{
    (void)state;
    EXPECT("redis://localhost", .host = "localhost", .port = 6379);
    EXPECT("redis://localhost/", .host = "localhost", .port = 6379);
    EXPECT("redis://127.0.0.1:6380", .host = "127.0.0.1", .port = 6380);
    EXPECT("redis://127.0.0.1:6380/3", .host = "127.0.0.1", .port = 6380, .db = 3);
    EXPECT("redis://redis-1.my_net.example/15", .host = "redis-1.my_net.example", .port = 6379,
           .db = 15);
    EXPECT("redis://h:1", .host = "h", .port = 1);
    EXPECT("redis://h:65535/65535", .host = "h", .port = 65535, .db = 65535);
}

/* Does an IPv6 address come without its brackets? */
static void test_ipv6(void **state)
{
    (void)state;
    EXPECT("redis://[::1]", .host = "::1", .port = 6379);
    EXPECT("redis://[::1]:7000/2", .host = "::1", .port = 7000, .db = 2);
    EXPECT("redis://a:b@[fe80::1%eth0]/2", .host = "fe80::1%eth0", .port = 6379, .user = "a",
           .password = "b", .db = 2);
}

/* Is every form with a socket read? */
static void test_unix(void **state)
{
    (void)state;
    EXPECT("unix:///run/redis.sock", .path = "/run/redis.sock");
    EXPECT("unix:///run/redis.sock?db=7", .path = "/run/redis.sock", .db = 7);
    EXPECT("unix://:pw@/run/redis.sock?db=0", .path = "/run/redis.sock", .password = "pw");
    EXPECT("unix://ann:p%40w@/run/redis.sock", .path = "/run/redis.sock", .user = "ann",
           .password = "p@w");
    EXPECT("unix:///run/a b/%41", .path = "/run/a b/%41");
}

/* Is an @ in the socket's path no login? */
static void test_unix_at(void **state)
{
    (void)state;
    EXPECT("unix:///run/redis@6379/sock", .path = "/run/redis@6379/sock");
    EXPECT("unix:///run/a:b@/sock", .path = "/run/a:b@/sock");
    EXPECT("unix://u:p@/run/redis@6379.sock", .path = "/run/redis@6379.sock", .user = "u",
           .password = "p");
}

/* Are user and password told apart, and decoded? */
static void test_login(void **state)
{
    (void)state;
    EXPECT("redis://:pw@h", .host = "h", .port = 6379, .password = "pw");
    EXPECT("redis://ann:pw@h:1", .host = "h", .port = 1, .user = "ann", .password = "pw");
    EXPECT("redis://ann:@h", .host = "h", .port = 6379, .user = "ann", .password = "");
    EXPECT("redis://a%3Ab:c%3ad%2F%40%25@h", .host = "h", .port = 6379, .user = "a:b",
           .password = "c:d/@%");
    EXPECT("redis://a:%41%c3%a9%ff@h", .host = "h", .port = 6379, .user = "a",
           .password = "A\xc3\xa9\xff");
    EXPECT("redis://a:b:c@d@h", .host = "h", .port = 6379, .user = "a", .password = "b:c@d");
    EXPECT("redis://:ab/cd@h/1", .host = "h", .port = 6379, .password = "ab/cd", .db = 1);
}

static void refuse(const char *url, const char *wanted)
{
    char error[256] = "";

    if (topology_parse(url, error) != NULL)
        fail_msg("%s is taken", url);
    if (strstr(error, wanted) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", url, error, wanted);
    if (strlen(error) > 254 || strchr(error, '\n') != NULL)
        fail_msg("%s: \"%s\" is cut off, or more than a line", url, error);
    if (strstr(error, "sesame") != NULL)
        fail_msg("%s: the error tells the password", url);
}

/* Is what is no URL of ours refused, and what is to come called so? */
static void test_schemes(void **state)
{
    static const char *const later[] = {"rediss://:sesame@h", "redis+sentinel://a,b/master",
                                        "redis+cluster://h:7000"};
    static const char *const unknown[] = {"",
                                          "redis",
                                          "redis:",
                                          "redis:/h",
                                          "REDIS://h",
                                          " redis://h",
                                          "http://h",
                                          "unix:/run/redis.sock",
                                          "/run/redis.sock",
                                          "localhost:6379",
                                          "sesame"};

    (void)state;
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
        refuse(later[i], "not supported");
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        refuse(unknown[i], "no known scheme");
}

/* Is a host that is missing or none refused? */
static void test_bad_host(void **state)
{
    (void)state;
    refuse("redis://", "names no host");
    refuse("redis:///3", "names no host");
    refuse("redis://:6379", "names no host");
    refuse("redis://ann:sesame@", "names no host");
    refuse("redis://[]", "names no host");
    refuse("redis://[::1", "no ]");
    refuse("redis://[::1/3", "no ]");
    refuse("redis://[::1]x:6379", "the port of");
    refuse("redis://::1", "names no host");
    refuse("redis://fe80::1", "the port of");
    refuse("redis://a b", "holds what no host does");
    refuse("redis://h?db=3", "holds what no host does");
    refuse("redis://h#3", "holds what no host does");
    refuse("redis://h1,h2", "holds what no host does");
    refuse("redis://h\n", "holds what no host does");
}

/* Is a number that is none, or out of range, refused? */
static void test_bad_numbers(void **state)
{
    static const char *const ports[] = {"",   "0",  "65536", "-1",  "+1",
                                        " 1", "1 ", "0x50",  "1e3", "99999999999999999999"};
    static const char *const dbs[] = {"x", "-1", "1/", "1?", "65536", "1 ", "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        char url[64] = "redis://h:";

        refuse(strcat(url, ports[i]), "the port of");
    }
    for (size_t i = 0; i < sizeof(dbs) / sizeof(dbs[0]); i++) {
        char tcp[64] = "redis://h/", local[64] = "unix:///s?db=";

        refuse(strcat(tcp, dbs[i]), "database");
        refuse(strcat(local, dbs[i]), "database");
    }
    refuse("unix:///s?db=", "database");
    refuse("unix:///s?", "database");
    refuse("unix:///s?timeout=3", "database");
}

/* Is a login refused that is half, or whose encoding stands for nothing? */
static void test_bad_login(void **state)
{
    static const char *const logins[] = {"",         "sesame",     "ann:%",    "ann:%4",
                                         "ann:%zz",  "ann:%4g",    "ann:%00",  "ann:a%00sesame",
                                         "%:sesame", "%00:sesame", "%2:sesame"};

    (void)state;
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
        char tcp[64] = "redis://", local[64] = "unix://";

        refuse(strcat(strcat(tcp, logins[i]), "@h"), "login");
        refuse(strcat(strcat(local, logins[i]), "@/s"), "login");
    }
}

/* Is a socket's path refused that no socket can have? */
static void test_bad_path(void **state)
{
    char url[200] = "unix:///", error[256];
    struct topology *t;

    (void)state;
    refuse("unix://", "does not begin with /");
    refuse("unix://run/redis.sock", "does not begin with /");
    refuse("unix://ann:sesame@run/redis.sock", "does not begin with /");
    refuse("unix://?db=3", "does not begin with /");
    memset(url + 8, 'a', 107);
    refuse(url, "longer than 107 bytes");
    url[7 + 107] = '\0';
    t = topology_parse(url, error);
    assert_non_null(t);
    assert_int_equal(strlen(t->path), 107);
    topology_free(t);
}

/* Does a very long URL do no harm? */
static void test_long(void **state)
{
    size_t len = 1 << 20;
    char *url = mem_alloc(len + 1), error[256];
    struct topology *t;

    (void)state;
    memset(url, 'a', len);
    url[len] = '\0';
    memcpy(url, "redis://:", 9);
    memcpy(url + len - 2, "@h", 2);
    t = topology_parse(url, error);
    assert_non_null(t);
    assert_int_equal(strlen(t->password), len - 11);
    topology_free(t);
    memset(url + 9, '%', len - 11);
    refuse(url, "login");
    free(url);
    topology_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),       cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_unix),      cmocka_unit_test(test_unix_at),
        cmocka_unit_test(test_login),     cmocka_unit_test(test_schemes),
        cmocka_unit_test(test_bad_host),  cmocka_unit_test(test_bad_numbers),
        cmocka_unit_test(test_bad_login), cmocka_unit_test(test_bad_path),
        cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
