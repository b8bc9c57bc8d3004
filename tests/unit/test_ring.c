/* test_ring.c - does a room's ring keep its events in order, under numbers that never change? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/entry.h"
#include "hub/ring.h"

static struct ring ring;

static int make(void **state)
{
    (void)state;
    ring_init(&ring);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    ring_free(&ring);
    return 0;
}

static struct event_id id(uint64_t ms)
{
    return (struct event_id){ms, 0};
}

static struct entry *durable(uint64_t ms)
{
    struct event event = {true, {ms, 0}, (int64_t)ms, "{\"type\":\"message\"}", 18};

    return entry_create(&event);
}

static struct entry *ephemeral(void)
{
    struct event event = {.timestamp_ms = 1, .json = "{\"type\":\"typing\"}", .json_len = 17};

    return entry_create(&event);
}

static uint64_t ms_at(uint64_t number)
{
    const struct entry *entry = ring_at(&ring, number);

    assert_non_null(entry);
    return entry->event.id.ms;
}

/* Is a new ring empty, and does asking it do no harm? */
static void test_empty(void **state)
{
    (void)state;
    assert_int_equal(ring_end(&ring), ring.first);
    assert_null(ring_at(&ring, ring.first));
    assert_null(ring_at(&ring, 0));
    assert_null(ring_at(&ring, UINT64_MAX));
    assert_int_equal(ring_after(&ring, id(0)), ring.first);
    assert_int_equal(ring_after(&ring, id(UINT64_MAX)), ring.first);
    assert_null(ring_take(&ring));
    ring_clear(&ring);
    assert_int_equal(ring.bytes, 0);
}

/* Does an entry keep its number while others come and go at both ends? */
static void test_numbers(void **state)
{
    uint64_t start = ring.first;

    (void)state;
    for (uint64_t ms = 100; ms < 200; ms++)
        ring_append(&ring, durable(ms));
    for (uint64_t ms = 99; ms >= 50; ms--)
        ring_prepend(&ring, durable(ms));
    assert_int_equal(ring.first, start - 50);
    assert_int_equal(ring_end(&ring), start + 100);
    for (uint64_t i = 0; i < 150; i++)
        assert_int_equal(ms_at(start - 50 + i), 50 + i);
    for (int i = 0; i < 60; i++)
        entry_release(ring_take(&ring));
    assert_null(ring_at(&ring, start + 9));
    assert_int_equal(ms_at(start + 10), 110);
    assert_int_equal(ms_at(start + 99), 199);
    assert_null(ring_at(&ring, start + 100));
}

/* Are numbers of forgotten entries never given again? */
static void test_clear(void **state)
{
    uint64_t end;

    (void)state;
    for (uint64_t ms = 1; ms <= 20; ms++)
        ring_append(&ring, durable(ms));
    end = ring_end(&ring);
    ring_clear(&ring);
    assert_int_equal(ring.count, 0);
    assert_int_equal(ring.bytes, 0);
    assert_int_equal(ring_end(&ring), end);
    assert_null(ring_at(&ring, end - 1));
    ring_append(&ring, durable(21));
    assert_int_equal(ms_at(end), 21);
}

/* Does it grow in every position of its head, at either end, and lose nothing? */
static void test_grow(void **state)
{
    (void)state;
    for (uint64_t turn = 0; turn < 8; turn++) {
        uint64_t next;

        ring_free(&ring);
        ring_init(&ring);
        for (uint64_t i = 0; i < turn; i++) {
            ring_append(&ring, durable(1));
            entry_release(ring_take(&ring));
        }
        next = ring_end(&ring);
        for (uint64_t ms = 1; ms <= 8; ms++)
            ring_append(&ring, durable(100 + ms));
        assert_int_equal(ring.cap, 8);
        if (turn % 2 == 0)
            ring_append(&ring, durable(109));
        else
            ring_prepend(&ring, durable(100));
        assert_int_equal(ring.cap, 16);
        for (uint64_t ms = 1; ms <= 8; ms++)
            assert_int_equal(ms_at(next + ms - 1), 100 + ms);
        assert_int_equal(ms_at(turn % 2 == 0 ? next + 8 : next - 1), turn % 2 == 0 ? 109 : 100);
    }
}

