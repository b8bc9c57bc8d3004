/* test_frame.c - does every form carry an event so that a reader gets it back? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "event/frame.h"

static struct event make_event(bool durable, const char *json)
{
    return (struct event){durable, {1795499539123, 4}, 1795499539123, json, strlen(json)};
}

#define STAMP "\"timestamp\":\"2026-11-24T05:52:19.123Z\""
#define MESSAGE "{\"type\":\"message\",\"name\":\"Ann\",\"content\":\"hi\"}"

/* Does SSE carry id, type and one line of data, and is the id line told apart? */
static void test_sse(void **state)
{
    struct event event = make_event(true, MESSAGE);
    struct buf b = BUF_INIT;

    (void)state;
    assert_int_equal(frame_event(&b, FRAME_SSE, &event), strlen("id: 1795499539123-4\n"));
    assert_string_equal(
        b.data, "id: 1795499539123-4\nevent: message\ndata: {\"id\":\"1795499539123-4\"," STAMP
                ",\"type\":\"message\",\"name\":\"Ann\",\"content\":\"hi\"}\n\n");
    buf_free(&b);
}

/* Has an ephemeral event no id line, so that it does not move the reader's cursor? */
static void test_sse_ephemeral(void **state)
{
    struct event event = make_event(false, "{\"type\":\"typing\"}");
    struct buf b = BUF_INIT;

    (void)state;
    assert_int_equal(frame_event(&b, FRAME_SSE, &event), 0);
    assert_string_equal(b.data, "event: typing\ndata: {" STAMP ",\"type\":\"typing\"}\n\n");
    buf_free(&b);
}

/* Can what someone else put into the stream break the frame? */
static void test_sse_hostile(void **state)
{
    struct event event = make_event(true, "{\"type\":\"x\\n\\ndata: y\",\n\n\r\"a\":1}");
    struct buf b = BUF_INIT;

    (void)state;
    frame_event(&b, FRAME_SSE, &event);
    assert_string_equal(b.data, "id: 1795499539123-4\ndata: {\"id\":\"1795499539123-4\"," STAMP
                                ",\"type\":\"x\\n\\ndata: y\",   \"a\":1}\n\n");
    buf_free(&b);
}

/* Are NDJSON a line and JSON the object, and does the first brace of NDJSON give way to a cursor?
 */
static void test_json_forms(void **state)
{
    struct event event = make_event(true, "{\"type\":\"a\"}");
    struct buf b = BUF_INIT;

    (void)state;
    assert_int_equal(frame_event(&b, FRAME_NDJSON, &event), 1);
    assert_string_equal(b.data, "{\"id\":\"1795499539123-4\"," STAMP ",\"type\":\"a\"}\n");
    buf_clear(&b);
    assert_int_equal(frame_event(&b, FRAME_JSON, &event), 0);
    assert_string_equal(b.data, "{\"id\":\"1795499539123-4\"," STAMP ",\"type\":\"a\"}");
    event.durable = false;
    buf_clear(&b);
    assert_int_equal(frame_event(&b, FRAME_NDJSON, &event), 0);
    assert_string_equal(b.data, "{" STAMP ",\"type\":\"a\"}\n");
    buf_free(&b);
}

/* Is the frame appended behind what the buffer holds? */
static void test_appends(void **state)
{
    struct event event = make_event(true, MESSAGE);
    struct buf b = BUF_INIT;

    (void)state;
    buf_str(&b, "before|");
    assert_int_equal(frame_event(&b, FRAME_SSE, &event), strlen("id: 1795499539123-4\n"));
    assert_memory_equal(b.data, "before|id: 1795", 15);
    buf_free(&b);
}

static void check_text(const char *json, const char *want)
{
    struct event event = make_event(true, json);
    struct buf b = BUF_INIT;

    buf_str(&b, "");
    assert_int_equal(frame_event(&b, FRAME_TEXT, &event), 0);
    assert_string_equal(b.data, want);
    buf_free(&b);
}

/* Is a message one line, "name: content", whatever is in it? */
static void test_text(void **state)
{
    (void)state;
    check_text(MESSAGE, "Ann: hi\n");
    check_text("{\"type\":\"m\",\"name\":\"A\",\"content\":\"\"}", "A: \n");
    check_text(
        "{\"name\":\"A\",\"content\":\"one\\ntwo\\r\\nthree\\ttab\\\\ back: \\u0001\\u007f\"}",
        "A: one\\ntwo\\r\\nthree\\x09tab\\\\ back: \\x01\\x7f\n");
    check_text("{\"name\":\"A: B\\nC\",\"content\":\"x\"}", "A\\x3a B\\nC: x\n");
    check_text("{\"name\":\"\\ud83d\\ude00\",\"content\":\"\xc3\xa9\"}",
               "\xf0\x9f\x98\x80: \xc3\xa9\n");
    check_text("{\"userId\":\"ann\",\"content\":\"x\"}", "ann: x\n");
    check_text("{\"content\":\"x\"}", "anonymous: x\n");
}

