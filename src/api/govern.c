#include "api/govern.h"

#include <stdlib.h>
#include <string.h>

#include "api/audit.h"
#include "api/fields.h"
#include "base/clock.h"

#define KICK_MS 10000 /* who is kicked stays out for so long, unless for= says otherwise */
#define VALUES_MAX (2 * FIELDS_MAX)
#define FIXED_ARGS 10

int govern_start(struct api *api)
{
    if (api->room[0] == '@') {
        api_fail(api, 403, "right_missing", "conversations and inboxes are nobody's to change");
        return -1;
    }
    return api_demand_user(api, "to change a room you need a token");
}

int govern_do(struct api *api, const struct govern *deed)
{
    const struct journal_limits limits = api_limits(api);
    const char *argv[FIXED_ARGS + VALUES_MAX] = {deed->what,
                                                 deed->whom != NULL ? deed->whom : "",
                                                 deed->json,
                                                 arena_number(api->arena, limits.history_max),
                                                 arena_number(api->arena, limits.history_age_ms),
                                                 deed->audit,
                                                 deed->notice != NULL ? deed->notice : "",
                                                 limits.address != NULL ? limits.address : "",
                                                 arena_number(api->arena, limits.every_ms),
                                                 arena_number(api->arena, limits.burst)};
    redisReply *reply = NULL;
    int done;

    for (int i = 0; i < deed->values_count; i++)
        argv[FIXED_ARGS + i] = deed->values[i];
    if (api_call(api, api->room, SCRIPT_GOVERN, FIXED_ARGS + deed->values_count, argv, &reply) < 0)
        return -1;
    done = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
               ? (int)reply->element[0]->integer
               : GOVERN_SAME;
    store_free(&reply, 1);
    return done;
}

/* What is done to somebody: the words of it. */
struct act {
    const char *what;   /* govern.lua's */
    const char *action; /* the events' */
    const char *notice; /* what the person reads, before the room and until when; NULL = none */
    const char *value;  /* what the room's hash keeps; "" = no longer */
    const char *role;   /* the event's, or NULL */
    int64_t until_ms;   /* 0 = for ever, or not at all */
};

/* "until 2026-11-24T20:00:00.000Z", or "". */
static const char *until_text(struct api *api, const struct act *act)
{
    char stamp[CLOCK_TEXT];

    if (act->until_ms == 0)
        return "";
    clock_format(stamp, act->until_ms);
    return arena_printf(api->arena, "until %s", stamp);
}

static const char *until_member(struct api *api, const struct act *act)
{
    const char *text = until_text(api, act);

    return text[0] != '\0' ? arena_printf(api->arena, ",\"until\":\"%s\"", text + 6) : "";
}

static const char *notice(struct api *api, const struct act *act)
{
    const char *until = until_text(api, act);

    if (act->notice == NULL)
        return NULL;
    return api_event(
        api, "notice",
        arena_printf(api->arena, "%s %s%s%s", act->notice, api->room, until[0] != '\0' ? " " : "",
                     until),
        arena_printf(api->arena, ",\"action\":\"%s\"%s", act->action, until_member(api, act)));
}

/* Does it to the user that the path names; @me is oneself. Returns as govern_do(). */
static int do_to(struct api *api, const struct act *act)
{
    const char *whom = api->params[1], *more;
    struct govern deed = {
        .what = act->what, .values_count = 1, .values = &(const char *){act->value}};

    if (strcmp(whom, "me") == 0)
        whom = api->identity->user_id;
    if (api_user_id(api, whom) < 0)
        return -1;
    more = arena_printf(api->arena, ",\"user\":\"%s\",\"action\":\"%s\"%s%s%s%s", whom, act->action,
                        act->role != NULL ? ",\"role\":\"" : "", act->role != NULL ? act->role : "",
                        act->role != NULL ? "\"" : "", until_member(api, act));
    deed.whom = whom;
    deed.json = api_event(api, "member", NULL, more);
    deed.audit = audit_event(api, act->action, api->room, whom,
                             act->role != NULL ? act->role : until_text(api, act));
    deed.notice = notice(api, act);
    return govern_do(api, &deed);
}

/* Reads for=: *until_ms is 0 without one. Returns 0, or -1 with the reply. */
static int read_until(struct api *api, int64_t otherwise_ms, int64_t *until_ms)
{
    static const char *const names[] = {"for", NULL};
    const char *values[FIELDS_MAX];
    int64_t for_ms = otherwise_ms;

    if (fields_read(api, names, values) < 0 || fields_duration(api, "for", values[0], &for_ms) < 0)
        return -1;
    if (values[0] != NULL && for_ms == 0) {
        api_fail(api, 400, "parameter_invalid", "for= must be a second at least");
        return -1;
    }
    *until_ms = for_ms > 0 ? clock_wall_ms() + for_ms : 0;
    return 0;
}

static void reply_done(struct api *api, int done)
{
    if (done >= 0)
        api->reply->status = 204;
}

