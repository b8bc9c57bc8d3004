/* test_outgoing.c - does a connection say the right thing in each form? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hand.h"

#include "base/mem.h"
#include "conf.h"
#include "hub/outgoing.h"
#include "hub/who.h"

#define STAMP "\"timestamp\":\"1970-01-01T00:00:00.007Z\""
#define MESSAGE "{\"type\":\"message\",\"name\":\"Ann\",\"content\":\"hi\"}"
#define MESSAGE_REST STAMP ",\"type\":\"message\",\"name\":\"Ann\",\"content\":\"hi\"}"

/* Has each stream its type, no buffering, and for EventSource the time to wait? */
static void test_head(void **state)
{
    static const char head[] = "Status: 200 OK\r\nContent-Type: %s\r\nCache-Control: no-store\r\n"
                               "X-Accel-Buffering: no\r\n\r\n%s";
    char wanted[256];

    (void)state;
    for (int form = FRAME_SSE; form <= FRAME_TEXT; form++) {
        use((enum frame_form)form, false);
        outgoing_head(&out, c);
        snprintf(wanted, sizeof(wanted), head, frame_content_types[form],
                 form == FRAME_SSE ? "retry: 2000\n\n" : "");
        said(wanted);
    }
}

/* Has a stream of text by plain CGI something in front of its first message, but not a counted one?
 */
static void test_head_plain(void **state)
{
    static const char head[] = "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                               "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n\r\n";

    (void)state;
    use(FRAME_TEXT, false);
    c->fastcgi = false;
    outgoing_head(&out, c);
    assert_int_equal(strncmp(out.data, head, strlen(head)), 0);
    assert_int_equal(strncmp(out.data + strlen(head), "# hello", 7), 0);
    assert_true(out.len > strlen(head) + 50);
    use(FRAME_TEXT, false);
    c->fastcgi = false;
    c->counted = true;
    outgoing_head(&out, c);
    said(head);
}

/* Do the header lines that the gate made come with the head? */
static void test_head_headers(void **state)
{
    (void)state;
    use(FRAME_NDJSON, false);
    keep((struct parking){.headers = "X-Request-Id: abc\r\nVary: Origin\r\n"});
    outgoing_head(&out, c);
    said("Status: 200 OK\r\nContent-Type: application/x-ndjson\r\nCache-Control: no-store\r\n"
         "X-Accel-Buffering: no\r\nX-Request-Id: abc\r\nVary: Origin\r\n\r\n");
}

/* Is nothing kept of a record that has nothing to keep? */
static void test_keep_nothing(void **state)
{
    (void)state;
    use(FRAME_SSE, false);
    assert_null(outgoing_keep(&(struct parking){0}));
    assert_null(outgoing_keep(&(struct parking){.headers = ""}));
}

/* Does `hello` name the rooms and the cursor, in the forms that have it? */
static void test_hello(void **state)
{
    (void)state;
    use(FRAME_SSE, false);
    outgoing_hello(&out, &line, c);
    said("id: 5-0\nevent: hello\n"
         "data: {\"type\":\"hello\",\"rooms\":[\"lobby\"],\"cursor\":\"5-0\"}\n\n");
    use(FRAME_SSE, true);
    outgoing_hello(&out, &line, c);
    said("id: lobby:5-0,@alice,bob:9-1\nevent: hello\n"
         "data: {\"type\":\"hello\",\"rooms\":[\"lobby\",\"@alice,bob\"],"
         "\"cursor\":\"lobby:5-0,@alice,bob:9-1\"}\n\n");
    use(FRAME_NDJSON, false);
    outgoing_hello(&out, &line, c);
    said("{\"type\":\"hello\",\"rooms\":[\"lobby\"],\"cursor\":\"5-0\"}\n");
    use(FRAME_TEXT, false);
    outgoing_hello(&out, &line, c);
    said("");
    use(FRAME_JSON, false);
    outgoing_hello(&out, &line, c);
    said("");
}

/* Does an event of one room go out as its shared frame? */
static void test_event(void **state)
{
    (void)state;
    use(FRAME_SSE, false);
    assert_true(say(0, true, MESSAGE));
    said("id: 7-0\nevent: message\ndata: {\"id\":\"7-0\"," MESSAGE_REST "\n\n");
    use(FRAME_NDJSON, false);
    assert_true(say(0, true, MESSAGE));
    said("{\"id\":\"7-0\"," MESSAGE_REST "\n");
    use(FRAME_TEXT, false);
    assert_true(say(0, true, MESSAGE));
    said("Ann: hi\n");
    use(FRAME_JSON, false);
    assert_true(say(0, true, MESSAGE));
    assert_true(say(0, true, MESSAGE));
    said("{\"id\":\"7-0\"," MESSAGE_REST ",{\"id\":\"7-0\"," MESSAGE_REST ",");
}

