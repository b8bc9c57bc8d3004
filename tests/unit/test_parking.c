/* test_parking.c - does a receive reach the hub as the gate meant it, or not at all? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "event/parking.h"

static struct parking sample(void)
{
    return (struct parking){
        .form = FRAME_NDJSON,
        .fastcgi = true,
        .request_id = 0xabcd,
        .many = true,
        .if_none_match = true,
        .text_cursor = true,
        .count = 4000000000u,
        .wait_ms = 25000,
        .expires_ms = 1795499539123,
        .headers = "X-Request-Id: abc\r\nVary: Origin\r\n",
        .again = "rooms/lobby/events?as=html&since=",
        .before = "<article></article>",
        .request_ref = "abc",
        .trace = "0af7651916cd43dd8448eb211c80319c",
        .user_id = "alice",
        .name = "Alice A.",
        .token_id = "t-1",
        .address = "192.0.2.7",
        .issued_s = 1795499000,
        .namespace = "main",
        .types_count = 2,
        .types = {"message", "edit"},
        .rooms_count = 4,
        .rooms = {"lobby", "@alice,bob", "ops", "x"},
        .starts = {{START_LATEST, {0, 0}},
                   {START_AFTER, {UINT64_MAX, 1}},
                   {START_ALL, {0, 0}},
                   {START_TIME, {1795499000000, 0}}},
        .rights = {PARKING_READ, PARKING_READ | PARKING_WRITE, PARKING_RIGHTS, 0},
    };
}

static void assert_same(const struct parking *a, const struct parking *b)
{
    assert_int_equal(a->form, b->form);
    assert_int_equal(a->fastcgi, b->fastcgi);
    assert_int_equal(a->request_id, b->request_id);
    assert_int_equal(a->many, b->many);
    assert_int_equal(a->if_none_match, b->if_none_match);
    assert_int_equal(a->text_cursor, b->text_cursor);
    assert_int_equal(a->count, b->count);
    assert_true(a->wait_ms == b->wait_ms);
    assert_true(a->expires_ms == b->expires_ms);
    assert_string_equal(a->headers, b->headers);
    assert_string_equal(a->again, b->again);
    assert_string_equal(a->before, b->before);
    assert_string_equal(a->request_ref, b->request_ref);
    assert_string_equal(a->trace, b->trace);
    assert_string_equal(a->user_id, b->user_id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->token_id, b->token_id);
    assert_string_equal(a->address, b->address);
    assert_true(a->issued_s == b->issued_s);
    assert_string_equal(a->namespace, b->namespace);
    assert_int_equal(a->types_count, b->types_count);
    for (size_t i = 0; i < a->types_count; i++)
        assert_string_equal(a->types[i], b->types[i]);
    assert_int_equal(a->rooms_count, b->rooms_count);
    for (size_t i = 0; i < a->rooms_count; i++) {
        assert_string_equal(a->rooms[i], b->rooms[i]);
        assert_int_equal(a->starts[i].kind, b->starts[i].kind);
        assert_int_equal(event_id_compare(a->starts[i].id, b->starts[i].id), 0);
        assert_int_equal(a->rights[i], b->rights[i]);
    }
}

/* Does every field arrive? */
static void test_round_trip(void **state)
{
    struct parking sent = sample(), got;
    struct buf b = BUF_INIT;

    (void)state;
    assert_int_equal(parking_encode(&b, &sent), 0);
    memset(&got, 0xee, sizeof(got));
    assert_int_equal(parking_decode(&got, b.data, b.len), 0);
    assert_same(&sent, &got);
    assert_true(got.headers > b.data && got.headers < b.data + b.len);
    buf_free(&b);
}

/* Does each yes or no arrive by itself, and do absent strings arrive empty? */
static void test_flags_and_absent(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (int bit = 0; bit < 5; bit++) {
        struct parking got, sent = {.fastcgi = bit == 0,
                                    .many = bit == 1,
                                    .if_none_match = bit == 2,
                                    .text_cursor = bit == 3,
                                    .rooms_count = 1,
                                    .rooms = {"r"}};

        buf_clear(&b);
        assert_int_equal(parking_encode(&b, &sent), 0);
        assert_int_equal(parking_decode(&got, b.data, b.len), 0);
        sent.headers = sent.request_ref = sent.trace = sent.user_id = sent.namespace = "";
        sent.name = sent.token_id = sent.address = sent.again = sent.before = "";
        assert_same(&sent, &got);
    }
    buf_free(&b);
}