/* Do C1 controls and the separators of Unicode stay out of the line too? */
static void test_text_unicode_controls(void **state)
{
    (void)state;
    check_text("{\"name\":\"A\",\"content\":\"\\u0080\\u0085\\u009b\\u009f\\u00a0\"}",
               "A: \\xc2\\x80\\xc2\\x85\\xc2\\x9b\\xc2\\x9f\xc2\xa0\n");
    check_text("{\"name\":\"A\",\"content\":\"\\u2027\\u2028\\u2029\\u202a\"}",
               "A: \xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xa9\xe2\x80\xaa\n");
}

/* Can a name forge a control line? */
static void test_text_forged_control(void **state)
{
    (void)state;
    check_text("{\"name\":\"# bye reason=revoked\",\"content\":\"x\"}",
               "\\x23 bye reason=revoked: x\n");
    check_text("{\"name\":\"a#b\",\"content\":\"# bye\"}", "a#b: # bye\n");
}

/* Does what has no content, or is no JSON, say nothing? */
static void test_text_nothing(void **state)
{
    static const char *const silent[] = {"{\"type\":\"typing\"}",
                                         "{\"content\":5}",
                                         "{\"content\":null}",
                                         "{\"content\":\"x\"",
                                         "{\"content\":\"x\"}{\"content\":\"y\"}",
                                         "[\"content\"]",
                                         "\"content\"",
                                         "",
                                         "{",
                                         "nonsense"};

    (void)state;
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        check_text(silent[i], "");
    /* And does the parser that failed read the next one? */
    check_text(MESSAGE, "Ann: hi\n");
}

/* Is metadata that nests deep no reason to lose the message? */
static void test_text_deep(void **state)
{
    struct buf json = BUF_INIT;

    (void)state;
    buf_str(&json, "{\"name\":\"A\",\"content\":\"x\",\"metadata\":{\"a\":");
    for (int i = 0; i < 200; i++)
        buf_char(&json, '[');
    for (int i = 0; i < 200; i++)
        buf_char(&json, ']');
    buf_str(&json, "}}");
    check_text(json.data, "A: x\n");
    buf_clear(&json);
    buf_str(&json, "{\"content\":");
    for (int i = 0; i < 100000; i++)
        buf_char(&json, '[');
    check_text(json.data, "");
    buf_free(&json);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10;
}

/* What a reader of the text form does: takes the escapes back. */
static size_t unescape(char *out, const char *s, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (s[i] != '\\') {
            out[n++] = s[i];
            continue;
        }
        i++;
        if (s[i] == 'x') {
            out[n++] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
            i += 2;
        } else {
            out[n++] = s[i] == 'n' ? '\n' : s[i] == 'r' ? '\r' : '\\';
        }
    }
    return n;
}

/* Does a line give back name and content, byte for byte, for every kind of byte? */
static void test_text_reversible(void **state)
{
    struct buf json = BUF_INIT, line = BUF_INIT;
    char text[16], name[64], content[64];
    struct event event;

    (void)state;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        static const char *const bits[] = {"\\",
                                           "\n",
                                           "\r",
                                           ":",
                                           "#",
                                           "x",
                                           "0",
                                           "\x01",
                                           "\x7f",
                                           "\xc2\x80",
                                           "\x1b[",
                                           ": ",
                                           "n",
                                           "r",
                                           "\xe2\x80\xa8",
                                           "\xf0\x9f\x98\x80"};
        char *colon;
        size_t len;

        text[0] = '\0';
        for (int i = 0; i < 3; i++)
            strcat(text, bits[rand() % (int)(sizeof(bits) / sizeof(bits[0]))]);
        buf_clear(&json);
        buf_str(&json, "{\"name\":");
        buf_json(&json, text, strlen(text));
        buf_str(&json, ",\"content\":");
        buf_json(&json, text, strlen(text));
        buf_char(&json, '}');
        event = (struct event){true, {1, 0}, 1, json.data, json.len};
        buf_clear(&line);
        frame_event(&line, FRAME_TEXT, &event);
        assert_ptr_equal(strchr(line.data, '\n'), line.data + line.len - 1);
        assert_int_not_equal(line.data[0], '#');
        colon = strstr(line.data, ": ");
        assert_non_null(colon);
        len = unescape(name, line.data, (size_t)(colon - line.data));
        assert_int_equal(len, strlen(text));
        assert_memory_equal(name, text, len);
        len = unescape(content, colon + 2, line.len - 1 - (size_t)(colon + 2 - line.data));
        assert_int_equal(len, strlen(text));
        assert_memory_equal(content, text, len);
    }
    buf_free(&json);
    buf_free(&line);
}

