#include "gate/route.h"

#include <string.h>

#include "api/accounts.h"
#include "api/admin.h"
#include "api/audit.h"
#include "api/changes.h"
#include "api/connections.h"
#include "api/events.h"
#include "api/govern.h"
#include "api/health.h"
#include "api/history.h"
#include "api/marks.h"
#include "api/messages.h"
#include "api/metrics.h"
#include "api/openapi.h"
#include "api/page.h"
#include "api/people.h"
#include "api/revoke.h"
#include "api/rooms.h"
#include "api/session.h"
#include "api/tickets.h"
#include "api/users.h"
#include "supervisor/ledger.h"

/* The room of a path is its first ?. HEAD is where GET is, OPTIONS everywhere. */
static const struct route routes[] = {
    /* method     path                 right        body   handler      group */
    {METHOD_GET, "", 0, false, health_about, ROUTE_PAGE},
    {METHOD_GET, "livez", 0, false, health_live, ROUTE_PROBE},
    {METHOD_GET, "readyz", 0, false, health_ready, ROUTE_PROBE},
    {METHOD_GET, "health", 0, false, health_ready, ROUTE_PROBE},
    {METHOD_GET, "metrics", 0, false, metrics_get, ROUTE_PROBE},
    {METHOD_GET, "openapi.json", 0, false, openapi_get, ROUTE_PAGE},
    {METHOD_GET, "page.css", 0, false, page_get_style, ROUTE_PAGE},
    {METHOD_GET, "events", 0, false, events_get_many, ROUTE_RECEIVE},
    {METHOD_GET, "rooms", 0, false, rooms_get, ROUTE_ROOM},
    {METHOD_GET, "rooms/?", RIGHT_READ, false, rooms_get_one, ROUTE_ROOM},
    {METHOD_PUT, "rooms/?", RIGHT_WRITE, true, rooms_put, ROUTE_ROOM},
    {METHOD_DELETE, "rooms/?", RIGHT_WRITE, false, rooms_delete, ROUTE_ROOM},
    {METHOD_GET, "rooms/?/events", RIGHT_READ, false, events_get, ROUTE_RECEIVE},
    {METHOD_GET, "rooms/?/messages", RIGHT_READ, false, history_get, ROUTE_HISTORY},
    {METHOD_POST, "rooms/?/messages", RIGHT_WRITE, true, messages_post, ROUTE_SEND},
    {METHOD_GET, "rooms/?/messages/?", RIGHT_READ, false, history_get_one, ROUTE_HISTORY},
    {METHOD_PUT, "rooms/?/messages/?", RIGHT_WRITE, true, changes_edit, ROUTE_CHANGE},
    {METHOD_DELETE, "rooms/?/messages/?", RIGHT_WRITE, false, changes_delete, ROUTE_CHANGE},
    {METHOD_GET, "rooms/?/messages/?/replies", RIGHT_READ, false, history_get_replies,
     ROUTE_HISTORY},
    {METHOD_PUT, "rooms/?/messages/?/reactions/?", RIGHT_WRITE, false, changes_react, ROUTE_CHANGE},
    {METHOD_DELETE, "rooms/?/messages/?/reactions/?", RIGHT_WRITE, false, changes_unreact,
     ROUTE_CHANGE},
    {METHOD_GET, "rooms/?/presence", RIGHT_READ, false, people_get, ROUTE_PEOPLE},
    {METHOD_POST, "rooms/?/typing", RIGHT_WRITE, true, people_typing, ROUTE_PEOPLE},
    {METHOD_POST, "rooms/?/signals", RIGHT_WRITE, true, people_signal, ROUTE_PEOPLE},
    {METHOD_GET, "rooms/?/read", RIGHT_READ, false, marks_get, ROUTE_PEOPLE},
    {METHOD_PUT, "rooms/?/read", RIGHT_READ, true, marks_put, ROUTE_PEOPLE},
    {METHOD_GET, "rooms/?/members", RIGHT_READ, false, govern_get_members, ROUTE_ROOM},
    {METHOD_GET, "rooms/?/bans", RIGHT_READ, false, govern_get_bans, ROUTE_ROOM},
    {METHOD_GET, "rooms/?/mutes", RIGHT_READ, false, govern_get_mutes, ROUTE_ROOM},
    {METHOD_PUT, "rooms/?/members/?", RIGHT_WRITE, true, govern_put_member, ROUTE_ROOM},
    {METHOD_DELETE, "rooms/?/members/?", RIGHT_READ, true, govern_delete_member, ROUTE_ROOM},
    {METHOD_PUT, "rooms/?/bans/?", RIGHT_WRITE, true, govern_put_ban, ROUTE_ROOM},
    {METHOD_DELETE, "rooms/?/bans/?", RIGHT_WRITE, true, govern_delete_ban, ROUTE_ROOM},
    {METHOD_PUT, "rooms/?/mutes/?", RIGHT_WRITE, true, govern_put_mute, ROUTE_ROOM},
    {METHOD_DELETE, "rooms/?/mutes/?", RIGHT_WRITE, true, govern_delete_mute, ROUTE_ROOM},
    {METHOD_GET, "unread", 0, false, marks_get_all, ROUTE_PEOPLE},
    {METHOD_POST, "users/?/messages", 0, true, messages_post_user, ROUTE_SEND},
    {METHOD_GET, "admin/audit", 0, false, audit_get, ROUTE_ADMIN},
    {METHOD_GET, "admin/audit/events", 0, false, audit_get_events, ROUTE_RECEIVE},
    {METHOD_GET, "admin/connections", 0, false, connections_get, ROUTE_ADMIN},
    {METHOD_DELETE, "admin/connections/?", 0, false, connections_delete, ROUTE_ADMIN},
    {METHOD_GET, "admin/figures", 0, false, admin_figures, ROUTE_ADMIN},
    {METHOD_GET, "admin/figures/events", 0, false, admin_figures_events, ROUTE_RECEIVE},
    {METHOD_GET, "admin/stats", 0, false, admin_stats, ROUTE_ADMIN},
    {METHOD_GET, "admin/users", 0, false, users_get, ROUTE_ADMIN},
    {METHOD_PUT, "admin/users/?", 0, true, users_put, ROUTE_ADMIN},
    {METHOD_DELETE, "admin/users/?", 0, false, users_delete, ROUTE_ADMIN},
    {METHOD_POST, "admin/revoke", 0, true, revoke_post, ROUTE_ADMIN},
    {METHOD_POST, "admin/kick", 0, true, revoke_kick, ROUTE_ADMIN},
    {METHOD_POST, "auth/guest", 0, true, accounts_guest, ROUTE_AUTH},
    {METHOD_POST, "auth/register", 0, true, accounts_register, ROUTE_AUTH},
    {METHOD_POST, "auth/login", 0, true, accounts_login, ROUTE_AUTH},
    {METHOD_POST, "auth/password", 0, true, accounts_password, ROUTE_AUTH},
    {METHOD_POST, "auth/renew", 0, true, session_renew, ROUTE_AUTH},
    {METHOD_POST, "auth/logout", 0, true, session_logout, ROUTE_AUTH},
    {METHOD_POST, "auth/ticket", 0, true, tickets_post, ROUTE_AUTH},
    {METHOD_GET, "auth/me", 0, false, session_me, ROUTE_AUTH},
};

