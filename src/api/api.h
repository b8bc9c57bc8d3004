/* api.h - what a handler gets, and the answers that many give.
 * Runs in: gate.  Blocks: as the store does.
 * A handler reads `request`, does its work and fills `reply`; it knows nothing of FastCGI. The gate
 * has authenticated, found the room of a rooms/{r} path and checked the right that the route table
 * names. */
#ifndef EARSHOT_API_H
#define EARSHOT_API_H

#include <stdbool.h>

#include "auth/keyring.h"
#include "auth/password.h"
#include "auth/policy.h"
#include "base/arena.h"
#include "conf.h"
#include "event/name.h"
#include "event/parking.h"
#include "http/reply.h"
#include "http/request.h"
#include "store/journal.h"

#define API_PARAMS_MAX 3

struct api {
    const struct request *request;
    const struct identity *identity;
    const struct conf *conf;
    struct arena *arena;
    struct store *store;
    const struct keyring *keyring;
    struct password_leases *hashing; /* who hashes a password now, */
    int hashing_most;                /* and how many may */
    const char *address;             /* the client's, "-" where it has none (auth/peer.h), */
    const char *address_group;       /* and what it is limited by */
    struct reply *reply;
    struct parking *parking;            /* for a handler that parks; all zero before */
    bool parked;                        /* the reply is the hub's; `parking` says which */
    bool returns;                       /* a page's form leads back to its page from here */
    bool deep;                          /* the reply is what gate/canary.h finds */
    bool metrics;                       /* the reply is what gate/meters.h says */
    unsigned messages;                  /* how many this request has sent, */
    unsigned limited;                   /* and how many were refused as too many */
    const char *params[API_PARAMS_MAX]; /* what the route's ?s stand for; NULL behind the last */
    char room[NAME_ROOM_MAX + 1];       /* resolved; "" where the path names none */
};

typedef void api_handler(struct api *api);

/* Turns the reply into a problem; the detail is formatted. */
void api_fail(struct api *api, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Does the store's answer end the request? Then the reply is the problem; STORE_OK returns false.
 * `refusal` may be NULL where no script was asked. */
bool api_store_failed(struct api *api, enum store_status status, const struct refusal *refusal);

/* Tells after a 503 or 507, or when something was limited for so long, when to try again. */
void api_retry_after(struct api *api, int64_t limited_ms);

/* WWW-Authenticate, with what is wrong with the token, or NULL: there is none (RFC 6750, 3). */
void api_challenge(struct api *api, const char *reason);

/* Who asks, in this room. */
struct caller api_caller(const struct api *api, const char *room);

/* Calls a script on a room for who asks. Returns 0 with a reply to be freed by store_free(), or -1
 * with the problem. */
int api_call(struct api *api, const char *room, enum script script, int argc, const char **argv,
             redisReply **reply);

/* Is the caller's token still good? For what is answered without a script. Returns 0, or -1 with
 * the reply 401 (or 503). */
int api_demand_unrevoked(struct api *api);

/* One comes back every so many ms; 0 = there is no limit. */
int64_t api_every_ms(const struct conf_rate *rate);

/* What is kept where the room does not say, and how much this caller may send. */
struct journal_limits api_limits(const struct api *api);

/* The JSON of an event, in the arena. */
const char *api_write_event(struct api *api, const struct event_draft *draft);

/* Makes an event of the caller's in the room, with `more` members behind the others (",\"a\":1", or
 * ""): its JSON, in the arena. */
const char *api_event(struct api *api, const char *type, const char *content, const char *more);

/* Starts a JSON reply of this status; the body is the handler's to fill. */
struct buf *api_json(struct api *api, int status);

/* Is it a user id? Returns 0, or -1 with the reply 400. */
int api_user_id(struct api *api, const char *text);

/* The id that a path names. Returns 0, or -1 with the reply 400. */
int api_message_id(struct api *api, const char *text, struct event_id *id);

/* The problem that a status is, for a reply or for one line of a batch; status 0 for STORE_OK. The
 * refusal belongs to STORE_REFUSED and may be NULL without. */
struct problem api_store_problem(struct api *api, enum store_status status,
                                 const struct refusal *refusal);

/* Resolves a room's name into `out`. Returns 0, or -1 with the reply 400 (or 401: @me, and nobody
 * signed in). */
int api_resolve(struct api *api, char out[NAME_ROOM_MAX + 1], const char *name);

/* Checks a right in a resolved room. Returns 0, or -1 with the reply 401 (anonymous) or 403. */
int api_demand(struct api *api, const char *room, enum right right);

/* Is somebody signed in? Returns 0, or -1 with the reply 401, whose detail says why. */
int api_demand_user(struct api *api, const char *why);

/* Is it an admin? Returns 0, or -1 with the reply 401 or 403. */
int api_demand_admin(struct api *api);

/* A query parameter that may come once: *value, or NULL. Returns 0, or -1 with the reply 400. */
int api_query(struct api *api, const char *name, const char **value);

/* The same for a whole number from `least` to `most`; *value stays as it is where the parameter is
 * not there. */
int api_query_number(struct api *api, const char *name, int64_t least, int64_t most,
                     int64_t *value);

/* Sets a strong ETag, the hash of the body, and Cache-Control so that a browser may keep the reply
 * but asks again; turns the reply into 304 where If-None-Match has it (RFC 9110, 13.1.2). */
void api_etag(struct api *api);

/* The same with a tag that is known. */
void api_etag_of(struct api *api, const char *tag);

#endif
