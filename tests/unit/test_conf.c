/* test_conf.c - is the configuration read as written, and is every slip named? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "conf.h"
#include "setting.h"

static char directory[] = "/tmp/test_conf.XXXXXX";
static char path[64], secret_path[64], fifo_path[64];

static void write_text(const char *name, const char *text, size_t len)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
    chmod(name, 0600);
}

static struct conf *load_text(const char *text, char error[512])
{
    write_text(path, text, strlen(text));
    error[0] = '\0';
    return conf_load(path, NULL, 0, error);
}

/* The error must be exactly the path, then `rest`. */
static void expect_error(const char *text, const char *rest)
{
    char error[512];

    assert_null(load_text(text, error));
    assert_memory_equal(error, path, strlen(path));
    assert_string_equal(error + strlen(path), rest);
}

static struct conf *expect_good(const char *text)
{
    char error[512];
    struct conf *conf = load_text(text, error);

    assert_string_equal(error, "");
    assert_non_null(conf);
    return conf;
}

/* Does it work without a file, by defaults that are secure? */
static void test_defaults(void **state)
{
    char error[512];
    struct conf *conf = conf_load(NULL, NULL, 0, error);

    (void)state;
    assert_non_null(conf);
    assert_string_equal(conf->listen, "unix:/run/earshot/earshot.sock");
    assert_int_equal(conf->listen_mode, 0660);
    assert_string_equal(conf->anonymous, "");
    assert_string_equal(conf->members, "*=rw");
    assert_int_equal(conf->redis_timeout_ms, 1500);
    assert_int_equal(conf->idempotency_ttl_ms, 24 * 3600 * 1000);
    assert_int_equal(conf->stream_queue_bytes, 256 * 1024);
    assert_int_equal(conf->origins_count, 0);
    conf_free(conf);
    conf_free(NULL);
}

/* Are comments, blank lines, white space, CR LF, a byte order mark and a missing last newline all
 * right? */