/* Does a ring that stays short stay small, however much goes through it? */
static void test_wrap(void **state)
{
    (void)state;
    for (uint64_t ms = 1; ms <= 10000; ms++) {
        struct entry *entry;

        ring_append(&ring, durable(ms));
        if (ring.count < 6)
            continue;
        entry = ring_take(&ring);
        assert_int_equal(entry->event.id.ms, ms - 5);
        entry_release(entry);
    }
    assert_int_equal(ring.cap, 8);
    assert_int_equal(ms_at(ring_end(&ring) - 1), 10000);
}

/* Does the weight follow what is in it? */
static void test_bytes(void **state)
{
    size_t one = sizeof(struct entry) + 18, other = sizeof(struct entry) + 17;

    (void)state;
    ring_append(&ring, durable(2));
    assert_int_equal(ring.bytes, one);
    ring_append(&ring, ephemeral());
    ring_prepend(&ring, durable(1));
    assert_int_equal(ring.bytes, 2 * one + other);
    ring_append(&ring, entry_create_gap(id(5), id(2)));
    assert_int_equal(ring.bytes, 2 * one + other + sizeof(struct entry));
    entry_release(ring_take(&ring));
    entry_release(ring_take(&ring));
    assert_int_equal(ring.bytes, other + sizeof(struct entry));
    entry_release(ring_take(&ring));
    entry_release(ring_take(&ring));
    assert_int_equal(ring.bytes, 0);
}

/* Does a cursor lead to the first entry that its reader has not had, exact or in between? */
static void test_after(void **state)
{
    uint64_t first = ring.first;

    (void)state;
    for (uint64_t ms = 10; ms <= 100; ms += 10)
        ring_append(&ring, durable(ms));
    assert_int_equal(ring_after(&ring, id(0)), first);
    assert_int_equal(ring_after(&ring, id(9)), first);
    assert_int_equal(ring_after(&ring, id(10)), first + 1);
    assert_int_equal(ring_after(&ring, (struct event_id){10, 1}), first + 1);
    assert_int_equal(ring_after(&ring, id(55)), first + 5);
    assert_int_equal(ring_after(&ring, (struct event_id){59, UINT64_MAX}), first + 5);
    assert_int_equal(ring_after(&ring, id(100)), first + 10);
    assert_int_equal(ring_after(&ring, id(UINT64_MAX)), ring_end(&ring));
}

/* Are entries without an id passed over together with the durable ones around them? */
static void test_after_ephemeral(void **state)
{
    uint64_t first = ring.first;

    (void)state;
    ring_append(&ring, ephemeral());
    ring_append(&ring, durable(10));
    ring_append(&ring, ephemeral());
    ring_append(&ring, ephemeral());
    ring_append(&ring, durable(20));
    ring_append(&ring, ephemeral());
    assert_int_equal(ring_after(&ring, id(5)), first);
    assert_int_equal(ring_after(&ring, id(10)), first + 2);
    assert_int_equal(ring_after(&ring, id(15)), first + 2);
    assert_int_equal(ring_after(&ring, id(20)), first + 5);
    assert_int_equal(ring_after(&ring, id(30)), first + 5);
}

/* Is a gap told to those who stand before it, and not to those behind? */
static void test_after_gap(void **state)
{
    uint64_t first = ring.first;

    (void)state;
    ring_append(&ring, durable(10));
    ring_append(&ring, entry_create_gap(id(50), id(10)));
    ring_append(&ring, durable(50));
    assert_int_equal(ring_after(&ring, id(5)), first);
    assert_int_equal(ring_after(&ring, id(10)), first + 1);
    assert_int_equal(ring_after(&ring, id(49)), first + 1);
    assert_int_equal(ring_after(&ring, id(50)), first + 3);
    assert_true(ring_at(&ring, first + 1)->gap);
    assert_false(ring_at(&ring, first + 1)->event.durable);
}

/* Does an entry outlive the ring for him who holds it, with the frame that was made of it? */
static void test_hold(void **state)
{
    struct entry *entry = durable(7);
    const struct frame *frame;

    (void)state;
    ring_append(&ring, entry_hold(entry));
    frame = entry_frame(entry, FRAME_NDJSON, "lobby");
    assert_int_equal(frame->own, 1);
    ring_clear(&ring);
    assert_ptr_equal(entry_frame(entry, FRAME_NDJSON, "lobby"), frame);
    assert_string_equal(entry->json, "{\"type\":\"message\"}");
    entry_release(entry);
}

