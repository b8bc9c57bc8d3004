/* test_html.c - does text stay text, whatever is in it, and does an event say no more than it has?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/html.h"
#include "base/utf8.h"
#include "event/event.h"
#include "event/markup.h"

static struct buf out;

static const char *text(const char *s, size_t len)
{
    buf_clear(&out);
    html_bytes(&out, s, len);
    return out.data != NULL ? out.data : "";
}

#define TEXT(literal) text(literal, sizeof(literal) - 1)

static void test_escapes(void **state)
{
    (void)state;
    assert_string_equal(TEXT("<b a=\"1\" c='2'>&amp;"),
                        "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
    assert_string_equal(TEXT("caf\xc3\xa9 \xf0\x9f\x98\x80 \xc2\xa0"),
                        "caf\xc3\xa9 \xf0\x9f\x98\x80 \xc2\xa0");
    assert_string_equal(TEXT("a\r\nb\rc\nd\te"), "a\nb\nc\nd\te");
    assert_string_equal(TEXT("\x1b[2J\x7f\xc2\x9b"), "\xe2\x90\x9b[2J\xe2\x90\xa1\xef\xbf\xbd");
    assert_string_equal(TEXT(""), "");
    buf_clear(&out);
    html_lines(&out, "a\r\n<b", 5);
    assert_string_equal(out.data, "a<br>\n&lt;b");
}

/* Of every byte, alone and in pairs: is there nothing that a parser obeys, and is it still text? */
static void test_all_bytes(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char pair[2] = {(char)a, (char)b};
            const char *got = text(pair, 2);

            assert_null(strpbrk(got, "<>\"'\r\x1b\x7f"));
            assert_int_equal(strlen(got), out.len);
            if (utf8_valid(pair, 2) && a != 0 && b != 0)
                assert_true(utf8_valid(got, out.len));
        }
}

static void test_print(void **state)
{
    (void)state;
    buf_clear(&out);
    html_print(&out, "<a href=\"%s\">%s %d %lld %%</a>", "\"x", "<y>", -3, -4000000000LL);
    assert_string_equal(out.data, "<a href=\"&quot;x\">&lt;y&gt; -3 -4000000000 %</a>");
    buf_clear(&out);
    html_query(&out, "a b&c=\"<%>\xc3\xa9'-._~/");
    assert_string_equal(out.data, "a%20b%26c%3D%22%3C%25%3E%C3%A9%27-._~%2F");
}

static size_t event(const char *json, bool durable)
{
    const struct event e = {durable, {1700, 3}, 1700, json, strlen(json)};

    buf_clear(&out);
    buf_str(&out, "");
    return markup_event(&out, &e);
}

/* Is a message one article, with nothing of its own in the markup? */
static void test_message(void **state)
{
    (void)state;
    assert_int_equal(event("{\"type\":\"message\",\"room\":\"lobby\",\"userId\":\"ann\",\"name\":"
                           "\"<i>Ann\",\"content\":\"</p><script>1</script>\"}",
                           true),
                     0);
    assert_string_equal(
        out.data,
        "<article id=\"m1700-3\"><p class=\"by\"><b><bdi>&lt;i&gt;Ann</bdi></b> "
        "<a class=\"room\" href=\"rooms/lobby\">lobby</a> "
        "<time datetime=\"1970-01-01T00:00:01.700Z\">1 Jan 00:00</time> "
        "<a class=\"reply\" href=\"rooms/lobby?reply=1700-3\">Reply</a></p>"
        "<p class=\"text\" dir=\"auto\">&lt;/p&gt;&lt;script&gt;1&lt;/script&gt;</p></article>\n");
    event("{\"type\":\"message\",\"room\":\"a\",\"name\":\"x\",\"content\":\"y\",\"replyTo\":\"5-"
          "0\"}",
          true);
    assert_non_null(
        strstr(out.data, "rooms/a/messages?as=html&amp;after=4-18446744073709551615#m5-0"));
    event("{\"type\":\"message\",\"room\":\"a\",\"name\":\"x\",\"content\":\"y\",\"replyTo\":"
          "\"5\\\"-0\"}",
          true);
    assert_null(strstr(out.data, "after="));
    event("{\"type\":\"note\",\"room\":\"a\",\"content\":\"y\"}", false);
    assert_null(strstr(out.data, "id="));
    assert_null(strstr(out.data, "Reply"));
}

