/* test_room.c - does a member that reads from a room's ring get what is for it, and only once? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "hub/room.h"
#include "hub/state.h"

static struct hub hub;
static struct room room;
static struct member member;

/* A room that is live and has a ring with `floor` 0-0, in a hub that is connected to nothing. */
static int make(void **state)
{
    (void)state;
    memset(&hub, 0, sizeof(hub));
    memset(&room, 0, sizeof(room));
    memset(&member, 0, sizeof(member));
    TAILQ_INIT(&hub.leases);
    LIST_INIT(&room.members);
    ring_init(&room.ring);
    room.hub = &hub;
    room.key = "main/lobby";
    room.name = "lobby";
    room.namespace = "main";
    room.synced = true;
    room.state = ROOM_LIVE;
    HASH_ADD_KEYPTR(hh, hub.rooms, room.key, strlen(room.key), &room);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    room_leave(&member);
    ring_free(&room.ring);
    HASH_DELETE(hh, hub.rooms, &room);
    return 0;
}

static void publish(uint64_t ms)
{
    struct event event = {true, {ms, 0}, (int64_t)ms, "{}", 2};

    ring_append(&room.ring, entry_create(&event));
    room.last = event.id;
}

static void publish_ephemeral(int64_t timestamp_ms)
{
    struct event event = {.timestamp_ms = timestamp_ms, .json = "{}", .json_len = 2};

    ring_append(&room.ring, entry_create(&event));
}

static void join(enum start_kind kind, uint64_t ms)
{
    struct start start = {kind, {ms, 0}};

    assert_int_equal(room_join(&hub, "main", "lobby", &member, &start), 0);
    assert_int_equal(member.state, MEMBER_LIVE);
}

/* The time of the next event, 0 when there is none; a gap is told by the negative of its oldest. */
static int64_t next(void)
{
    struct entry *entry = room_peek(&member);

    if (entry == NULL)
        return 0;
    room_advance(&member, entry);
    return entry->gap ? -(int64_t)entry->event.id.ms : entry->event.timestamp_ms;
}

/* Does a new reader get what comes after it, durable or not? */
static void test_latest(void **state)
{
    (void)state;
    publish(10);
    join(START_LATEST, 0);
    assert_int_equal(next(), 0);
    publish(20);
    publish_ephemeral(25);
    publish(30);
    assert_int_equal(next(), 20);
    assert_int_equal(next(), 25);
    assert_int_equal(next(), 30);
    assert_int_equal(next(), 0);
    assert_int_equal(member.cursor.ms, 30);
}

/* Does it get no ephemeral events from before it came? */
static void test_latest_ephemeral(void **state)
{
    (void)state;
    publish_ephemeral(5);
    publish(10);
    publish_ephemeral(15);
    publish_ephemeral(16);
    join(START_LATEST, 0);
    assert_int_equal(next(), 0);
    publish_ephemeral(17);
    assert_int_equal(next(), 17);
    assert_int_equal(next(), 0);
}

/* Does a reader that comes back get the durable events after its cursor, and no ephemeral one that
 * it may have had? */
static void test_after(void **state)
{
    (void)state;
    publish(10);
    publish_ephemeral(15);
    publish(20);
    publish_ephemeral(25);
    join(START_AFTER, 10);
    publish_ephemeral(27);
    assert_int_equal(next(), 20);
    assert_int_equal(next(), 27);
    assert_int_equal(next(), 0);
}

/* Is a gap told to a reader who stood before it, and to no new one? */
static void test_gap(void **state)
{
    (void)state;
    publish(10);
    ring_append(&room.ring, entry_create_gap((struct event_id){50, 0}, (struct event_id){10, 0}));
    join(START_AFTER, 10);
    assert_int_equal(next(), -50);
    publish(50);
    assert_int_equal(next(), 50);
    room_leave(&member);
    join(START_AFTER, 5);
    assert_int_equal(next(), 10);
    assert_int_equal(next(), -50);
    assert_int_equal(next(), 50);
    room_leave(&member);
    ring_append(&room.ring, entry_create_gap((struct event_id){90, 0}, (struct event_id){50, 0}));
    join(START_LATEST, 0);
    assert_int_equal(next(), 0);
}

/* A reader that came back while the hub was behind stands beyond what the hub missed, or within
 * it: is a gap told only where something is lost, and does no cursor go back? */
static void test_gap_behind(void **state)
{
    const struct event_id cursors[] = {{30, 0}, {40, 0}, {45, 0}};

    (void)state;
    publish(10);
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        struct entry *gap = entry_create_gap((struct event_id){50, 0}, (struct event_id){10, 0});

        gap->below = (struct event_id){40, 0};
        join(START_AFTER, 10);
        member.cursor = cursors[i];
        ring_append(&room.ring, gap);
        assert_int_equal(next(), cursors[i].ms < 40 ? -50 : 0);
        assert_int_equal(member.cursor.ms, cursors[i].ms);
        room_leave(&member);
        ring_clear(&room.ring);
    }
}

/* Is an event passed over that is not above the cursor, although the ring has it? */
static void test_passed(void **state)
{
    (void)state;
    publish(10);
    publish(20);
    join(START_AFTER, 10);
    member.cursor = (struct event_id){20, 0};
    publish(30);
    assert_int_equal(next(), 30);
}

/* Do events that were put in front later disturb nobody who reads? */
static void test_prepend(void **state)
{
    struct event older = {true, {5, 0}, 5, "{}", 2};

    (void)state;
    publish(10);
    publish_ephemeral(15);
    join(START_LATEST, 0);
    ring_prepend(&room.ring, entry_create(&older));
    assert_int_equal(next(), 0);
    publish_ephemeral(16);
    assert_int_equal(next(), 16);
    assert_int_equal(next(), 0);
}

/* Is a member who leaves twice, or was never let in, no harm? */
static void test_leave(void **state)
{
    (void)state;
    room_leave(&member);
    join(START_LATEST, 0);
    assert_int_equal(room.members_count, 1);
    room_leave(&member);
    room_leave(&member);
    assert_int_equal(room.members_count, 0);
}

/* Is only a room's own live channel taken for it? */
static void test_channel(void **state)
{
    static const char *const others[] = {"", "earshot:{}:live", "earshot:{main/lobb}:live",
                                         "earshot:{main/lobby2}:live", "earshot:{main/}:live"};
    static const char ours[] = "earshot:{main/lobby}:live";

    (void)state;
    assert_ptr_equal(room_of_channel(&hub, ours, strlen(ours)), &room);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_null(room_of_channel(&hub, others[i], strlen(others[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_latest, make, unmake),
        cmocka_unit_test_setup_teardown(test_latest_ephemeral, make, unmake),
        cmocka_unit_test_setup_teardown(test_after, make, unmake),
        cmocka_unit_test_setup_teardown(test_gap, make, unmake),
        cmocka_unit_test_setup_teardown(test_gap_behind, make, unmake),
        cmocka_unit_test_setup_teardown(test_passed, make, unmake),
        cmocka_unit_test_setup_teardown(test_prepend, make, unmake),
        cmocka_unit_test_setup_teardown(test_leave, make, unmake),
        cmocka_unit_test_setup_teardown(test_channel, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
