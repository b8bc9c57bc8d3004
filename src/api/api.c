#include "api/api.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "base/clock.h"

#define ETAG_BYTES 16

void api_fail(struct api *api, int status, const char *code, const char *format, ...)
{
    struct problem problem = {status, code, NULL};
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem.detail = text;
    reply_problem(api->reply, &problem, api->request->id);
}

/* What the scripts refuse by; %s is until when, or for how long. */
static const struct {
    const char *word;
    int status;
    const char *code;
    const char *detail;
} refusals[] = {
    {"revoked", 401, "token_revoked", "the token was revoked; sign in again"},
    {"banned", 403, "banned", "you are banned from this room%s"},
    {"muted", 403, "muted", "you may read here, but not write%s"},
    {"hidden", 404, "room_missing", "there is no such room"},
    {"forbidden", 403, "right_missing", "that is for the room's moderators, or those above them"},
    {"moderated", 403, "room_moderated", "in this room only members may write"},
    {"author", 403, "not_the_author", "that is for who wrote it"},
    {"limited", 429, "rate_limited", "that is too much at once; try again%s"},
    {"conflict", 422, "idempotency_conflict",
     "this Idempotency-Key was used before with another body"},
    {"reply", 422, "reply_to_missing", "the room keeps no message of the id in replyTo"},
    {"missing", 404, "message_missing", "the room keeps no message of this id"},
    {"deleted", 409, "message_deleted", "the message was deleted"},
    {"changed", 412, "message_changed",
     "the message is not the one that If-Match names: it was changed since"},
    {"full", 409, "reactions_full", "the message has as many reactions as it may have"},
    {"name_taken", 409, "name_taken", "somebody here has this name already"},
    {"user_taken", 409, "user_taken", "there is an account of this user id already"},
    {"user_missing", 404, "user_missing", "there is no account of this user id"},
    {"wrong", 401, "login_failed", "there is no such account, or the password is another one"},
    {"banned_there", 409, "user_banned", "this user is banned from the room: lift the ban first"},
    {"nobody", 404, "nobody_there", "no stream of this user is open"},
};

/* " until 2026-11-24T20:00:00.000Z", or nothing for ever; " in 3 s" for a limit. */
static const char *describe(struct api *api, const struct refusal *refusal)
{
    char stamp[CLOCK_TEXT];

    if (strcmp(refusal->code, "limited") == 0)
        return arena_printf(api->arena, " in %lld s", (long long)(refusal->number + 999) / 1000);
    if (refusal->number == 0)
        return "";
    clock_format(stamp, refusal->number);
    return arena_printf(api->arena, " until %s", stamp);
}

static struct problem refusal_problem(struct api *api, const struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const char *detail = refusals[i].detail, *gap;

        if (strcmp(refusals[i].word, refusal->code) != 0)
            continue;
        api->limited += refusals[i].status == 429;
        gap = strstr(detail, "%s");
        if (gap != NULL)
            detail = arena_printf(api->arena, "%.*s%s%s", (int)(gap - detail), detail,
                                  describe(api, refusal), gap + 2);
        return (struct problem){refusals[i].status, refusals[i].code, detail};
    }
    return (struct problem){500, "refusal_unknown",
                            "a script of this server refuses by a word "
                            "that the server does not know"};
}

struct problem api_store_problem(struct api *api, enum store_status status,
                                 const struct refusal *refusal)
{
    switch (status) {
    case STORE_OK:
        return (struct problem){0, NULL, NULL};
    case STORE_REFUSED:
        return refusal_problem(api, refusal);
    case STORE_FULL:
        return (struct problem){
            507, "redis_full",
            "Redis has no memory or disk left; nothing was stored. Reading goes on"};
    default:
        return (struct problem){503, "redis_unavailable",
                                "Redis does not answer; try again soon. A send that has an "
                                "Idempotency-Key may safely be tried again with the same key"};
    }
}