/* Is the record the same bytes whatever lay in memory that it does not send? */
static void test_no_stale_bytes(void **state)
{
    struct parking a, b;
    struct buf x = BUF_INIT, y = BUF_INIT;
    const struct parking good = sample();

    (void)state;
    memset(&a, 0x11, sizeof(a));
    memset(&b, 0xee, sizeof(b));
    a = b = good;
    a.starts[0].id = (struct event_id){1, 2};
    b.starts[0].id = (struct event_id){3, 4};
    assert_int_equal(parking_encode(&x, &a), 0);
    assert_int_equal(parking_encode(&y, &b), 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_free(&x);
    buf_free(&y);
}

/* Is every shorter and every longer message refused? */
static void test_cut(void **state)
{
    struct parking sent = sample(), got;
    struct buf b = BUF_INIT;

    (void)state;
    assert_int_equal(parking_encode(&b, &sent), 0);
    for (size_t len = 0; len < b.len; len++) {
        /* In memory of just that size, so that a sanitizer sees a read past it. */
        char *copy = mem_alloc(len);

        memcpy(copy, b.data, len);
        assert_int_equal(parking_decode(&got, copy, len), -1);
        free(copy);
    }
    buf_char(&b, '\0');
    assert_int_equal(parking_decode(&got, b.data, b.len), -1);
    buf_free(&b);
}

/* Does a changed byte never crash, and is what still decodes a record that encodes to the same? */
static void test_changed(void **state)
{
    struct parking sent = sample(), got;
    struct buf b = BUF_INIT, again = BUF_INIT;

    (void)state;
    assert_int_equal(parking_encode(&b, &sent), 0);
    for (size_t at = 0; at < b.len; at++)
        for (int bit = 0; bit < 8; bit++) {
            b.data[at] ^= (char)(1 << bit);
            if (parking_decode(&got, b.data, b.len) == 0) {
                buf_clear(&again);
                assert_int_equal(parking_encode(&again, &got), 0);
                assert_int_equal(again.len, b.len);
                assert_memory_equal(again.data, b.data, b.len);
            }
            b.data[at] ^= (char)(1 << bit);
        }
    buf_free(&b);
    buf_free(&again);
}

/* Is a record of another version refused? The version stands behind the magic and the length. */
static void test_version(void **state)
{
    struct parking sent = sample(), got;
    struct buf b = BUF_INIT;

    (void)state;
    assert_int_equal(parking_encode(&b, &sent), 0);
    assert_int_equal(b.data[8], PARKING_VERSION);
    b.data[8] = PARKING_VERSION + 1;
    assert_int_equal(parking_decode(&got, b.data, b.len), -1);
    buf_free(&b);
}

/* Is what has too many parts, none at all or an unknown form refused, and the buffer left alone? */
static void test_limits(void **state)
{
    struct parking p = sample();
    struct buf b = BUF_INIT;

    (void)state;
    buf_str(&b, "kept");
    p.rooms_count = PARKING_ROOMS_MAX + 1;
    assert_int_equal(parking_encode(&b, &p), -1);
    p.rooms_count = 0;
    assert_int_equal(parking_encode(&b, &p), -1);
    p = sample();
    p.types_count = PARKING_TYPES_MAX + 1;
    assert_int_equal(parking_encode(&b, &p), -1);
    p = sample();
    p.form = FRAME_FORMS;
    assert_int_equal(parking_encode(&b, &p), -1);
    p = sample();
    p.rights[3] = PARKING_RIGHTS + 1;
    assert_int_equal(parking_encode(&b, &p), -1);
    assert_string_equal(b.data, "kept");
    assert_int_equal(b.len, 4);
    buf_free(&b);
}

/* Does the largest set of rooms pass, and is one byte past PARKING_BYTES_MAX refused? */
static void test_size(void **state)
{
    struct parking p = {.rooms_count = PARKING_ROOMS_MAX}, got;
    char(*names)[65] = mem_zero(PARKING_ROOMS_MAX * sizeof(*names));
    char *headers = mem_zero(PARKING_BYTES_MAX + 1);
    struct buf b = BUF_INIT;
    size_t spare;

    (void)state;
    for (int i = 0; i < PARKING_ROOMS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "%064d", i);
        p.rooms[i] = names[i];
    }
    p.headers = headers;
    assert_int_equal(parking_encode(&b, &p), 0);
    spare = PARKING_BYTES_MAX - b.len;
    memset(headers, 'h', spare);
    buf_clear(&b);
    assert_int_equal(parking_encode(&b, &p), 0);
    assert_int_equal(b.len, PARKING_BYTES_MAX);
    assert_int_equal(parking_decode(&got, b.data, b.len), 0);
    p.request_ref = p.trace = p.user_id = p.namespace = p.name = p.token_id = p.address = p.again =
        p.before = "";
    assert_same(&p, &got);
    headers[spare] = 'h';
    buf_clear(&b);
    assert_int_equal(parking_encode(&b, &p), -1);
    assert_int_equal(b.len, 0);
    buf_free(&b);
    free(names);
    free(headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_flags_and_absent),
        cmocka_unit_test(test_no_stale_bytes), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_changed),        cmocka_unit_test(test_version),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
