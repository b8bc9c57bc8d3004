#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/policy.h"

static struct identity identity;
static struct arena arena;
static char error[256];

static int setup(void **state)
{
    (void)state;
    identity = (struct identity){.user_id = "alice", .name = "Alice"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static unsigned rights_in(const char *room)
{
    unsigned rights = 0;

    for (unsigned right = RIGHT_READ; right <= RIGHT_MODERATE; right *= 2)
        if (policy_allows(&identity, room, (enum right)right))
            rights |= right;
    return rights;
}

/* Is nothing allowed to whom nothing was granted? */
static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(policy_parse(&identity, &arena, "", error), 0);
    assert_int_equal(policy_parse(&identity, &arena, "  ", error), 0);
    assert_int_equal(identity.grants_count, 0);
    assert_int_equal(rights_in("lobby"), 0);
}

/* Are grants read as written, and do they add up? */
static void test_grants(void **state)
{
    (void)state;
    assert_int_equal(policy_parse(&identity, &arena, "lobby=rw, team-*=r ,ops=mwr", error), 0);
    assert_int_equal(policy_parse(&identity, &arena, "team-a=w", error), 0);
    assert_int_equal(rights_in("lobby"), RIGHT_READ | RIGHT_WRITE);
    assert_int_equal(rights_in("ops"), RIGHT_READ | RIGHT_WRITE | RIGHT_MODERATE);
    assert_int_equal(rights_in("team-b"), RIGHT_READ);
    assert_int_equal(rights_in("team-a"), RIGHT_READ | RIGHT_WRITE);
    assert_int_equal(rights_in("Lobby"), 0);
    assert_int_equal(rights_in("lobby2"), 0);
    assert_int_equal(rights_in("lobb"), 0);
}

/* What does * stand for? */
static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *room;
        bool matches;
    } cases[] = {
        {"*", "a", true},          {"a*", "a", true},      {"a*", "ab", true},
        {"a*", "ba", false},       {"*a", "ba", true},     {"*a", "ab", false},
        {"a*c", "abbc", true},     {"a*c", "abcd", false}, {"a*b*c", "axbxbxc", true},
        {"a*b*c", "axcxb", false}, {"**", "x", true},      {"*.*", "a.b", true},
        {"*.*", "ab", false},      {"a*a", "a", false},    {"*ab*", "aab", true},
        {"*aab", "aaaab", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        identity.grants_count = 0;
        assert_int_equal(policy_grant(&identity, &arena, cases[i].pattern, "r"), 0);
        if ((rights_in(cases[i].room) == RIGHT_READ) != cases[i].matches)
            fail_msg("%s against %s", cases[i].pattern, cases[i].room);
    }
}

/* Does a hostile pattern take no longer than length times length? */
static void test_slow_pattern(void **state)
{
    char pattern[65], room[65];

    (void)state;
    for (int i = 0; i < 64; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[63] = 'b';
    pattern[64] = '\0';
    memset(room, 'a', 64);
    room[64] = '\0';
    assert_int_equal(policy_grant(&identity, &arena, pattern, "r"), 0);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(rights_in(room), 0);
}

/* Is what is malformed refused, with a reason, and nothing else granted for it? */
static void test_malformed(void **state)
{
    static const char *const bad[] = {
        "lobby",    "lobby=",
        "=r",       "lobby=x",
        "lobby=rr", "lobby=r w",
        "a=r,,b=r", "a=r,",
        ",",        "a b=r",
        "@alice=r", "a,b=r",
        "-a=r",     ".*=r",
        "a=r\nb=r", "caf\xc3\xa9=r",
        "a/b=r",    "a==r",
        "*=RW",     "12345678901234567890123456789012345678901234567890123456789012345=r",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error[0] = '\0';
        identity.grants_count = 0;
        if (policy_parse(&identity, &arena, bad[i], error) != -1 || error[0] == '\0')
            fail_msg("taken: %s", bad[i]);
    }
    assert_int_equal(policy_grant(&identity, &arena, "", "r"), -1);
    assert_int_equal(policy_grant(&identity, &arena, "a", ""), -1);
    assert_int_equal(policy_grant(&identity, &arena, "a b", "r"), -1);
    assert_int_equal(policy_grant(&identity, &arena, "a", "rwx"), -1);
}

/* Does the table have an end? */
static void test_limit(void **state)
{
    (void)state;
    for (int i = 0; i < POLICY_GRANTS_MAX; i++)
        assert_int_equal(policy_grant(&identity, &arena, "a", "r"), 0);
    assert_int_equal(policy_grant(&identity, &arena, "a", "r"), -1);
    assert_int_equal(policy_parse(&identity, &arena, "a=r", error), -1);
    assert_non_null(strstr(error, "128"));
    assert_int_equal(identity.grants_count, POLICY_GRANTS_MAX);
}

/* Whose are the rooms with @, whatever was granted? */
static void test_private(void **state)
{
    (void)state;
    assert_int_equal(policy_grant(&identity, &arena, "*", "rwm"), 0);
    assert_int_equal(rights_in("@alice"), RIGHT_READ);
    assert_int_equal(rights_in("@alice,bob"), RIGHT_READ | RIGHT_WRITE);
    assert_int_equal(rights_in("@bob"), 0);
    assert_int_equal(rights_in("@bob,carol"), 0);
    assert_int_equal(rights_in("@alice2"), 0);
    assert_int_equal(rights_in("@alice2,bob"), 0);
    identity.user_id = NULL;
    assert_int_equal(rights_in("@alice"), 0);
    assert_int_equal(rights_in("@anonymous"), 0);
    assert_int_equal(rights_in("lobby"), RIGHT_READ | RIGHT_WRITE | RIGHT_MODERATE);
}

/* Does an admin have every right? */
static void test_admin(void **state)
{
    (void)state;
    identity.admin = true;
    assert_int_equal(rights_in("lobby"), RIGHT_READ | RIGHT_WRITE | RIGHT_MODERATE);
    assert_int_equal(rights_in("@bob,carol"), RIGHT_READ | RIGHT_WRITE | RIGHT_MODERATE);
}

/* Does a ticket read its rooms, and nothing else, even of an admin? */
static void test_ticket(void **state)
{
    const char *rooms[] = {"lobby", "@alice"};

    (void)state;
    assert_int_equal(policy_grant(&identity, &arena, "*", "rwm"), 0);
    identity.admin = true;
    identity.only = rooms;
    identity.only_count = 2;
    assert_int_equal(rights_in("lobby"), RIGHT_READ);
    assert_int_equal(rights_in("@alice"), RIGHT_READ);
    assert_int_equal(rights_in("lobby2"), 0);
    assert_int_equal(rights_in("@alice,bob"), 0);
    identity.only_count = 0;
    assert_int_equal(rights_in("lobby"), 0);
}

/* Is what was granted written as it would be read? */
static void test_write(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    policy_write(&out, &identity);
    assert_string_equal(out.data, "{}");
    buf_clear(&out);
    assert_int_equal(policy_grant(&identity, &arena, "a", "r"), 0);
    assert_int_equal(policy_grant(&identity, &arena, "b-*", "mw"), 0);
    assert_int_equal(policy_grant(&identity, &arena, "a", "w"), 0);
    policy_write(&out, &identity);
    assert_string_equal(out.data, "{\"a\":\"rw\",\"b-*\":\"wm\"}");
    buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),   TEST(test_grants), TEST(test_patterns), TEST(test_slow_pattern),
        TEST(test_malformed), TEST(test_limit),  TEST(test_private),  TEST(test_admin),
        TEST(test_ticket),    TEST(test_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
