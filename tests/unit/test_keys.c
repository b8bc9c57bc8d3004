/* test_keys.c - is every key where the scripts and Redis Cluster look for it? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "event/name.h"
#include "store/keys.h"

/* Are the names those of the design, and the lengths right? */
static void test_names(void **state)
{
    char key[KEY_MAX];

    (void)state;
    assert_int_equal(key_log(key, "main", "lobby"), strlen("earshot:{main/lobby}:log"));
    assert_string_equal(key, "earshot:{main/lobby}:log");
    assert_int_equal(key_live(key, "main", "lobby"), strlen("earshot:{main/lobby}:live"));
    assert_string_equal(key, "earshot:{main/lobby}:live");
    assert_int_equal(key_site(key, "main", "rooms"), strlen("earshot:main:rooms"));
    assert_string_equal(key, "earshot:main:rooms");
}

/* What Redis Cluster hashes: from the first { to the } behind it. */
static void tag_of(char tag[KEY_MAX], const char *key)
{
    const char *open = strchr(key, '{');
    const char *shut;

    assert_non_null(open);
    shut = strchr(open, '}');
    assert_non_null(shut);
    memcpy(tag, open + 1, (size_t)(shut - open - 1));
    tag[shut - open - 1] = '\0';
}

/* Do all keys of a room share one hash tag, and no two rooms? */
static void test_tag(void **state)
{
    static const char *const rooms[] = {"lobby", "a.b-c_d", "@alice", "@alice,bob"};
    char log[KEY_MAX], live[KEY_MAX];
    char tag[KEY_MAX], other[KEY_MAX], before[KEY_MAX] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        key_log(log, "ns", rooms[i]);
        key_live(live, "ns", rooms[i]);
        tag_of(tag, log);
        assert_memory_equal(tag, "ns/", 3);
        assert_string_equal(tag + 3, rooms[i]);
        tag_of(other, live);
        assert_string_equal(other, tag);
        assert_string_not_equal(tag, before);
        strcpy(before, tag);
    }
}

/* Do the longest names that are allowed fit? */
static void test_longest(void **state)
{
    char key[KEY_MAX], namespace[NAME_USER_MAX + 1], room[NAME_ROOM_MAX + 1];
    size_t len;

    (void)state;
    memset(namespace, 'n', sizeof(namespace) - 1);
    namespace[sizeof(namespace) - 1] = '\0';
    memset(room, 'r', sizeof(room) - 1);
    room[sizeof(room) - 1] = '\0';
    len = key_live(key, namespace, room);
    assert_true(len < KEY_MAX);
    assert_int_equal(len, strlen(key));
    assert_string_equal(key + len - strlen("}:live"), "}:live");
    len = key_site(key, namespace, "rooms");
    assert_int_equal(len, strlen(key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_tag),
        cmocka_unit_test(test_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