const char *const route_groups[ROUTE_GROUPS] = {"send",   "receive", "history", "change", "room",
                                                "people", "auth",    "admin",   "page",   "probe"};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* The segment of a pattern at `s`, and where the next one begins; NULL behind the last. */
static const char *next_segment(const char **s, size_t *len)
{
    const char *start = *s;

    if (*start == '\0')
        return NULL;
    *len = strcspn(start, "/");
    *s = start + *len + (start[*len] == '/');
    return start;
}

static bool is_any(const char *segment, size_t len)
{
    return len == 1 && *segment == '?';
}

static bool matches(const struct route *route, const struct request *request)
{
    const char *pattern = route->path, *segment;
    size_t len, at = 0;

    while ((segment = next_segment(&pattern, &len)) != NULL) {
        if (at >= request->segments_count || at >= REQUEST_SEGMENTS_MAX)
            return false;
        if (is_any(segment, len) ? request->segments[at][0] == '\0'
                                 : (strlen(request->segments[at]) != len ||
                                    memcmp(request->segments[at], segment, len) != 0))
            return false;
        at++;
    }
    return at == request->segments_count;
}

enum route_match route_find(const struct request *request, const struct route **route)
{
    enum method method = request->method == METHOD_HEAD ? METHOD_GET : request->method;
    enum route_match match = ROUTE_NO_PATH;

    *route = NULL;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!matches(&routes[i], request))
            continue;
        match = ROUTE_NO_METHOD;
        if (routes[i].method == method) {
            *route = &routes[i];
            return ROUTE_FOUND;
        }
    }
    return match;
}

_Static_assert(ROUTES + METHOD_OTHER + 1 <= LEDGER_ROUTES, "all rows are counted");
_Static_assert((int)ROUTE_GROUPS <= LEDGER_GROUPS, "all groups are");

size_t route_count(void)
{
    return ROUTES;
}

size_t route_index(const struct route *route)
{
    return (size_t)(route - routes);
}

const struct route *route_at(size_t index)
{
    return index < ROUTES ? &routes[index] : NULL;
}

void route_allow(const struct request *request, struct buf *out)
{
    for (size_t i = 0; i < ROUTES; i++)
        if (matches(&routes[i], request)) {
            buf_str(out, request_methods[routes[i].method]);
            buf_str(out, routes[i].method == METHOD_GET ? ", HEAD, " : ", ");
        }
    buf_str(out, "OPTIONS");
}

const char *route_param(const struct route *route, const struct request *request, int n)
{
    const char *pattern = route->path, *segment;
    size_t len;

    for (size_t at = 0; (segment = next_segment(&pattern, &len)) != NULL; at++)
        if (is_any(segment, len) && n-- == 0)
            return request->segments[at];
    return NULL;
}
