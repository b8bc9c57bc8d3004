#include "hub/outgoing.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf.h"
#include "hub/connection.h"
#include "hub/document.h"
#include "hub/state.h"
#include "hub/who.h"

struct kept {
    char *headers; /* of the reply, until its head is sent */
    char *again;   /* html: see parking.h */
    char *before;  /* html: likewise, until the head is sent */
    char nonce[OUTGOING_NONCE];
    size_t types_count;
    char *types[PARKING_TYPES_MAX];
    char bytes[];
};

static char *keep_string(char **at, const char *s)
{
    char *start = *at;

    strcpy(start, s);
    *at += strlen(s) + 1;
    return start;
}

static struct kept *keep(const char *headers, const char *again, const char *before,
                         size_t types_count, char *const *types)
{
    size_t bytes = strlen(headers) + strlen(again) + strlen(before) + 3;
    struct kept *kept;
    char *at;

    if (headers[0] == '\0' && again[0] == '\0' && types_count == 0)
        return NULL;
    for (size_t i = 0; i < types_count; i++)
        bytes += strlen(types[i]) + 1;
    kept = mem_zero(sizeof(*kept) + bytes);
    at = kept->bytes;
    kept->headers = keep_string(&at, headers);
    kept->again = keep_string(&at, again);
    kept->before = keep_string(&at, before);
    kept->types_count = types_count;
    for (size_t i = 0; i < types_count; i++)
        kept->types[i] = keep_string(&at, types[i]);
    return kept;
}

struct kept *outgoing_keep(const struct parking *p)
{
    unsigned char random[(OUTGOING_NONCE - 1) / 2];
    struct kept *kept =
        keep(p->headers != NULL ? p->headers : "", p->again != NULL ? p->again : "",
             p->before != NULL ? p->before : "", p->types_count, (char *const *)p->types);

    if (kept != NULL && kept->again[0] != '\0') {
        randombytes_buf(random, sizeof(random));
        sodium_bin2hex(kept->nonce, sizeof(kept->nonce), random, sizeof(random));
    }
    return kept;
}

struct kept *outgoing_headed(struct kept *kept)
{
    struct kept *rest;

    if (kept == NULL || (kept->types_count > 0 && kept->again[0] == '\0'))
        return kept;
    rest = keep("", kept->again, "", kept->types_count, kept->types);
    if (rest != NULL)
        memcpy(rest->nonce, kept->nonce, sizeof(rest->nonce));
    free(kept);
    return rest;
}

const char *outgoing_again(const struct connection *c)
{
    return c->kept != NULL ? c->kept->again : "";
}

const char *outgoing_before(const struct connection *c)
{
    return c->kept != NULL ? c->kept->before : "";
}

const char *outgoing_nonce(const struct connection *c)
{
    return c->kept != NULL ? c->kept->nonce : "";
}

static const struct hub *hub_of(const struct connection *c)
{
    return c->poll.loop->data;
}

void outgoing_cursor(struct buf *out, const struct connection *c)
{
    for (unsigned i = 0; i < c->members_count; i++) {
        if (i > 0)
            buf_char(out, ',');
        cursor_append(out, c->many ? c->members[i].room->name : NULL, c->members[i].cursor);
    }
}

void outgoing_head(struct buf *out, const struct connection *c)
{
    buf_printf(out,
               "Status: 200 OK\r\nContent-Type: %s\r\nCache-Control: "
               "no-store\r\nX-Accel-Buffering: no\r\n",
               frame_content_types[c->form]);
    buf_str(out, c->kept != NULL ? c->kept->headers : "");
    if (c->form == FRAME_HTML) {
        document_head(out, c, hub_of(c)->conf->heartbeat_ms);
        return;
    }
    buf_str(out, "\r\n");
    if (c->form == FRAME_SSE)
        buf_printf(out, "retry: %lld\n\n", (long long)hub_of(c)->conf->retry_ms);
    /* Behind plain CGI, Apache's mod_deflate holds a body back until it has 50 bytes, even one that
     * it then does not compress: they shall not be the first messages. What is counted ends. */
    if (c->form == FRAME_TEXT && !c->fastcgi && !c->counted)
        buf_str(out, "# hello; lines like this one, with # in front, are no messages\n");
}

/* Appends a control event; takes its members from `line` and leaves that empty. */
static void append_control(struct buf *out, struct buf *line, const struct connection *c,
                           const char *type, bool with_cursor)
{
    struct buf cursor = BUF_INIT;

    if (with_cursor)
        outgoing_cursor(&cursor, c);
    if (c->form == FRAME_JSON) {
        buf_printf(out, "{\"type\":\"%s\",%s},", type, line->data);
    } else {
        frame_control(out, (enum frame_form)c->form, type, cursor.data, line->data);
    }
    buf_free(&cursor);
    buf_clear(line);
}

