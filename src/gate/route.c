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
#include "api/openapi.h"
#include "api/page.h"
#include "api/people.h"
#include "api/revoke.h"
#include "api/rooms.h"
#include "api/session.h"
#include "api/tickets.h"
#include "api/users.h"

/* The room of a path is its first ?. HEAD is where GET is, OPTIONS everywhere. */
static const struct route routes[] = {
    /* method     path                 right        body   handler */
    {METHOD_GET, "", 0, false, health_about},
    {METHOD_GET, "livez", 0, false, health_live},
    {METHOD_GET, "readyz", 0, false, health_ready},
    {METHOD_GET, "health", 0, false, health_ready},
    {METHOD_GET, "openapi.json", 0, false, openapi_get},
    {METHOD_GET, "page.css", 0, false, page_get_style},
    {METHOD_GET, "events", 0, false, events_get_many},
    {METHOD_GET, "rooms", 0, false, rooms_get},
    {METHOD_GET, "rooms/?", RIGHT_READ, false, rooms_get_one},
    {METHOD_PUT, "rooms/?", RIGHT_WRITE, true, rooms_put},
    {METHOD_DELETE, "rooms/?", RIGHT_WRITE, false, rooms_delete},
    {METHOD_GET, "rooms/?/events", RIGHT_READ, false, events_get},
    {METHOD_GET, "rooms/?/messages", RIGHT_READ, false, history_get},
    {METHOD_POST, "rooms/?/messages", RIGHT_WRITE, true, messages_post},
    {METHOD_GET, "rooms/?/messages/?", RIGHT_READ, false, history_get_one},
    {METHOD_PUT, "rooms/?/messages/?", RIGHT_WRITE, true, changes_edit},
    {METHOD_DELETE, "rooms/?/messages/?", RIGHT_WRITE, false, changes_delete},
    {METHOD_GET, "rooms/?/messages/?/replies", RIGHT_READ, false, history_get_replies},
    {METHOD_PUT, "rooms/?/messages/?/reactions/?", RIGHT_WRITE, false, changes_react},
    {METHOD_DELETE, "rooms/?/messages/?/reactions/?", RIGHT_WRITE, false, changes_unreact},
    {METHOD_GET, "rooms/?/presence", RIGHT_READ, false, people_get},
    {METHOD_POST, "rooms/?/typing", RIGHT_WRITE, true, people_typing},
    {METHOD_POST, "rooms/?/signals", RIGHT_WRITE, true, people_signal},
    {METHOD_GET, "rooms/?/read", RIGHT_READ, false, marks_get},
    {METHOD_PUT, "rooms/?/read", RIGHT_READ, true, marks_put},
    {METHOD_GET, "rooms/?/members", RIGHT_READ, false, govern_get_members},
    {METHOD_GET, "rooms/?/bans", RIGHT_READ, false, govern_get_bans},
    {METHOD_GET, "rooms/?/mutes", RIGHT_READ, false, govern_get_mutes},
    {METHOD_PUT, "rooms/?/members/?", RIGHT_WRITE, true, govern_put_member},
    {METHOD_DELETE, "rooms/?/members/?", RIGHT_READ, true, govern_delete_member},
    {METHOD_PUT, "rooms/?/bans/?", RIGHT_WRITE, true, govern_put_ban},
    {METHOD_DELETE, "rooms/?/bans/?", RIGHT_WRITE, true, govern_delete_ban},
    {METHOD_PUT, "rooms/?/mutes/?", RIGHT_WRITE, true, govern_put_mute},
    {METHOD_DELETE, "rooms/?/mutes/?", RIGHT_WRITE, true, govern_delete_mute},
    {METHOD_GET, "unread", 0, false, marks_get_all},
    {METHOD_POST, "users/?/messages", 0, true, messages_post_user},
    {METHOD_GET, "admin/audit", 0, false, audit_get},
    {METHOD_GET, "admin/audit/events", 0, false, audit_get_events},
    {METHOD_GET, "admin/connections", 0, false, connections_get},
    {METHOD_DELETE, "admin/connections/?", 0, false, connections_delete},
    {METHOD_GET, "admin/figures", 0, false, admin_figures},
    {METHOD_GET, "admin/figures/events", 0, false, admin_figures_events},
    {METHOD_GET, "admin/stats", 0, false, admin_stats},
    {METHOD_GET, "admin/users", 0, false, users_get},
    {METHOD_PUT, "admin/users/?", 0, true, users_put},
    {METHOD_DELETE, "admin/users/?", 0, false, users_delete},
    {METHOD_POST, "admin/revoke", 0, true, revoke_post},
    {METHOD_POST, "admin/kick", 0, true, revoke_kick},
    {METHOD_POST, "auth/guest", 0, true, accounts_guest},
    {METHOD_POST, "auth/register", 0, true, accounts_register},
    {METHOD_POST, "auth/login", 0, true, accounts_login},
    {METHOD_POST, "auth/password", 0, true, accounts_password},
    {METHOD_POST, "auth/renew", 0, true, session_renew},
    {METHOD_POST, "auth/logout", 0, true, session_logout},
    {METHOD_POST, "auth/ticket", 0, true, tickets_post},
    {METHOD_GET, "auth/me", 0, false, session_me},
};

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
