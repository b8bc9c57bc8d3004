#include "api/revoke.h"

#include <string.h>

#include "api/audit.h"
#include "api/fields.h"
#include "base/clock.h"

#define UNTIL_MS (INT64_C(366) * 24 * 60 * 60 * 1000) /* as long as a token may live */
#define TOKEN_ID_MAX 128

static void done(struct api *api, int argc, const char **argv)
{
    redisReply *reply = NULL;

    if (api_call(api, AUDIT_ROOM, SCRIPT_REVOKE, argc, argv, &reply) < 0)
        return;
    store_free(&reply, 1);
    api->reply->status = 204;
}

static void revoke_user(struct api *api, const char *user)
{
    if (api_user_id(api, user) < 0)
        return;
    done(api, 4, (const char *[]){"user", user, audit_event(api, "revoke", NULL, user, NULL), ""});
}

static void revoke_token(struct api *api, const char *id, int64_t until_ms)
{
    for (const char *c = id; *c != '\0' || c == id; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || c - id >= TOKEN_ID_MAX) {
            api_fail(api, 400, "token_id_invalid",
                     "token= is the jti of a token: 1 to 128 bytes of text");
            return;
        }
    done(api, 5,
         (const char *[]){
             "token", id, arena_number(api->arena, clock_wall_ms() + until_ms),
             audit_event(api, "revoke", NULL, NULL, arena_printf(api->arena, "token %s", id)), ""});
}

/* POST admin/revoke - takes tokens back, and ends their streams: user= all that this user has up to
 * now, or token= the one with this jti, for until= (366d), which is until it ends anyway. 204. 400,
 * 401, 403, 503. */
void revoke_post(struct api *api)
{
    static const char *const names[] = {"user", "token", "until", NULL};
    const char *values[FIELDS_MAX];
    int64_t until_ms = UNTIL_MS;

    if (api_demand_admin(api) < 0 || fields_read(api, names, values) < 0 ||
        fields_duration(api, "until", values[2], &until_ms) < 0)
        return;
    if ((values[0] == NULL) == (values[1] == NULL))
        api_fail(api, 400, "parameter_missing", "give user=, or token= and the jti of one");
    else if (values[0] != NULL)
        revoke_user(api, values[0]);
    else
        revoke_token(api, values[1], until_ms);
}

/* POST admin/kick - ends all streams of user=; he may come back. 204. 400, 401, 403, 503. */
void revoke_kick(struct api *api)
{
    static const char *const names[] = {"user", NULL};
    const char *values[FIELDS_MAX];

    if (api_demand_admin(api) < 0 || fields_read(api, names, values) < 0)
        return;
    if (values[0] == NULL || !name_user_valid(values[0])) {
        api_fail(api, 400, "user_id_invalid", "user= is wanted: a user id is [A-Za-z0-9._-]{1,64}");
        return;
    }
    done(api, 3,
         (const char *[]){"kick", values[0], audit_event(api, "kick", NULL, values[0], NULL)});
}
