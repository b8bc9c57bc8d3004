/* test_handover.c - does what one binary hands over reach the next as it was, and nothing else? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/handover.h"

static const char full[] = "earshot handover 1\n"
                           "supervisor 4711\n"
                           "listen 5\n"
                           "socket 18446744073709551615 7 /run/a b/earshot.sock\n"
                           "relay 6 7\n"
                           "drain 10000\n"
                           "hub 4712\n"
                           "gate 4713\n"
                           "end\n";
static const char least[] = "earshot handover 1\nsupervisor 1\nlisten 3\nrelay 4 5\ndrain 0\nend\n";

static struct handover handover;

/* What decodes must encode to the same bytes. */
static void expect_same(const char *text)
{
    char *again;

    assert_int_equal(handover_decode(&handover, text), 0);
    again = handover_encode(&handover);
    assert_string_equal(again, text);
    free(again);
}

/* Does everything arrive? */
static void test_round_trip(void **state)
{
    (void)state;
    expect_same(least);
    assert_int_equal(handover.count, 0);
    assert_string_equal(handover.path, "");
    expect_same(full);
    assert_int_equal(handover.pid, 4711);
    assert_int_equal(handover.listen_fd, 5);
    assert_int_equal(handover.device, UINT64_MAX);
    assert_int_equal(handover.inode, 7);
    assert_string_equal(handover.path, "/run/a b/earshot.sock");
    assert_int_equal(handover.relay[0], 6);
    assert_int_equal(handover.relay[1], 7);
    assert_int_equal(handover.drain_ms, 10000);
    assert_int_equal(handover.count, 2);
    assert_int_equal(handover.workers[0].role, SLOT_HUB);
    assert_int_equal(handover.workers[0].pid, 4712);
    assert_int_equal(handover.workers[1].role, SLOT_GATE);
    assert_int_equal(handover.workers[1].pid, 4713);
}

/* Do as many workers fit as the scoreboard has, and no more? */
static void test_many(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(handover_decode(&handover, full), 0);
    for (handover.count = 0; handover.count < SCOREBOARD_SLOTS; handover.count++)
        handover.workers[handover.count] = (struct handover_worker){SLOT_GATE, INT32_MAX};
    text = handover_encode(&handover);
    expect_same(text);
    assert_int_equal(handover.count, SCOREBOARD_SLOTS);
    text = realloc(text, strlen(text) + 16);
    strcpy(text + strlen(text) - 4, "gate 1\nend\n");
    assert_int_equal(handover_decode(&handover, text), -1);
    free(text);
}

/* Is what breaks off or goes on refused, wherever it does? */
static void test_truncated(void **state)
{
    char text[sizeof(full) + 1];

    (void)state;
    for (size_t len = 0; len < strlen(full); len++) {
        memcpy(text, full, len);
        text[len] = '\0';
        assert_int_equal(handover_decode(&handover, text), -1);
    }
    memcpy(text, full, sizeof(full));
    strcat(text, "\n");
    assert_int_equal(handover_decode(&handover, text), -1);
}

/* Is every text with another byte refused, or else read for exactly what it says? */
static void test_changed(void **state)
{
    char text[sizeof(full)];

    (void)state;
    for (size_t at = 0; at < strlen(full); at++)
        for (int byte = 1; byte < 256; byte++) {
            memcpy(text, full, sizeof(full));
            text[at] = (char)byte;
            if (handover_decode(&handover, text) == 0)
                expect_same(text);
        }
}

static const char *replaced(const char *what, const char *by)
{
    static char text[1024];
    const char *at = strstr(full, what);

    assert_non_null(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - full), full, by, at + strlen(what));
    return text;
}

/* Are numbers refused that cannot be: signs, too large ones, zeros in front, the standard streams,
 * a path that fits no socket? */
static void test_malformed(void **state)
{
    char path[HANDOVER_PATH_MAX + 2] = "/";
    static const char *const pairs[][2] = {
        {"handover 1", "handover 2"},
        {"supervisor 4711", "supervisor 0"},
        {"4711", "-1"},
        {"4711", "+1"},
        {"4711", "04711"},
        {"4711", "2147483648"},
        {"4711", "99999999999999999999"},
        {"4711", ""},
        {"listen 5", "listen 2"},
        {"relay 6 7", "relay 6"},
        {"relay 6 7", "relay 0 7"},
        {"18446744073709551615", "18446744073709551616"},
        {"gate 4713", "gate 0"},
        {"gate 4713", "courier 4713"},
        {"drain 10000", "drain 10000 "},
        {"drain 10000\n", ""},
        {"/run/a b/earshot.sock", ""},
        {"hub 4712", "hub  4712"},
        {"supervisor 4711\nlisten 5", "listen 5\nsupervisor 4711"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_int_equal(handover_decode(&handover, replaced(pairs[i][0], pairs[i][1])), -1);
    memset(path + 1, 'x', sizeof(path) - 2);
    path[HANDOVER_PATH_MAX - 1] = '\0';
    expect_same(replaced("/run/a b/earshot.sock", path));
    path[HANDOVER_PATH_MAX - 1] = 'x';
    path[HANDOVER_PATH_MAX] = '\0';
    assert_int_equal(handover_decode(&handover, replaced("/run/a b/earshot.sock", path)), -1);
}

static void offer(pid_t pid, int fd, pid_t child)
{
    char text[256];

    snprintf(text, sizeof(text),
             "earshot handover 1\nsupervisor %d\nlisten %d\nrelay %d %d\ndrain 1\n"
             "gate %d\ngate 1\nend\n",
             (int)pid, fd, fd, fd, (int)child);
    setenv(HANDOVER_VARIABLE, text, 1);
}

/* Does it take what is for this process, once, with the workers that are its children, living or
 * not, and leave strangers alone? */
static void test_take(void **state)
{
    int fd = dup(STDIN_FILENO);
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(0);
    assert_int_equal(handover_take(&handover), 0);
    offer(getpid(), fd, child);
    assert_int_equal(handover_take(&handover), 1);
    assert_null(getenv(HANDOVER_VARIABLE));
    assert_int_equal(handover.listen_fd, fd);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(handover.count, 1);
    assert_int_equal(handover.workers[0].pid, child);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(handover_take(&handover), 0);

    /* It belongs to another process, which passed its environment on. */
    offer(getppid(), fd, child);
    assert_int_equal(handover_take(&handover), 0);
    assert_null(getenv(HANDOVER_VARIABLE));

    close(fd);
    offer(getpid(), fd, child);
    assert_int_equal(handover_take(&handover), -1);
    setenv(HANDOVER_VARIABLE, "nonsense", 1);
    assert_int_equal(handover_take(&handover), -1);
    assert_null(getenv(HANDOVER_VARIABLE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_many),
        cmocka_unit_test(test_truncated),  cmocka_unit_test(test_changed),
        cmocka_unit_test(test_malformed),  cmocka_unit_test(test_take),
    };

    /* What it refuses makes error lines; they are no news here. */
    if (getenv("VERBOSE") == NULL && freopen("/dev/null", "w", stderr) == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
