/* test_logline.c - is each entry of the log one line, and valid JSON, whatever it is about? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/logline.h"
#include "base/mem.h"
#include "base/utf8.h"

#define ROUNDS 20000

static struct logline line;
static char out[LOGLINE_MAX + 1];
static size_t len;

static void write_as(enum log_form form)
{
    memset(out, 'z', sizeof(out));
    len = logline_write(out, &line, form, false);
    assert_in_range(len, 1, LOGLINE_MAX);
    assert_int_equal(out[len], 'z');
    out[len] = '\0';
    assert_int_equal(strlen(out), len);
    assert_ptr_equal(strchr(out, '\n'), out + len - 1);
    assert_true(utf8_valid(out, len));
    for (size_t i = 0; i + 1 < len; i++)
        assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
}

static void entry(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void entry(const char *format, ...)
{
    va_list args;

    line.level = LOG_LEVEL_WARN;
    line.wall_ms = 1795499539123;
    line.pid = 12;
    line.role = "gate";
    va_start(args, format);
    logline_take(&line, format, args);
    va_end(args);
}

static struct json_object *parsed(void)
{
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *object;

    write_as(LOG_FORM_JSON);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(tokener, out, (int)len - 1);
    if (object == NULL)
        print_error("%s", out);
    assert_non_null(object);
    assert_int_equal(json_tokener_get_parse_end(tokener), len - 1);
    json_tokener_free(tokener);
    return object;
}

static void has_text(struct json_object *object, const char *key, const char *value)
{
    struct json_object *member = NULL;

    assert_true(json_object_object_get_ex(object, key, &member));
    assert_true(json_object_is_type(member, json_type_string));
    assert_string_equal(json_object_get_string(member), value);
}

static void has_number(struct json_object *object, const char *key, int64_t value)
{
    struct json_object *member = NULL;

    assert_true(json_object_object_get_ex(object, key, &member));
    assert_true(json_object_is_type(member, json_type_int));
    assert_true(json_object_get_int64(member) == value);
}

static void text_is(const char *wanted)
{
    write_as(LOG_FORM_TEXT);
    assert_string_equal(out, wanted);
}

/* Does an entry say when, how grave, who, for which request and trace, what, and each pair? */
static void test_forms(void **state)
{
    struct json_object *object;

    (void)state;
    line.request = "abc";
    line.trace = "0af7651916cd43dd8448eb211c80319c";
    entry("up: gates=%d bytes=%zu user=%s why=\"%s\"", -3, (size_t)7, "alice", "it \"is\" so");
    text_is(
        "2026-11-24T05:52:19.123Z warn gate[12] request=abc trace=0af7651916cd43dd8448eb211c80319c "
        "up: gates=-3 bytes=7 user=alice why=\"it \\\"is\\\" so\"\n");
    object = parsed();
    assert_int_equal(json_object_object_length(object), 11);
    has_text(object, "time", "2026-11-24T05:52:19.123Z");
    has_text(object, "level", "warn");
    has_text(object, "role", "gate");
    has_number(object, "pid", 12);
    has_text(object, "request", "abc");
    has_text(object, "trace", "0af7651916cd43dd8448eb211c80319c");
    has_text(object, "msg", "up");
    has_number(object, "gates", -3);
    has_number(object, "bytes", 7);
    has_text(object, "user", "alice");
    has_text(object, "why", "it \"is\" so");
    json_object_put(object);
    line.request = line.trace = NULL;
}

/* Does a pair within a sentence stay in it, and is what is no pair none? */
static void test_sentences(void **state)
{
    struct json_object *object;

    (void)state;
    entry("streams_max=%d needs %lld files: raise it, 100%% hubs=%u", 5, 6LL, 2u);
    text_is("2026-11-24T05:52:19.123Z warn gate[12] streams_max=5 needs 6 files: raise it, 100% "
            "hubs=2\n");
    object = parsed();
    has_text(object, "msg", "streams_max=5 needs 6 files: raise it, 100%");
    has_number(object, "streams_max", 5);
    has_number(object, "hubs", 2);
    json_object_put(object);

    entry("still unix:%s a=%s:%d x=%x %.3s", "/run/x", "h", 1, 255u, "abcdef");
    object = parsed();
    assert_int_equal(json_object_object_length(object), 6);
    has_text(object, "msg", "still unix:/run/x a=h:1 x=ff abc");
    has_text(object, "x", "ff");
    json_object_put(object);

    entry("took s=%.1f", 1.25);
    write_as(LOG_FORM_JSON);
    assert_non_null(strstr(out, "\"s\":1.2}"));
}

/* Can a value pass for another key, member or line? */
static void test_values_forge_nothing(void **state)
{
    struct json_object *object;

    (void)state;
    entry("answered user=%s path=\"%s\" status=%d", "a role=admin", "/x\" status=200 \\\n{\x1b[2J",
          404);
    text_is("2026-11-24T05:52:19.123Z warn gate[12] answered user=\"a role=admin\" "
            "path=\"/x\\\" status=200 \\\\?{?[2J\" status=404\n");
    object = parsed();
    assert_int_equal(json_object_object_length(object), 8);
    has_text(object, "user", "a role=admin");
    has_text(object, "path", "/x\" status=200 \\\n{\x1b[2J");
    has_number(object, "status", 404);
    json_object_put(object);

    /* Nor does a key of ours come twice. */
    entry("msg=%s time=%s pid=%d a=%d a=%d", "m", "t", 1, 2, 3);
    object = parsed();
    has_number(object, "pid", 12);
    has_number(object, "a", 2);
    has_text(object, "time", "2026-11-24T05:52:19.123Z");
    json_object_put(object);
}

/* Bytes of which many are those that hurt. */
static void fill(char *s, size_t most)
{
    static const char bad[] = "\"\\\n\r\t\x01\x1b\x7f\xc2\x85\xed\xa0\x80\xff\xfe\xf4\x90{}[],:= ";
    size_t n = (size_t)rand() % (most + 1);

    for (size_t i = 0; i < n; i++)
        s[i] = rand() % 3 == 0   ? bad[(size_t)rand() % (sizeof(bad) - 1)]
               : rand() % 2 == 0 ? (char)(1 + rand() % 255)
                                 : 'a';
    s[n] = '\0';
}

/* Is it valid JSON, and one line of text, with any bytes of any length? EARSHOT_SEED repeats. */
static void test_any_bytes(void **state)
{
    const char *given = getenv("EARSHOT_SEED");
    unsigned seed = given != NULL ? (unsigned)atoi(given) : 6;
    char *a = mem_alloc(5001), *b = mem_alloc(5001), request[80];

    (void)state;
    print_message("EARSHOT_SEED=%u\n", seed);
    srand(seed);
    for (int i = 0; i < ROUNDS; i++) {
        struct json_object *object;

        fill(a, rand() % 8 == 0 ? 5000 : 40);
        fill(b, rand() % 8 == 0 ? 5000 : 40);
        fill(request, sizeof(request) - 1);
        line.request = rand() % 2 == 0 ? request : NULL;
        entry("%s: said=%s n=%d quoted=\"%s\" %s end=%u", a, b, i, a, b, 7u);
        write_as(LOG_FORM_TEXT);
        object = parsed();
        has_text(object, "level", "warn");
        if (strlen(a) <= 40 && strlen(b) <= 40) {
            has_number(object, "n", i);
            has_number(object, "end", 7);
            if (utf8_valid(b, strlen(b)))
                has_text(object, "said", b);
        }
        json_object_put(object);
    }
    line.request = NULL;
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_values_forge_nothing),
        cmocka_unit_test(test_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