void outgoing_hello(struct buf *out, struct buf *line, const struct connection *c)
{
    if (c->form == FRAME_HTML)
        document_beat(out, c);
    if (c->form == FRAME_JSON || c->form == FRAME_HTML)
        return;
    buf_str(line, "\"rooms\":[");
    for (unsigned i = 0; i < c->members_count; i++) {
        const char *name = c->members[i].room->name;

        if (i > 0)
            buf_char(line, ',');
        buf_json(line, name, strlen(name));
    }
    buf_str(line, "],\"cursor\":\"");
    outgoing_cursor(line, c);
    buf_char(line, '"');
    append_control(out, line, c, "hello", true);
}

static bool is_for(const struct connection *c, const struct entry *entry)
{
    const struct event *event = &entry->event;
    size_t len = 0;
    const char *user = entry->audience == ENTRY_FOR_ONE
                           ? event_to(event->json, event->json_len, &len)
                           : event_but(event->json, event->json_len, &len);
    bool is_his =
        c->who != NULL && strlen(c->who->user) == len && memcmp(c->who->user, user, len) == 0;

    return is_his == (entry->audience == ENTRY_FOR_ONE);
}

bool outgoing_wants(const struct connection *c, const struct entry *entry)
{
    size_t len;
    const char *type;

    if (entry->audience != ENTRY_FOR_ALL && !is_for(c, entry))
        return false;
    if (c->kept == NULL || c->kept->types_count == 0)
        return true;
    type = event_type(entry->event.json, entry->event.json_len, &len);
    for (size_t i = 0; i < c->kept->types_count; i++)
        if (strlen(c->kept->types[i]) == len && memcmp(c->kept->types[i], type, len) == 0)
            return true;
    return false;
}

bool outgoing_event(struct buf *out, const struct connection *c, const struct member *member,
                    struct entry *entry)
{
    bool room_text = c->form == FRAME_TEXT && c->many;
    const struct frame *frame =
        entry_frame(entry, room_text ? ENTRY_TEXT_ROOM : c->form, member->room->name);
    size_t skip = 0;

    if (frame->len == 0)
        return false;
    if (c->many && entry->event.durable && (c->form == FRAME_SSE || c->form == FRAME_NDJSON)) {
        buf_str(out, c->form == FRAME_SSE ? "id: " : "{\"cursor\":\"");
        outgoing_cursor(out, c);
        buf_str(out, c->form == FRAME_SSE ? "\n" : "\",");
        skip = frame->own;
    } else if (c->text_cursor && c->form == FRAME_TEXT) {
        outgoing_cursor(out, c);
        buf_char(out, ' ');
    } else if (c->form == FRAME_HTML && frame->own > 0) {
        document_style(out, c);
        skip = frame->own;
    }
    buf_append(out, frame->bytes + skip, frame->len - skip);
    if (c->form == FRAME_JSON)
        buf_char(out, ',');
    return true;
}

void outgoing_gap(struct buf *out, struct buf *line, const struct connection *c,
                  struct member *member, struct event_id oldest, struct event_id to)
{
    char requested[EVENT_ID_TEXT], kept[EVENT_ID_TEXT];
    const char *room = member->room->name;

    event_id_format(requested, member->cursor);
    event_id_format(kept, oldest);
    member->cursor = to;
    buf_str(line, "\"room\":");
    buf_json(line, room, strlen(room));
    buf_printf(line, ",\"requested\":\"%s\",\"oldest\":\"%s\"", requested, kept);
    append_control(out, line, c, "gap", true);
}

void outgoing_over(struct buf *out, const struct connection *c, bool by_age)
{
    if (c->form == FRAME_HTML)
        document_end(out, c, by_age ? "age" : "done");
    else if (by_age)
        outgoing_retry(out, c, 0, 2000);
}

void outgoing_written(struct buf *out, const struct connection *c)
{
    if (c->form == FRAME_HTML && out->len > 0)
        document_beat(out, c);
}

void outgoing_retry(struct buf *out, const struct connection *c, int64_t least_ms, int64_t most_ms)
{
    if (c->form == FRAME_SSE)
        buf_printf(out, "retry: %lld\n\n",
                   (long long)(least_ms + randombytes_uniform((uint32_t)(most_ms - least_ms + 1))));
}

void outgoing_heartbeat(struct buf *out, const struct connection *c)
{
    if (c->form == FRAME_HTML)
        document_beat(out, c);
    else
        frame_heartbeat(out, (enum frame_form)c->form);
    if (c->form != FRAME_SSE || c->state != CONNECTION_OPEN || c->kept == NULL)
        return;
    /* Without data it is no event, but the id counts (WHATWG HTML, 9.2.6). */
    buf_str(out, "id: ");
    outgoing_cursor(out, c);
    buf_str(out, "\n\n");
}

