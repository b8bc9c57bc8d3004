/* parking.h - the record with which a gate hands a receive to a hub.
 * Runs in: gate (encodes), hub (decodes).  Blocks: never.  No I/O.
 * One SOCK_SEQPACKET message: this record, and the connection's fd beside it.
 * Versioned, length-prefixed fields, network-independent but machine-local. */
#ifndef EARSHOT_PARKING_H
#define EARSHOT_PARKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/cursor.h"
#include "event/frame.h"

#define PARKING_VERSION 4
#define PARKING_ROOMS_MAX 256
#define PARKING_TYPES_MAX 16
#define PARKING_BYTES_MAX 65536

/* What a token allows in a room, or-ed. */
enum {
    PARKING_READ = 1,
    PARKING_WRITE = 2,
    PARKING_MODERATE = 4,
    PARKING_ADMIN = 8, /* in every room */
    PARKING_RIGHTS = 15
};

struct parking {
    enum frame_form form;
    bool fastcgi;        /* write FastCGI records, else plain output (direct mode) */
    uint16_t request_id; /* of the FastCGI request */
    bool many;           /* named cursors: the request was `events?room=` */
    bool if_none_match;  /* a long-poll that times out answers 304 */
    bool text_cursor;    /* cursor=1: each text line begins with the cursor and a space */
    uint32_t count;      /* end after so many events; 0 = never */
    int64_t wait_ms;     /* end after so long; 0 = never (streams) */
    int64_t expires_ms;  /* wall clock; the token's end; 0 = none */
    const char
        *headers; /* further header lines for the reply (CORS, X-Request-Id), each with CR LF */
    const char *again;  /* html: its own address from where earshot is mounted, "rooms/..&since=",
                           which a cursor ends */
    const char *before; /* html: markup of what was said before, to stand in front; or "" */
    const char *request_ref; /* the request id, and the trace's or "", for the log */
    const char *trace;
    const char *user_id;  /* "" = anonymous */
    const char *name;     /* how others see him */
    const char *token_id; /* jti, or "" */
    const char *address;  /* of the client, "" = unknown */
    int64_t issued_s;     /* when the token was issued, seconds since 1970; 0 = unknown */
    const char *namespace;
    size_t types_count; /* 0 = every type */
    const char *types[PARKING_TYPES_MAX];
    size_t rooms_count;
    const char *rooms[PARKING_ROOMS_MAX];
    struct start starts[PARKING_ROOMS_MAX];
    uint8_t rights[PARKING_ROOMS_MAX]; /* in each room: PARKING_READ... */
};

/* Appends the record. Returns 0, or -1 when it would be over PARKING_BYTES_MAX or has too many
 * parts. */
int parking_encode(struct buf *out, const struct parking *parking);

/* Reads a record; the strings point into `data`, which is kept by the caller. Returns 0, or -1 when
 * it is not a whole record of this version. */
int parking_decode(struct parking *parking, const char *data, size_t len);

#endif
