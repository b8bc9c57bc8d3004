#include "hub/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "event/overlay.h"
#include "hub/ring.h"

struct entry *entry_create(const struct event *event)
{
    struct entry *entry = mem_zero(sizeof(*entry) + event->json_len + 1);
    size_t len;

    entry->refs = 1;
    entry->event = *event;
    entry->event.json = entry->json;
    memcpy(entry->json, event->json, event->json_len);
    if (event->durable) /* all that is kept is for all */
        return entry;
    if (event_to(event->json, event->json_len, &len) != NULL)
        entry->audience = ENTRY_FOR_ONE;
    else if (event_but(event->json, event->json_len, &len) != NULL)
        entry->audience = ENTRY_FOR_OTHERS;
    return entry;
}

struct entry *entry_create_deleted(const struct event *event, struct event_id by)
{
    struct event deleted = *event;
    struct buf json = BUF_INIT;
    char id[EVENT_ID_TEXT];
    struct entry *entry;

    event_id_format(id, by);
    overlay_apply(&json, event->json, event->json_len,
                  &(struct overlay){.edit = id, .reactions = "", .reacted = ""});
    deleted.json = json.data;
    deleted.json_len = json.len;
    entry = entry_create(&deleted);
    buf_free(&json);
    return entry;
}

struct entry *entry_create_gap(struct event_id oldest, struct event_id to)
{
    struct event none = {.id = oldest, .json = ""};
    struct entry *entry = entry_create(&none);

    entry->gap = true;
    entry->to = to;
    return entry;
}

struct entry *entry_hold(struct entry *entry)
{
    entry->refs++;
    return entry;
}

static void free_frames(struct entry *entry)
{
    for (int i = 0; i < ENTRY_FRAMES; i++) {
        free(entry->frames[i]);
        entry->frames[i] = NULL;
    }
}

void entry_release(struct entry *entry)
{
    if (--entry->refs > 0)
        return;
    free_frames(entry);
    free(entry);
}

void entry_drop_frames(struct entry *entry)
{
    if (entry->refs == 1)
        free_frames(entry);
}

size_t entry_weight(const struct entry *entry)
{
    return sizeof(*entry) + entry->event.json_len;
}

const struct frame *entry_frame(struct entry *entry, int form, const char *room)
{
    struct buf text = BUF_INIT;
    struct frame *frame;
    size_t own = 0;

    if (entry->frames[form] != NULL)
        return entry->frames[form];
    if (form == ENTRY_TEXT_ROOM)
        frame_text_room(&text, &entry->event, room);
    else
        own = frame_event(&text, (enum frame_form)form, &entry->event);
    frame = mem_alloc(sizeof(*frame) + text.len);
    frame->len = text.len;
    frame->own = own;
    if (text.len > 0)
        memcpy(frame->bytes, text.data, text.len);
    buf_free(&text);
    entry->frames[form] = frame;
    if (entry->ring != NULL)
        entry->ring->framed = true;
    return frame;
}