/* Memory and disk seldom come back within a second: somebody must see to it. */
void api_retry_after(struct api *api, int64_t limited_ms)
{
    if (api->reply->status == 503)
        reply_header(api->reply, "Retry-After", "1");
    else if (api->reply->status == 507)
        reply_header(api->reply, "Retry-After", "5");
    else if (limited_ms > 0)
        reply_header(api->reply, "Retry-After",
                     arena_printf(api->arena, "%lld", (long long)(limited_ms + 999) / 1000));
}

bool api_store_failed(struct api *api, enum store_status status, const struct refusal *refusal)
{
    struct problem problem;

    if (status == STORE_OK)
        return false;
    problem = api_store_problem(api, status, refusal);
    reply_problem(api->reply, &problem, api->request->id);
    if (problem.status == 401)
        api_challenge(api, problem.detail);
    api_retry_after(api, problem.status == 429 ? refusal->number : 0);
    return true;
}

void api_challenge(struct api *api, const char *reason)
{
    const char *value = "Bearer realm=\"earshot\"";

    if (reason != NULL)
        value = arena_printf(api->arena, "%s, error=\"invalid_token\", error_description=\"%s\"",
                             value, reason);
    reply_header(api->reply, "WWW-Authenticate", value);
}

struct caller api_caller(const struct api *api, const char *room)
{
    const struct identity *who = api->identity;
    struct caller caller = {
        .user_id = who->user_id, .token_id = who->token_id, .issued_s = who->issued_s};
    size_t len = 0;

    if (policy_allows(who, room, RIGHT_READ))
        caller.rights[len++] = 'r';
    if (policy_allows(who, room, RIGHT_WRITE))
        caller.rights[len++] = 'w';
    if (policy_allows(who, room, RIGHT_MODERATE))
        caller.rights[len++] = 'm';
    if (who->admin)
        caller.rights[len++] = 'a';
    return caller;
}

int api_call(struct api *api, const char *room, enum script script, int argc, const char **argv,
             redisReply **reply)
{
    struct caller caller = api_caller(api, room);
    struct refusal refusal = {{0}, 0};
    enum store_status status = call_run(api->store, api->request->namespace, room, &caller, script,
                                        argc, argv, reply, &refusal);

    return api_store_failed(api, status, &refusal) ? -1 : 0;
}

int api_demand_unrevoked(struct api *api)
{
    redisReply *reply = NULL;

    if (api->identity->user_id == NULL)
        return 0;
    if (api_call(api, AUDIT_ROOM, SCRIPT_REVOKE, 1, (const char *[]){"check"}, &reply) < 0)
        return -1;
    store_free(&reply, 1);
    return 0;
}

int64_t api_every_ms(const struct conf_rate *rate)
{
    return rate->count > 0 ? (rate->per_ms + rate->count - 1) / rate->count : 0;
}

struct journal_limits api_limits(const struct api *api)
{
    const struct conf *conf = api->conf;
    bool guest = api->identity->user_id == NULL || api->identity->guest;
    const struct conf_rate *rate = guest ? &conf->rate_guest : &conf->rate_send;

    return (struct journal_limits){
        .history_max = conf->history_max,
        .history_age_ms = conf->history_age_ms,
        .idempotency_ttl_ms = conf->idempotency_ttl_ms,
        .address = guest ? api->address_group : NULL,
        .every_ms = api_every_ms(rate),
        .burst = rate->count,
    };
}

const char *api_write_event(struct api *api, const struct event_draft *draft)
{
    struct buf json = BUF_INIT;

    event_write(&json, draft);
    return arena_keep(api->arena, &json);
}

const char *api_event(struct api *api, const char *type, const char *content, const char *more)
{
    return api_write_event(
        api, &(struct event_draft){.type = type,
                                   .room = api->room,
                                   .user_id = api->identity->user_id,
                                   .name = api->identity->name,
                                   .content = content,
                                   .content_len = content != NULL ? strlen(content) : 0,
                                   .more = more});
}

struct buf *api_json(struct api *api, int status)
{
    api->reply->status = status;
    api->reply->content_type = "application/json";
    return &api->reply->body;
}

int api_user_id(struct api *api, const char *text)
{
    if (name_user_valid(text))
        return 0;
    api_fail(api, 400, "user_id_invalid", "a user id is [A-Za-z0-9._-]{1,64}");
    return -1;
}

