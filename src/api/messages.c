#include "api/messages.h"

#include <sodium.h>
#include <string.h>

#include "api/draft.h"
#include "api/mention.h"
#include "api/page.h"
#include "event/event.h"

#define KEY_CHARS_MAX 200
#define HASH_BYTES 32

/* What is to be stored, and what became of it: a whole body, or a line of a batch. */
struct item {
    size_t line; /* of the batch; 0 = the whole body */
    struct problem problem;
    struct draft draft;
    struct send *send; /* NULL where there is a problem */
};

/* Reads Idempotency-Key: visible ASCII, 1 to 200 of it, bare or in the quotes of the draft RFC (a
 * structured field string). *key is NULL when there is none. Returns 0, or -1 with the reply 400.
 */
static int read_key(struct api *api, const char **key)
{
    const char *s = api->request->idempotency_key;
    size_t len = s != NULL ? strlen(s) : 0;

    *key = NULL;
    if (s == NULL)
        return 0; /* of a page's form see page_key() */
    if (len >= 2 && s[0] == '"' && s[len - 1] == '"') {
        s++;
        len -= 2;
    }
    for (size_t i = 0; i < len; i++)
        if (s[i] <= 0x20 || s[i] >= 0x7f)
            len = 0;
    if (len == 0 || len > KEY_CHARS_MAX) {
        api_fail(api, 400, "idempotency_key_invalid",
                 "Idempotency-Key must be 1 to 200 visible ASCII characters");
        return -1;
    }
    *key = arena_strndup(api->arena, s, len);
    return 0;
}

static const char *hash(struct arena *arena, const char *const *parts, const size_t *lens,
                        size_t count)
{
    unsigned char bytes[HASH_BYTES];
    char *text = arena_alloc(arena, HASH_BYTES * 2 + 1);
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, sizeof(bytes));
    for (size_t i = 0; i < count; i++) {
        /* The zero byte keeps ("ab", "c") and ("a", "bc") apart. */
        crypto_generichash_update(&state, (const unsigned char *)parts[i], lens[i]);
        crypto_generichash_update(&state, (const unsigned char *)"", 1);
    }
    crypto_generichash_final(&state, bytes, sizeof(bytes));
    return sodium_bin2hex(text, HASH_BYTES * 2 + 1, bytes, sizeof(bytes));
}

static const char *hash_text(struct arena *arena, const char *text)
{
    size_t len = strlen(text);

    return hash(arena, &text, &len, 1);
}

/* The key as the journal takes it. A key is its sender's own: nobody finds out, or blocks, what
 * others sent. Hashed, since user and key together may be longer than the journal allows; who is
 * anonymous counts by address. */
static const char *scope_key(struct api *api, const char *key, size_t line)
{
    const char *user = api->identity->user_id;

    if (key == NULL)
        return NULL;
    if (line != 0)
        key = arena_printf(api->arena, "%s/%zu", key, line);
    if (user == NULL)
        key = arena_printf(api->arena, "%s/%s", api->address, key);
    return arena_printf(api->arena, "%s/%s", user != NULL ? user : "-", hash_text(api->arena, key));
}

static const char *body_hash(struct api *api, const char *data, size_t len)
{
    const char *type = api->request->media_type != NULL ? api->request->media_type : "";
    const char *parts[] = {api->room, type, data};
    const size_t lens[] = {strlen(api->room), strlen(type), len};

    return hash(api->arena, parts, lens, 3);
}

/* Makes the item's message an event ready to be stored. */
static void prepare(struct api *api, struct item *item, const char *key, const char *data,
                    size_t len)
{
    struct event_draft event = {
        .type = item->draft.type,
        .room = api->room,
        .user_id = api->identity->user_id,
        .name = api->identity->name,
        .content = item->draft.content,
        .content_len = item->draft.content_len,
        .metadata = item->draft.metadata,
        .reply_to = item->draft.reply_to,
        .client_id = item->draft.client_id,
    };
    struct send *send = item->send;
    const char *json = api_write_event(api, &event);

    *send = (struct send){
        .room = api->room,
        .json = json,
        .json_len = strlen(json),
        .ephemeral = item->draft.ephemeral,
        .idempotency_key = scope_key(api, key, item->line),
        .reply_to = item->draft.reply_to,
    };
    send->mentions_count =
        mention_find(send->mentions, api->arena, item->draft.content, item->draft.content_len);
    if (key != NULL)
        send->body_hash = body_hash(api, data, len);
}

