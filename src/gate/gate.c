#include "gate/gate.h"

#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api.h"
#include "api/metrics.h"
#include "api/page.h"
#include "api/tickets.h"
#include "auth/csrf.h"
#include "auth/keyring.h"
#include "auth/origin.h"
#include "auth/peer.h"
#include "auth/seen.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "gate/meters.h"
#include "gate/park.h"
#include "gate/route.h"
#include "heritage.h"
#include "http/cors.h"
#include "supervisor/scoreboard.h"

#define COOKIE "earshot"
#define KEEP_BYTES 65536 /* buffers larger than this are given back after a request */

struct gate {
    struct gate_place place;
    const struct heritage *heritage;
    const struct conf *conf;
    struct ledger *ledger;
    struct keyring *keyring;
    struct seen *seen;
    struct store *store;
    struct arena lasting;      /* what anonymous is made of */
    struct identity anonymous; /* the rights without a token */
    /* Of the request: */
    struct arena arena;
    struct request request;
    const struct route *route; /* NULL = it leads to none, and how: */
    enum route_match match;
    struct identity identity;
    struct parking parking;
    struct reply reply;
    struct buf body;
    struct buf output;
};

/* --- the steps of a request; each returns 0, or -1 with the reply made --- */

static void find_address(struct gate *gate, struct api *api)
{
    char address[PEER_TEXT], group[PEER_TEXT];

    peer_address(address, gate->conf->trusted_proxies, gate->request.remote_addr,
                 gate->request.forwarded_for);
    peer_group(group, address);
    api->address = arena_strdup(&gate->arena, address);
    api->address_group = arena_strdup(&gate->arena, group);
}

static int parse(struct gate *gate, struct api *api, char **envp)
{
    struct problem problem;
    int result = request_parse(&gate->request, &gate->arena, envp, &problem);

    log_request(gate->request.id, gate->request.trace);
    gate->match = route_find(&gate->request, &gate->route);
    find_address(gate, api);
    if (result < 0) {
        if (problem.status == 500)
            log_error("%s", problem.detail);
        reply_problem(api->reply, &problem, gate->request.id);
    }
    return result;
}

static int read_body(struct gate *gate, struct api *api)
{
    int64_t most = gate->conf->body_max_bytes, told = gate->request.content_length;
    bool reads = gate->request.method == METHOD_GET || gate->request.method == METHOD_HEAD;
    const struct source_wish wish = {
        .told = told, .expected = told > 0 || (told < 0 && !reads), .most = (size_t)most};
    int status = told > most ? 413 : gate->place.source->body(gate->place.from, &wish, &gate->body);

    if (status == 413)
        api_fail(api, 413, "body_too_large", "a request may have %lld bytes", (long long)most);
    else if (status != 0 || (told >= 0 && gate->body.len < (size_t)told))
        api_fail(api, 400, "body_truncated", "the body breaks off before its Content-Length");
    else if (told >= 0 && gate->body.len > (size_t)told)
        api_fail(api, 400, "content_length_mismatch", "the body is longer than its Content-Length");
    else
        status = -1;
    if (status != -1)
        return -1;
    gate->request.body = gate->body.data;
    gate->request.body_len = gate->body.len;
    return 0;
}

static int refuse_token(struct api *api, const char *reason)
{
    api_fail(api, 401, "token_invalid", "%s", reason);
    api_challenge(api, reason);
    return -1;
}

/* Finds the token: Authorization: Bearer (RFC 6750), else the cookie; *token is NULL where there is
 * none. Never from the URL, which ends in logs and histories. Another scheme is refused: who sends
 * one wants to be someone. */
static int find_token(struct gate *gate, struct api *api, const char **token, bool *by_cookie)
{
    const char *header = gate->request.authorization;
    bool differs;

    *by_cookie = header == NULL;
    if (header == NULL) {
        *token = request_cookie(&gate->request, &gate->arena, COOKIE, &differs);
        return differs ? refuse_token(api, "there are two different cookies " COOKIE) : 0;
    }
    if (strncasecmp(header, "Bearer", 6) != 0 || (header[6] != '\0' && header[6] != ' '))
        return refuse_token(api, "the Authorization scheme must be Bearer");
    *token = header + 6 + strspn(header + 6, " ");
    return 0;
}

/* Does the request come to sign in? Then a cookie, which may have been revoked, does not matter. */
static bool signs_in(const struct request *request)
{
    const char *call;

    if (request->method != METHOD_POST || request->segments_count != 2 ||
        strcmp(request->segments[0], "auth") != 0)
        return false;
    call = request->segments[1];
    return strcmp(call, "login") == 0 || strcmp(call, "guest") == 0 ||
           strcmp(call, "register") == 0;
}

