/* route.h - which handler answers what.
 * Runs in: gate.  Blocks: never. */
#ifndef EARSHOT_ROUTE_H
#define EARSHOT_ROUTE_H

#include "api/api.h"
#include "http/request.h"

/* What takes about as long, and belongs together. */
enum route_group {
    ROUTE_SEND,
    ROUTE_RECEIVE, /* until a hub has it */
    ROUTE_HISTORY,
    ROUTE_CHANGE,
    ROUTE_ROOM,
    ROUTE_PEOPLE,
    ROUTE_AUTH,
    ROUTE_ADMIN,
    ROUTE_PAGE,
    ROUTE_PROBE,
    ROUTE_GROUPS
};

extern const char *const route_groups[ROUTE_GROUPS]; /* "send", ... */

struct route {
    enum method method;
    const char *path; /* "rooms/?/messages": ? stands for one segment */
    unsigned right;   /* enum right in the path's room; 0 = none, or the handler checks */
    bool body;        /* may have one, up to conf->body_max_bytes */
    api_handler *handler;
    enum route_group group;
};

enum route_match { ROUTE_FOUND, ROUTE_NO_METHOD, ROUTE_NO_PATH };

/* Finds the request's route; HEAD is answered by GET's. */
enum route_match route_find(const struct request *request, const struct route **route);

/* Appends the methods that the path has, as Allow wants them: "GET, HEAD, OPTIONS". */
void route_allow(const struct request *request, struct buf *out);

/* What the n-th ? of the route, from 0, stands for in this request; NULL when it has none. */
const char *route_param(const struct route *route, const struct request *request, int n);

/* How many rows there are; the number of one. */
size_t route_count(void);
size_t route_index(const struct route *route);

/* The table's rows, by their number; NULL behind the last. */
const struct route *route_at(size_t index);

#endif
