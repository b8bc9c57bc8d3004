/* test_supervisor.c - do workers live, die and end as they should? Real processes, small workers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf.h"
#include "supervisor/listener.h"
#include "supervisor/supervisor.h"

#define GATES 3
#define HUBS 2

/* What test, supervisor and workers share. */
struct shared {
    _Atomic int gate_pids[8], hub_pids[8];
    _Atomic int gate_starts, hub_starts;
    _Atomic int gates_told, gates_ended, hubs_told; /* by SIGTERM */
    _Atomic bool hub_told_early;                    /* while a gate lived */
    _Atomic bool socket_there_when_told;
    _Atomic int hub_fds, gate_fds; /* open descriptors past 2 */
    _Atomic int inlet_messages;    /* what hub 0 has received */
    _Atomic int reloads;
    /* How workers and load() are to behave. */
    _Atomic bool send_to_hub, gates_die, gates_stick, stubborn, bad_conf;
};

static struct shared *shared;
static char directory[] = "/tmp/test_supervisor.XXXXXX";
static char socket_path[64], listen_value[80];
static char *const *program;

/* --- the workers --- */

static int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    struct dirent *entry;

    while ((entry = readdir(dir)) != NULL)
        count += atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(dir);
    closedir(dir);
    return count;
}

/* Waits a little for what tells a worker to end, which the supervisor left blocked. */
static bool told_to_end(void)
{
    const struct timespec wait = {0, 20 * 1000000};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return sigtimedwait(&set, NULL, &wait) > 0 && !shared->stubborn;
}

static int fake_gate(const struct heritage *heritage)
{
    shared->gate_starts++;
    shared->gate_pids[heritage->index] = getpid();
    shared->gate_fds = count_fds();
    scoreboard_state(heritage->slot, shared->gates_stick ? SLOT_BUSY : SLOT_IDLE);
    while (!told_to_end()) {
        if (shared->gates_die)
            return 3;
        if (heritage->index == 0 && shared->send_to_hub) {
            shared->send_to_hub = false;
            send(heritage->inlets[0][1], "x", 1, 0);
        }
    }
    shared->gates_told++;
    if (access(socket_path, F_OK) == 0)
        shared->socket_there_when_told = true;
    usleep(50 * 1000); /* the backlog takes its time */
    shared->gates_ended++;
    return 0;
}

static int fake_hub(const struct heritage *heritage)
{
    char byte;

    shared->hub_starts++;
    shared->hub_pids[heritage->index] = getpid();
    shared->hub_fds = count_fds();
    do {
        scoreboard_state(heritage->slot, SLOT_IDLE);
        if (recv(heritage->inlets[heritage->index][0], &byte, 1, 0) == 1)
            shared->inlet_messages++;
    } while (!told_to_end());
    if (shared->gates_ended < shared->gates_told || shared->gates_told == 0)
        shared->hub_told_early = true;
    shared->hubs_told++;
    return 0;
}

static struct conf *load(void *context, char error[512])
{
    struct conf_flag flags[] = {{"listen", listen_value},
                                {"gates", "3"},
                                {"hubs", "2"},
                                {"request_limit", "1s"},
                                {"drain", "1s"},
                                {"user", geteuid() == 0 ? "root" : ""},
                                {"log_level", context == NULL ? "error" : context}};

    shared->reloads++;
    if (shared->bad_conf) {
        snprintf(error, 512, "it is bad today");
        return NULL;
    }
    return conf_load(NULL, flags, sizeof(flags) / sizeof(*flags), error);
}

/* --- the test's side --- */

static bool wait_until(bool (*condition)(void))
{
    for (int i = 0; i < 1000; i++) {
        if (condition())
            return true;
        usleep(10 * 1000);
    }
    return false;
}

static bool all_started(void)
{
    return shared->gate_starts >= GATES && shared->hub_starts >= HUBS;
}

static pid_t start(void)
{
    pid_t pid;

    memset(shared, 0, sizeof(*shared));
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        static char quiet[] = "error";
        const struct supervisor_jobs jobs = {.mains = {.gate = fake_gate, .hub = fake_hub},
                                             .load = load,
                                             .context = quiet,
                                             .argv = program};
        /* What the tests do to workers makes error lines; they are no news here. */
        if (getenv("VERBOSE") == NULL && freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        exit(supervisor_run(&jobs));
    }
    return pid;
}

static pid_t start_all(void)
{
    pid_t pid = start();

    assert_true(wait_until(all_started));
    return pid;
}

static void expect_exit(pid_t pid, int expected)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
}

static void stop(pid_t pid)
{
    kill(pid, SIGTERM);
    expect_exit(pid, 0);
    assert_int_not_equal(access(socket_path, F_OK), 0);
}

static bool gone(pid_t pid)
{
    return kill(pid, 0) < 0 && errno == ESRCH;
}

