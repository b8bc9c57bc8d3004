#include "hub/room.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "event/publication.h"
#include "hub/access.h"
#include "hub/catchup.h"
#include "hub/connection.h"
#include "hub/lease.h"
#include "hub/outgoing.h"
#include "hub/presence.h"
#include "hub/state.h"
#include "hub/who.h"
#include "supervisor/scoreboard.h"

#define LINGER_MS 30000
#define CHECK_EVERY_MS 10000
/* A room rests after a delivery for so many times as long as that took; see flush(). */
#define REST_FACTOR 8
#define REST_MIN_NS 2000000
#define REST_MAX_NS 50000000

/* A publication as it came, for later. */
struct early {
    STAILQ_ENTRY(early) link;
    size_t len;
    char payload[];
};

static void forget_early(struct room *room)
{
    struct early *early;

    while ((early = STAILQ_FIRST(&room->early)) != NULL) {
        STAILQ_REMOVE_HEAD(&room->early, link);
        free(early);
    }
    room->early_bytes = 0;
}

static void mark_dirty(struct room *room)
{
    if (room->is_dirty)
        return;
    room->is_dirty = true;
    TAILQ_INSERT_TAIL(&room->hub->dirty, room, in_dirty);
}

/* Takes the key, "namespace/room". */
static struct room *make_room(struct hub *hub, const char *namespace, char *key)
{
    struct room *room = mem_zero(sizeof(*room));

    room->hub = hub;
    room->key = key;
    room->namespace = mem_strdup(namespace);
    room->name = key + strlen(namespace) + 1;
    room->checked_ms = clock_mono_ms();
    ring_init(&room->ring);
    STAILQ_INIT(&room->early);
    LIST_INIT(&room->members);
    LIST_INIT(&room->pages);
    HASH_ADD_KEYPTR(hh, hub->rooms, room->key, strlen(room->key), room);
    feed_subscribe_room(&hub->feed, room);
    return room;
}

/* Is nothing left that names it? */
static bool is_unused(const struct room *room)
{
    return room->members_count == 0 && room->asks == 0 && LIST_EMPTY(&room->pages) &&
           room->people == NULL;
}

static void free_room(struct room *room)
{
    struct hub *hub = room->hub;

    if (room->is_dirty)
        TAILQ_REMOVE(&hub->dirty, room, in_dirty);
    if (room->lease_due)
        TAILQ_REMOVE(&hub->leases, room, in_leases);
    HASH_DELETE(hh, hub->rooms, room);
    ring_free(&room->ring);
    forget_early(room);
    access_free(room->access);
    presence_free(room->people);
    free(room->namespace);
    free(room->key);
    free(room);
}

/* At the limit, a room that only lingers makes place. */
static bool make_place(struct hub *hub)
{
    struct room *room, *next;

    if (HASH_COUNT(hub->rooms) < (unsigned)hub->conf->rooms_max)
        return true;
    HASH_ITER (hh, hub->rooms, room, next) {
        if (!is_unused(room) || room->lease_due)
            continue;
        feed_unsubscribe_room(&hub->feed, room);
        free_room(room);
        return true;
    }
    return false;
}

static struct room *find_room(struct hub *hub, const char *key, size_t len)
{
    struct room *room;

    HASH_FIND(hh, hub->rooms, key, len, room);
    return room;
}

/* Lets a member start whose room is synced. */
static void start_member(struct member *member)
{
    struct room *room = member->room;
    bool in_ring;

    if (member->start == START_LATEST)
        member->cursor = room->last;
    in_ring = event_id_compare(member->cursor, room->floor) >= 0 &&
              event_id_compare(member->cursor, room->last) <= 0;
    if (in_ring)
        room_attach(member);
    else
        catchup_page(member);
}

int room_join(struct hub *hub, const char *namespace, const char *name, struct member *member,
              const struct start *start)
{
    struct buf key = BUF_INIT;
    struct room *room;

    buf_printf(&key, "%s/%s", namespace, name);
    room = find_room(hub, key.data, key.len);
    if (room == NULL && !make_place(hub)) {
        buf_free(&key);
        return -1;
    }
    if (room == NULL)
        room = make_room(hub, namespace, key.data);
    else
        buf_free(&key);
    member->room = room;
    member->state = MEMBER_WAITING;
    member->start = (unsigned char)start->kind;
    member->cursor = start->id;
    member->may_lose = start->kind != START_AFTER;
    member->joined = ring_end(&room->ring);
    if (start->kind == START_TIME) {
        if (start->id.ms == 0)
            member->start = START_ALL;
        else
            member->cursor = (struct event_id){start->id.ms - 1, UINT64_MAX};
    }
    if (member->start == START_ALL)
        member->cursor = (struct event_id){0, 0};
    LIST_INSERT_HEAD(&room->members, member, in_room);
    room->members_count++;
    lease_changed(room);
    if (room->synced)
        start_member(member);
    else if (room->state == ROOM_SYNCING && room->syncs == 0)
        catchup_sync(room);
    return 0;
}

