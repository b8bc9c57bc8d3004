/* policy.h - who one is, and what one may do in which room.
 * Runs in: gate.  Blocks: never.  No I/O.
 * Rights are granted by patterns ("team-*" -> "rw"); what several matching
 * patterns grant adds up. A pattern is a room name in which * stands for any
 * run of characters. Rooms with @ are nobody's pattern: those whom the name
 * lists may read and write, an inbox (@alice) is its owner's to read. */
#ifndef EARSHOT_POLICY_H
#define EARSHOT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum right { RIGHT_READ = 1, RIGHT_WRITE = 2, RIGHT_MODERATE = 4 };

#define POLICY_GRANTS_MAX 128

struct grant {
    const char *pattern;
    unsigned rights; /* enum right, or-ed */
};

struct identity {
    const char *user_id; /* NULL = anonymous */
    const char
        *name;  /* never NULL: the user id where the token names none, "anonymous" without one */
    bool admin; /* every right in every room */
    bool guest; /* has no account: counts by address */
    bool by_cookie;       /* unsafe methods must prove their origin */
    int64_t expires_ms;   /* wall clock; 0 = never (anonymous) */
    const char *token_id; /* jti, or NULL */
    int64_t issued_s;     /* iat, seconds since 1970; 0 = the token does not say */
    bool rooms_named;     /* the grants are the token's own, not those of all members */
    const char **only;    /* signed in by a ticket: may read these rooms, and nothing else */
    size_t only_count;
    const char *namespace; /* the token's `ns`, or NULL = any */
    size_t grants_count;
    struct grant grants[POLICY_GRANTS_MAX];
};

/* Reads "lobby=rw,team-*=r" and appends its grants. Letters: r, w, m. Strings live in the arena.
 * Returns 0, or -1 with one line in `error`. */
int policy_parse(struct identity *identity, struct arena *arena, const char *text, char error[256]);

/* Adds one grant; rights as letters. Returns 0, or -1 when pattern or letters are malformed or
 * there are too many. */
int policy_grant(struct identity *identity, struct arena *arena, const char *pattern,
                 const char *letters);

/* Appends what is granted as JSON, {"lobby":"rw"}; what one pattern is granted twice adds up. */
void policy_write(struct buf *out, const struct identity *identity);

/* May this identity do this in this (resolved) room? */
bool policy_allows(const struct identity *identity, const char *room, enum right right);

#endif