/* Does the form have the field csrf that belongs to who is signed in? */
static bool has_csrf(struct gate *gate)
{
    const char *type = gate->request.media_type, *reason;
    struct form form;

    return type != NULL && strcmp(type, "application/x-www-form-urlencoded") == 0 &&
           form_parse(&form, &gate->arena, gate->request.body, gate->request.body_len, &reason) ==
               0 &&
           csrf_valid(form_value(&form, "csrf"), gate->conf->jwt_secret, &gate->identity);
}

static int authenticate(struct gate *gate, struct api *api)
{
    const char *token = NULL, *reason, *ticket = tickets_find(&gate->request);
    bool by_cookie;

    gate->identity = gate->anonymous;
    if (metrics_has_secret(&gate->request, gate->conf))
        return 0; /* the handler looks again */
    if (ticket != NULL)
        return tickets_redeem(api, ticket, &gate->identity);
    if (gate->request.authorization == NULL && signs_in(&gate->request))
        return 0;
    if (find_token(gate, api, &token, &by_cookie) < 0)
        return -1;
    if (token == NULL)
        return 0;
    reason = seen_verify(gate->seen, gate->keyring, &gate->arena, token, strlen(token),
                         gate->request.namespace, clock_wall_ms(), &gate->identity);
    if (reason != NULL) {
        gate->identity = gate->anonymous; /* nobody, in the log too */
        return refuse_token(api, reason);
    }
    gate->identity.by_cookie = by_cookie;
    if (by_cookie && request_unsafe(&gate->request) &&
        !origin_trusted(&gate->request, gate->conf) && !has_csrf(gate)) {
        api_fail(api, 403, "origin_mismatch",
                 "a request that is signed in by cookie must come from a page of this site, or "
                 "have the form's field csrf");
        return -1;
    }
    return 0;
}

static int demand_route(struct gate *gate, struct api *api)
{
    struct buf methods = BUF_INIT;

    if (gate->match == ROUTE_NO_METHOD) {
        route_allow(&gate->request, &methods);
        api_fail(api, 405, "method_not_allowed", "this path has %s", methods.data);
        reply_header(api->reply, "Allow", methods.data);
        buf_free(&methods);
    } else if (gate->match == ROUTE_NO_PATH) {
        api_fail(api, 404, "path_unknown", "there is nothing at this path");
    } else if (!gate->route->body && gate->request.body_len > 0) {
        api_fail(api, 400, "body_unexpected", "this request takes no body");
    } else {
        return 0;
    }
    return -1;
}

/* Resolves the path's room and checks the right that the route needs there. */
static int check_rights(struct api *api, const struct route *route)
{
    for (int i = 0; i < API_PARAMS_MAX; i++)
        api->params[i] = route_param(route, api->request, i);
    if (route->right == 0)
        return 0;
    if (api_resolve(api, api->room, api->params[0]) < 0)
        return -1;
    return api_demand(api, api->room, (enum right)route->right);
}

/* OPTIONS is answered anywhere, without a token: a browser's preflight has none. */
static void answer_options(struct gate *gate, struct api *api)
{
    struct buf methods = BUF_INIT;

    route_allow(&gate->request, &methods);
    cors_preflight(&api->reply->headers, &gate->request, gate->conf, methods.data);
    api->reply->status = 204;
    buf_free(&methods);
}

static void act(struct gate *gate, struct api *api, char **envp)
{
    if (parse(gate, api, envp) < 0 || read_body(gate, api) < 0)
        return;
    if (gate->request.method == METHOD_OPTIONS) {
        answer_options(gate, api);
        return;
    }
    if (authenticate(gate, api) == 0 && demand_route(gate, api) == 0 &&
        check_rights(api, gate->route) == 0)
        gate->route->handler(api);
    if (api->metrics && gate->place.metrics != NULL)
        gate->place.metrics(api, gate->heritage);
    else if (api->deep && !api->metrics)
        gate->place.deep(api, gate->heritage);
}

/* --- its end --- */

/* Hands the connection to a hub. Returns 0, or -1 with the reply made. */
static int park(struct gate *gate, struct api *api)
{
    const struct source *source = gate->place.source;
    int fd;

    gate->parking.fastcgi = source->fastcgi;
    fd = source->connection(gate->place.from, &gate->parking.request_id);
    if ((gate->place.admit == NULL ||
         gate->place.admit(gate->place.context, &gate->parking) == 0) &&
        park_send(gate->heritage, &gate->parking, fd) == 0) {
        source->park(gate->place.from);
        return 0;
    }
    park_refuse(api);
    return -1;
}

static void reply(struct gate *gate)
{
    cors_headers(&gate->reply.headers, &gate->request, gate->conf);
    reply_encode(&gate->output, &gate->reply, gate->request.method == METHOD_HEAD);
    if (gate->place.source->reply(gate->place.from, gate->output.data, gate->output.len) < 0)
        log_debug("the web server did not take the reply");
}