void room_leave(struct member *member)
{
    struct room *room = member->room;

    if (room == NULL)
        return;
    catchup_leave(member);
    if (member->gap != NULL)
        entry_release(member->gap);
    member->gap = NULL;
    LIST_REMOVE(member, in_room);
    if (member->present)
        presence_leave(room->people, member->connection->who->user, member->thrown,
                       clock_mono_ms());
    member->present = false;
    member->room = NULL;
    room->members_count--;
    room->empty_ms = clock_mono_ms();
    lease_changed(room);
}

void room_admit(struct member *member, const struct who *who)
{
    presence_enter(&member->room->people, who->user, who->name);
    member->present = true;
    lease_changed(member->room);
}

void room_access(struct room *room, struct access *access, int64_t version)
{
    struct member *member, *next;

    access_free(room->access);
    room->access = access;
    room->access_version = version;
    for (member = LIST_FIRST(&room->members); member != NULL; member = next) {
        next = LIST_NEXT(member, in_room);
        connection_judge(member->connection);
    }
}

struct room *room_of_channel(struct hub *hub, const char *channel, size_t len)
{
    static const char before[] = "earshot:{", after[] = "}:live";
    size_t outside = sizeof(before) - 1 + sizeof(after) - 1;

    if (len <= outside)
        return NULL;
    return find_room(hub, channel + sizeof(before) - 1, len - outside);
}

void room_subscribed(struct room *room)
{
    if (room->state != ROOM_SUBSCRIBING)
        return;
    room->state = ROOM_SYNCING;
    catchup_sync(room);
}

void room_unsubscribed(struct room *room)
{
    room->state = ROOM_SUBSCRIBING;
    forget_early(room);
}

/* Delivers to all members what is new. Then the room rests for a multiple of what that took: at
 * rest and in small rooms that is nothing, while in a busy one what comes meanwhile goes out
 * together, in one write a listener. */
static void flush(struct room *room)
{
    struct member *member, *next;
    uint64_t begun_ns = uv_hrtime(), rest_ns;

    if (room->is_dirty)
        TAILQ_REMOVE(&room->hub->dirty, room, in_dirty);
    room->is_dirty = false;
    for (member = LIST_FIRST(&room->members); member != NULL; member = next) {
        next = LIST_NEXT(member, in_room);
        connection_pump(member->connection);
    }
    rest_ns = (uv_hrtime() - begun_ns) * REST_FACTOR;
    if (rest_ns < REST_MIN_NS)
        rest_ns = 0;
    room->rests_until_ns = begun_ns + (rest_ns < REST_MAX_NS ? rest_ns : REST_MAX_NS);
}

void room_reset(struct room *room)
{
    flush(room);
    ring_clear(&room->ring);
}

/* Behind a gap that is dropped the ring begins where nobody has lost anything. */
static void drop_oldest(struct room *room)
{
    struct entry *oldest = ring_take(&room->ring);
    struct event_id whole = oldest->event.id;

    if (oldest->gap)
        whole = oldest->below.ms != 0 ? oldest->below : oldest->to;
    if ((oldest->gap || oldest->event.durable) && event_id_compare(whole, room->floor) > 0)
        room->floor = whole;
    entry_release(oldest);
}

static bool has_type(const struct event *event, const char *wanted)
{
    size_t len;
    const char *type = event_type(event->json, event->json_len, &len);

    return len == strlen(wanted) && memcmp(type, wanted, len) == 0;
}

/* Reads the message that an edit or delete is about. Returns 0, or -1 when it names none. */
static int read_target(const struct event *event, struct event_id *target)
{
    static const char opening[] = ",\"target\":\"";
    const char *at = memmem(event->json, event->json_len, opening, sizeof(opening) - 1), *end;

    if (at == NULL)
        return -1;
    at += sizeof(opening) - 1;
    end = memchr(at, '"', event->json_len - (size_t)(at - event->json));
    return end != NULL ? event_id_parse(target, at, (size_t)(end - at)) : -1;
}