/* Has an event of many rooms the cursor over all of them, in place of its own id? */
static void test_event_many(void **state)
{
    (void)state;
    use(FRAME_SSE, true);
    assert_true(say(0, true, MESSAGE));
    said("id: lobby:7-0,@alice,bob:9-1\nevent: message\ndata: {\"id\":\"7-0\"," MESSAGE_REST
         "\n\n");
    assert_true(say(1, true, MESSAGE));
    said("id: lobby:7-0,@alice,bob:7-0\nevent: message\ndata: {\"id\":\"7-0\"," MESSAGE_REST
         "\n\n");
    use(FRAME_NDJSON, true);
    assert_true(say(1, true, MESSAGE));
    said("{\"cursor\":\"lobby:5-0,@alice,bob:7-0\",\"id\":\"7-0\"," MESSAGE_REST "\n");
    use(FRAME_TEXT, true);
    assert_true(say(1, true, MESSAGE));
    said("[@alice,bob] Ann: hi\n");
    use(FRAME_JSON, true);
    assert_true(say(1, true, MESSAGE));
    said("{\"id\":\"7-0\"," MESSAGE_REST ",");
}

/* Does one entry serve listeners of one room and of many, in any order? */
static void test_event_shared(void **state)
{
    struct entry *entry = entry_of(true, MESSAGE);

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        use(FRAME_TEXT, false);
        outgoing_event(&out, c, &c->members[0], entry);
        said("Ann: hi\n");
        use(FRAME_TEXT, true);
        outgoing_event(&out, c, &c->members[0], entry);
        said("[lobby] Ann: hi\n");
        use(FRAME_SSE, true);
        outgoing_event(&out, c, &c->members[0], entry);
        said("id: lobby:5-0,@alice,bob:9-1\nevent: message\ndata: {\"id\":\"7-0\"," MESSAGE_REST
             "\n\n");
        use(FRAME_SSE, false);
        outgoing_event(&out, c, &c->members[0], entry);
        said("id: 7-0\nevent: message\ndata: {\"id\":\"7-0\"," MESSAGE_REST "\n\n");
    }
    entry_release(entry);
}

/* Does an ephemeral event leave the reader's cursor alone, with many rooms too? */
static void test_event_ephemeral(void **state)
{
    (void)state;
    for (int many = 0; many < 2; many++) {
        use(FRAME_SSE, many);
        assert_true(say(0, false, MESSAGE));
        said("event: message\ndata: {" MESSAGE_REST "\n\n");
        use(FRAME_NDJSON, many);
        assert_true(say(0, false, MESSAGE));
        said("{" MESSAGE_REST "\n");
    }
}

/* Has each line of text its cursor when that was asked for, and an event without text no line? */
static void test_event_text(void **state)
{
    (void)state;
    use(FRAME_TEXT, false);
    assert_false(say(0, true, "{\"type\":\"custom\"}"));
    c->text_cursor = true;
    assert_false(say(0, true, "{\"type\":\"custom\"}"));
    said("");
    assert_true(say(0, true, MESSAGE));
    said("7-0 Ann: hi\n");
    use(FRAME_TEXT, true);
    c->text_cursor = true;
    assert_true(say(1, true, MESSAGE));
    said("lobby:5-0,@alice,bob:7-0 [@alice,bob] Ann: hi\n");
}

static bool wants(const char *json)
{
    struct entry *entry = entry_of(true, json);
    bool wanted = outgoing_wants(c, entry);

    entry_release(entry);
    return wanted;
}

/* Do only the types that were asked for come, and all when none was? */
static void test_types(void **state)
{
    (void)state;
    use(FRAME_SSE, false);
    assert_true(wants(MESSAGE) && wants("{\"type\":\"x\"}") && wants("{}"));
    keep((struct parking){.headers = "A: b\r\n"});
    assert_true(wants(MESSAGE) && wants("{}"));
    keep((struct parking){.types_count = 2, .types = {"message", "edit"}});
    assert_true(wants(MESSAGE) && wants("{\"type\":\"edit\"}"));
    assert_false(wants("{\"type\":\"mess\"}") || wants("{\"type\":\"message2\"}"));
    assert_false(wants("{\"type\":\"\"}") || wants("{}") || wants("nonsense"));
}