/* Does a change hide what it is of, by ids alone, and is what has no place there not shown? */
static void test_changes(void **state)
{
    static const char *const silent[] = {"reaction", "join",   "leave", "typing",
                                         "read",     "signal", "room",  "member"};
    char json[128];

    (void)state;
    assert_int_equal(event("{\"type\":\"edit\",\"room\":\"a\",\"name\":\"x\",\"target\":\"5-0\","
                           "\"content\":\"new\"}",
                           true),
                     strlen(MARKUP_STYLE));
    assert_ptr_equal(strstr(out.data, "<style>#m5-0,.e5-0{display:none}.v1700-3{display:block}"
                                      "</style><article id=\"m1700-3\" class=\"e5-0 v1700-3\">"),
                     out.data);
    assert_int_equal(
        event("{\"type\":\"delete\",\"room\":\"a\",\"name\":\"<x>\",\"target\":\"5-0\"}", true),
        strlen(MARKUP_STYLE));
    assert_string_equal(out.data, "<style>#m5-0,.e5-0{display:none}</style><p class=\"note\"><bdi>"
                                  "&lt;x&gt;</bdi> deleted a message.</p>\n");
    /* No id, no rule. */
    event("{\"type\":\"delete\",\"room\":\"a\",\"target\":\"5-0{}</style>\"}", true);
    assert_string_equal(out.data, "");
    event("{\"type\":\"edit\",\"room\":\"a\",\"target\":\"5-0\",\"content\":\"x\"}", false);
    assert_string_equal(out.data, "");
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        snprintf(json, sizeof(json), "{\"type\":\"%s\",\"content\":\"x\"}", silent[i]);
        assert_int_equal(event(json, true), 0);
        assert_string_equal(out.data, "");
    }
    event("not ours", true);
    assert_string_equal(out.data, "");
}

/* Are messages as they are now shown so, and other events not? */
static void test_now(void **state)
{
    struct event e = {.durable = true, .id = {9, 0}, .timestamp_ms = 9};

    (void)state;
    e.json = "{\"type\":\"message\",\"room\":\"a\",\"name\":\"x\",\"deleted\":\"t\"}";
    e.json_len = strlen(e.json);
    buf_clear(&out);
    assert_true(markup_message(&out, &e, false));
    assert_non_null(strstr(out.data, "This message was deleted."));
    assert_null(strstr(out.data, "Reply"));
    e.json = "{\"type\":\"message\",\"room\":\"a\",\"name\":\"x\",\"content\":\"1\\n2\",\"edited\":"
             "\"t\","
             "\"reactions\":{\"<\":2,\"+1\":1},\"replies\":1}";
    e.json_len = strlen(e.json);
    buf_clear(&out);
    assert_true(markup_message(&out, &e, true));
    assert_non_null(strstr(out.data, "<i>edited</i>"));
    assert_non_null(strstr(out.data, "1<br>\n2</span></p>"));
    assert_non_null(
        strstr(out.data, "&lt;&nbsp;2, +1&nbsp;1, <a href=\"rooms/a/messages/9-0/replies"));
    e.json = "{\"type\":\"room\",\"room\":\"a\",\"content\":\"1\"}";
    e.json_len = strlen(e.json);
    buf_clear(&out);
    assert_false(markup_message(&out, &e, true));
}

/* Are a gap and an end that is near said in words? */
static void test_control(void **state)
{
    (void)state;
    buf_clear(&out);
    markup_control(&out, "hello", "\"rooms\":[\"a\"],\"cursor\":\"1-0\"");
    markup_control(&out, "bye", "\"reason\":\"restart\"");
    assert_int_equal(out.len, 0);
    markup_control(&out, "gap", "\"room\":\"a\",\"requested\":\"1-0\",\"oldest\":\"2-0\"");
    assert_non_null(strstr(out.data, "Here messages are missing"));
    buf_clear(&out);
    markup_control(&out, "bye", "\"reason\":\"expired\",\"in\":60");
    assert_non_null(strstr(out.data, "for 60 s more"));
}

static int clean(void **state)
{
    (void)state;
    buf_free(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes), cmocka_unit_test(test_all_bytes),
        cmocka_unit_test(test_print),   cmocka_unit_test(test_message),
        cmocka_unit_test(test_changes), cmocka_unit_test(test_now),
        cmocka_unit_test(test_control),
    };

    return cmocka_run_group_tests(tests, NULL, clean);
}
