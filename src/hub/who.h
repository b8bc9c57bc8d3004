/* who.h - who receives on a connection that is signed in.
 * Runs in: hub.  Blocks: never.  No I/O.
 * Anonymous connections have none: about 100 bytes and the names are paid for by those alone who
 * have them. */
#ifndef EARSHOT_WHO_H
#define EARSHOT_WHO_H

#include <stdint.h>
#include <sys/queue.h>

#include "event/parking.h"

struct connection;
struct site;

struct who {
    LIST_ENTRY(who) in_site; /* hub/control.h */
    struct site *site;
    struct connection *connection;
    int64_t issued_s;    /* of the token */
    uint32_t token_hash; /* to compare first */
    uint32_t warn_tick;  /* when the token's end is to be announced; 0 = never */
    char *token_id;      /* "" = the token has none */
    const char *user;
    const char *name;
    char bytes[];
};

/* NULL for who is not signed in. */
struct who *who_create(const struct parking *parking, struct connection *connection);
void who_free(struct who *who);

/* The token was renewed. */
void who_renew(struct who *who, const char *token_id, int64_t issued_s);

/* What is kept in token_hash. */
uint32_t who_hash(const char *token_id);

#endif