#define JOIN "{\"type\":\"join\",\"room\":\"r\",\"userId\":\"alice\"}"
#define LEAVE "{\"type\":\"leave\",\"room\":\"r\",\"userId\":\"alice\"}"
#define SIGNAL "{\"type\":\"signal\",\"to\":\"alice\",\"userId\":\"bob\"}"

static bool hears(const char *json)
{
    struct entry *entry = entry_of(false, json);
    bool wanted = outgoing_wants(c, entry);

    entry_release(entry);
    return wanted;
}

/* Does only the one user want what is for him, and when he asked for the type; and all but he what
 * tells that he has come, or types? */
static void test_targeted(void **state)
{
    static const char *const users[] = {"", "bob", "alic", "alice2", "alice"};

    (void)state;
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        const struct parking who = {.user_id = users[i], .name = "", .token_id = ""};

        use(FRAME_SSE, false);
        c->who = who_create(&who, c);
        assert_true(wants(MESSAGE));
        assert_int_equal(hears(SIGNAL), i == 4);
        assert_int_equal(hears(JOIN), i != 4);
        assert_true(hears(LEAVE));
        keep((struct parking){.types_count = 1, .types = {"message"}});
        assert_false(hears(SIGNAL));
        who_free(c->who);
        c->who = NULL;
    }
    use(FRAME_SSE, false);
    assert_true(wants("{\"type\":\"message\",\"to\":\"alice\"}"));
}

/* Does a gap tell what was asked for and what is left, and move the cursor past it? */
static void test_gap(void **state)
{
    (void)state;
    use(FRAME_SSE, true);
    outgoing_gap(&out, &line, c, &c->members[1], (struct event_id){20, 0},
                 (struct event_id){19, 3});
    said("id: lobby:5-0,@alice,bob:19-3\nevent: gap\ndata: {\"type\":\"gap\","
         "\"room\":\"@alice,bob\",\"requested\":\"9-1\",\"oldest\":\"20-0\"}\n\n");
    assert_int_equal(c->members[1].cursor.ms, 19);
    use(FRAME_NDJSON, false);
    outgoing_gap(&out, &line, c, &c->members[0], (struct event_id){0, 0}, (struct event_id){3, 0});
    said("{\"type\":\"gap\",\"room\":\"lobby\",\"requested\":\"5-0\",\"oldest\":\"0-0\"}\n");
    use(FRAME_TEXT, false);
    outgoing_gap(&out, &line, c, &c->members[0], (struct event_id){8, 0}, (struct event_id){5, 0});
    said("# gap room=lobby requested=5-0 oldest=8-0\n");
    use(FRAME_JSON, false);
    outgoing_gap(&out, &line, c, &c->members[0], (struct event_id){8, 0}, (struct event_id){5, 0});
    said("{\"type\":\"gap\",\"room\":\"lobby\",\"requested\":\"5-0\",\"oldest\":\"8-0\"},");
}

/* Does `bye` tell why, without a cursor, and spread the clients' return? */
static void test_bye(void **state)
{
    static const char start[] = "event: bye\ndata: {\"type\":\"bye\",\"reason\":\"restart\"}\n\n";

    (void)state;
    use(FRAME_NDJSON, false);
    outgoing_bye(&out, &line, c, "expired");
    said("{\"type\":\"bye\",\"reason\":\"expired\"}\n");
    use(FRAME_TEXT, false);
    outgoing_bye(&out, &line, c, "restart");
    said("# bye reason=restart\n");
    for (int i = 0; i < 200; i++) {
        long long retry_ms;
        int used = 0;

        use(FRAME_SSE, true);
        outgoing_bye(&out, &line, c, "restart");
        assert_memory_equal(out.data, start, strlen(start));
        assert_int_equal(sscanf(out.data + strlen(start), "retry: %lld\n\n%n", &retry_ms, &used),
                         1);
        assert_string_equal(out.data + out.len - 2, "\n\n");
        assert_int_equal(strlen(start) + (size_t)used, out.len);
        assert_in_range(retry_ms, 100, 2100);
    }
}

