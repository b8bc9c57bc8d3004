/* test_csrf.c - is a form of ours told from another's, and one person's from the next one's? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "auth/csrf.h"

static const struct identity alice = {.user_id = "alice", .token_id = "t1"};
static const struct identity later = {.user_id = "alice", .token_id = "t2"};
static const struct identity unnamed = {.user_id = "t1"};
static const struct identity nobody = {.name = "anonymous"};

/* Does it hold for its token and its secret, and for no other? */
static void test_valid(void **state)
{
    char value[CSRF_TEXT], other[CSRF_TEXT];

    (void)state;
    assert_int_equal(csrf_make(value, "a secret", &alice), 0);
    assert_int_equal(strlen(value), 64);
    assert_true(csrf_valid(value, "a secret", &alice));
    assert_false(csrf_valid(value, "another secret", &alice));
    assert_false(csrf_valid(value, "a secret", &later));
    assert_false(csrf_valid(value, "a secret", &unnamed));
    assert_int_equal(csrf_make(other, "a secret", &unnamed), 0);
    assert_string_not_equal(other, value);
    value[63] ^= 1;
    assert_false(csrf_valid(value, "a secret", &alice));
}

/* Is nothing, or what is nobody's, never valid? */
static void test_none(void **state)
{
    char value[CSRF_TEXT];

    (void)state;
    assert_int_equal(csrf_make(value, "a secret", &nobody), -1);
    assert_int_equal(csrf_make(value, "", &alice), -1);
    assert_int_equal(csrf_make(value, NULL, &alice), -1);
    assert_false(csrf_valid("", "a secret", &alice));
    assert_false(csrf_valid(NULL, "a secret", &alice));
    assert_false(csrf_valid("", "", &alice));
    assert_int_equal(csrf_make(value, "a secret", &alice), 0);
    value[63] = '\0';
    assert_false(csrf_valid(value, "a secret", &alice));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_none),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