/* Does a stream of many rooms say which room a line is from? */
static void test_text_room(void **state)
{
    struct event event = make_event(true, MESSAGE);
    struct buf b = BUF_INIT;

    (void)state;
    frame_text_room(&b, &event, "@alice,bob");
    assert_string_equal(b.data, "[@alice,bob] Ann: hi\n");
    event = make_event(true, "{\"type\":\"join\"}");
    buf_clear(&b);
    buf_str(&b, "");
    frame_text_room(&b, &event, "lobby");
    assert_string_equal(b.data, "");
    buf_free(&b);
}

static void check_control(enum frame_form form, const char *type, const char *cursor,
                          const char *members, const char *want)
{
    struct buf b = BUF_INIT;

    buf_str(&b, "");
    frame_control(&b, form, type, cursor, members);
    assert_string_equal(b.data, want);
    buf_free(&b);
}

/* Are hello, gap and bye told in the words of each form? */
static void test_control(void **state)
{
    static const char gap[] = "\"room\":\"a\",\"requested\":\"1-0\",\"oldest\":\"5-0\"";

    (void)state;
    check_control(FRAME_SSE, "hello", "1-0", "",
                  "id: 1-0\nevent: hello\ndata: {\"type\":\"hello\"}\n\n");
    check_control(FRAME_SSE, "hello", "", NULL,
                  "id: \nevent: hello\ndata: {\"type\":\"hello\"}\n\n");
    check_control(FRAME_SSE, "bye", NULL, "\"reason\":\"restart\"",
                  "event: bye\ndata: {\"type\":\"bye\",\"reason\":\"restart\"}\n\n");
    check_control(FRAME_NDJSON, "gap", "5-0", gap,
                  "{\"type\":\"gap\",\"room\":\"a\",\"requested\":\"1-0\",\"oldest\":\"5-0\"}\n");
    check_control(FRAME_JSON, "gap", NULL, gap,
                  "{\"type\":\"gap\",\"room\":\"a\",\"requested\":\"1-0\",\"oldest\":\"5-0\"}");
    check_control(FRAME_TEXT, "hello", "1-0", "\"x\":1", "");
    check_control(FRAME_TEXT, "gap", NULL, gap, "# gap room=a requested=1-0 oldest=5-0\n");
    check_control(FRAME_TEXT, "bye", NULL, "", "# bye\n");
    check_control(FRAME_TEXT, "gap", NULL, "\"n\":5,\"t\":true,\"z\":null,\"s\":\"a b\\nc\"",
                  "# gap n=5 t=true z= s=a\\x20b\\nc\n");
}

/* Does a heartbeat say nothing that a reader takes for an event? */
static void test_heartbeat(void **state)
{
    static const char *const want[FRAME_FORMS] = {":\n\n", "\n", "", "", ""};
    struct buf b = BUF_INIT;

    (void)state;
    buf_str(&b, "");
    for (int form = 0; form < FRAME_FORMS; form++) {
        buf_clear(&b);
        buf_str(&b, "");
        frame_heartbeat(&b, (enum frame_form)form);
        assert_string_equal(b.data, want[form]);
    }
    buf_free(&b);
}

/* Do the names and the types of the forms stand in the order of the enum? */
static void test_names(void **state)
{
    (void)state;
    assert_string_equal(frame_names[FRAME_SSE], "sse");
    assert_string_equal(frame_names[FRAME_NDJSON], "ndjson");
    assert_string_equal(frame_names[FRAME_TEXT], "text");
    assert_string_equal(frame_names[FRAME_HTML], "html");
    assert_string_equal(frame_content_types[FRAME_HTML], "text/html; charset=utf-8");
    assert_string_equal(frame_names[FRAME_JSON], "json");
    assert_string_equal(frame_content_types[FRAME_SSE], "text/event-stream");
    assert_string_equal(frame_content_types[FRAME_NDJSON], "application/x-ndjson");
    assert_string_equal(frame_content_types[FRAME_TEXT], "text/plain; charset=utf-8");
    assert_string_equal(frame_content_types[FRAME_JSON], "application/json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sse),
        cmocka_unit_test(test_sse_ephemeral),
        cmocka_unit_test(test_sse_hostile),
        cmocka_unit_test(test_json_forms),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_unicode_controls),
        cmocka_unit_test(test_text_forged_control),
        cmocka_unit_test(test_text_nothing),
        cmocka_unit_test(test_text_deep),
        cmocka_unit_test(test_text_reversible),
        cmocka_unit_test(test_text_room),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_heartbeat),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
