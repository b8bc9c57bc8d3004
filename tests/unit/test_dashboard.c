/* test_dashboard.c - does earshot top show what it was told, in its lines and columns, whatever
 * that was? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/clock.h"
#include "cli/dashboard.h"
#include "cli/screen.h"
#include "cli/terminal.h"

static struct dashboard *d;
static struct buf out;

static int make(void **state)
{
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    d = dashboard_create("http://127.0.0.1:1/x");
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    dashboard_free(d);
    buf_free(&out);
    return 0;
}

/* How wide a line is; it may hold nothing that moves a cursor. */
static int width_of(const char *line, size_t len)
{
    mbstate_t state = {0};
    int width = 0;

    while (len > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, line, len, &state);

        assert_true(n > 0 && n <= len);
        assert_true(c >= 0x20 && c != 0x7f && (c < 0x80 || c > 0x9f));
        width += wcwidth(c);
        line += n;
        len -= n;
    }
    return width;
}

static const char *drawn(int rows, int columns)
{
    int lines = 0;
    const char *at, *end;

    buf_clear(&out);
    buf_append(&out, "", 0); /* of no lines, too, it ends */
    dashboard_draw(d, &out, rows, columns, false);
    for (at = out.data; at != NULL && (end = strchr(at, '\n')) != NULL; at = end + 1, lines++)
        if (width_of(at, (size_t)(end - at)) > columns) {
            print_error("%d columns: %.*s\n", columns, (int)(end - at), at);
            fail();
        }
    assert_true(lines <= rows);
    return out.data;
}

static void connections(const char *json)
{
    dashboard_connections(d, json, strlen(json), clock_mono_ms());
}

static void figures(const char *json)
{
    dashboard_figures(d, json, strlen(json), clock_mono_ms());
}

#define FIGURES                                                                                   \
    "{\"timestamp\":\"2026-11-30T22:00:00.000Z\",\"streams\":{\"sse\":3,\"total\":4,\"blocked\":" \
    "1},"                                                                                         \
    "\"people\":2,\"rooms\":null,\"messages\":{\"today\":7,\"perSecond\":1.5},\"hubs\":{"         \
    "\"asked\":"                                                                                  \
    "2,\"answered\":2},\"redis\":{\"reachable\":true,\"roundTrip\":0.25,\"usedMemory\":1572864}}"

/* Are figures shown, and what is not known as such? */
static void test_figures(void **state)
{
    const char *text;

    (void)state;
    figures(FIGURES);
    text = drawn(24, 100);
    assert_non_null(strstr(text, "streams  4  sse 3  ndjson -"));
    assert_non_null(strstr(text, "sends    1.5/s  today 7  deliveries -/s"));
    assert_non_null(strstr(text, "people   2  rooms -"));
    assert_non_null(strstr(text, "redis    0.25 ms  memory 1.5 MiB  clients -"));
    /* What is no figures leaves them. */
    figures("{\"content\":1}");
    figures("[]");
    assert_non_null(strstr(drawn(24, 100), "streams  4"));
}

/* Are the busiest first, rooms and hubs added up, and the order that of the key? */
static void test_tables(void **state)
{
    const char *text;

    (void)state;
    figures(FIGURES);
    connections(
        "{\"total\":3,\"connections\":["
        "{\"id\":\"a\",\"userId\":\"alice\",\"rooms\":[\"one\"],\"events\":5,\"hub\":\"m:1\"},"
        "{\"id\":\"b\",\"userId\":\"bob\",\"rooms\":[\"two\",\"one\"],\"events\":1,\"hub\":"
        "\"m:2\"},{\"id\":\"w\",\"rooms\":[\"@!figures\"],\"events\":9,\"hub\":\"m:2\"}]}");
    text = drawn(24, 60);
    assert_null(strstr(text, "@!figures"));
    assert_true(strstr(text, "\none  ") < strstr(text, "\ntwo  "));
    assert_true(dashboard_key(d, 'r') && dashboard_key(d, SCREEN_LEFT)); /* by name */
    assert_true(dashboard_key(d, 'h'));
    text = drawn(24, 60);
    assert_true(strstr(text, "\nm:1  ") < strstr(text, "\nm:2  "));
    dashboard_key(d, '>'); /* streams: m:2 has two */
    text = drawn(24, 60);
    assert_true(strstr(text, "\nm:2  ") < strstr(text, "\nm:1  "));
    assert_false(dashboard_key(d, 'q'));
}

/* Can names move the cursor, break lines or the columns, with any size of a terminal? */
static void test_hostile(void **state)
{
    struct buf json = BUF_INIT;

    (void)state;
    figures(FIGURES);
    buf_str(&json, "{\"total\":5000,\"connections\":[");
    for (int i = 0; i < 40; i++)
        buf_printf(
            &json,
            "%s{\"id\":\"%d\",\"userId\":\"\\u001b[2J\\n%d\",\"name\":\"\\u202e漢字漢字e\\u0301"
            "\\u0085\\ud83d\\ude00\",\"rooms\":[\"\\r\\u200f漢%d\",3,null],\"address\":{},"
            "\"form\":\"a form that is long\",\"events\":1e300,\"since\":\"never\"}",
            i > 0 ? "," : "", i, i, i);
    buf_str(&json, "]}");
    connections(json.data);
    dashboard_notice(d, "\033[31mgone\n");
    for (const char *key = "rch"; *key != '\0'; key++) {
        dashboard_key(d, *key);
        for (int rows = 0; rows < 60; rows += 3)
            for (int columns = 1; columns < 140; columns += 7)
                drawn(rows, columns);
        dashboard_key(d, SCREEN_PAGE_DOWN);
        dashboard_key(d, SCREEN_UP);
    }
    buf_free(&json);
}

/* Is a cell just so wide, also where a wide character would cross its edge? */
static void test_cells(void **state)
{
    (void)state;
    terminal_cell(&out, "漢字漢字", 5);
    assert_string_equal(out.data, "漢字 ");
    buf_clear(&out);
    terminal_cell(&out, "a\xff\x1b", -6);
    assert_string_equal(out.data, "   a??");
}

/* U+009B opens a control sequence as ESC [ does; half of it must not stay either, nor may é go. */
static void test_defuse(void **state)
{
    char text[] = "a\xc2\x9b"
                  "2J\x1b[m\n\xc3\xa9\xc2";

    (void)state;
    terminal_defuse(text);
    assert_string_equal(text, "a?2J?[m?\xc3\xa9\xc2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_figures, make, unmake),
        cmocka_unit_test_setup_teardown(test_tables, make, unmake),
        cmocka_unit_test_setup_teardown(test_hostile, make, unmake),
        cmocka_unit_test_setup_teardown(test_cells, make, unmake),
        cmocka_unit_test(test_defuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
