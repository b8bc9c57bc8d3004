/* test_password.c - does a hash fit its password alone, and do few hash at once? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "auth/password.h"

/* The format of what is kept, and what it fits? */
static void test_hash(void **state)
{
    char hash[PASSWORD_HASH], again[PASSWORD_HASH];

    (void)state;
    assert_int_equal(password_hash(hash, "correct horse"), 0);
    assert_int_equal(password_hash(again, "correct horse"), 0);
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
    assert_string_not_equal(hash, again);
    assert_true(password_fits(hash, "correct horse"));
    assert_true(password_fits(again, "correct horse"));
    assert_false(password_fits(hash, "correct hors"));
    assert_false(password_fits(hash, "correct horse "));
    assert_false(password_fits(hash, ""));
}

/* Does nothing fit where there is no account, or no hash? Not even the password of the dummy. */
static void test_nobody(void **state)
{
    char long_one[2 * PASSWORD_HASH];

    (void)state;
    assert_false(password_fits(NULL, "no account has this password"));
    assert_false(password_fits("", "no account has this password"));
    assert_false(password_fits("$argon2id$", "x"));
    assert_false(password_fits("plain", "plain"));
    memset(long_one, 'x', sizeof(long_one));
    long_one[sizeof(long_one) - 1] = '\0';
    assert_false(password_fits(long_one, "x"));
}

/* Are other parameters seen? */
static void test_stale(void **state)
{
    char hash[PASSWORD_HASH];

    (void)state;
    assert_int_equal(password_hash(hash, "correct horse"), 0);
    assert_false(password_stale(hash));
    assert_int_equal(crypto_pwhash_str(hash, "x", 1, 1, 8192 * 1024), 0);
    assert_true(password_stale(hash));
    assert_true(password_stale("plain"));
}

/* Do only so many get a lease, and does one that is never given back end? */
static void test_leases(void **state)
{
    struct password_leases leases = {0};
    int64_t a, b, c;

    (void)state;
    a = password_begin(&leases, 2, 1000, 100);
    b = password_begin(&leases, 2, 1000, 200);
    assert_true(a != 0 && b != 0 && a != b);
    assert_int_equal(password_begin(&leases, 2, 1000, 100), 0);
    password_done(&leases, a);
    c = password_begin(&leases, 2, 1001, 100);
    assert_true(c != 0);
    password_done(&leases, a); /* no longer his */
    password_done(&leases, 0);
    assert_int_equal(password_begin(&leases, 2, 1001, 100), 0);
    assert_true(password_begin(&leases, 2, 1102, 100) != 0);
    password_done(&leases, c); /* nor c's */
    assert_int_equal(password_begin(&leases, 2, 1102, 100), 0);
    assert_true(password_begin(&leases, 2, 1201, 100) != 0);
}

/* How many is that? */
static void test_most(void **state)
{
    (void)state;
    assert_int_equal(password_most(1), 1);
    assert_int_equal(password_most(8), 2);
    assert_int_equal(password_most(192), 48);
    assert_int_equal(password_most(100000), PASSWORD_LEASES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),   cmocka_unit_test(test_nobody), cmocka_unit_test(test_stale),
        cmocka_unit_test(test_leases), cmocka_unit_test(test_most),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
