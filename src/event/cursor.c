#include "event/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "event/name.h"

static int64_t unit_ms(char unit)
{
    switch (unit) {
    case 'm':
        return 60 * 1000;
    case 'h':
        return 60 * 60 * 1000;
    case 'd':
        return 24 * 60 * 60 * 1000;
    default:
        return 1000;
    }
}

int cursor_parse_since(struct start *start, const char *s, int64_t now_ms)
{
    size_t len = strlen(s);
    int64_t unit;
    uint64_t number;

    if (strcmp(s, "all") == 0 || strcmp(s, "latest") == 0) {
        *start = (struct start){s[0] == 'a' ? START_ALL : START_LATEST, {0, 0}};
        return 0;
    }
    unit = unit_ms(len > 0 ? s[len - 1] : '\0');
    if (event_number_parse(&number, s, unit > 1000 ? len - 1 : len) < 0)
        return -1;
    if (number > (uint64_t)INT64_MAX / (uint64_t)unit)
        return -1;
    *start = (struct start){START_TIME, {0, 0}};
    /* Longer ago than 1970 is from the beginning. */
    if ((int64_t)number * unit < now_ms)
        start->id.ms = (uint64_t)(now_ms - (int64_t)number * unit);
    return 0;
}

/* The rooms in the order of their names, so that a cursor of many is read in n log n. */
struct place {
    const char *room;
    size_t index;
    bool named;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->room, ((const struct place *)b)->room);
}

/* Reads the "room:id" at `s` and tells where it ends. Returns 0 or -1. */
static int read_part(char room[NAME_ROOM_MAX + 1], struct event_id *id, const char *s,
                     const char **end)
{
    const char *colon = strchr(s, ':');
    size_t len;

    if (colon == NULL || colon - s > NAME_ROOM_MAX)
        return -1;
    memcpy(room, s, (size_t)(colon - s));
    room[colon - s] = '\0';
    len = strcspn(colon + 1, ",");
    *end = colon + 1 + len;
    return name_room_valid(room) ? event_id_parse(id, colon + 1, len) : -1;
}

/* Reads a named cursor. Returns how many of the rooms it names, or -1. */
static int read_named(struct start *starts, struct place *places, size_t count, bool many,
                      const char *s)
{
    char room[NAME_ROOM_MAX + 1];
    int named = 0;

    for (;;) {
        struct place key = {room, 0, false}, *place;
        struct event_id id;

        if (read_part(room, &id, s, &s) < 0)
            return -1;
        place = bsearch(&key, places, count, sizeof(places[0]), compare);
        if (place == NULL ? !many : place->named)
            return -1;
        if (place != NULL) {
            place->named = true;
            starts[place->index] = (struct start){START_AFTER, id};
            named++;
        }
        if (*s == '\0')
            return named;
        s++;
    }
}

int cursor_parse(struct start *starts, const char *const *rooms, size_t count, bool many,
                 struct start otherwise, const char *s)
{
    struct place *places;
    struct event_id id;
    int named;

    if (count == 0)
        return -1;
    if (count == 1 && event_id_parse(&id, s, strlen(s)) == 0) {
        starts[0] = (struct start){START_AFTER, id};
        return 0;
    }
    places = mem_alloc(count * sizeof(places[0]));
    for (size_t i = 0; i < count; i++) {
        starts[i] = otherwise;
        places[i] = (struct place){rooms[i], i, false};
    }
    qsort(places, count, sizeof(places[0]), compare);
    named = read_named(starts, places, count, many, s);
    free(places);
    return named > 0 ? 0 : -1;
}

void cursor_append(struct buf *out, const char *room, struct event_id id)
{
    size_t len = room != NULL ? strlen(room) : 0;
    char *to = buf_reserve(out, len + 1 + EVENT_ID_TEXT);

    if (len > 0) {
        memcpy(to, room, len);
        to[len++] = ':';
    }
    out->len += len + event_id_format(to + len, id);
}