/* Does the entry tell what this message says: is it that, or an edit of it? */
static bool tells_of(const struct entry *entry, struct event_id message)
{
    struct event_id target;

    if (entry->gap || !entry->event.durable)
        return false;
    if (event_id_compare(entry->event.id, message) == 0)
        return true;
    return has_type(&entry->event, "edit") && read_target(&entry->event, &target) == 0 &&
           event_id_compare(target, message) == 0;
}

/* What a deleted message said is not told from memory either to who comes later. */
static void forget_deleted(struct room *room, const struct event *event)
{
    struct event_id target;

    if (!has_type(event, "delete") || read_target(event, &target) < 0)
        return;
    for (uint64_t at = room->ring.first; at < ring_end(&room->ring); at++) {
        struct entry *entry = ring_at(&room->ring, at);

        if (entry != NULL && tells_of(entry, target))
            ring_replace(&room->ring, entry, entry_create_deleted(&entry->event, event->id));
    }
}

void room_append(struct room *room, struct entry *entry)
{
    size_t weight = entry_weight(entry);
    size_t cap = (size_t)room->hub->conf->stream_queue_bytes;

    /* Before something falls out, everybody gets the chance to take it: after a burst only those
     * who do not read are behind. */
    if (room->ring.bytes + weight > cap && room->is_dirty)
        flush(room);
    while (room->ring.count > 0 && room->ring.bytes + weight > cap)
        drop_oldest(room);
    if (entry->audience == ENTRY_FOR_OTHERS) /* somebody has come, or types */
        room->others = true;
    if (entry->event.durable) {
        forget_deleted(room, &entry->event);
        room->last = entry->event.id;
    }
    ring_append(&room->ring, entry);
    mark_dirty(room);
}

/* Takes what came while the room was not live; it asks the log again when something is missing. */
static void keep_early(struct room *room, const char *payload, size_t len)
{
    struct early *early;

    /* What is dropped here is seen to be missing at the latest by the next check against the log.
     */
    if (room->early_bytes + len > (size_t)room->hub->conf->stream_queue_bytes) {
        forget_early(room);
        room->checked_ms = 0;
    }
    early = mem_alloc(sizeof(*early) + len);
    early->len = len;
    memcpy(early->payload, payload, len);
    STAILQ_INSERT_TAIL(&room->early, early, link);
    room->early_bytes += len;
}

/* Does this event tell that it has changed who may read? */
static bool governs(const struct event *event)
{
    return event->durable && (has_type(event, "room") || has_type(event, "member"));
}

void room_publication(struct room *room, const char *payload, size_t len)
{
    struct publication p;
    bool missed;

    if (room->state != ROOM_LIVE) {
        keep_early(room, payload, len);
        return;
    }
    if (publication_parse(&p, payload, len) < 0) {
        log_warn("not a publication room=%s bytes=%zu", room->name, len);
        return;
    }
    if (p.event.durable) {
        if (event_id_compare(p.event.id, room->last) <= 0)
            return;
        missed = event_id_compare(p.previous, room->last) != 0;
    } else {
        missed = event_id_compare(p.previous, room->last) > 0;
    }
    if (!missed) {
        room_append(room, entry_create(&p.event));
        /* What is said behind it waits until it is known who may still hear it. */
        if (governs(&p.event)) {
            room->state = ROOM_SYNCING;
            catchup_sync(room);
        }
        return;
    }
    log_debug("missed a publication room=%s", room->name);
    room->state = ROOM_SYNCING;
    keep_early(room, payload, len);
    catchup_sync(room);
}

void room_live(struct room *room)
{
    struct early_list early = STAILQ_HEAD_INITIALIZER(early);
    struct early *one;
    struct member *member, *next;

    room->state = ROOM_LIVE;
    room->checked_ms = room->checked_ms != 0 ? clock_mono_ms() : 0;
    for (member = LIST_FIRST(&room->members); member != NULL; member = next) {
        struct connection *connection = member->connection;

        next = LIST_NEXT(member, in_room);
        if (member->state != MEMBER_WAITING)
            continue;
        start_member(member);
        connection_started(connection);
    }
    STAILQ_CONCAT(&early, &room->early);
    room->early_bytes = 0;
    while ((one = STAILQ_FIRST(&early)) != NULL) {
        STAILQ_REMOVE_HEAD(&early, link);
        room_publication(room, one->payload, one->len);
        free(one);
    }
}

