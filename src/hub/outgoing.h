/* outgoing.h - what a connection says: heads, events, control events, answers.
 * Runs in: hub.  Blocks: never.  No I/O: it appends to buffers.
 * Holds the struct of a connection too, which only connection.c and sending.c change. `line` is a
 * buffer for parts in the making, empty between calls. */
#ifndef EARSHOT_OUTGOING_H
#define EARSHOT_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/buf.h"
#include "base/ip.h"
#include "event/parking.h"
#include "hub/room.h"
#include "hub/wheel.h"

#define OUTGOING_NONCE 33 /* of a document, for its style: hexadecimal */

/* What of a parking record is needed later, in one piece: usually NULL. */
struct kept;
struct tally;
struct who;

struct connection {
    uv_poll_t poll;
    LIST_ENTRY(connection) link;
    struct wheel_timer timer;
    struct buf out;    /* bytes for the wire that the socket did not take */
    struct kept *kept; /* or NULL */
    struct who *who;   /* NULL = anonymous */
    struct tally *tally;
    struct trail *trail; /* or NULL */
    int64_t opened_ms;   /* wall clock */
    uint64_t bytes;      /* of content, sent or waiting */
    uint32_t delivered;  /* events */
    uint32_t serial;     /* its number in this hub */
    unsigned char address[IP_BYTES];
    int fd;
    uint16_t request_id;
    unsigned char state; /* enum connection_state */
    unsigned char form;  /* enum frame_form */
    bool fastcgi : 1, many : 1, if_none_match : 1, text_cursor : 1;
    bool headed : 1;  /* a stream's head is sent; a long-poll's comes with its answer */
    bool counted : 1; /* ends after `left` more events */
    bool broken : 1;  /* a write failed: to be closed */
    unsigned short members_count;
    uint32_t left;
    /* Ticks of the wheel; 0 = never. */
    uint32_t sent_tick, blocked_tick, wait_tick, age_tick, expires_tick, restart_tick;
    struct member members[];
};

struct kept *outgoing_keep(const struct parking *parking);

/* After the head is sent: frees what was only for it. Returns what is still needed, or NULL. */
struct kept *outgoing_headed(struct kept *kept);

/* What the parking record said of an html stream, and its document's nonce; "" for others. What was
 * before is known until the head is sent. */
const char *outgoing_again(const struct connection *c);
const char *outgoing_before(const struct connection *c);
const char *outgoing_nonce(const struct connection *c);

/* Appends the connection's cursor over all its rooms. */
void outgoing_cursor(struct buf *out, const struct connection *c);

/* The head of a stream and its `retry:`. */
void outgoing_head(struct buf *out, const struct connection *c);

void outgoing_hello(struct buf *out, struct buf *line, const struct connection *c);

/* May the client have this event, by its `types=`, and is it for him? */
bool outgoing_wants(const struct connection *c, const struct entry *entry);

/* One event. Returns false when there was nothing to say in this form. */
bool outgoing_event(struct buf *out, const struct connection *c, const struct member *member,
                    struct entry *entry);

/* Events between the member's cursor and `oldest` are lost; the member's cursor becomes `to`. */
void outgoing_gap(struct buf *out, struct buf *line, const struct connection *c,
                  struct member *member, struct event_id oldest, struct event_id to);

void outgoing_bye(struct buf *out, struct buf *line, const struct connection *c,
                  const char *reason);

/* Its token ends in so many seconds. */
void outgoing_expires(struct buf *out, struct buf *line, const struct connection *c, int64_t in_s);

/* What keeps an idle stream alive. With `types=` it tells SSE clients a cursor behind what was left
 * out, so that they need not read that again. */
void outgoing_heartbeat(struct buf *out, const struct connection *c);

/* SSE: tells the client to wait for a random time between the two before it reconnects. */
void outgoing_retry(struct buf *out, const struct connection *c, int64_t least_ms, int64_t most_ms);

/* It ends: it is as old as a stream may get, which the client should come back after, or has told
 * all that it was asked for. */
void outgoing_over(struct buf *out, const struct connection *c, bool by_age);

/* Behind what is written in one go: an html stream tells where it stands now. */
void outgoing_written(struct buf *out, const struct connection *c);

enum outgoing_answer {
    OUTGOING_EVENTS,     /* 200; the events stand in `out`, each with a comma behind it */
    OUTGOING_TIMEOUT,    /* 304 when If-None-Match was sent, else 200 without events */
    OUTGOING_NO_REDIS,   /* 503: Redis did not say what is in the rooms */
    OUTGOING_FULL,       /* 503: the hub holds as much as it may */
    OUTGOING_RESTARTING, /* 503: the hub ends */
    OUTGOING_REVOKED,    /* 401: the token was taken back */
    OUTGOING_BANNED,     /* 403; 204 for SSE, so that EventSource does not come back */
    OUTGOING_HIDDEN      /* 404: the room is for members only */
};

/* What each is, in a word, for the log. */
extern const char *const outgoing_answer_names[];

/* Makes a whole answer in `out`: a long-poll's, or a refusal in place of a stream. */
void outgoing_answer(struct buf *out, struct buf *line, const struct connection *c,
                     enum outgoing_answer kind);

#endif