/* Does an entry keep a copy, so that its maker's JSON may go? */
static void test_copy(void **state)
{
    char *json = mem_strdup("{\"type\":\"message\",\"content\":\"a\\u0000b\"}");
    struct event event = {true, {1, 0}, 1, json, strlen(json)};
    struct entry *entry = entry_create(&event);

    (void)state;
    assert_memory_equal(entry->event.json, json, strlen(json));
    memset(json, 'x', strlen(json));
    free(json);
    assert_int_equal(entry->event.json[entry->event.json_len], '\0');
    assert_int_equal(entry->event.json[0], '{');
    entry_release(entry);
}

/* Do frames go when they were used, come back the same, and stay with whoever holds the entry? */
static void test_drop_frames(void **state)
{
    struct entry *kept = durable(1), *page = durable(0);
    const struct frame *frame;
    char bytes[256];
    size_t len;

    (void)state;
    ring_append(&ring, kept);
    ring_append(&ring, durable(2));
    frame = entry_frame(kept, FRAME_SSE, "room");
    len = frame->len;
    assert_true(len < sizeof(bytes));
    memcpy(bytes, frame->bytes, len);
    entry_frame(ring_at(&ring, ring.first + 1), FRAME_NDJSON, "room");
    entry_hold(kept);
    ring_drop_frames(&ring);
    assert_ptr_equal(kept->frames[FRAME_SSE], frame);
    assert_null(ring_at(&ring, ring.first + 1)->frames[FRAME_NDJSON]);
    entry_release(kept);
    ring_drop_frames(&ring);
    assert_null(kept->frames[FRAME_SSE]);
    frame = entry_frame(kept, FRAME_SSE, "room");
    assert_int_equal(frame->len, len);
    assert_memory_equal(frame->bytes, bytes, len);
    /* One that was framed before it came. */
    ring_drop_frames(&ring);
    entry_frame(page, FRAME_SSE, "room");
    ring_prepend(&ring, page);
    ring_drop_frames(&ring);
    assert_null(page->frames[FRAME_SSE]);
}

/* Is another put in the place of an event, under its number, for all who read? */
static void test_replace(void **state)
{
    struct event other = {true, {20, 0}, 20, "{\"type\":\"message\",\"deleted\":1}", 30};
    struct entry *held, *entry = entry_create(&other);
    uint64_t first = ring_end(&ring);
    size_t bytes;

    (void)state;
    ring_append(&ring, durable(10));
    ring_append(&ring, durable(20));
    ring_append(&ring, ephemeral());
    ring_append(&ring, entry_create_gap(id(25), id(20)));
    ring_append(&ring, durable(30));
    held = entry_hold(ring_at(&ring, first + 1));
    bytes = ring.bytes;
    ring_replace(&ring, held, entry);
    assert_ptr_equal(ring_at(&ring, first + 1), entry);
    assert_int_equal(ring.bytes, bytes + 12);
    assert_null(held->ring);
    assert_int_equal(held->refs, 1);
    ring_replace(&ring, held, entry); /* is there no more */
    entry_release(held);
    ring_clear(&ring);
    assert_int_equal(ring.bytes, 0);
}

/* Is nothing left in a message that was deleted of what it said? */
static void test_deleted(void **state)
{
    struct event event = {
        .durable = true, .id = {20, 0}, .json = "{\"type\":\"message\",\"content\":\"x\"}"};
    struct entry *entry;

    (void)state;
    event.json_len = strlen(event.json);
    entry = entry_create_deleted(&event, id(1000));
    assert_string_equal(entry->event.json,
                        "{\"type\":\"message\",\"deleted\":\"1970-01-01T00:00:01.000Z\"}");
    assert_int_equal(entry->event.id.ms, 20);
    entry_release(entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, make, unmake),
        cmocka_unit_test_setup_teardown(test_numbers, make, unmake),
        cmocka_unit_test_setup_teardown(test_clear, make, unmake),
        cmocka_unit_test_setup_teardown(test_grow, make, unmake),
        cmocka_unit_test_setup_teardown(test_wrap, make, unmake),
        cmocka_unit_test_setup_teardown(test_bytes, make, unmake),
        cmocka_unit_test_setup_teardown(test_after, make, unmake),
        cmocka_unit_test_setup_teardown(test_after_ephemeral, make, unmake),
        cmocka_unit_test_setup_teardown(test_after_gap, make, unmake),
        cmocka_unit_test_setup_teardown(test_hold, make, unmake),
        cmocka_unit_test_setup_teardown(test_drop_frames, make, unmake),
        cmocka_unit_test_setup_teardown(test_replace, make, unmake),
        cmocka_unit_test(test_deleted),
        cmocka_unit_test(test_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