/* Does it start what it should, with the descriptors that each needs and no others? */
static void test_start(void **state)
{
    pid_t pid = start_all();
    struct stat st;

    (void)state;
    assert_int_equal(lstat(socket_path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(shared->gate_fds,
                     1 + HUBS + 2);       /* the socket, an end of each inlet, the relay */
    assert_int_equal(shared->hub_fds, 1); /* its inlet */
    stop(pid);
}

/* Does it end in order: the socket's file, the gates, the hubs? */
static void test_drain_order(void **state)
{
    pid_t pid = start_all();

    (void)state;
    stop(pid);
    assert_int_equal(shared->gates_told, GATES);
    assert_int_equal(shared->hubs_told, HUBS);
    assert_false(shared->socket_there_when_told);
    assert_false(shared->hub_told_early);
}

static bool four_gates(void)
{
    return shared->gate_starts == GATES + 1;
}

/* Does a killed gate come back, in its place, at once? */
static void test_respawn(void **state)
{
    pid_t pid = start_all(), victim = shared->gate_pids[1];
    int64_t began = clock_mono_ms();

    (void)state;
    kill(victim, SIGKILL);
    assert_true(wait_until(four_gates));
    assert_true(clock_mono_ms() - began < 1000);
    assert_int_not_equal(shared->gate_pids[1], victim);
    stop(pid);
}

static bool message_came(void)
{
    return shared->inlet_messages == 1;
}

/* Does what a gate sent survive the death of its hub? */
static void test_inlet_survives(void **state)
{
    pid_t pid = start_all();

    (void)state;
    kill(shared->hub_pids[0], SIGSTOP);
    shared->send_to_hub = true;
    for (int i = 0; i < 500 && shared->send_to_hub; i++)
        usleep(10 * 1000);
    kill(shared->hub_pids[0], SIGKILL);
    assert_true(wait_until(message_came));
    assert_int_equal(shared->hub_starts, HUBS + 1);
    stop(pid);
}

static bool five_rounds(void)
{
    return shared->gate_starts >= 5 * GATES;
}

/* Does a gate that cannot live get its pauses? Starts are due after 0, 0, 100, 300, 700 ms: a slow
 * machine makes them later, never earlier. */
static void test_back_off(void **state)
{
    int64_t began = clock_mono_ms();
    pid_t pid = start();

    (void)state;
    shared->gates_die = true;
    assert_true(wait_until(five_rounds));
    assert_true(clock_mono_ms() - began >= 700);
    stop(pid);
}

/* Is a gate killed that is busy for longer than it may? */
static void test_stuck(void **state)
{
    pid_t pid = start(), victim;

    (void)state;
    shared->gates_stick = true;
    assert_true(wait_until(all_started));
    victim = shared->gate_pids[0];
    shared->gates_stick = false;
    for (int i = 0; i < 400 && shared->gate_pids[0] == victim; i++)
        usleep(10 * 1000);
    assert_int_not_equal(shared->gate_pids[0], victim);
    shared->gates_told = shared->gates_ended = 0;
    stop(pid);
}

static int loads_before; /* at its start a daemon loads once, as root twice */

static bool tried_reload(void)
{
    return shared->reloads > loads_before;
}

/* Does a reload with a bad configuration change nothing? */
static void test_bad_reload(void **state)
{
    pid_t pid = start_all(), gate = shared->gate_pids[0], hub = shared->hub_pids[0];

    (void)state;
    shared->bad_conf = true;
    loads_before = shared->reloads;
    kill(pid, SIGHUP);
    assert_true(wait_until(tried_reload));
    usleep(100 * 1000);
    assert_int_equal(shared->gate_pids[0], gate);
    assert_int_equal(shared->hub_pids[0], hub);
    assert_int_equal(shared->gate_starts, GATES);
    assert_int_equal(shared->gates_told, 0);
    stop(pid);
}

static bool two_generations_less_one(void)
{
    return shared->gate_starts == 2 * GATES && shared->hub_starts == 2 * HUBS &&
           shared->gates_told == GATES && shared->hubs_told == HUBS;
}

static bool three_generations(void)
{
    return shared->gate_starts == 3 * GATES;
}

/* Does a reload replace all workers on the same socket, gates first, and a second one too? */
static void test_reload(void **state)
{
    pid_t pid = start_all();
    pid_t old_gate = shared->gate_pids[0], old_hub = shared->hub_pids[0];
    struct stat before, after;

    (void)state;
    lstat(socket_path, &before);
    kill(pid, SIGHUP);
    assert_true(wait_until(two_generations_less_one));
    assert_false(shared->hub_told_early);
    assert_int_equal(lstat(socket_path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(shared->gate_fds, 1 + HUBS + 2);
    assert_int_equal(shared->hub_fds, 1);
    usleep(100 * 1000);
    assert_true(gone(old_gate));
    assert_true(gone(old_hub));
    /* One that comes while the last is under way is done after it, two at once are one. */
    kill(pid, SIGHUP);
    usleep(20 * 1000);
    kill(pid, SIGHUP);
    kill(pid, SIGHUP);
    assert_true(wait_until(three_generations));
    stop(pid);
}

/* Does it end in time although workers do not, and at once when told twice? */
static void test_stubborn(void **state)
{
    pid_t pid = start_all();
    int64_t began = clock_mono_ms();

    (void)state;
    shared->stubborn = true;
    kill(pid, SIGTERM);
    usleep(300 * 1000);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    kill(pid, SIGINT);
    expect_exit(pid, 0);
    assert_true(clock_mono_ms() - began < 2000);

    pid = start_all();
    shared->stubborn = true;
    began = clock_mono_ms();
    kill(pid, SIGTERM);
    expect_exit(pid, 0);
    assert_in_range(clock_mono_ms() - began, 5900, 8000); /* drain and 5 s */
}

static bool all_told(void)
{
    return shared->gates_told == GATES && shared->hubs_told == HUBS;
}

/* Do workers end when their supervisor is killed? */
static void test_orphans(void **state)
{
    pid_t pid = start_all();

    (void)state;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(wait_until(all_told));
    /* It left its socket behind; the next one takes it over. */
    assert_int_equal(access(socket_path, F_OK), 0);
    pid = start_all();
    stop(pid);
}

/* Is the socket of a living daemon left alone? */
static void test_two_daemons(void **state)
{
    pid_t first = start_all(), second = fork();
    struct listener listener = LISTENER_INIT;
    char error[512], expected[200];
    struct conf *conf = load(NULL, error);

    (void)state;
    if (second == 0) {
        int rc = listener_open(&listener, conf, error);
        snprintf(expected, sizeof(expected), "listen: another daemon listens on %s", socket_path);
        _exit(rc == -1 && strcmp(error, expected) == 0 ? 0 : 1);
    }
    expect_exit(second, 0);
    conf_free(conf);
    assert_int_equal(access(socket_path, F_OK), 0);
    stop(first);
}

/* Is a file that is no socket left alone, and a socket that is not ours any more too? */
static void test_not_ours(void **state)
{
    struct listener first = LISTENER_INIT, second = LISTENER_INIT;
    char error[512];
    struct conf *conf = load(NULL, error);
    FILE *file = fopen(socket_path, "w");

    (void)state;
    fclose(file);
    assert_int_equal(listener_open(&first, conf, error), -1);
    assert_non_null(strstr(error, "no socket"));
    assert_int_equal(first.fd, -1);
    assert_int_equal(access(socket_path, F_OK), 0);
    unlink(socket_path);

    assert_int_equal(listener_open(&first, conf, error), 0);
    unlink(socket_path);
    assert_int_equal(listener_open(&second, conf, error), 0);
    listener_close(&first);
    assert_int_equal(access(socket_path, F_OK), 0);
    listener_close(&second);
    assert_int_not_equal(access(socket_path, F_OK), 0);
    conf_free(conf);
}

/* Can it listen on TCP, by IPv4 and IPv6, and say so when the port is taken? */
static void test_tcp(void **state)
{
    static const char *const hosts[] = {"127.0.0.1:%d", "[::1]:%d"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct listener first = LISTENER_INIT, second = LISTENER_INIT;
        char address[64], error[512];
        struct conf_flag flag = {"listen", address};
        struct conf *conf;
        int port = 20000 + getpid() % 10000, rc = -1;

        do {
            snprintf(address, sizeof(address), hosts[i], ++port);
            conf = conf_load(NULL, &flag, 1, error);
            assert_non_null(conf);
            rc = listener_open(&first, conf, error);
            if (rc < 0)
                conf_free(conf);
        } while (rc < 0 && strstr(error, "another daemon") != NULL);
        if (rc < 0) /* a machine without IPv6 */
            continue;
        assert_int_equal(listener_open(&second, conf, error), -1);
        assert_non_null(strstr(error, "another daemon listens there"));
        listener_close(&first);
        conf_free(conf);
    }
}

/* Do counters of a dead worker go with it? */
static void test_scoreboard(void **state)
{
    struct scoreboard *board = scoreboard_create();
    struct slot *hub = scoreboard_take(board, SLOT_HUB, 1);

    (void)state;
    hub->streams = 7;
    assert_int_equal(scoreboard_streams(board), 7);
    for (int i = 1; i < SCOREBOARD_SLOTS; i++)
        assert_non_null(scoreboard_take(board, SLOT_GATE, i));
    assert_null(scoreboard_take(board, SLOT_GATE, 0));
    scoreboard_give_back(hub);
    assert_int_equal(scoreboard_streams(board), 0);
    assert_ptr_equal(scoreboard_take(board, SLOT_HUB, 2), hub);
    assert_int_equal(hub->index, 2);
    assert_int_equal(hub->streams, 0);
    scoreboard_free(board);
}

static int prepare(void **state)
{
    (void)state;
    log_open("test", LOG_LEVEL_ERROR, LOG_FORM_TEXT);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || mkdtemp(directory) == NULL)
        return -1;
    snprintf(socket_path, sizeof(socket_path), "%s/s", directory);
    snprintf(listen_value, sizeof(listen_value), "unix:%s", socket_path);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    munmap(shared, sizeof(*shared));
    return rmdir(directory);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scoreboard),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_drain_order),
        cmocka_unit_test(test_respawn),
        cmocka_unit_test(test_inlet_survives),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_bad_reload),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_stubborn),
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_two_daemons),
    };

    (void)argc;
    program = argv;
    return cmocka_run_group_tests(tests, prepare, clean);
}