/* Appends the stored event, with how many listen. */
static void append_event(struct buf *out, const struct send *send)
{
    struct event event = {
        .durable = !send->ephemeral,
        .id = send->id,
        .timestamp_ms = send->timestamp_ms,
        .json = send->json,
        .json_len = send->json_len,
    };

    event_json(out, &event);
    out->len--; /* the closing brace */
    buf_printf(out, ",\"listeners\":%lld}", (long long)send->listeners);
}

static void store(struct api *api, struct send *sends, size_t count)
{
    const struct journal_limits limits = api_limits(api);
    const struct caller caller = api_caller(api, api->room);

    journal_send(api->store, api->request->namespace, &caller, &limits, sends, count);
    for (size_t i = 0; i < count; i++)
        api->messages += sends[i].status == STORE_OK && !sends[i].replayed;
}

/* RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers): what is left, and how many
 * seconds until all is. */
static void tell_limit(struct api *api, const struct send *send)
{
    const struct journal_limits limits = api_limits(api);
    bool refused = send->status == STORE_REFUSED && strcmp(send->refusal.code, "limited") == 0;

    if (limits.every_ms == 0 || (!refused && (send->status != STORE_OK || send->left < 0)))
        return;
    reply_header(api->reply, "RateLimit-Policy",
                 arena_printf(api->arena, "\"send\";q=%lld;w=%lld", (long long)limits.burst,
                              (long long)(limits.every_ms * limits.burst / 1000)));
    reply_header(
        api->reply, "RateLimit",
        arena_printf(api->arena, "\"send\";r=%lld;t=%lld", refused ? 0LL : (long long)send->left,
                     (long long)((refused ? send->refusal.number : send->back_ms) + 999) / 1000));
}

static void reply_one(struct api *api, const struct send *send)
{
    char id[EVENT_ID_TEXT];

    api_json(api, 201);
    api->returns = true;
    if (!send->ephemeral && !page_form(api->request)) {
        event_id_format(id, send->id);
        /* Relative to the request's own address, rooms/{r}/messages or users/{u}/messages. */
        reply_header(api->reply, "Location",
                     arena_printf(api->arena, "../../rooms/%s/messages/%s", api->room, id));
    }
    if (send->replayed)
        reply_header(api->reply, "Idempotency-Replayed", "true");
    append_event(&api->reply->body, send);
    buf_char(&api->reply->body, '\n');
}

/* A page's form has a number of its own, once, so that to press its button twice is to send once.
 * With another text, after going back, it is another message. */
static const char *page_key(struct api *api)
{
    const struct request *request = api->request;
    const char *parts[] = {request->body};

    if (!page_form(request) || !form_names(request->body, request->body_len, "once"))
        return NULL;
    return hash(api->arena, parts, &request->body_len, 1);
}

static void send_one(struct api *api, enum draft_form form, const char *key)
{
    const struct request *request = api->request;
    struct send send;
    struct item item = {.send = &send};

    if (draft_read(&item.draft, api, form, request->body, request->body_len, &item.problem) < 0) {
        reply_problem(api->reply, &item.problem, request->id);
        return;
    }
    prepare(api, &item, key, request->body, request->body_len);
    store(api, &send, 1);
    if (!api_store_failed(api, send.status, &send.refusal))
        reply_one(api, &send);
    tell_limit(api, &send);
}

/* The next line that is not blank, without its end; NULL behind the last one. */
static const char *next_line(const char **at, const char *end, size_t *line, size_t *len)
{
    while (*at < end) {
        const char *start = *at, *feed = memchr(start, '\n', (size_t)(end - start));

        *at = feed != NULL ? feed + 1 : end;
        *len = (size_t)((feed != NULL ? feed : end) - start);
        (*line)++;
        if (*len > 0 && start[*len - 1] == '\r')
            (*len)--;
        for (size_t i = 0; i < *len; i++)
            if (start[i] != ' ' && start[i] != '\t')
                return start;
    }
    return NULL;
}

