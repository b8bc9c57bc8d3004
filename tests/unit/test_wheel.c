/* test_wheel.c - does every timer fire once, when it is due? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hub/wheel.h"

#define TIMERS 3000
#define HORIZON (WHEEL_SLOTS - 1)

static struct wheel wheel;
static struct wheel_timer timers[TIMERS];

/* How often, and when, each fired. */
static unsigned fired[TIMERS];
static uint32_t fired_at[TIMERS];

static size_t index_of(const struct wheel_timer *timer)
{
    return (size_t)(timer - timers);
}

static void count(void *arg, struct wheel_timer *timer)
{
    assert_ptr_equal(arg, &wheel);
    assert_int_equal(timer->tick, 0);
    fired[index_of(timer)]++;
    fired_at[index_of(timer)] = wheel.now;
}

static void advance(uint32_t now)
{
    wheel_advance(&wheel, now, count, &wheel);
}

static int make(void **state)
{
    (void)state;
    wheel_init(&wheel);
    for (size_t i = 0; i < TIMERS; i++) {
        timers[i].tick = 0;
        fired[i] = 0;
        fired_at[i] = 0;
    }
    return 0;
}

/* Does a timer fire at its tick, not before, and not again? */
static void test_once(void **state)
{
    (void)state;
    wheel_set(&wheel, &timers[0], 10);
    advance(9);
    assert_int_equal(fired[0], 0);
    advance(10);
    assert_int_equal(fired[0], 1);
    assert_int_equal(fired_at[0], 10);
    advance(10 + 3 * WHEEL_SLOTS);
    assert_int_equal(fired[0], 1);
}

/* Does a time that has passed, or is now, fire at the next tick? */
static void test_past(void **state)
{
    (void)state;
    advance(100);
    wheel_set(&wheel, &timers[0], 0);
    wheel_set(&wheel, &timers[1], 1);
    wheel_set(&wheel, &timers[2], 100);
    advance(100);
    assert_int_equal(fired[0] + fired[1] + fired[2], 0);
    advance(101);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fired_at[i], 101);
}

/* Does what lies past the horizon fire at the horizon, and what lies just before it in time? */
static void test_horizon(void **state)
{
    (void)state;
    advance(7);
    wheel_set(&wheel, &timers[0], UINT32_MAX);
    wheel_set(&wheel, &timers[1], 7 + WHEEL_SLOTS);
    wheel_set(&wheel, &timers[2], 7 + HORIZON);
    wheel_set(&wheel, &timers[3], 7 + HORIZON - 1);
    advance(7 + HORIZON - 2);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(fired[i], 0);
    advance(7 + 4 * WHEEL_SLOTS);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fired_at[i], 7 + HORIZON);
    assert_int_equal(fired_at[3], 7 + HORIZON - 1);
}

/* Does only the last of several times count? */
static void test_move(void **state)
{
    (void)state;
    wheel_set(&wheel, &timers[0], 50);
    wheel_set(&wheel, &timers[0], 20);
    wheel_set(&wheel, &timers[1], 20);
    wheel_set(&wheel, &timers[1], 50);
    wheel_set(&wheel, &timers[2], 30);
    wheel_set(&wheel, &timers[2], 30);
    wheel_set(&wheel, &timers[3], 30 + WHEEL_SLOTS); /* the slot of the one before */
    wheel_set(&wheel, &timers[3], 40);
    advance(3 * WHEEL_SLOTS);
    assert_int_equal(fired_at[0], 20);
    assert_int_equal(fired_at[1], 50);
    assert_int_equal(fired_at[2], 30);
    assert_int_equal(fired_at[3], 40);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(fired[i], 1);
}

/* Does a cancelled timer keep still, also when cancelled twice or never set? */
static void test_cancel(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        wheel_set(&wheel, &timers[i], 5);
    wheel_cancel(&timers[1]);
    wheel_cancel(&timers[1]);
    wheel_cancel(&timers[3]);
    assert_int_equal(timers[1].tick, 0);
    advance(WHEEL_SLOTS);
    assert_int_equal(fired[0], 1);
    assert_int_equal(fired[1], 0);
    assert_int_equal(fired[2], 1);
    assert_int_equal(fired[3], 0);
}

static void cancel_others(void *arg, struct wheel_timer *timer)
{
    count(arg, timer);
    for (size_t i = 0; i < 10; i++)
        wheel_cancel(&timers[i]);
}