static void test_file(void **state)
{
    struct conf *conf =
        expect_good("\xef\xbb\xbf# comment = 1\r\n\r\n  gates=4\r\n\thubs\t=  2  \r\n"
                    "drain = 0\nredis_timeout = 2s\ncontent_max = 2048\nlog_level = debug\n"
                    "jwt_secret = a=b # c 0123456789012345678901234567\nlisten = [::1]:9000\n"
                    "cors_origins = https://a.example, http://localhost:8080\n"
                    "guests = on\ntrusted_proxies = 10.0.0.0/8, ::1, fd00::/8, unix:\n"
                    "jwt_key = one HS256  /k/1\njwt_key = two ES512 /k/2\nlisten_mode = 600");

    (void)state;
    assert_int_equal(conf->gates, 4);
    assert_int_equal(conf->hubs, 2);
    assert_int_equal(conf->drain_ms, 0);
    assert_int_equal(conf->redis_timeout_ms, 2000);
    assert_int_equal(conf->content_max_bytes, 2048);
    assert_int_equal(conf->log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(conf->jwt_secret, "a=b # c 0123456789012345678901234567");
    assert_int_equal(conf->origins_count, 2);
    assert_string_equal(conf->origins[1], "http://localhost:8080");
    assert_true(conf->guests);
    assert_false(conf->registration);
    assert_string_equal(conf->trusted_proxies, "10.0.0.0/8, ::1, fd00::/8, unix:");
    assert_int_equal(conf->jwt_keys_count, 2);
    assert_string_equal(conf->jwt_keys[0], "one HS256 /k/1");
    assert_int_equal(conf->listen_mode, 0600);
    conf_free(conf);
}

/* Does each slip in the file's form get its own line, with the file and the number? */
static void test_form(void **state)
{
    char error[512];
    static const char zero[] = "gates = 1\0\n";

    (void)state;
    expect_error("\n\ngates 4\n", ":3: \"gates 4\" is not a line of the form key = value");
    expect_error("= 4\n", ":1: there is no key \"\"; earshot.conf(5) has all");
    expect_error("gatez = 4\n", ":1: there is no key \"gatez\"; is it \"gates\"?");
    expect_error("Gates = 4\n", ":1: there is no key \"Gates\"; is it \"gates\"?");
    expect_error("jwt-secret = 4\n", ":1: there is no key \"jwt-secret\"; is it \"jwt_secret\"?");
    expect_error("colour = red\n", ":1: there is no key \"colour\"; earshot.conf(5) has all");
    expect_error("gates = 4\n\ngates = 4\n", ":3: gates is set already, in line 1");
    write_text(path, zero, sizeof(zero) - 1);
    assert_null(conf_load(path, NULL, 0, error));
    assert_non_null(strstr(error, ":1: a zero byte; allowed is UTF-8"));
    expect_error("gates = 1\n# one\rhubs = 1\n", ":2: a carriage return within it; allowed are "
                                                 "lines that end with a newline");
    expect_error("jwt_secret = abc\x1b[1mdef\n", ":1: jwt_secret has a bad value: allowed is UTF-8 "
                                                 "without control characters");
    expect_error("members = gr\xdf:=r\n",
                 ":1: members = gr?:=r: allowed is UTF-8 without control characters");
    assert_null(conf_load("/nonexistent/earshot.conf", NULL, 0, error));
    assert_string_equal(error, "configuration: cannot read /nonexistent/earshot.conf: "
                               "No such file or directory");
    assert_null(conf_load("/tmp", NULL, 0, error));
    assert_string_equal(error, "configuration: cannot read /tmp: it is a directory");
    assert_null(conf_load("/dev/zero", NULL, 0, error));
    assert_non_null(strstr(error, "longer than"));
}

/* Does each bad value say what is allowed? */
static void test_values(void **state)
{
    (void)state;
    expect_error("gates = lots\n", ":1: gates = lots: allowed are whole numbers from 0 to 192");
    expect_error("gates = -1\n", ":1: gates = -1: allowed are whole numbers from 0 to 192");
    expect_error("gates = 193\n", ":1: gates = 193: allowed are whole numbers from 0 to 192");
    expect_error("gates =\n", ":1: gates = : allowed are whole numbers from 0 to 192");
    expect_error("gates = 99999999999999999999999\n",
                 ":1: gates = 99999999999999999999999: allowed are whole numbers from 0 to 192");
    expect_error("gates = 4 # four\n", ":1: gates = 4 # four: allowed are whole numbers from 0 to "
                                       "192 (a comment needs a line of its own)");
    expect_error("gates = \"4\"\n", ":1: gates = \"4\": allowed are whole numbers from 0 to 192 "
                                    "(values are not quoted)");
    expect_error("drain = 10\n", ":1: drain = 10: allowed are durations from 0 to 1h, with the "
                                 "unit ms, s, m, h or d");
    expect_error("drain = 2h\n", ":1: drain = 2h: allowed are durations from 0 to 1h, with the "
                                 "unit ms, s, m, h or d");
    expect_error("body_max = 8kb\n",
                 ":1: body_max = 8kb: allowed are sizes from 1k to 64m; k, m and g are units");
    expect_error("log_level = loud\n",
                 ":1: log_level = loud: allowed are error, warn, info and debug");
    expect_error("listen_mode = 0888\n",
                 ":1: listen_mode = 0888: allowed are octal modes from 0000 to 0777");
    expect_error("jwt_secret = \"0123456789012345678901234567890123\"\n",
                 ":1: jwt_secret: take the quotes off (values are not quoted)");
}

static void expect_bad(const char *const *lines)
{
    char error[512];

    for (; *lines != NULL; lines++) {
        if (load_text(*lines, error) != NULL)
            fail_msg("accepted: %s", *lines);
        assert_non_null(strstr(error, ":1: "));
        assert_non_null(strstr(error, "allowed"));
    }
}

/* Are values that only look right refused? */
static void test_lookalikes(void **state)
{
    static const char *const bad[] = {"listen = /run/x",
                                      "listen = unix:run/x",
                                      "listen = unix:/run/a b",
                                      "listen = 9000",
                                      "listen = :9000",
                                      "listen = ::1:9000",
                                      "listen = [::1:9000",
                                      "listen = h:0",
                                      "listen = h:65536",
                                      "listen = h:",
                                      "listen =",
                                      "listen_mode = 1777",
                                      "listen_mode = 6",
                                      "user = a b",
                                      "redis = 127.0.0.1:6379",
                                      "redis = redis://",
                                      "redis = redis://a b",
                                      "anonymous = lobby",
                                      "anonymous = =rw",
                                      "anonymous = lobby=",
                                      "anonymous = lobby=rx",
                                      "anonymous = lobby=rw,",
                                      "anonymous = lob by=rw",
                                      "anonymous = @me=r",
                                      "guests = yes",
                                      "registration = ON",
                                      "rate_login = 10",
                                      "trusted_proxies = localhost",
                                      "trusted_proxies = 10.0.0.0/33",
                                      "trusted_proxies = 10.0.0.0/",
                                      "trusted_proxies = ::1/129",
                                      "trusted_proxies = 10.0.0.1,,::1",
                                      "trusted_proxies = 10.0.0.1:80",
                                      "jwt_key = one",
                                      "jwt_key = one HS256",
                                      "jwt_key = one HS257 /k",
                                      "jwt_key = one none /k",
                                      "jwt_key = one hs256 /k",
                                      "jwt_key = one HS256 /k more",
                                      "jwt_key = o/e HS256 /k",
                                      "jwt_key = one HS256 /k, one HS256 /l",
                                      "retry = 1.5s",
                                      "retry = 1 s",
                                      "retry = +1s",
                                      "retry = 1S",
                                      NULL};

    (void)state;
    expect_bad(bad);
}

/* Are origins refused that no browser ever names so? */
static void test_lookalike_origins(void **state)
{
    static const char *const bad[] = {"cors_origins = *",
                                      "cors_origins = null",
                                      "cors_origins = example.org",
                                      "cors_origins = https://Example.org",
                                      "cors_origins = https://example.org/",
                                      "cors_origins = https://a.example,,https://b.example",
                                      "cors_origins = https://example.org:443",
                                      "cors_origins = http://example.org:80",
                                      "cors_origins = http://example.org:70000",
                                      "cors_origins = http://:8080",
                                      "cors_origins = http://[::1",
                                      "cors_origins = http://[::1]8080",
                                      NULL};

    (void)state;
    expect_bad(bad);
}

/* Do values that contradict one another name both places? */
static void test_together(void **state)
{
    struct conf_flag flag = {"poll_wait", "5m"};
    char error[512];

    (void)state;
    write_text(path, "", 0);
    assert_null(conf_load(path, &flag, 1, error));
    assert_string_equal(error, "default: poll_wait_max is too small for poll_wait (--poll-wait): "
                               "allowed is 5m and more");
    expect_error("\nstream_queue = 8k\n",
                 ":2: stream_queue is too small for content_max (default): "
                 "allowed is 74k and more");
    expect_error("body_max = 1k\n",
                 ":1: body_max is too small for content_max (default): allowed is 8k and more");
}

/* Do flags win over the environment, and that over the file? */
static void test_layers(void **state)
{
    static const char file[] = "gates=5\nhubs=5\nbatch_max=5\njwt_key=one HS256 /k/1\n";
    struct conf_flag flags[] = {{"gates", "7"}, {"gates", "8"}};
    struct conf *conf;
    char error[512];

    (void)state;
    setenv("EARSHOT_GATES", "6", 1);
    setenv("EARSHOT_HUBS", "6", 1);
    setenv("EARSHOT_JWT_KEY", "three RS256 /k/3, four RS256 /k/4", 1);
    write_text(path, file, strlen(file));
    conf = conf_load(path, flags, 2, error);
    unsetenv("EARSHOT_GATES");
    unsetenv("EARSHOT_HUBS");
    unsetenv("EARSHOT_JWT_KEY");
    assert_non_null(conf);
    assert_int_equal(conf->gates, 8);
    assert_int_equal(conf->hubs, 6);
    assert_int_equal(conf->batch_max, 5);
    assert_int_equal(conf->jwt_keys_count, 2);
    assert_string_equal(conf->jwt_keys[0], "three RS256 /k/3");
    conf_free(conf);
}

/* Do errors of environment and flags name them? */
static void test_layers_errors(void **state)
{
    struct conf_flag bad = {"poll_wait_max", "x"}, unknown = {"gatez", "1"};
    char error[512];

    (void)state;
    setenv("EARSHOT_GATES", "many", 1);
    assert_null(conf_load(NULL, NULL, 0, error));
    unsetenv("EARSHOT_GATES");
    assert_string_equal(error, "environment EARSHOT_GATES: gates = many: allowed are whole numbers "
                               "from 0 to 192");
    assert_null(conf_load(NULL, &bad, 1, error));
    assert_memory_equal(error, "--poll-wait-max: poll_wait_max = x: ", 36);
    assert_null(conf_load(NULL, &unknown, 1, error));
    assert_string_equal(error, "--gatez: there is no key \"gatez\"; is it \"gates\"?");
}

/* Are secrets read from files, without the newline that an editor puts behind them? */
static void test_secret_files(void **state)
{
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    struct conf *conf;
    char error[512];

    (void)state;
    write_text(secret_path, "0123456789abcdef0123456789abcdef\r\n", 34);
    setenv("EARSHOT_JWT_SECRET_FILE", secret_path, 1);
    conf = conf_load(NULL, NULL, 0, error);
    assert_non_null(conf);
    assert_string_equal(conf->jwt_secret, secret);
    conf_free(conf);

    setenv("EARSHOT_JWT_SECRET", secret, 1);
    assert_null(conf_load(NULL, NULL, 0, error));
    assert_string_equal(error, "environment: set EARSHOT_JWT_SECRET or EARSHOT_JWT_SECRET_FILE, "
                               "not both");
    unsetenv("EARSHOT_JWT_SECRET");
    write_text(secret_path, " \n", 2);
    assert_null(conf_load(NULL, NULL, 0, error));
    assert_non_null(strstr(error, "environment EARSHOT_JWT_SECRET_FILE: "));
    assert_non_null(strstr(error, " is empty; allowed is a value for jwt_secret"));
    mkfifo(fifo_path, 0600);
    setenv("EARSHOT_JWT_SECRET_FILE", fifo_path, 1);
    assert_null(conf_load(NULL, NULL, 0, error));
    assert_non_null(strstr(error, "it is a pipe"));
    setenv("EARSHOT_GATES_FILE", secret_path, 1);
    setenv("EARSHOT_JWT_SECRET_FILE", "/nonexistent", 1);
    assert_null(conf_load(NULL, NULL, 0, error));
    assert_string_equal(error, "environment EARSHOT_JWT_SECRET_FILE: cannot read /nonexistent: "
                               "No such file or directory");
    unsetenv("EARSHOT_JWT_SECRET_FILE");
    assert_null(conf_load(NULL, NULL, 0, error));
    assert_string_equal(error, "environment EARSHOT_GATES_FILE: gates comes from no file; allowed "
                               "is EARSHOT_GATES");
    unsetenv("EARSHOT_GATES_FILE");
}

/* Is REDIS_URL heard, but EARSHOT_REDIS louder? */
static void test_redis_url(void **state)
{
    struct conf *conf;
    char error[512];

    (void)state;
    setenv("REDIS_URL", "redis://one:6379", 1);
    conf = conf_load(NULL, NULL, 0, error);
    assert_string_equal(conf->redis, "redis://one:6379");
    conf_free(conf);
    setenv("EARSHOT_REDIS", "redis://two:6379", 1);
    conf = conf_load(NULL, NULL, 0, error);
    assert_string_equal(conf->redis, "redis://two:6379");
    conf_free(conf);
    unsetenv("EARSHOT_REDIS");
    setenv("REDIS_URL", "secret-without-a-scheme", 1);
    assert_null(conf_load(NULL, NULL, 0, error));
    assert_memory_equal(error, "environment REDIS_URL: redis has a bad value: ", 46);
    assert_null(strstr(error, "secret"));
    unsetenv("REDIS_URL");
}

/* Does each value know where it was set, each of a list too, for those who look at it later? */
static void test_where(void **state)
{
    static const char text[] = "gates = 1\n\njwt_key = one RS256 /k/1\njwt_key = two RS256 /k/2, "
                               "three RS256 /k/3\nhubs = 1\nrooms_max = 1\n";
    struct conf_flag flag = {"rooms_max", "2"};
    struct conf *conf;
    char error[512], expected[5][80];

    (void)state;
    write_text(path, text, strlen(text));
    setenv("EARSHOT_HUBS", "2", 1);
    conf = conf_load(path, &flag, 1, error);
    unsetenv("EARSHOT_HUBS");
    assert_non_null(conf);
    for (int i = 0; i < 5; i++)
        snprintf(expected[i], sizeof(expected[i]), "%s:%d", path, i);
    assert_string_equal(conf_where(conf, "gates", 0), expected[1]);
    assert_string_equal(conf_where(conf, "jwt_key", 0), expected[3]);
    assert_string_equal(conf_where(conf, "jwt_key", 1), expected[4]);
    assert_string_equal(conf_where(conf, "jwt_key", 2), expected[4]);
    assert_string_equal(conf_where(conf, "hubs", 0), "environment EARSHOT_HUBS");
    assert_string_equal(conf_where(conf, "rooms_max", 0), "--rooms-max");
    assert_string_equal(conf_where(conf, "drain", 0), "default");
    assert_string_equal(conf_where(conf, NULL, 0), path);
    conf_free(conf);
}

static char *printed(const struct conf *conf)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    conf_print(conf, out);
    fclose(out);
    return text;
}

