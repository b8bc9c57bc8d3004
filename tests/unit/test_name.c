/* test_name.c - which names are rooms, users and namespaces? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "event/name.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

_Static_assert(sizeof(A64) == 65, "64 letters");

/* Which user ids pass? */
static void test_user(void **state)
{
    static const char *const good[] = {"a", "A.b_c-9", ".", "-", "_", "me", A64};
    static const char *const bad[] = {"",    "a b", "a,b", "a:b",      "a\n",   "@a",   "a/b",
                                      "{a}", "a*",  "a%",  "\xc3\xa9", A64 "a", "a\x7f"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(name_user_valid(good[i]));
        assert_true(name_namespace_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(name_user_valid(bad[i]));
        assert_false(name_namespace_valid(bad[i]));
    }
    assert_false(name_user_valid(NULL));
}

/* Which rooms pass, and does nothing that could leave its Redis key or its line? */
static void test_room(void **state)
{
    static const char *const good[] = {"a",       "lobby",          "9",    "a.b_c-d",      A64,
                                       "@a",      "@alice,bob",     "@.",   "@-,_",         "@me",
                                       "@me,bob", "@a,b,c,d,e,f,g", "@a,a", "@" A64 "," B64};
    static const char *const bad[] = {"",          ".a",    "-a",
                                      "_a",        "a b",   "a/b",
                                      "a{b}",      "{a}",   "a}",
                                      "a:b",       "a,b",   "a\r\nb",
                                      "a\n",       "a\t",   A64 "a",
                                      "@",         "@,",    "@a,",
                                      "@,a",       "@a,,b", "@a b",
                                      "@@a",       "a@b",   "@a:b",
                                      "@a,@b",     "@{a}",  "@a,b,c,d,e,f,g,h",
                                      "@" A64 "a", "%2f",   "../x",
                                      "\xc3\xa9",  "*",     "a*"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!name_room_valid(good[i]))
            fail_msg("\"%s\" refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (name_room_valid(bad[i]))
            fail_msg("\"%s\" passed", bad[i]);
    assert_false(name_room_valid(NULL));
}

static const char *resolve(const char *name, const char *user)
{
    static char out[NAME_ROOM_MAX + 1];

    return name_room_resolve(out, name, user) == 0 ? out : NULL;
}

/* Do all ways to write a room lead to one name? */
static void test_resolve(void **state)
{
    (void)state;
    assert_string_equal(resolve("lobby", NULL), "lobby");
    assert_string_equal(resolve("me", "alice"), "me");
    assert_string_equal(resolve("@me", "alice"), "@alice");
    assert_string_equal(resolve("@bob,alice", "carol"), "@alice,bob");
    assert_string_equal(resolve("@bob,me", "alice"), "@alice,bob");
    assert_string_equal(resolve("@me,bob", "alice"), "@alice,bob");
    assert_string_equal(resolve("@alice,me", "alice"), "@alice");
    assert_string_equal(resolve("@b,a,b,a", NULL), "@a,b");
    assert_string_equal(resolve("@ab,a,abc", NULL), "@a,ab,abc");
    assert_string_equal(resolve("@me,me", "x"), "@x");
    assert_string_equal(resolve("@meow", NULL), "@meow");
    assert_string_equal(resolve("@a,B,_,9,.,-", NULL), "@-,.,9,B,_,a");
}

/* Is what is no room, or `me` without a user, refused? */
static void test_resolve_refuses(void **state)
{
    (void)state;
    assert_null(resolve("", NULL));
    assert_null(resolve("@", "alice"));
    assert_null(resolve("a/b", "alice"));
    assert_null(resolve("@me", NULL));
    assert_null(resolve("@me", ""));
    assert_null(resolve("@bob,me", NULL));
    assert_null(resolve("@me", "a,b"));
    assert_null(resolve(NULL, "alice"));
}

/* Does the longest room fit, and is a resolved name its own resolution? */
static void test_resolve_longest(void **state)
{
    char name[NAME_ROOM_MAX + 1] = "@me", user[NAME_USER_MAX + 1], out[NAME_ROOM_MAX + 1],
                              again[NAME_ROOM_MAX + 1];

    (void)state;
    for (char c = 'f'; c >= 'a'; c--) {
        memset(user, c, NAME_USER_MAX);
        user[NAME_USER_MAX] = '\0';
        strcat(strcat(name, ","), user);
    }
    memset(user, 'g', NAME_USER_MAX);
    assert_int_equal(name_room_resolve(out, name, user), 0);
    assert_int_equal(strlen(out), 7 * 65);
    assert_memory_equal(out, "@" A64 "," B64, 130);
    assert_int_equal(name_room_resolve(again, out, user), 0);
    assert_string_equal(again, out);
}

/* Is a user found in his rooms, and only there? */
static void test_has_user(void **state)
{
    (void)state;
    assert_true(name_room_has_user("@alice", "alice"));
    assert_true(name_room_has_user("@alice,bob", "alice"));
    assert_true(name_room_has_user("@alice,bob", "bob"));
    assert_true(name_room_has_user("@alice,bob,carol", "bob"));
    assert_false(name_room_has_user("@alice,bob", "ali"));
    assert_false(name_room_has_user("@alice,bob", "alice,bob"));
    assert_false(name_room_has_user("@alice,bob", "carol"));
    assert_false(name_room_has_user("alice", "alice"));
    assert_false(name_room_has_user("@alice", ""));
    assert_false(name_room_has_user("@alice", NULL));
    assert_false(name_room_has_user(NULL, "alice"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_resolve_refuses),
        cmocka_unit_test(test_resolve_longest),
        cmocka_unit_test(test_has_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
