/* fuzz_cursor.c - no text crashes the cursor parsers, and what they take, they write the same way.
 * The first byte chooses the rooms that are asked for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "event/cursor.h"
#include "event/name.h"

static const char *const rooms[] = {"a",          "b",     "lobby", "@alice",
                                    "@alice,bob", "ops-1", "x.y",   "z_"};

static void check_id(const char *s, size_t len)
{
    char text[EVENT_ID_TEXT];
    struct event_id id;

    if (event_id_parse(&id, s, len) < 0)
        return;
    if (event_id_format(text, id) != len || memcmp(text, s, len) != 0)
        abort();
}

static void check_since(const char *s)
{
    struct start start;

    if (cursor_parse_since(&start, s, 1795499539123) == 0 && start.kind == START_TIME &&
        (start.id.ms > 1795499539123 || start.id.seq != 0))
        abort();
}

/* What was read, written again in the order of the rooms, must read the same. */
static void check_cursor(const char *s, size_t count, bool many)
{
    const struct start otherwise = {START_ALL, {0, 0}};
    struct start starts[8], again[8];
    struct buf b = BUF_INIT;

    if (cursor_parse(starts, rooms, count, many, otherwise, s) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (starts[i].kind != START_AFTER)
            continue;
        if (b.len > 0)
            buf_char(&b, ',');
        cursor_append(&b, rooms[i], starts[i].id);
    }
    if (b.len == 0 || cursor_parse(again, rooms, count, false, otherwise, b.data) < 0)
        abort();
    for (size_t i = 0; i < count; i++)
        if (starts[i].kind != again[i].kind || event_id_compare(starts[i].id, again[i].id) != 0)
            abort();
    buf_free(&b);
}

/* A resolved name is a room's and resolves to itself. */
static void check_name(const char *s)
{
    char once[NAME_ROOM_MAX + 1], twice[NAME_ROOM_MAX + 1];

    if (name_room_resolve(once, s, "bob") < 0)
        return;
    if (!name_room_valid(s) || !name_room_valid(once) || strlen(once) > NAME_ROOM_MAX ||
        name_room_resolve(twice, once, "bob") < 0 || strcmp(once, twice) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *s;

    if (size == 0)
        return 0;
    s = mem_strndup((const char *)data + 1, size - 1);
    check_id((const char *)data + 1, size - 1);
    check_since(s);
    check_cursor(s, data[0] % 8 + 1u, (data[0] & 8) != 0);
    check_name(s);
    free(s);
    return 0;
}