static size_t count_lines(const struct request *request)
{
    const char *at = request->body;
    size_t count = 0, line = 0, len;

    while (next_line(&at, request->body + request->body_len, &line, &len) != NULL)
        count++;
    return count;
}

/* Reads all lines into items[]; returns how many are fit to be stored, in sends[]. */
static size_t read_batch(struct api *api, const char *key, struct item *items, struct send *sends)
{
    const char *at = api->request->body, *end = at + api->request->body_len, *text;
    size_t line = 0, len, ready = 0;

    while ((text = next_line(&at, end, &line, &len)) != NULL) {
        items->line = line;
        if (draft_read(&items->draft, api, DRAFT_LINES, text, len, &items->problem) == 0) {
            items->send = &sends[ready++];
            prepare(api, items, key, text, len);
        }
        items++;
    }
    return ready;
}

/* One result a line, in the order of the batch. 201 when all were stored, 207 when some, else the
 * first failure's status. */
static void reply_batch(struct api *api, struct item *items, size_t count)
{
    size_t stored = 0;
    int64_t limited_ms = 0;
    int failure = 0;

    for (struct item *item = items; item < items + count; item++) {
        if (item->send != NULL)
            item->problem = api_store_problem(api, item->send->status, &item->send->refusal);
        if (item->problem.status == 0) {
            append_event(&api->reply->body, item->send);
            stored++;
        } else {
            if (item->problem.status == 429)
                limited_ms = item->send->refusal.number;
            problem_write(&api->reply->body, &item->problem, api->request->id, item->line);
            failure = failure != 0 ? failure : item->problem.status;
        }
        buf_char(&api->reply->body, '\n');
    }
    api->reply->content_type = "application/x-ndjson";
    api->reply->status = stored == count ? 201 : stored > 0 ? 207 : failure;
    api_retry_after(api, limited_ms);
    if (count > 0 && items[count - 1].send != NULL)
        tell_limit(api, items[count - 1].send);
}

static void send_batch(struct api *api, const char *key)
{
    size_t count = count_lines(api->request), ready;
    struct item *items;
    struct send *sends;

    if (count == 0) {
        api_fail(api, 400, "batch_empty", "the batch has no line");
        return;
    }
    if (count > (size_t)api->conf->batch_max) {
        api_fail(api, 413, "batch_too_long", "a batch may have %d lines", api->conf->batch_max);
        return;
    }
    items = arena_alloc(api->arena, count * sizeof(items[0]));
    sends = arena_alloc(api->arena, count * sizeof(sends[0]));
    ready = read_batch(api, key, items, sends);
    if (ready > 0)
        store(api, sends, ready);
    reply_batch(api, items, count);
}

/* POST rooms/{r}/messages - stores a message, or a batch of them.
 * Body: text/plain or no type, the content itself; a form with content= (type, metadata, replyTo,
 * clientId, ephemeral), or any other form's body as the content; application/json with the same
 * members; newline-delimited JSON, a batch. Header Idempotency-Key: a second send of the same key
 * and body stores nothing. 201 the event with `listeners`, Location (relative),
 * Idempotency-Replayed: true for a repetition. 201, 207 for a batch: a line for each of its lines,
 * the event or a problem with `line`. 400 malformed or empty, 401, 403, 413, 415, 422 the key was
 * used with another body, or replyTo leads nowhere, 429 with Retry-After, 503, 507. */
void messages_post(struct api *api)
{
    enum draft_form form;
    struct problem problem;
    const char *key;

    if (draft_form(&form, api->request, &problem) < 0) {
        reply_problem(api->reply, &problem, api->request->id);
        return;
    }
    if (read_key(api, &key) < 0)
        return;
    if (form == DRAFT_LINES)
        send_batch(api, key);
    else
        send_one(api, form, key != NULL ? key : page_key(api));
}

/* POST users/{u}/messages - the same, to one person: POST rooms/@me,u/messages. */
void messages_post_user(struct api *api)
{
    const char *name = arena_printf(api->arena, "@me,%s", api->params[0]);

    if (api_resolve(api, api->room, name) == 0 && api_demand(api, api->room, RIGHT_WRITE) == 0)
        messages_post(api);
}
