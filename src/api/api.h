/* api.h - what a handler gets, and the answers that many give.
 * Runs in: gate.  Blocks: as the store does.
 * A handler reads `request`, does its work and fills `reply`; it knows nothing of FastCGI. The gate
 * has authenticated, found the room of a rooms/{r} path and checked the right that the route table
 * names. */
#ifndef EARSHOT_API_H
#define EARSHOT_API_H

#include <stdbool.h>

#include "auth/policy.h"
#include "base/arena.h"
#include "conf.h"
#include "event/name.h"
#include "event/parking.h"
#include "http/reply.h"
#include "http/request.h"
#include "store/store.h"

struct api {
    const struct request *request;
    const struct identity *identity;
    const struct conf *conf;
    struct arena *arena;
    struct store *store;
    struct reply *reply;
    struct parking *parking;      /* for a handler that parks; all zero before */
    bool parked;                  /* the reply is the hub's; `parking` says which */
    bool deep;                    /* the reply is what gate/canary.h finds */
    const char *param;            /* what the route's second ? stands for (a message id), or NULL */
    char room[NAME_ROOM_MAX + 1]; /* resolved; "" where the path names none */
};

typedef void api_handler(struct api *api);

/* Turns the reply into a problem; the detail is formatted. */
void api_fail(struct api *api, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Does the store's answer end the request? Then the reply is the problem: 503, 507. STORE_OK and
 * STORE_MISSING (whose meaning the handler knows) return false. */
bool api_store_failed(struct api *api, enum store_status status);

/* Tells after a 503 or 507 when to try again. */
void api_retry_after(struct api *api);

/* The problem that a status is, for a reply or for one line of a batch; status 0 for STORE_OK. */
struct problem api_store_problem(enum store_status status);

/* Resolves a room's name into `out`. Returns 0, or -1 with the reply 400 (or 401: @me, and nobody
 * signed in). */
int api_resolve(struct api *api, char out[NAME_ROOM_MAX + 1], const char *name);

/* Checks a right in a resolved room. Returns 0, or -1 with the reply 401 (anonymous) or 403. */
int api_demand(struct api *api, const char *room, enum right right);

/* A query parameter that may come once: *value, or NULL. Returns 0, or -1 with the reply 400. */
int api_query(struct api *api, const char *name, const char **value);

/* The same for a whole number from `least` to `most`; *value stays as it is where the parameter is
 * not there. */
int api_query_number(struct api *api, const char *name, int64_t least, int64_t most,
                     int64_t *value);

/* Sets a strong ETag, the hash of the body, and Cache-Control so that a browser may keep the reply
 * but asks again; turns the reply into 304 where If-None-Match has it (RFC 9110, 13.1.2). */
void api_etag(struct api *api);

#endif
