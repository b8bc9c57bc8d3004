#include "api/rooms.h"

#include <string.h>

#include "event/event.h"
#include "store/directory.h"

/* Rooms that are looked at; a site with more has use for a directory of its own. */
#define ROOMS_MAX 1000

static void write_room(struct buf *body, const struct directory_room *room)
{
    const struct event_id none = {0, 0};
    char last[EVENT_ID_TEXT];

    event_id_format(last, room->last);
    buf_str(body, "{\"name\":");
    buf_json(body, room->name, strlen(room->name));
    buf_str(body, ",\"topic\":");
    if (room->topic != NULL)
        buf_json(body, room->topic, strlen(room->topic));
    else
        buf_str(body, "null");
    buf_printf(body, ",\"online\":%lld,\"last\":", (long long)room->online);
    if (event_id_compare(room->last, none) == 0)
        buf_str(body, "null}");
    else
        buf_printf(body, "\"%s\"}", last);
}

/* GET rooms - the active rooms that the caller may read, the latest first; of @rooms none.
 * 200 {"rooms": [{"name", "topic" or null, "online": open streams, "last": id or null}]}, ETag.
 * 304, 503. */
void rooms_get(struct api *api)
{
    struct directory_room *rooms;
    struct buf *body = &api->reply->body;
    size_t count, written = 0;

    if (api_store_failed(api, directory_rooms(api->store, api->arena, api->request->namespace,
                                              ROOMS_MAX, &rooms, &count)))
        return;
    api->reply->status = 200;
    api->reply->content_type = "application/json";
    buf_str(body, "{\"rooms\":[");
    for (size_t i = 0; i < count; i++) {
        if (!policy_allows(api->identity, rooms[i].name, RIGHT_READ))
            continue;
        if (written++ > 0)
            buf_char(body, ',');
        write_room(body, &rooms[i]);
    }
    buf_str(body, "]}\n");
    api_etag(api);
}