/* Does printing mask what is secret, and nothing else? */
static void test_print_masks(void **state)
{
    static const char *const urls[][2] = {
        {"redis://u:hunter2@h:1/2", "redis = redis://u:********@h:1/2\n"},
        {"redis://:hunter2@h", "redis = redis://:********@h\n"},
        {"redis://hunter2@h", "redis = redis://********@h\n"},
        {"redis://u:hunter2:x@hunter2@h", "redis = redis://u:********@h\n"},
        {"unix://u:hunter2@/p?db=1", "redis = unix://u:********@/p?db=1\n"},
        {"redis://h:1", "redis = redis://h:1\n"}};
    char line[200];

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct conf *conf;
        char *text;
        snprintf(line, sizeof(line), "redis = %s\njwt_secret = hunter2\n", urls[i][0]);
        conf = expect_good(line);
        text = printed(conf);
        assert_non_null(strstr(text, urls[i][1]));
        assert_non_null(strstr(text, "\njwt_secret = ********\n"));
        assert_null(strstr(text, "hunter2"));
        free(text);
        conf_free(conf);
    }
}

/* Can what is printed be read again, with the same result? */
static void test_print_reads_back(void **state)
{
    struct conf *conf = expect_good(
        "jwt_key = a HS256 /a\njwt_key = b ES256 /b\ncors_origins = https://a.example,"
        "https://b.example:444\ndrain = 90s\nstream_age = 36h\nanonymous = a=r,b*=rw\n");
    char *text = printed(conf), *again;

    (void)state;
    conf_free(conf);
    conf = expect_good(text);
    again = printed(conf);
    assert_string_equal(again, text);
    assert_non_null(strstr(text, "\ndrain = 90s\n"));
    assert_non_null(strstr(text, "\nstream_age = 36h\n"));
    free(text);
    free(again);
    conf_free(conf);
}

