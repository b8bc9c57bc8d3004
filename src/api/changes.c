#include "api/changes.h"

#include <string.h>

#include "api/audit.h"
#include "api/draft.h"
#include "base/utf8.h"

#define EMOJI_BYTES_MAX 64

/* The version that If-Match names, "" for any. Returns 0, or -1 with the reply 400. */
static int read_version(struct api *api, const char **version)
{
    const char *tag = api->request->if_match;
    size_t len;

    *version = "";
    if (tag == NULL || strcmp(tag, "*") == 0)
        return 0;
    if (strncmp(tag, "W/", 2) == 0) /* nginx does so when it compresses */
        tag += 2;
    len = strlen(tag);
    if (len < 3 || tag[0] != '"' || tag[len - 1] != '"' || strchr(tag + 1, '"') != tag + len - 1) {
        api_fail(api, 400, "if_match_invalid", "If-Match must be one ETag of this message, or *");
        return -1;
    }
    *version = arena_strndup(api->arena, tag + 1, len - 2);
    return 0;
}

/* Does it, and answers with the message as it is then. */
static void apply(struct api *api, struct change *change)
{
    const struct journal_limits limits = api_limits(api);
    const struct caller caller = api_caller(api, api->room);
    struct refusal refusal = {{0}, 0};
    enum store_status status = journal_change(api->store, api->arena, api->request->namespace,
                                              api->room, &caller, &limits, change, &refusal);
    struct buf *body;

    if (api_store_failed(api, status, &refusal))
        return;
    body = api_json(api, 200);
    event_json(body, &change->now);
    buf_char(body, '\n');
    api_etag_of(api, change->now_version);
}

static const char *target(struct api *api, const struct event_id *id, const char *more)
{
    char text[EVENT_ID_TEXT];

    event_id_format(text, *id);
    return arena_printf(api->arena, ",\"target\":\"%s\"%s", text, more);
}

/* The members that an edit puts in place of the message's own. */
static const char *new_members(struct api *api, const struct draft *draft)
{
    struct buf members = BUF_INIT;

    buf_str(&members, "\"content\":");
    buf_json(&members, draft->content, draft->content_len);
    if (draft->metadata != NULL)
        buf_printf(&members, ",\"metadata\":%s", draft->metadata);
    return arena_keep(api->arena, &members);
}

/* PUT rooms/{r}/messages/{id} - new content, and metadata, in place of the old; by its author.
 * Body as a send's: content and metadata. If-Match: the ETag that it must have. 200 the message, as
 * it is then, ETag. 400, 401, 403 not the author, 404, 409 deleted, 412, 413, 415, 429, 503, 507.
 */
void changes_edit(struct api *api)
{
    struct change change = {.what = "edit", .audit = ""};
    struct problem problem;
    enum draft_form form;
    struct draft draft;

    if (api_message_id(api, api->params[1], &change.id) < 0 ||
        read_version(api, &change.version) < 0)
        return;
    if (draft_form(&form, api->request, &problem) < 0 ||
        draft_read(&draft, api, form == DRAFT_LINES ? DRAFT_JSON : form, api->request->body,
                   api->request->body_len, &problem) < 0) {
        reply_problem(api->reply, &problem, api->request->id);
        return;
    }
    change.value = new_members(api, &draft);
    /* The target goes first: what is sent may have a member of this name too. */
    change.json =
        api_event(api, "edit", NULL,
                  arena_printf(api->arena, "%s,%s", target(api, &change.id, ""), change.value));
    apply(api, &change);
}

/* DELETE rooms/{r}/messages/{id} - takes back what it says; by its author or a moderator. What it
 * was, by whom and the replies to it stay. If-Match as above. 200 the message, as it is then; again
 * for one that is deleted already. 400, 401, 403, 404, 412, 429, 503, 507. */
void changes_delete(struct api *api)
{
    struct change change = {.what = "delete", .value = ""};

    if (api_message_id(api, api->params[1], &change.id) < 0 ||
        read_version(api, &change.version) < 0)
        return;
    change.json = api_event(api, "delete", NULL, target(api, &change.id, ""));
    change.audit = audit_event(api, "delete", api->room, NULL, api->params[1]);
    apply(api, &change);
}

/* Is it text without control characters or white space? Which code points are emojis changes every
 * year, and a "+1" is welcome too. */
static int read_emoji(struct api *api, const char **emoji)
{
    const char *text = api->params[2];
    size_t len = strlen(text);
    bool good = len > 0 && len <= EMOJI_BYTES_MAX && utf8_valid(text, len);

    for (size_t i = 0; good && i < len; i++)
        good = (unsigned char)text[i] > 0x20 && text[i] != 0x7f;
    if (!good) {
        api_fail(api, 400, "emoji_invalid", "a reaction is 1 to %d bytes of text without spaces",
                 EMOJI_BYTES_MAX);
        return -1;
    }
    *emoji = text;
    return 0;
}

static void react(struct api *api, const char *what, const char *action)
{
    struct change change = {.what = what, .version = "", .audit = ""};

    if (api_message_id(api, api->params[1], &change.id) < 0 || read_emoji(api, &change.value) < 0)
        return;
    if (api_demand_user(api, "to react you need a token: a reaction is somebody's") < 0)
        return;
    change.json =
        api_event(api, "reaction", change.value,
                  target(api, &change.id, arena_printf(api->arena, ",\"action\":\"%s\"", action)));
    apply(api, &change);
}

/* PUT rooms/{r}/messages/{id}/reactions/{emoji} - the caller's reaction, once however often.
 * 200 the message with its reactions. 400, 401, 403, 404, 409 deleted, or too many, 429, 503, 507.
 */
void changes_react(struct api *api)
{
    react(api, "react", "add");
}

/* DELETE rooms/{r}/messages/{id}/reactions/{emoji} - no longer. As above. */
void changes_unreact(struct api *api)
{
    react(api, "unreact", "remove");
}
