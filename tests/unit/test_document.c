/* test_document.c - is an html stream a document of its own, and does it come back from where it
 * stood? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hand.h"

#include "base/mem.h"
#include "conf.h"
#include "hub/outgoing.h"
#include "hub/who.h"

/* The value of a header that occurs once in the answer, NULL when it does not occur. */
static const char *header(const char *name)
{
    static char value[256];
    char *end = strstr(out.data, "\r\n\r\n"), *at, wanted[64];
    size_t len;

    assert_non_null(end);
    snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
    at = strstr(out.data, wanted);
    if (at == NULL || at > end)
        return NULL;
    at += strlen(wanted);
    if (strstr(at, wanted) != NULL)
        fail_msg("%s occurs twice", name);
    len = strcspn(at, "\r");
    assert_true(len < sizeof(value));
    memcpy(value, at, len);
    value[len] = '\0';
    return value;
}

/* What a stream begins with. */
static const char *content(void)
{
    const char *start = strstr(out.data, "\r\n\r\n");

    assert_non_null(start);
    return start + 4;
}

static void use_html(bool many)
{
    use(FRAME_HTML, many);
    keep((struct parking){.headers = "X-Request-Id: abc\r\n",
                          .again = "rooms/lobby/events?as=html&x=\"&since=",
                          .before = "<article></article>"});
    c->state = CONNECTION_OPEN;
}

#define AGAIN "rooms/lobby/events?as=html&amp;x=&quot;&amp;since="

/* Is an html stream a document of its own nonce, with what was before at its front? */
static void test_html_head(void **state)
{
    char policy[128], style[64];

    (void)state;
    use_html(false);
    outgoing_head(&out, c);
    assert_int_equal(strlen(outgoing_nonce(c)), 32);
    snprintf(policy, sizeof(policy), "style-src 'self' 'nonce-%s';", outgoing_nonce(c));
    assert_non_null(strstr(header("Content-Security-Policy"), policy));
    assert_non_null(strstr(header("Content-Security-Policy"), "default-src 'none'"));
    assert_string_equal(header("X-Request-Id"), "abc");
    assert_non_null(strstr(content(), "<base href=\"../../\""));
    assert_non_null(strstr(content(), "<title>Messages in lobby</title>"));
    assert_string_equal(strstr(content(), "<div id=\"log\""),
                        "<div id=\"log\" role=\"log\">\n<article></article>");
    /* What is needed later is kept, and no more. */
    snprintf(style, sizeof(style), "<style nonce=\"%s\">", outgoing_nonce(c));
    c->kept = outgoing_headed(c->kept);
    assert_string_equal(outgoing_before(c), "");
    buf_clear(&out);
    say(0, true, "{\"type\":\"delete\",\"name\":\"a\",\"target\":\"5-0\"}");
    assert_memory_equal(out.data, style, strlen(style));
    assert_memory_equal(out.data + strlen(style), "#m5-0,", 6);
    use_html(true);
    outgoing_head(&out, c);
    assert_non_null(strstr(content(), "<base href=\"./\""));
    assert_non_null(strstr(content(), "<title>Messages in lobby, @alice,bob</title>"));
    assert_null(strstr(content(), style));
}

/* Does it tell where it stands, and come back from there where it may? */
static void test_html_end(void **state)
{
    static const char lost[] = "<div class=\"lost\">The connection seems lost. "
                               "<a target=\"_self\" href=\"" AGAIN "5-0\">Reconnect</a></div>\n";

    (void)state;
    use_html(false);
    outgoing_hello(&out, &line, c);
    said(lost);
    outgoing_heartbeat(&out, c);
    said(lost);
    outgoing_written(&out, c);
    said("");
    buf_str(&out, "x");
    outgoing_written(&out, c);
    assert_string_equal(out.data + 1, lost);
    buf_clear(&out);
    outgoing_over(&out, c, true);
    assert_non_null(
        strstr(out.data, "<meta http-equiv=\"refresh\" content=\"1;url=" AGAIN "5-0\">\n"));
    buf_clear(&out);
    outgoing_bye(&out, &line, c, "restart");
    assert_non_null(strstr(out.data, ";url=" AGAIN "5-0\">\n"));
    buf_clear(&out);
    outgoing_over(&out, c, false);
    assert_null(strstr(out.data, "refresh"));
    buf_clear(&out);
    outgoing_bye(&out, &line, c, "banned");
    said("<div class=\"end\" id=\"end\">You are banned from this room. "
         "<a href=\"rooms?as=html\">Rooms</a></div>\n");
    /* One that never stood anywhere begins as it began. */
    c->state = CONNECTION_STARTING;
    outgoing_heartbeat(&out, c);
    said("<!-- -->\n");
    outgoing_bye(&out, &line, c, "restart");
    assert_non_null(strstr(out.data, "<meta http-equiv=\"refresh\" content=\""));
    assert_null(strstr(out.data, "url="));
}

/* Is who may not read told so by a page? */
static void test_html_refused(void **state)
{
    (void)state;
    use_html(false);
    outgoing_answer(&out, &line, c, OUTGOING_BANNED);
    assert_memory_equal(out.data, "Status: 403 Forbidden\r\n", 23);
    assert_string_equal(header("Content-Type"), "text/html; charset=utf-8");
    assert_non_null(strstr(header("Content-Security-Policy"), "default-src 'none'"));
    assert_int_equal(strtoul(header("Content-Length"), NULL, 10), strlen(content()));
    assert_non_null(strstr(content(), "<p>you are banned from this room</p>"));
    assert_null(strstr(content(), "refresh"));
    outgoing_answer(&out, &line, c, OUTGOING_NO_REDIS);
    assert_string_equal(header("Retry-After"), "1");
    assert_non_null(strstr(content(), "<meta http-equiv=\"refresh\" content=\"3\">"));
}

static int open_all(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_html_head, unmake),
        cmocka_unit_test_teardown(test_html_end, unmake),
        cmocka_unit_test_teardown(test_html_refused, unmake),
    };

    return cmocka_run_group_tests(tests, open_all, NULL);
}