static char *read_text(const char *name)
{
    const char *srcdir = getenv("srcdir");
    char full[4096], *text = calloc(1, 100000);
    FILE *file;

    snprintf(full, sizeof(full), "%s/%s", srcdir != NULL ? srcdir : ".", name);
    file = fopen(full, "r");
    if (file == NULL)
        fail_msg("cannot read %s", full);
    assert_true(fread(text, 1, 99999, file) > 0);
    fclose(file);
    return text;
}

/* Has contrib/earshot.conf every key, commented, at its default, and nothing else? */
static void test_example(void **state)
{
    char error[512], *example = read_text("contrib/earshot.conf"), *rest = example, *line;
    char *found = calloc(1, 100000), *expected;
    struct conf *conf = conf_load(NULL, NULL, 0, error);

    (void)state;
    expected = printed(conf);
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] == '#' && line[1] != ' ' && line[1] != '\0') {
            strcat(found, line + 1);
            strcat(found, "\n");
        } else if (line[0] != '#') {
            assert_string_equal(line, "");
        }
    }
    assert_string_equal(found, expected);
    conf_free(conf);
    free(found);
    free(expected);
    free(example);
}

/* Has the man page every key, with its default? */
static void test_man_page(void **state)
{
    char *page = read_text("man/earshot.conf.5"), line[200];

    (void)state;
    for (const struct setting *s = setting_table; s->key != NULL; s++) {
        snprintf(line, sizeof(line), "\n.It Ic %s Ns \" = %s\"\n", s->key, s->preset);
        if (strstr(page, line) == NULL)
            fail_msg("man/earshot.conf.5 lacks the line%s", line);
    }
    free(page);
}