void room_unreadable(struct room *room)
{
    struct member *member, *next;

    room->checked_ms = clock_mono_ms();
    for (member = LIST_FIRST(&room->members); member != NULL; member = next) {
        next = LIST_NEXT(member, in_room);
        if (member->state == MEMBER_WAITING)
            connection_unreadable(member->connection);
    }
}

void room_attach(struct member *member)
{
    member->state = MEMBER_LIVE;
    member->next =
        ring_after(&member->room->ring, member->gap != NULL ? member->gap->to : member->cursor);
}

static struct entry *next_entry(struct member *member)
{
    switch (member->state) {
    case MEMBER_PAGING:
        return catchup_peek(member);
    case MEMBER_LIVE:
        if (member->next < member->room->ring.first) {
            catchup_page(member);
            return NULL;
        }
        return ring_at(&member->room->ring, member->next);
    default:
        return NULL;
    }
}

/* No cursor tells ephemeral events apart: without this a reader that comes back would get those
 * again that it had, and a new one those from before it came. */
static bool is_older(const struct member *member, const struct entry *entry)
{
    return member->state == MEMBER_LIVE && member->next < member->joined && !entry->event.durable &&
           (!entry->gap || member->may_lose);
}

/* Is there something to tell in it? A reader that came back while the hub was behind may stand
 * beyond what the hub has missed. */
static bool is_news(const struct member *member, const struct entry *entry)
{
    if (entry->gap)
        return event_id_compare(entry->below, (struct event_id){0, 0}) == 0 ||
               event_id_compare(member->cursor, entry->below) < 0;
    return !entry->event.durable || event_id_compare(entry->event.id, member->cursor) > 0;
}

struct event_id room_after_gap(const struct member *member, const struct entry *gap)
{
    bool all = event_id_compare(gap->below, (struct event_id){0, 0}) == 0;

    return all || event_id_compare(gap->to, member->cursor) > 0 ? gap->to : member->cursor;
}

struct entry *room_peek(struct member *member)
{
    if (member->gap != NULL)
        return member->gap;
    for (;;) {
        unsigned char state = member->state;
        struct entry *entry = next_entry(member);

        if (entry == NULL && member->state != state)
            continue;
        if (entry == NULL)
            return NULL;
        if (!is_older(member, entry) && is_news(member, entry))
            return entry;
        room_advance(member, entry);
    }
}

void room_advance(struct member *member, const struct entry *entry)
{
    if (entry->gap)
        member->cursor = room_after_gap(member, entry);
    else if (entry->event.durable && event_id_compare(entry->event.id, member->cursor) > 0)
        member->cursor = entry->event.id;
    if (entry == member->gap) {
        entry_release(member->gap);
        member->gap = NULL;
    } else if (member->state == MEMBER_PAGING)
        member->page_index++;
    else
        member->next++;
}

int64_t room_flush_all(struct hub *hub)
{
    struct room *room, *next;
    uint64_t now_ns = uv_hrtime(), due_ns = UINT64_MAX;

    for (room = TAILQ_FIRST(&hub->dirty); room != NULL; room = next) {
        next = TAILQ_NEXT(room, in_dirty);
        if (room->rests_until_ns <= now_ns)
            flush(room);
        else if (room->rests_until_ns < due_ns)
            due_ns = room->rests_until_ns;
    }
    return due_ns == UINT64_MAX ? -1 : (int64_t)((due_ns - now_ns) / 1000000 + 1);
}

void room_tick_all(struct hub *hub, int64_t now_ms)
{
    struct room *room, *next;
    unsigned busy = 0;

    HASH_ITER (hh, hub->rooms, room, next) {
        busy += room->members_count > 0;
        lease_tick(room, now_ms);
        ring_drop_frames(&room->ring);
        if (is_unused(room) && !room->lease_due && now_ms - room->empty_ms > LINGER_MS) {
            feed_unsubscribe_room(&hub->feed, room);
            free_room(room);
        } else if (now_ms - room->checked_ms > CHECK_EVERY_MS) {
            room->checked_ms = now_ms;
            if (room->state == ROOM_LIVE)
                catchup_check(room);
            else if (room->state == ROOM_SYNCING && room->syncs == 0)
                catchup_sync(room);
        }
    }
    meter_set(&hub->slot->rooms, busy);
}

void room_free_all(struct hub *hub)
{
    struct room *room, *next;

    HASH_ITER (hh, hub->rooms, room, next) {
        catchup_forget(room);
        free_room(room);
    }
}