/* For GET metrics; `status` 0 = parked. */
static void count(struct gate *gate, const struct api *api, int status, int64_t took_us)
{
    struct ledger *ledger = gate->ledger;
    size_t row = gate->route != NULL ? route_index(gate->route) : meters_row(gate->request.method);

    meter_add(&ledger->requests[row][ledger_code(status)], 1);
    if (gate->route != NULL)
        meter_observe(&ledger->durations[gate->route->group], took_us);
    meter_add(&ledger->reply_bytes, gate->output.len);
    meter_add(&ledger->messages, api->messages);
    meter_add(&ledger->limited, api->limited);
    meter_add(&ledger->full, api->parked && status != 0);
}

/* The one line that a request leaves, `status` 0 = parked: what follows is in the hub's, at its end
 * (hub/trail.h). No query: it may hold what is secret. The path comes last, since it may hold
 * anything. */
static void log_access(const struct gate *gate, const struct api *api, int status, int64_t took_us)
{
    enum log_level level = gate->conf->access_log ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    const struct request *request = api->request;
    const char *method = request_methods[request->method], *path;
    const char *user = api->identity->user_id != NULL ? api->identity->user_id : "-";
    long long ms = took_us / 1000;

    if (!log_takes(level))
        return;
    path = arena_printf(api->arena, "%s%s", request->script_name, request->path);
    if (status == 0)
        log_write(level,
                  "parked client=%s method=%s form=%s rooms=%zu ms=%lld user=%s namespace=%s "
                  "path=\"%s\"",
                  api->address, method, frame_names[gate->parking.form], gate->parking.rooms_count,
                  ms, user, request->namespace, path);
    else
        log_write(level,
                  "answered client=%s status=%d method=%s ms=%lld bytes=%zu user=%s namespace=%s "
                  "path=\"%s\"",
                  api->address, status, method, ms, gate->output.len, user, request->namespace,
                  path);
}

static void forget(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_free(b);
    else
        buf_clear(b);
}

/* Makes the gate as it was before the request. */
static void tidy(struct gate *gate)
{
    bool large = gate->body.cap > KEEP_BYTES || gate->output.cap > KEEP_BYTES;

    log_request(NULL, NULL);
    reply_clear(&gate->reply);
    forget(&gate->body);
    forget(&gate->output);
    memset(&gate->parking, 0, sizeof(gate->parking));
    gate->route = NULL;
    gate->match = ROUTE_NO_PATH;
    gate->identity = (struct identity){.name = "anonymous"};
    arena_clear(&gate->arena);
    /* glibc keeps what one large batch took for as long as the process lives. */
    if (large)
        malloc_trim(0);
}

bool gate_serve(struct gate *gate, char **envp)
{
    int64_t begun_us = clock_mono_us(), took_us;
    struct api api = {
        .request = &gate->request,
        .identity = &gate->identity,
        .conf = gate->conf,
        .arena = &gate->arena,
        .store = gate->store,
        .keyring = gate->keyring,
        .hashing = &gate->heritage->board->hashing,
        .hashing_most = password_most(gate->heritage->gates),
        .reply = &gate->reply,
        .parking = &gate->parking,
    };
    int status = 0;

    act(gate, &api, envp);
    if (!api.parked || park(gate, &api) < 0) {
        page_finish(&api);
        status = gate->reply.status;
        reply(gate);
    }
    took_us = clock_mono_us() - begun_us;
    count(gate, &api, status, took_us);
    log_access(gate, &api, status, took_us);
    tidy(gate);
    return status == 0;
}

/* --- the gate --- */

static int open_parts(struct gate *gate)
{
    char error[512] = "";

    gate->ledger = scoreboard_ledger(gate->heritage->board, gate->heritage->slot);
    if (sodium_init() < 0) {
        log_error("libsodium cannot be used");
        return -1;
    }
    gate->anonymous = (struct identity){.name = "anonymous"};
    if (policy_parse(&gate->anonymous, &gate->lasting, gate->conf->anonymous, error) < 0 ||
        (gate->keyring = keyring_open(gate->conf, error)) == NULL ||
        (gate->store = store_open(gate->conf, &gate->heritage->board->redis, error)) == NULL) {
        log_error("%s", error);
        return -1;
    }
    store_count(gate->store, &gate->ledger->gate_trips);
    gate->seen = seen_open();
    tidy(gate);
    return 0;
}

struct gate *gate_open(const struct gate_place *place)
{
    struct gate *gate = mem_zero(sizeof(*gate));

    gate->place = *place;
    gate->heritage = place->heritage;
    gate->conf = place->heritage->conf;
    if (open_parts(gate) == 0)
        return gate;
    gate_close(gate);
    return NULL;
}

void gate_close(struct gate *gate)
{
    if (gate == NULL)
        return;
    store_close(gate->store);
    keyring_close(gate->keyring);
    seen_close(gate->seen);
    reply_free(&gate->reply);
    buf_free(&gate->body);
    buf_free(&gate->output);
    arena_free(&gate->arena);
    arena_free(&gate->lasting);
    free(gate);
}
