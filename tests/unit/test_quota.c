/* How long may a receive last, with so many others? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "direct/quota.h"

static void test_life(void **state)
{
    (void)state;
    assert_int_equal(quota_life_ms(50000, 0, 20), 50000);
    assert_int_equal(quota_life_ms(50000, 9, 20), 50000);
    assert_int_equal(quota_life_ms(50000, 10, 20), 46000);
    assert_int_equal(quota_life_ms(50000, 19, 20), 10000);
    assert_int_equal(quota_life_ms(50000, 20, 20), 0);
    assert_int_equal(quota_life_ms(50000, 99, 20), 0);
    assert_int_equal(quota_life_ms(50000, 0, 1), 10000);
    for (int held = 1; held <= 20; held++)
        assert_true(quota_life_ms(50000, held, 20) <= quota_life_ms(50000, held - 1, 20));
}

/* The last of a site's places is one, none is left after it, and one that is let go is free. */
static void test_places(void **state)
{
    char site[64];
    int fds[3], held;

    (void)state;
    snprintf(site, sizeof(site), "a site of the tests %d", (int)getpid());
    for (int i = 0; i < 3; i++) {
        fds[i] = quota_take(site, 3, &held);
        assert_true(fds[i] >= 0);
        assert_int_equal(held, i);
    }
    assert_int_equal(quota_take(site, 3, &held), -1);
    assert_int_equal(held, 3);
    assert_int_equal(quota_take(site, 2, &held), -1);
    close(fds[1]);
    fds[1] = quota_take(site, 3, &held);
    assert_true(fds[1] >= 0);
    assert_int_equal(held, 2);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    fds[0] = quota_take(site, 3, &held);
    assert_int_equal(held, 0);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_life), cmocka_unit_test(test_places)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
