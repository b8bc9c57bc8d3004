/* room.h - who listens to which room, and what is new there.
 * Runs in: hub.  Blocks: never.
 * Owns the rooms; borrows members, which lie in their connections and leave before those die.
 * Limit: conf->rooms_max a hub; past it room_join() fails. A room's ring is at most
 * conf->stream_queue_bytes. */
#ifndef EARSHOT_ROOM_H
#define EARSHOT_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "event/cursor.h"
#include "event/event.h"
#include "hub/ring.h"

struct access;
struct connection;
struct early;
struct hub;
struct page;
struct presence;
struct who;

enum room_state {
    ROOM_SUBSCRIBING, /* the subscription is not confirmed, or was lost */
    ROOM_SYNCING,     /* it is; the log is being asked for what came before it */
    ROOM_LIVE
};

enum member_state {
    MEMBER_WAITING, /* for the room to be synced for the first time */
    MEMBER_READING, /* a page of the log is asked for */
    MEMBER_PAGING,  /* it is being delivered */
    MEMBER_LIVE     /* reads from the room's ring */
};

/* One connection's place in one room. */
struct member {
    LIST_ENTRY(member) in_room;
    struct connection *connection;
    struct room *room;
    struct event_id cursor; /* everything up to here was delivered, or is not wanted */
    uint64_t joined;        /* the ring's end when it came; what has no id before is not for it */
    struct page *page;      /* MEMBER_READING, MEMBER_PAGING */
    struct entry *gap;      /* to be told before all else, or NULL */
    union {                 /* by state: */
        LIST_ENTRY(member) in_page; /* MEMBER_READING */
        unsigned page_index;        /* MEMBER_PAGING */
        uint64_t next;              /* MEMBER_LIVE: number in the ring */
    };
    unsigned char state;  /* enum member_state */
    unsigned char start;  /* enum start_kind */
    unsigned char rights; /* PARKING_READ... */
    bool present;         /* its user is told to be here by it */
    bool thrown;          /* and nobody waits for him to come back */
    bool may_lose; /* the cursor was not the reader's own: what was trimmed before is no loss */
};

struct room {
    UT_hash_handle hh;
    struct hub *hub;
    char *key; /* "namespace/room", the hash key */
    char *namespace;
    const char *name; /* within key */
    enum room_state state;
    bool synced;    /* floor and last are known */
    unsigned asks;  /* answers under way that name this room */
    unsigned syncs; /* of them, those of catchup_sync() */
    struct ring ring;
    struct event_id floor; /* the ring has every durable event after this, up to last */
    struct event_id last;  /* the newest durable event known */
    STAILQ_HEAD(early_list, early) early; /* publications that came while not ROOM_LIVE */
    size_t
        early_bytes; /* at most conf->stream_queue_bytes; the log is asked again for what is over */
    LIST_HEAD(, member) members;
    unsigned members_count;
    LIST_HEAD(, page) pages; /* asked for */
    TAILQ_ENTRY(room) in_dirty, in_leases;
    bool is_dirty, lease_due;
    uint64_t rests_until_ns;       /* uv_hrtime(); what comes before goes out together then */
    unsigned leased_count;         /* what Redis was told last */
    int64_t lease_due_ms;          /* since when there is something to tell */
    unsigned short lease_pause_ms; /* until the next change may be told */
    int64_t leased_ms;             /* when the lease was last told to Redis */
    struct presence *people;       /* NULL = nobody who is signed in */
    bool others;                   /* somebody may be here, by whatever hub */
    bool people_told;              /* Redis was told of some, under this hub's own id */
    bool people_lost;              /* and refused it: to be told again */
    int64_t people_ms;             /* when it was last told of them */
    struct access *access;         /* who may read; NULL = all */
    int64_t access_version;        /* 0 = it was never changed */
    int64_t empty_ms;              /* since when nobody listens */
    int64_t checked_ms;            /* when the last id was last compared with the log's */
};

/* Is it earshot's own, which no client can name? */
static inline bool room_is_own(const struct room *room)
{
    return room->name[0] == '@' && room->name[1] == '!';
}

/* Has what room_peek() gave come since the member joined, and not lain in the log? */
static inline bool room_is_new(const struct member *member)
{
    return member->state == MEMBER_LIVE && member->next >= member->joined;
}

/* Lets a member in, with its start, making the room if need be. The member's connection is set
 * before. Returns 0, or -1 at the limit. */
int room_join(struct hub *hub, const char *namespace, const char *name, struct member *member,
              const struct start *start);
void room_leave(struct member *member);

/* The member is let in: others are told that its user is here. */
void room_admit(struct member *member, const struct who *who);

/* Who may read is known anew (takes it): ends those who may not. */
void room_access(struct room *room, struct access *access, int64_t version);

/* What the feed tells. */
struct room *room_of_channel(struct hub *hub, const char *channel, size_t len);
void room_subscribed(struct room *room);
void room_unsubscribed(struct room *room);
void room_publication(struct room *room, const char *payload, size_t len);

/* For catch-up: puts an entry behind the others (takes the reference) and marks the room dirty. */
void room_append(struct room *room, struct entry *entry);

/* For catch-up: delivers what can be delivered and empties the ring. */
void room_reset(struct room *room);

/* The room is synced now: lets waiting members start and takes up what was published meanwhile. */
void room_live(struct room *room);

/* The log cannot be read: tells those who wait for it. It is asked again by the next who comes, or
 * the next check. */
void room_unreadable(struct room *room);

/* The member reads from the ring now, from its cursor on. */
void room_attach(struct member *member);

/* The next entry for this member, not yet delivered; NULL = nothing now. It passes over what is
 * already behind the cursor, and asks for a page when the member fell out of the ring. */
struct entry *room_peek(struct member *member);

/* The entry was delivered or is not wanted. */
void room_advance(struct member *member, const struct entry *entry);

/* Where the member stands when it was told this gap. */
struct event_id room_after_gap(const struct member *member, const struct entry *gap);

/* Delivers what is new in all rooms that do not rest; at the end of a loop turn. Returns in how
 * many ms the next rest is over, -1 when nothing waits. */
int64_t room_flush_all(struct hub *hub);

/* Once a second: checks against the log, renews leases, drops frames, frees rooms that are long
 * empty. */
void room_tick_all(struct hub *hub, int64_t now_ms);
void room_free_all(struct hub *hub);

#endif
