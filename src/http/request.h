/* request.h - what a client asks, read from a CGI environment (RFC 3875).
 * Runs in: gate.  Blocks: never.  No I/O (but random bytes for a request id).
 * The web server has percent-decoded PATH_INFO already: CR, LF, anything may be in it. A header
 * that comes twice arrives as two variables of one name (nginx): lists are joined, of others two
 * different values are refused, for whoever looks at the other one is deceived. Every text that is
 * used is UTF-8 without a NUL. */
#ifndef EARSHOT_REQUEST_H
#define EARSHOT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "http/form.h"
#include "http/problem.h"

#define REQUEST_SEGMENTS_MAX 8

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER
};

/* The names of the methods, in the order of the enum; METHOD_OTHER is "?". */
extern const char *const request_methods[];

/* Headers and variables are NULL when absent; an empty one counts as absent. */
struct request {
    enum method method;
    const char *id; /* X-Request-Id, or 128 random bits where there is none or it is malformed */
    const char *namespace;   /* EARSHOT_NAMESPACE, else "main" */
    bool https;              /* as the client spoke with the web server */
    const char *script_name; /* never NULL */
    const char *path;        /* PATH_INFO; never NULL */
    size_t segments_count;   /* of the path, "/rooms/lobby" has two; more than fit match no route */
    const char *segments[REQUEST_SEGMENTS_MAX];
    struct form query;
    const char *accept;
    const char *authorization;
    const char *cookie;
    const char *forwarded_for; /* X-Forwarded-For, all of them joined */
    bool is_forwarded; /* a proxy says that it stands before the web server, in any usual header */
    const char *host;
    const char *idempotency_key;
    const char *if_match;
    const char *if_none_match;
    const char *last_event_id;
    const char *origin;
    const char *remote_addr;
    const char *sec_fetch_site;
    const char *server_port;
    const char *trace;      /* the trace-id of traceparent (W3C Trace Context), or NULL */
    const char *media_type; /* of the body, in lower case, without parameters */
    const char *charset;    /* of the body, in lower case */
    int64_t content_length; /* -1 = not told */
    const char *body;       /* set by the gate, once it is read */
    size_t body_len;
};

/* Reads the environment ("NAME=value" strings, NULL at the end) into the arena. Returns 0, or -1
 * with the problem, status 400 (500 where the web server's configuration is wrong); id, method,
 * origin and namespace are there all the same, so that it can be answered. */
int request_parse(struct request *request, struct arena *arena, char *const *envp,
                  struct problem *problem);

/* The first value of a query parameter, or NULL. */
const char *request_query(const struct request *request, const char *name);

/* All values of a query parameter, in their order, at most `max`; returns how many there are, which
 * may be more. */
size_t request_query_all(const struct request *request, const char *name, const char **values,
                         size_t max);

/* The value of a cookie (RFC 6265, 5.4), in the arena, or NULL. *differs is set when it is there
 * twice with different values. */
const char *request_cookie(const struct request *request, struct arena *arena, const char *name,
                           bool *differs);

/* Does the request change something (RFC 9110, 9.2.1)? */
bool request_unsafe(const struct request *request);

#endif
