/* test_presence.c - is somebody here once, from the first connection to a grace after the last? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "hub/presence.h"

static struct presence *presence;
static struct buf told;

/* What is to be told at this time: "+alice=Alice -bob". */
static const char *tell(int64_t now_ms)
{
    const char *user, *name;
    char what;

    buf_clear(&told);
    buf_str(&told, "");
    while ((what = presence_take(presence, now_ms, &user, &name)) != 0)
        buf_printf(&told, "%s%c%s%s%s", told.len > 0 ? " " : "", what, user, what == '+' ? "=" : "",
                   name);
    return told.len > 0 ? told.data : "";
}

static int begin(void **state)
{
    (void)state;
    presence = NULL;
    presence_enter(&presence, "alice", "Alice");
    return 0;
}

static int end(void **state)
{
    (void)state;
    presence_free(presence);
    buf_free(&told);
    return 0;
}

/* Is a person told once, however many connections come and go, and to leave after the grace? */
static void test_once(void **state)
{
    (void)state;
    assert_true(presence_due(presence, 0));
    presence_enter(&presence, "alice", "Alice");
    presence_enter(&presence, "bob", "Bob");
    assert_string_equal(tell(100), "+alice=Alice +bob=Bob");
    assert_false(presence_due(presence, 100));
    presence_enter(&presence, "alice", "Alice");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(tell(1000 + PRESENCE_GRACE_MS), "");
        presence_leave(presence, "alice", false, 1000);
    }
    assert_false(presence_due(presence, 1000 + PRESENCE_GRACE_MS - 1));
    assert_string_equal(tell(1000 + PRESENCE_GRACE_MS - 1), "");
    assert_true(presence_due(presence, 1000 + PRESENCE_GRACE_MS));
    assert_string_equal(tell(1000 + PRESENCE_GRACE_MS), "-alice");
    assert_false(presence_gone(presence));
    presence_leave(presence, "bob", false, 20000);
    assert_string_equal(tell(40000), "-bob");
    assert_true(presence_gone(presence));
}

/* Is one who comes back within the grace told neither to leave nor to come? */
static void test_back(void **state)
{
    (void)state;
    tell(0);
    presence_leave(presence, "alice", false, 1000);
    presence_enter(&presence, "alice", "Alice");
    assert_string_equal(tell(100000), "");
    presence_leave(presence, "alice", false, 100000);
    assert_string_equal(tell(101000), "");
}

/* Is one who was gone before he was told of told all the same, and to leave after his grace? */
static void test_short(void **state)
{
    (void)state;
    presence_leave(presence, "alice", false, 1000);
    assert_string_equal(tell(1000), "+alice=Alice");
    assert_string_equal(tell(1000 + PRESENCE_GRACE_MS), "-alice");
    assert_true(presence_gone(presence));
}

/* Is there no grace for who was thrown out, though others went before him? */
static void test_thrown(void **state)
{
    (void)state;
    presence_enter(&presence, "eve", "Eve");
    tell(0);
    presence_leave(presence, "alice", false, 20000);
    presence_leave(presence, "eve", true, 20001);
    assert_string_equal(tell(20001), "-eve");
    presence_leave(presence, "eve", true, 20001);
    presence_leave(presence, "nobody", true, 20001);
    assert_string_equal(tell(20000 + PRESENCE_GRACE_MS), "-alice");
}

/* When Redis has forgotten all: are those told again who are here or in their grace, once? */
static void test_retell(void **state)
{
    (void)state;
    presence_enter(&presence, "bob", "Bob");
    tell(0);
    presence_leave(presence, "bob", false, 1000);
    presence_enter(&presence, "new", "New");
    presence_retell(presence);
    presence_retell(presence);
    assert_string_equal(tell(2000), "+new=New +alice=Alice +bob=Bob");
    assert_string_equal(tell(1000 + PRESENCE_GRACE_MS), "-bob");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, begin, end),
        cmocka_unit_test_setup_teardown(test_back, begin, end),
        cmocka_unit_test_setup_teardown(test_short, begin, end),
        cmocka_unit_test_setup_teardown(test_thrown, begin, end),
        cmocka_unit_test_setup_teardown(test_retell, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