/* Are numbers with units read exactly, and printed as short as can be? */
static void test_units(void **state)
{
    char text[UNITS_TEXT];
    int64_t value;

    (void)state;
    assert_int_equal(units_duration("9223372036854775807ms", &value), 0);
    assert_int_equal(units_duration("9223372036854775807s", &value), -1);
    assert_int_equal(units_duration("9223372036854775808ms", &value), -1);
    assert_int_equal(units_duration("00", &value), 0);
    assert_int_equal(units_duration("", &value), -1);
    assert_int_equal(units_size("3g", &value), 0);
    assert_true(value == INT64_C(3) << 30);
    assert_int_equal(units_number("12x", &value), -1);
    units_format_duration(text, 1500);
    assert_string_equal(text, "1500ms");
    units_format_duration(text, 86400000);
    assert_string_equal(text, "1d");
    units_format_size(text, 1025);
    assert_string_equal(text, "1025");
    units_format_size(text, 0);
    assert_string_equal(text, "0");
}

static int make_directory(void **state)
{
    (void)state;
    log_open("test", LOG_LEVEL_ERROR, LOG_FORM_TEXT);
    unsetenv("REDIS_URL");
    for (const struct setting *s = setting_table; s->key != NULL; s++) {
        char name[96];
        snprintf(name, sizeof(name), "EARSHOT_%s", s->key);
        for (char *p = name; *p != '\0'; p++)
            *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
        unsetenv(name);
    }
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/c", directory);
    snprintf(secret_path, sizeof(secret_path), "%s/s", directory);
    snprintf(fifo_path, sizeof(fifo_path), "%s/p", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    unlink(secret_path);
    unlink(fifo_path);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_lookalikes),
        cmocka_unit_test(test_lookalike_origins),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_layers_errors),
        cmocka_unit_test(test_secret_files),
        cmocka_unit_test(test_redis_url),
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_print_masks),
        cmocka_unit_test(test_print_reads_back),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_man_page),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
