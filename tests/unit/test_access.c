/* test_access.c - may this one read this room, by the rule that the scripts have too? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "event/parking.h"
#include "hub/access.h"

#define NOW 1795499000000

/* As read.lua answers: words of an array. */
static struct access *read_words(size_t count, const char *const *words)
{
    redisReply replies[32], *elements[32], array = {.type = REDIS_REPLY_ARRAY};

    memset(replies, 0, sizeof(replies));
    for (size_t i = 0; i < count; i++) {
        replies[i].type = REDIS_REPLY_STRING;
        replies[i].str = (char *)words[i];
        replies[i].len = strlen(words[i]);
        elements[i] = &replies[i];
    }
    array.elements = count;
    array.element = elements;
    return access_read(&array);
}

#define READ(...)                                                      \
    read_words(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), \
               (const char *[]){__VA_ARGS__})

static enum access_verdict check(const struct access *access, const char *user, unsigned rights)
{
    return access_check(access, user, rights, NOW);
}

/* Does a room without bans that is open to all, or lets all read, take no memory and let all in? */
static void test_open(void **state)
{
    (void)state;
    assert_null(READ("open"));
    assert_null(READ("moderated"));
    assert_null(read_words(0, NULL));
    assert_int_equal(check(NULL, "alice", 0), ACCESS_YES);
    assert_int_equal(check(NULL, NULL, 0), ACCESS_YES);
}

/* Does a ban hold for its user alone, until its end, and for ever with 0; and never for an admin?
 */
static void test_bans(void **state)
{
    struct access *access = READ("open", "ban:bob", "0", "ban:al", "1795499000001", "ban:zoe",
                                 "1795499000000", "ban:m", "0");

    (void)state;
    assert_non_null(access);
    assert_int_equal(check(access, "bob", PARKING_READ), ACCESS_BANNED);
    assert_int_equal(check(access, "bob", PARKING_READ | PARKING_MODERATE), ACCESS_YES);
    assert_int_equal(check(access, "bob", PARKING_ADMIN), ACCESS_YES);
    assert_int_equal(check(access, "m", 0), ACCESS_BANNED);
    assert_int_equal(check(access, "al", 0), ACCESS_BANNED);
    assert_int_equal(access_check(access, "al", 0, NOW + 1), ACCESS_YES);
    assert_int_equal(check(access, "zoe", 0), ACCESS_YES);
    assert_int_equal(check(access, "alice", 0), ACCESS_YES);
    assert_int_equal(check(access, "a", 0), ACCESS_YES);
    assert_int_equal(check(access, "zzz", 0), ACCESS_YES);
    assert_int_equal(check(access, NULL, 0), ACCESS_YES);
    access_free(access);
}

/* Is a room of members there for them, for who moderates by his token and for admins only; and not
 * for a member who is banned? */
static void test_members(void **state)
{
    struct access *access = READ("members", "role:bob", "member", "ban:eve", "0", "role:eve",
                                 "owner", "role:ann", "moderator");
    struct access *empty = READ("members");

    (void)state;
    assert_int_equal(check(access, "bob", 0), ACCESS_YES);
    assert_int_equal(check(access, "ann", 0), ACCESS_YES);
    assert_int_equal(check(access, "eve", 0), ACCESS_BANNED);
    assert_int_equal(check(access, "dan", PARKING_READ | PARKING_WRITE), ACCESS_HIDDEN);
    assert_int_equal(check(access, "dan", PARKING_MODERATE), ACCESS_YES);
    assert_int_equal(check(access, NULL, PARKING_READ), ACCESS_HIDDEN);
    assert_int_equal(check(access, NULL, PARKING_MODERATE), ACCESS_YES);
    assert_int_equal(check(empty, "bob", PARKING_READ), ACCESS_HIDDEN);
    assert_int_equal(check(empty, "bob", PARKING_ADMIN), ACCESS_YES);
    access_free(access);
    access_free(empty);
}

/* Is what is no such answer taken for an open room, without a crash? */
static void test_malformed(void **state)
{
    redisReply number = {.type = REDIS_REPLY_INTEGER}, *elements[] = {&number, &number, &number};
    redisReply array = {.type = REDIS_REPLY_ARRAY, .elements = 3, .element = elements};
    struct access *access;

    (void)state;
    assert_null(access_read(&number));
    assert_null(access_read(&array));
    access = READ("members", "topic", "x", "role:bob");
    assert_int_equal(check(access, "bob", 0), ACCESS_HIDDEN);
    access_free(access);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_bans),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
