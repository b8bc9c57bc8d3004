#include "event/markup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/html.h"
#include "event/parsed.h"

/* What is not shown, though it may have content. */
static const char *const silent[] = {"reaction", "join",   "leave", "typing",
                                     "read",     "signal", "room",  "member"};

static bool is_silent(const char *type)
{
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        if (strcmp(silent[i], type) == 0)
            return true;
    return false;
}

/* "24 Nov 20:14", in UTC: nobody tells a server where its reader is. */
static void append_time(struct buf *out, int64_t timestamp_ms)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(timestamp_ms / 1000);
    char stamp[CLOCK_TEXT];
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL)
        return;
    clock_format(stamp, timestamp_ms);
    buf_printf(out, " <time datetime=\"%s\">%d %s %02d:%02d</time>", stamp, tm.tm_mday,
               months[tm.tm_mon], tm.tm_hour, tm.tm_min);
}

/* The member as the id of an event, written anew; "" where it is none. */
static const char *id_of(struct json_object *object, const char *key, char text[EVENT_ID_TEXT])
{
    size_t len = 0;
    const char *value = parsed_text(object, key, &len);
    struct event_id id;

    text[0] = '\0';
    if (value != NULL && event_id_parse(&id, value, len) == 0)
        event_id_format(text, id);
    return text;
}

/* Where a page of history begins with this message. */
static void append_history(struct buf *out, const char *room, const char *id, bool plain)
{
    struct event_id at;

    if (event_id_parse(&at, id, strlen(id)) < 0)
        return;
    if (at.seq-- == 0)
        at.ms -= at.ms > 0;
    html_print(out, "rooms/%s/messages?as=%s&amp;after=", room, plain ? "plain" : "html");
    buf_printf(out, "%" PRIu64 "-%" PRIu64 "#m%s", at.ms, at.seq, id);
}

/* Who, where, when, and what one may do about it. */
static void append_head(struct buf *out, const struct event *event, struct json_object *object,
                        bool plain, const char *id)
{
    const char *room = parsed_text(object, "room", NULL), *type = parsed_text(object, "type", NULL);
    char answered[EVENT_ID_TEXT];
    const char *name;
    size_t len;

    name = parsed_name(object, &len);
    html_raw(out, "<p class=\"by\"><b><bdi>");
    html_bytes(out, name, len);
    html_raw(out, "</bdi></b>");
    if (room != NULL && !plain)
        html_print(out, " <a class=\"room\" href=\"rooms/%s\">%s</a>", room, room);
    append_time(out, event->timestamp_ms);
    if (type != NULL && strcmp(type, "message") != 0 && strcmp(type, "edit") != 0)
        html_print(out, " <i>%s</i>", type);
    if (json_object_object_get_ex(object, "edited", NULL) ||
        (type != NULL && strcmp(type, "edit") == 0))
        html_raw(out, " <i>edited</i>");
    if (room != NULL && id_of(object, "replyTo", answered)[0] != '\0') {
        html_raw(out, " <a class=\"to\" href=\"");
        append_history(out, room, answered, plain);
        html_raw(out, "\">in reply</a>");
    }
    if (room != NULL && id[0] != '\0')
        html_print(out, " <a class=\"reply\" href=\"rooms/%s?%sreply=%s\">Reply</a>", room,
                   plain ? "as=plain&" : "", id);
    html_raw(out, plain ? "<br>\n" : "</p>");
}

/* Without a style sheet a paragraph costs two empty lines: there it is one with the head. */
static void append_content(struct buf *out, const char *content, size_t len, bool plain)
{
    html_raw(out, plain ? "<span" : "<p");
    html_raw(out, " class=\"text\" dir=\"auto\">");
    if (plain)
        html_lines(out, content, len);
    else
        html_bytes(out, content, len);
    html_raw(out, plain ? "</span></p>" : "</p>");
}

/* The rule by which one event takes the place of another, and of those that did so before. */
static void append_rule(struct buf *out, const char *target, const char *shown)
{
    buf_printf(out, MARKUP_STYLE "#m%s,.e%s{display:none}", target, target);
    if (shown != NULL)
        buf_printf(out, ".v%s{display:block}", shown);
    buf_str(out, "</style>");
}

static void append_deleted(struct buf *out, struct json_object *object, const char *target)
{
    const char *name;
    size_t len;

    name = parsed_name(object, &len);
    append_rule(out, target, NULL);
    html_raw(out, "<p class=\"note\"><bdi>");
    html_bytes(out, name, len);
    html_raw(out, "</bdi> deleted a message.</p>\n");
}