/* May a timer's call cancel others of its own tick, those of later ones, and itself? */
static void test_cancel_within(void **state)
{
    unsigned all = 0;

    (void)state;
    for (size_t i = 0; i < 10; i++)
        wheel_set(&wheel, &timers[i], i < 5 ? 3 : 4);
    wheel_set(&wheel, &timers[10], 3);
    wheel_set(&wheel, &timers[11], 4);
    wheel_cancel(&timers[10]);
    wheel_advance(&wheel, 4, cancel_others, &wheel);
    for (size_t i = 0; i < 10; i++)
        all += fired[i];
    assert_int_equal(all, 1);
    assert_int_equal(fired[10], 0);
    assert_int_equal(fired[11], 1);
}

static void set_again(void *arg, struct wheel_timer *timer)
{
    size_t i = index_of(timer);

    count(arg, timer);
    if (i == 0) /* this very tick: would never end if it fired within it */
        wheel_set(&wheel, timer, wheel.now);
    else if (i == 1)
        wheel_set(&wheel, timer, wheel.now + 10);
    else if (i == 2 && fired[2] == 1) /* another one, before its time */
        wheel_set(&wheel, &timers[3], wheel.now + 1);
    else if (i == 4) /* the same slot, one turn later, is past the horizon */
        wheel_set(&wheel, timer, wheel.now + WHEEL_SLOTS);
}

/* May a timer's call set it again, or another one? */
static void test_set_within(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++)
        wheel_set(&wheel, &timers[i], i == 3 ? 90 : 1);
    wheel_advance(&wheel, 100, set_again, &wheel);
    assert_int_equal(fired[0], 100);
    assert_int_equal(fired[1], 10);
    assert_int_equal(fired[2], 1);
    assert_int_equal(fired[3], 1);
    assert_int_equal(fired_at[3], 2);
    assert_int_equal(fired[4], 1);
    wheel_advance(&wheel, 1 + HORIZON, set_again, &wheel);
    assert_int_equal(fired[4], 2);
    assert_int_equal(fired_at[4], 1 + HORIZON);
}

/* When each timer is to fire, by a model that looks at all of them; 0 = not set. */
static uint32_t due[TIMERS];

static uint32_t due_for(uint32_t tick)
{
    if (tick <= wheel.now)
        return wheel.now + 1;
    return tick - wheel.now > HORIZON ? wheel.now + HORIZON : tick;
}

static void change(size_t i, long what)
{
    uint32_t tick = wheel.now + (uint32_t)(what % 5000);

    if (what % 7 == 0) {
        wheel_cancel(&timers[i]);
        due[i] = 0;
        return;
    }
    if (what % 11 == 0)
        tick = (uint32_t)(what % 20) < wheel.now ? wheel.now - (uint32_t)(what % 20) : 0;
    due[i] = due_for(tick);
    wheel_set(&wheel, &timers[i], tick);
}

static void meddle(void *arg, struct wheel_timer *timer)
{
    size_t i = index_of(timer);

    count(arg, timer);
    if (due[i] != wheel.now)
        fail_msg("timer %zu fired at %u and not at %u", i, wheel.now, due[i]);
    due[i] = 0;
    if (mrand48() % 3 == 0)
        change(i, lrand48());
    if (mrand48() % 3 == 0)
        change((size_t)lrand48() % TIMERS, lrand48());
}

/* Do thousands, set, moved and cancelled at random, also within calls, fire as a plain model says?
 * EARSHOT_SEED repeats a run. */
static void test_random(void **state)
{
    const char *given = getenv("EARSHOT_SEED");
    long seed = given != NULL ? atol(given) : (long)time(NULL);
    unsigned long total = 0;

    (void)state;
    print_message("seed %ld\n", seed);
    srand48(seed);
    for (size_t i = 0; i < TIMERS; i++)
        due[i] = 0;
    for (int turn = 0; turn < 4000; turn++) {
        for (long n = lrand48() % 20; n > 0; n--)
            change((size_t)lrand48() % TIMERS, lrand48());
        wheel_advance(&wheel, wheel.now + (uint32_t)(lrand48() % 8), meddle, &wheel);
        for (size_t i = 0; i < TIMERS; i++)
            if (due[i] != timers[i].tick || (due[i] != 0 && due[i] <= wheel.now))
                fail_msg("timer %zu stands at %u, due %u, now %u", i, timers[i].tick, due[i],
                         wheel.now);
    }
    for (size_t i = 0; i < TIMERS; i++)
        total += fired[i];
    assert_true(total > TIMERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_once, make),
        cmocka_unit_test_setup(test_past, make),
        cmocka_unit_test_setup(test_horizon, make),
        cmocka_unit_test_setup(test_move, make),
        cmocka_unit_test_setup(test_cancel, make),
        cmocka_unit_test_setup(test_cancel_within, make),
        cmocka_unit_test_setup(test_set_within, make),
        cmocka_unit_test_setup(test_random, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