/* Is the token's end announced in each form, in one event and no end? */
static void test_expires(void **state)
{
    (void)state;
    use(FRAME_SSE, false);
    outgoing_expires(&out, &line, c, 60);
    said("event: bye\ndata: {\"type\":\"bye\",\"reason\":\"expired\",\"in\":60}\n\n");
    use(FRAME_NDJSON, true);
    outgoing_expires(&out, &line, c, 1);
    said("{\"type\":\"bye\",\"reason\":\"expired\",\"in\":1}\n");
    use(FRAME_TEXT, false);
    outgoing_expires(&out, &line, c, 0);
    said("# bye reason=expired in=0\n");
}

/* Is `retry:` within its bounds, both included, and only for SSE? */
static void test_retry(void **state)
{
    unsigned seen = 0;

    (void)state;
    use(FRAME_NDJSON, false);
    outgoing_retry(&out, c, 1, 3);
    said("");
    use(FRAME_SSE, false);
    outgoing_retry(&out, c, 70, 70);
    said("retry: 70\n\n");
    for (int i = 0; i < 500; i++) {
        outgoing_retry(&out, c, 1, 3);
        assert_in_range(out.data[7], '1', '3');
        seen |= 1u << (out.data[7] - '0');
        buf_clear(&out);
    }
    assert_int_equal(seen, 14);
}

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

/* The body, after a look whether Content-Length is its length. */
static const char *body(void)
{
    const char *start = strstr(out.data, "\r\n\r\n");
    const char *length = header("Content-Length");

    assert_non_null(start);
    assert_non_null(length);
    assert_int_equal(strtoul(length, NULL, 10), out.len - (size_t)(start + 4 - out.data));
    return start + 4;
}

static void answer(enum outgoing_answer kind, const char *status)
{
    outgoing_answer(&out, &line, c, kind);
    assert_int_equal(line.len, 0);
    assert_memory_equal(out.data, status, strlen(status));
}

/* Has an answer with events its length, its cursor as ETag, and JSON that can be read? */
static void test_answer(void **state)
{
    struct json_object *object, *events;

    (void)state;
    use(FRAME_JSON, false);
    keep((struct parking){.headers = "X-Request-Id: abc\r\n"});
    say(0, true, MESSAGE);
    say(0, true, MESSAGE);
    answer(OUTGOING_EVENTS, "Status: 200 OK\r\n");
    assert_string_equal(header("Content-Type"), "application/json");
    assert_string_equal(header("Cache-Control"), "no-cache");
    assert_string_equal(header("X-Request-Id"), "abc");
    assert_string_equal(header("ETag"), "\"7-0\"");
    object = json_tokener_parse(body());
    assert_non_null(object);
    assert_true(json_object_object_get_ex(object, "events", &events));
    assert_int_equal(json_object_array_length(events), 2);
    json_object_put(object);
    assert_non_null(strstr(body(), "],\"cursor\":\"7-0\"}\n"));
}

/* Does an answer over many rooms carry the cursor of all, also behind a gap? */
static void test_answer_many(void **state)
{
    (void)state;
    use(FRAME_JSON, true);
    outgoing_gap(&out, &line, c, &c->members[1], (struct event_id){20, 0},
                 (struct event_id){19, 3});
    say(0, true, MESSAGE);
    c->if_none_match = true;
    answer(OUTGOING_EVENTS, "Status: 200 OK\r\n");
    assert_string_equal(header("ETag"), "\"lobby:7-0,@alice,bob:19-3\"");
    assert_string_equal(body(), "{\"events\":[{\"type\":\"gap\",\"room\":\"@alice,bob\","
                                "\"requested\":\"9-1\",\"oldest\":\"20-0\"},"
                                "{\"id\":\"7-0\"," MESSAGE_REST
                                "],\"cursor\":\"lobby:7-0,@alice,bob:19-3\"}\n");
}

/* Is the time-out an empty list for a client without a validator? */
static void test_answer_timeout(void **state)
{
    (void)state;
    use(FRAME_JSON, false);
    answer(OUTGOING_TIMEOUT, "Status: 200 OK\r\n");
    assert_string_equal(header("ETag"), "\"5-0\"");
    assert_string_equal(body(), "{\"events\":[],\"cursor\":\"5-0\"}\n");
}