int api_message_id(struct api *api, const char *text, struct event_id *id)
{
    if (event_id_parse(id, text, strlen(text)) == 0)
        return 0;
    api_fail(api, 400, "message_id_invalid",
             "a message's id is two decimal numbers, such as 1700000000000-0");
    return -1;
}

int api_demand_user(struct api *api, const char *why)
{
    if (api->identity->user_id != NULL)
        return 0;
    api_fail(api, 401, "token_missing", "%s", why);
    api_challenge(api, NULL);
    return -1;
}

int api_resolve(struct api *api, char out[NAME_ROOM_MAX + 1], const char *name)
{
    if (name_room_resolve(out, name, api->identity->user_id) == 0)
        return 0;
    if (name_room_valid(name) &&
        api_demand_user(api, "@me is the inbox of who is signed in: send a token") < 0)
        return -1;
    api_fail(
        api, 400, "room_name_invalid",
        "a room's name is [A-Za-z0-9][A-Za-z0-9._-]{0,63}, or @user[,user...] with up to seven "
        "users of [A-Za-z0-9._-]{1,64}");
    return -1;
}

int api_demand(struct api *api, const char *room, enum right right)
{
    const char *verb = right == RIGHT_READ    ? "read"
                       : right == RIGHT_WRITE ? "write in"
                                              : "moderate";

    if (policy_allows(api->identity, room, right))
        return 0;
    if (api_demand_user(api, arena_printf(api->arena, "to %s %s you need a token", verb, room)) ==
        0)
        api_fail(api, 403, "right_missing", "%s may not %s %s", api->identity->user_id, verb, room);
    return -1;
}

int api_demand_admin(struct api *api)
{
    if (api->identity->admin)
        return 0;
    if (api_demand_user(api, "that is for admins: send a token with the role admin") == 0)
        api_fail(api, 403, "right_missing", "that is for admins");
    return -1;
}

int api_query(struct api *api, const char *name, const char **value)
{
    *value = request_query(api->request, name);
    if (request_query_all(api->request, name, NULL, 0) <= 1)
        return 0;
    api_fail(api, 400, "parameter_duplicate", "%s= may be given once", name);
    return -1;
}

int api_query_number(struct api *api, const char *name, int64_t least, int64_t most, int64_t *value)
{
    const char *text;
    int64_t number = 0;
    size_t len;

    if (api_query(api, name, &text) < 0)
        return -1;
    if (text == NULL)
        return 0;
    len = strlen(text);
    for (size_t i = 0; i < len && len <= 18; i++)
        number = number * 10 + (text[i] - '0');
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len || number < least ||
        number > most) {
        api_fail(api, 400, "parameter_invalid", "%s= must be a whole number from %lld to %lld",
                 name, (long long)least, (long long)most);
        return -1;
    }
    *value = number;
    return 0;
}

/* Is the tag in the list? Weak comparison, as RFC 9110, 13.1.2 wants it. */
static bool matches(const char *list, const char *tag)
{
    size_t tag_len = strlen(tag);

    for (const char *s = list; s != NULL && *s != '\0'; s += strcspn(s, ",")) {
        size_t len;

        s += strspn(s, ", \t");
        if (strncmp(s, "W/", 2) == 0)
            s += 2;
        len = strcspn(s, ", \t");
        if ((len == 1 && *s == '*') || (len == tag_len && memcmp(s, tag, len) == 0))
            return true;
    }
    return false;
}

void api_etag_of(struct api *api, const char *tag)
{
    tag = arena_printf(api->arena, "\"%s\"", tag);
    reply_header(api->reply, "ETag", tag);
    api->reply->cache_control = "private, no-cache";
    if (!request_unsafe(api->request) && matches(api->request->if_none_match, tag))
        api->reply->status = 304;
}

void api_etag(struct api *api)
{
    unsigned char hash[ETAG_BYTES];
    char text[ETAG_BYTES * 2 + 1];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)api->reply->body.data,
                       api->reply->body.len, NULL, 0);
    api_etag_of(api, sodium_bin2hex(text, sizeof(text), hash, sizeof(hash)));
}
