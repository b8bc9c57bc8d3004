#include "api/audit.h"

#include <string.h>

#include "api/events.h"
#include "api/history.h"

static void append(struct buf *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_printf(out, ",\"%s\":", name);
    buf_json(out, value, strlen(value));
}

const char *audit_event(struct api *api, const char *action, const char *room, const char *whom,
                        const char *detail)
{
    const char *content =
        arena_printf(api->arena, "%s%s%s%s%s%s%s", action, whom != NULL ? " " : "",
                     whom != NULL ? whom : "", room != NULL ? " in " : "", room != NULL ? room : "",
                     detail != NULL && detail[0] != '\0' ? ": " : "", detail != NULL ? detail : "");
    struct buf members = BUF_INIT;
    struct event_draft draft = {.type = "audit",
                                .room = AUDIT_ROOM,
                                .user_id = api->identity->user_id,
                                .name = api->identity->name,
                                .content = content,
                                .content_len = strlen(content)};
    const char *kept;

    append(&members, "action", action);
    append(&members, "source", room);
    append(&members, "user", whom);
    append(&members, "detail", detail);
    append(&members, "address", api->address);
    append(&members, "requestId", api->request->id);
    draft.more = members.data;
    kept = api_write_event(api, &draft);
    buf_free(&members);
    return kept;
}

/* GET admin/audit - what was done, as history (history_get()). 403 for who is no admin. */
void audit_get(struct api *api)
{
    if (api_demand_admin(api) < 0)
        return;
    strcpy(api->room, AUDIT_ROOM);
    history_get(api);
}

/* GET admin/audit/events - as it is done (events_get()). */
void audit_get_events(struct api *api)
{
    if (api_demand_admin(api) < 0)
        return;
    strcpy(api->room, AUDIT_ROOM);
    events_get(api);
}