/* Is it a 304 without a body for a client with one? */
static void test_answer_not_modified(void **state)
{
    (void)state;
    use(FRAME_JSON, false);
    keep((struct parking){.headers = "X-Request-Id: abc\r\n"});
    c->if_none_match = true;
    answer(OUTGOING_TIMEOUT, "Status: 304 Not Modified\r\n");
    assert_string_equal(header("X-Request-Id"), "abc");
    assert_string_equal(header("ETag"), "\"5-0\"");
    assert_null(header("Content-Type"));
    assert_null(header("Content-Length"));
    assert_string_equal(out.data + out.len - 4, "\r\n\r\n");
    assert_ptr_equal(strstr(out.data, "\r\n\r\n"), out.data + out.len - 4);
}

static void assert_problem(int status, const char *code)
{
    struct json_object *object = json_tokener_parse(body()), *value;

    assert_string_equal(header("Content-Type"), "application/problem+json");
    assert_true(json_object_object_get_ex(object, "status", &value));
    assert_int_equal(json_object_get_int(value), status);
    assert_true(json_object_object_get_ex(object, "code", &value));
    assert_string_equal(json_object_get_string(value), code);
    json_object_put(object);
    buf_clear(&out);
}

/* Is who may not read told so in each form, by a status that stops an EventSource for good? */
static void test_answer_refused(void **state)
{
    (void)state;
    for (int form = 0; form < FRAME_FORMS; form++) {
        use((enum frame_form)(form == FRAME_HTML ? FRAME_TEXT : form), true);
        keep((struct parking){.headers = "X-Request-Id: abc\r\n"});
        answer(OUTGOING_REVOKED, "Status: 401 Unauthorized\r\n");
        assert_string_equal(header("X-Request-Id"), "abc");
        assert_non_null(strstr(header("WWW-Authenticate"), "error=\"invalid_token\""));
        assert_problem(401, "token_revoked");
        answer(OUTGOING_HIDDEN, "Status: 404 Not Found\r\n");
        assert_problem(404, "room_missing");
        if (form == FRAME_SSE) {
            answer(OUTGOING_BANNED, "Status: 204 No Content\r\n");
            assert_null(header("Content-Length"));
            assert_ptr_equal(strstr(out.data, "\r\n\r\n"), out.data + out.len - 4);
        } else {
            answer(OUTGOING_BANNED, "Status: 403 Forbidden\r\n");
            assert_problem(403, "banned");
        }
    }
}

/* Is a hub without Redis a problem that a client can read, whatever was collected before? */
static void test_answer_unavailable(void **state)
{
    struct json_object *object, *status;

    (void)state;
    use(FRAME_JSON, false);
    say(0, true, MESSAGE);
    c->if_none_match = true;
    answer(OUTGOING_NO_REDIS, "Status: 503 Service Unavailable\r\n");
    assert_string_equal(header("Content-Type"), "application/problem+json");
    assert_string_equal(header("Retry-After"), "1");
    assert_null(header("ETag"));
    object = json_tokener_parse(body());
    assert_non_null(object);
    assert_true(json_object_object_get_ex(object, "status", &status));
    assert_int_equal(json_object_get_int(status), 503);
    json_object_put(object);
}

static int open_all(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_head, unmake),
        cmocka_unit_test_teardown(test_head_headers, unmake),
        cmocka_unit_test_teardown(test_keep_nothing, unmake),
        cmocka_unit_test_teardown(test_head_plain, unmake),
        cmocka_unit_test_teardown(test_hello, unmake),
        cmocka_unit_test_teardown(test_event, unmake),
        cmocka_unit_test_teardown(test_event_many, unmake),
        cmocka_unit_test_teardown(test_event_shared, unmake),
        cmocka_unit_test_teardown(test_event_ephemeral, unmake),
        cmocka_unit_test_teardown(test_event_text, unmake),
        cmocka_unit_test_teardown(test_types, unmake),
        cmocka_unit_test_teardown(test_targeted, unmake),
        cmocka_unit_test_teardown(test_expires, unmake),
        cmocka_unit_test_teardown(test_answer_refused, unmake),
        cmocka_unit_test_teardown(test_gap, unmake),
        cmocka_unit_test_teardown(test_bye, unmake),
        cmocka_unit_test_teardown(test_retry, unmake),
        cmocka_unit_test_teardown(test_answer, unmake),
        cmocka_unit_test_teardown(test_answer_many, unmake),
        cmocka_unit_test_teardown(test_answer_timeout, unmake),
        cmocka_unit_test_teardown(test_answer_not_modified, unmake),
        cmocka_unit_test_teardown(test_answer_unavailable, unmake),
    };

    return cmocka_run_group_tests(tests, open_all, NULL);
}