/* Bans or mutes: for a while, or until it is taken back. */
static void shut(struct api *api, struct act act)
{
    if (govern_start(api) < 0 || read_until(api, 0, &act.until_ms) < 0)
        return;
    act.value = arena_number(api->arena, act.until_ms);
    reply_done(api, do_to(api, &act));
}

static void open_again(struct api *api, struct act act)
{
    act.value = "";
    if (govern_start(api) == 0)
        reply_done(api, do_to(api, &act));
}

/* PUT rooms/{r}/bans/{u} - keeps somebody out: for= seconds (or 10m, 2h, 1d), or until it is taken
 * back; open streams end, with `bye` banned. By moderators, of who is below them. 204; again when
 * it is so already. 400, 401, 403, 503, 507. */
void govern_put_ban(struct api *api)
{
    shut(api, (struct act){.what = "ban", .action = "ban", .notice = "You are banned from"});
}

/* DELETE rooms/{r}/bans/{u} - lets him in again. As above. */
void govern_delete_ban(struct api *api)
{
    open_again(api,
               (struct act){.what = "ban", .action = "unban", .notice = "You may come back to"});
}

/* PUT rooms/{r}/mutes/{u} - lets somebody read only: for= as above. */
void govern_put_mute(struct api *api)
{
    shut(api, (struct act){.what = "mute", .action = "mute", .notice = "You are muted in"});
}

/* DELETE rooms/{r}/mutes/{u} - lets him write again. */
void govern_delete_mute(struct api *api)
{
    open_again(
        api, (struct act){.what = "mute", .action = "unmute", .notice = "You may write again in"});
}

/* PUT rooms/{r}/members/{u} - makes somebody a member: role= member (the default), moderator or
 * owner, below one's own or an owner's. He finds an invitation in his inbox. 204. 400, 401, 403,
 * 503, 507. */
void govern_put_member(struct api *api)
{
    static const char *const names[] = {"role", NULL};
    const char *values[FIELDS_MAX];
    struct act act = {.what = "role", .action = "invite", .notice = "You are a member of"};

    if (govern_start(api) < 0 || fields_read(api, names, values) < 0)
        return;
    act.value = values[0] != NULL ? values[0] : "member";
    if (strcmp(act.value, "member") != 0 && strcmp(act.value, "moderator") != 0 &&
        strcmp(act.value, "owner") != 0) {
        api_fail(api, 400, "parameter_invalid", "role must be member, moderator or owner");
        return;
    }
    act.role = act.value;
    reply_done(api, do_to(api, &act));
}

/* DELETE rooms/{r}/members/{u} - leaves the room (oneself, also @me), or kicks somebody: he is no
 * member any more, his streams end, and he may come back after for= seconds (10). 204. As above. */
void govern_delete_member(struct api *api)
{
    struct act leave = {.what = "role", .action = "leave", .value = ""};
    struct act kick = {.what = "kick", .action = "kick", .notice = "You were kicked out of"};
    const char *whom = api->params[1];

    if (govern_start(api) < 0 || read_until(api, KICK_MS, &kick.until_ms) < 0)
        return;
    kick.value = arena_number(api->arena, kick.until_ms);
    if (strcmp(whom, "me") == 0 || strcmp(whom, api->identity->user_id) == 0)
        reply_done(api, do_to(api, &leave));
    else
        reply_done(api, do_to(api, &kick));
}

/* --- listing --- */

static void write_one(struct buf *body, const char *what, const redisReply *user,
                      const redisReply *value)
{
    int64_t until_ms = strtoll(value->str, NULL, 10);
    char stamp[CLOCK_TEXT];

    buf_printf(body, "{\"userId\":\"%s\",", user->str);
    if (strcmp(what, "role") == 0) {
        buf_printf(body, "\"role\":\"%s\"}", value->str);
    } else if (until_ms == 0) {
        buf_str(body, "\"until\":null}");
    } else {
        clock_format(stamp, until_ms);
        buf_printf(body, "\"until\":\"%s\"}", stamp);
    }
}

static void list(struct api *api, const char *what, const char *name)
{
    redisReply *reply = NULL;
    struct buf *body;

    if (api_call(api, api->room, SCRIPT_ROLL, 1, (const char *[]){what}, &reply) < 0)
        return;
    body = api_json(api, 200);
    buf_printf(body, "{\"%s\":[", name);
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        if (i > 0)
            buf_char(body, ',');
        write_one(body, what, reply->element[i], reply->element[i + 1]);
    }
    buf_str(body, "]}\n");
    store_free(&reply, 1);
}

/* GET rooms/{r}/members - 200 {"members": [{"userId", "role"}]}. 401, 403, 404, 503. */
void govern_get_members(struct api *api)
{
    list(api, "role", "members");
}

/* GET rooms/{r}/bans - for moderators: 200 {"bans": [{"userId", "until" or null}]}. As above. */
void govern_get_bans(struct api *api)
{
    list(api, "ban", "bans");
}

/* GET rooms/{r}/mutes - for moderators: 200 {"mutes": [{"userId", "until" or null}]}. As above. */
void govern_get_mutes(struct api *api)
{
    list(api, "mute", "mutes");
}