void outgoing_bye(struct buf *out, struct buf *line, const struct connection *c, const char *reason)
{
    if (c->form == FRAME_HTML) {
        document_end(out, c, reason);
        return;
    }
    buf_str(line, "\"reason\":");
    buf_json(line, reason, strlen(reason));
    append_control(out, line, c, "bye", false);
    outgoing_retry(out, c, 100, hub_of(c)->conf->retry_ms + 100);
}

void outgoing_expires(struct buf *out, struct buf *line, const struct connection *c, int64_t in_s)
{
    buf_printf(line, "\"reason\":\"expired\",\"in\":%lld", (long long)in_s);
    append_control(out, line, c, "bye", false);
}

const char *const outgoing_answer_names[] = {
    [OUTGOING_EVENTS] = "events",      [OUTGOING_TIMEOUT] = "wait",
    [OUTGOING_NO_REDIS] = "no_redis",  [OUTGOING_FULL] = "full",
    [OUTGOING_RESTARTING] = "restart", [OUTGOING_REVOKED] = "revoked",
    [OUTGOING_BANNED] = "banned",      [OUTGOING_HIDDEN] = "hidden",
};

static void append_answer_head(struct buf *out, const struct connection *c, const char *status,
                               const char *type)
{
    buf_printf(out, "Status: %s\r\nCache-Control: no-cache\r\n%s", status,
               c->kept != NULL ? c->kept->headers : "");
    if (type != NULL)
        buf_printf(out, "Content-Type: %s\r\n", type);
}

/* As http/problem would say it; the hub has no request to make one of. */
static void append_refusal(struct buf *out, struct buf *line, const struct connection *c,
                           enum outgoing_answer kind)
{
    static const struct {
        const char *status, *code, *detail, *more;
    } words[] = {
        [OUTGOING_NO_REDIS] = {"503 Service Unavailable", "redis_unavailable",
                               "Redis does not answer for this room; try again later.",
                               "Retry-After: 1\r\n"},
        [OUTGOING_FULL] = {"503 Service Unavailable", "streams_full",
                           "This server holds as much as it may; try again later.",
                           "Retry-After: 1\r\n"},
        [OUTGOING_RESTARTING] = {"503 Service Unavailable", "restarting",
                                 "This server restarts; try again later.", "Retry-After: 1\r\n"},
        [OUTGOING_REVOKED] = {"401 Unauthorized", "token_revoked",
                              "the token was revoked; sign in again",
                              "WWW-Authenticate: Bearer realm=\"earshot\", "
                              "error=\"invalid_token\"\r\n"},
        [OUTGOING_BANNED] = {"403 Forbidden", "banned", "you are banned from this room", ""},
        [OUTGOING_HIDDEN] = {"404 Not Found", "room_missing", "there is no such room", ""},
    };
    const char *status = words[kind].status;

    if (c->form == FRAME_HTML) {
        append_answer_head(out, c, status, frame_content_types[FRAME_HTML]);
        document_refusal(line, words[kind].detail, words[kind].status[0] == '5');
        buf_printf(out, "%s" DOCUMENT_POLICY "Content-Length: %zu\r\n\r\n%s", words[kind].more,
                   line->len, line->data);
        buf_clear(line);
        return;
    }
    buf_printf(line,
               "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%.3s,"
               "\"code\":\"%s\",\"detail\":\"%s\"}\n",
               status + 4, status, words[kind].code, words[kind].detail);
    append_answer_head(out, c, status, "application/problem+json");
    buf_printf(out, "%sContent-Length: %zu\r\n\r\n%s", words[kind].more, line->len, line->data);
    buf_clear(line);
}

void outgoing_answer(struct buf *out, struct buf *line, const struct connection *c,
                     enum outgoing_answer kind)
{
    struct buf cursor = BUF_INIT;

    if (kind != OUTGOING_EVENTS && kind != OUTGOING_TIMEOUT) {
        buf_clear(out);
        if (kind == OUTGOING_BANNED && c->form == FRAME_SSE) {
            append_answer_head(out, c, "204 No Content", NULL);
            buf_str(out, "\r\n");
        } else {
            append_refusal(out, line, c, kind);
        }
        return;
    }
    outgoing_cursor(&cursor, c);
    buf_str(line, "{\"events\":[");
    if (out->len > 0)
        buf_append(line, out->data, out->len - 1);
    buf_printf(line, "],\"cursor\":\"%s\"}\n", cursor.data);
    buf_clear(out);
    if (kind == OUTGOING_TIMEOUT && c->if_none_match) {
        append_answer_head(out, c, "304 Not Modified", NULL);
        buf_printf(out, "ETag: \"%s\"\r\n\r\n", cursor.data);
    } else {
        append_answer_head(out, c, "200 OK", frame_content_types[FRAME_JSON]);
        buf_printf(out, "ETag: \"%s\"\r\nContent-Length: %zu\r\n\r\n", cursor.data, line->len);
        buf_append(out, line->data, line->len);
    }
    buf_clear(line);
    buf_free(&cursor);
}