static void append_article(struct buf *out, const struct event *event, struct json_object *object,
                           const char *target, bool plain)
{
    size_t len = 0;
    const char *content = parsed_text(object, "content", &len);
    char id[EVENT_ID_TEXT] = "";

    if (event->durable)
        event_id_format(id, event->id);
    if (target[0] != '\0')
        append_rule(out, target, id);
    html_raw(out, "<article");
    if (id[0] != '\0')
        buf_printf(out, " id=\"m%s\"", id);
    if (target[0] != '\0')
        buf_printf(out, " class=\"e%s v%s\"", target, id);
    html_raw(out, ">");
    append_head(out, event, object, plain, target[0] != '\0' ? target : content != NULL ? id : "");
    if (content != NULL)
        append_content(out, content, len, plain);
    else
        html_raw(out, plain ? "<i>This message was deleted.</i></p>"
                            : "<p class=\"gone\">This message was deleted.</p>");
}

size_t markup_event(struct buf *out, const struct event *event)
{
    struct json_object *object = parsed_object(event->json, event->json_len);
    const char *type = object != NULL ? parsed_text(object, "type", NULL) : NULL;
    char target[EVENT_ID_TEXT] = "";
    size_t own = 0;

    if (type == NULL || is_silent(type))
        goto out;
    if (strcmp(type, "edit") == 0 || strcmp(type, "delete") == 0) {
        if (id_of(object, "target", target)[0] == '\0' || !event->durable)
            goto out;
        own = strlen(MARKUP_STYLE);
    }
    if (strcmp(type, "delete") == 0) {
        append_deleted(out, object, target);
    } else if (parsed_text(object, "content", NULL) != NULL) {
        append_article(out, event, object, target, false);
        html_raw(out, "</article>\n");
    } else {
        own = 0;
    }
out:
    json_object_put(object);
    return own;
}

/* What hangs on a message: how often each reaction, and how many replies. */
static void append_rest(struct buf *out, struct json_object *object, const char *id, bool plain)
{
    const char *room = parsed_text(object, "room", NULL);
    struct json_object *all = NULL, *replies = NULL;
    const char *before = "<p class=\"rest\">";

    if (json_object_object_get_ex(object, "reactions", &all) &&
        json_object_is_type(all, json_type_object)) {
        json_object_object_foreach(all, emoji, count)
        {
            html_raw(out, before);
            html_print(out, "%s&nbsp;%lld", emoji, (long long)json_object_get_int64(count));
            before = ", ";
        }
    }
    if (json_object_object_get_ex(object, "replies", &replies)) {
        long long number = (long long)json_object_get_int64(replies);

        html_raw(out, before);
        if (room != NULL)
            html_print(out, "<a href=\"rooms/%s/messages/%s/replies?as=%s\">", room, id,
                       plain ? "plain" : "html");
        html_print(out, "%lld %s", number, number == 1 ? "reply" : "replies");
        html_raw(out, room != NULL ? "</a>" : "");
        before = ", ";
    }
    if (before[0] == ',')
        html_raw(out, "</p>");
}

bool markup_message(struct buf *out, const struct event *event, bool plain)
{
    struct json_object *object = parsed_object(event->json, event->json_len);
    const char *type = object != NULL ? parsed_text(object, "type", NULL) : NULL;
    char id[EVENT_ID_TEXT];
    bool shown = type != NULL && !is_silent(type) && strcmp(type, "edit") != 0 &&
                 strcmp(type, "delete") != 0 &&
                 (parsed_text(object, "content", NULL) != NULL ||
                  parsed_text(object, "deleted", NULL) != NULL);

    if (shown) {
        append_article(out, event, object, "", plain);
        event_id_format(id, event->id);
        append_rest(out, object, id, plain);
        html_raw(out, "</article>\n");
    }
    json_object_put(object);
    return shown;
}

void markup_control(struct buf *out, const char *type, const char *members)
{
    struct buf json = BUF_INIT;
    struct json_object *object, *seconds = NULL;
    const char *room;

    buf_printf(&json, "{%s}", members != NULL ? members : "");
    object = parsed_object(json.data, json.len);
    buf_free(&json);
    if (object == NULL)
        return;
    room = parsed_text(object, "room", NULL);
    if (strcmp(type, "gap") == 0 && room != NULL)
        html_print(
            out,
            "<p class=\"note gap\">Here messages are missing: they are no longer kept, or did "
            "not come through. <a href=\"rooms/%s/messages?as=html\">History of %s</a></p>\n",
            room, room);
    else if (strcmp(type, "bye") == 0 && json_object_object_get_ex(object, "in", &seconds))
        html_print(out,
                   "<p class=\"note\">You are signed in for %lld s more. "
                   "<a href=\"rooms?as=html\">Sign in again</a></p>\n",
                   (long long)json_object_get_int64(seconds));
    json_object_put(object);
}
