#include "api/session.h"

#include <string.h>

#include "api/audit.h"
#include "api/fields.h"
#include "api/person.h"
#include "auth/csrf.h"
#include "auth/origin.h"
#include "base/clock.h"

#define MINUTE_MS 60000
#define COOKIE "earshot"

static const char nobody[] = "nobody is signed in: send a token";

bool session_available(const struct api *api)
{
    const struct keyring_key *key = keyring_find(api->keyring, KEYRING_DEFAULT);

    return key != NULL && strncmp(key->alg, "HS", 2) == 0;
}

int session_possible(struct api *api, bool cookie)
{
    if (!session_available(api)) {
        api_fail(api, 409, "secret_missing", "this server has no jwt_secret to sign tokens with");
        return -1;
    }
    /* Else a strange page could sign somebody in as another, and read what he writes then. Who is
     * signed in by cookie has shown already where he comes from. */
    if (cookie && !api->identity->by_cookie && origin_strange(api->request, api->conf)) {
        api_fail(api, 403, "origin_mismatch",
                 "a page of another site may not sign somebody in by cookie");
        return -1;
    }
    return 0;
}

int session_make(struct api *api, struct session *session)
{
    int64_t now_ms = clock_wall_ms();
    char error[256];

    if (session->claims.ttl_ms == 0)
        session->claims.ttl_ms = api->conf->token_ttl_ms;
    session->token = (struct buf)BUF_INIT;
    session->expires_ms = (now_ms + session->claims.ttl_ms) / 1000 * 1000;
    if (token_mint(api->keyring, &session->claims, now_ms, &session->token, session->id, error) ==
        0)
        return 0;
    buf_free(&session->token);
    api_fail(api, 400, "token_impossible", "%s", error);
    return -1;
}

/* The path of the cookie: where the web server mounts us, which it tells us itself. */
static const char *cookie_path(const struct api *api)
{
    const char *path = api->request->script_name;

    return path[0] == '/' && path[strcspn(path, ";, \t\r\n\"")] == '\0' ? path : "/";
}

static void set_cookie(struct api *api, const char *value, int64_t age_s)
{
    reply_header(api->reply, "Set-Cookie",
                 arena_printf(api->arena,
                              COOKIE "=%s; Path=%s; Max-Age=%lld; HttpOnly; SameSite=Lax%s", value,
                              cookie_path(api), (long long)age_s,
                              api->request->https ? "; Secure" : ""));
}

void session_forget(struct api *api)
{
    set_cookie(api, "", 0);
}

static void write_time(struct buf *body, int64_t ms)
{
    char stamp[CLOCK_TEXT];

    clock_format(stamp, ms);
    if (ms > 0)
        buf_printf(body, ",\"expires\":\"%s\"", stamp);
    else
        buf_str(body, ",\"expires\":null");
}

static void write_text(struct buf *body, const char *name, const char *value)
{
    buf_printf(body, "\"%s\":", name);
    if (value != NULL)
        buf_json(body, value, strlen(value));
    else
        buf_str(body, "null");
}

void session_reply(struct api *api, int status, struct session *session)
{
    const struct token_claims *claims = &session->claims;
    struct buf *body = api_json(api, status);

    buf_char(body, '{');
    if (session->cookie) {
        set_cookie(api, session->token.data, claims->ttl_ms / 1000);
        api->returns = true;
    } else {
        write_text(body, "token", session->token.data);
        buf_char(body, ',');
    }
    write_text(body, "userId", claims->user_id);
    buf_char(body, ',');
    write_text(body, "name", claims->name != NULL ? claims->name : claims->user_id);
    write_time(body, session->expires_ms);
    buf_str(body, "}\n");
    buf_free(&session->token);
}

/* For how long a renewed token lives: not longer than the one that it comes from did, which may
 * have been issued for a second that was still to come. */
static int64_t renewed_ttl_ms(const struct api *api)
{
    int64_t lived_ms = api->identity->expires_ms - api->identity->issued_s * 1000;

    return api->identity->issued_s > 0 && lived_ms + MINUTE_MS < api->conf->token_ttl_ms
               ? lived_ms
               : api->conf->token_ttl_ms;
}

/* POST auth/renew - another token for the same person, with the same rights and for as long, from
 * now on; open streams go on under it. The old one holds to its end; both have one jti, so that to
 * revoke the one is to revoke the other. cookie=true, or signed in by cookie: as the
 * cookie. 200 {"token", "userId", "name", "expires"}. 400, 401, 403, 409, 503. */
void session_renew(struct api *api)
{
    static const char *const names[] = {"cookie", NULL};
    const struct identity *who = api->identity;
    struct session session = {.cookie = who->by_cookie,
                              .claims = {.user_id = who->user_id,
                                         .token_id = who->token_id,
                                         .ttl_ms = renewed_ttl_ms(api),
                                         .name = who->name,
                                         .namespace = who->namespace,
                                         .granted = who->rooms_named ? who : NULL,
                                         .role = who->admin   ? "admin"
                                                 : who->guest ? "guest"
                                                              : NULL,
                                         .issued_s = clock_wall_ms() / 1000}};
    const char *values[FIELDS_MAX], *argv[5] = {"renew"};
    redisReply *reply = NULL;

    /* Not before the old one, lest it counts as revoked. */
    if (session.claims.issued_s < who->issued_s)
        session.claims.issued_s = who->issued_s;
    if (api_demand_user(api, nobody) < 0 || fields_read(api, names, values) < 0 ||
        fields_flag(api, "cookie", values[0], &session.cookie) < 0 ||
        session_possible(api, session.cookie) < 0 || session_make(api, &session) < 0)
        return;
    argv[1] = who->token_id != NULL ? who->token_id : session.id;
    argv[2] = arena_number(api->arena, session.expires_ms);
    argv[3] = arena_number(api->arena, session.claims.issued_s);
    argv[4] = person_guest_name(api);
    if (api_call(api, AUDIT_ROOM, SCRIPT_REVOKE, 5, argv, &reply) < 0) {
        buf_free(&session.token);
        return;
    }
    store_free(&reply, 1);
    session_reply(api, 200, &session);
}

/* Takes back the caller's token, or all that he has. Returns 0, or -1 with the reply. */
static int take_back(struct api *api, bool all)
{
    const struct identity *who = api->identity;
    const char *folded = person_guest_name(api);
    /* One that was renewed from it ends later. */
    int64_t latest_ms = clock_wall_ms() + api->conf->token_ttl_ms;
    redisReply *reply = NULL;
    int rc;

    if (latest_ms < who->expires_ms)
        latest_ms = who->expires_ms;

    if (all)
        rc = api_call(api, AUDIT_ROOM, SCRIPT_REVOKE, 4,
                      (const char *[]){"user", who->user_id,
                                       audit_event(api, "logout", NULL, who->user_id, "all"),
                                       folded},
                      &reply);
    else
        rc = api_call(api, AUDIT_ROOM, SCRIPT_REVOKE, 5,
                      (const char *[]){"token", who->token_id, arena_number(api->arena, latest_ms),
                                       "", folded},
                      &reply);
    if (rc == 0)
        store_free(&reply, 1);
    return rc;
}

/* POST auth/logout - takes the caller's token back, so that it is refused everywhere, its streams
 * end, and the cookie goes; all=true: all of his tokens up to now. 204. 400, 401, 403, 503; 409 for
 * a token without a jti, which nothing can tell from others: all=true, or its end. */
void session_logout(struct api *api)
{
    static const char *const names[] = {"all", NULL};
    const char *values[FIELDS_MAX];
    bool all = false;

    if (api_demand_user(api, nobody) < 0 || fields_read(api, names, values) < 0 ||
        fields_flag(api, "all", values[0], &all) < 0)
        return;
    if (!all && api->identity->token_id == NULL) {
        api_fail(api, 409, "token_unnamed",
                 "this token has no jti by which it could be taken back: with all=true all of your "
                 "tokens are");
        return;
    }
    if (take_back(api, all) < 0)
        return;
    if (api->identity->by_cookie)
        session_forget(api);
    api->returns = true;
    api->reply->status = 204;
}

/* GET auth/me - who one is. 200 {"userId" or null, "name", "role": admin, guest or null, "guest",
 * "expires" or null, "rooms": {pattern: letters of rwm}, "csrf": for forms, where one is signed in
 * by cookie}; of an admin the rooms do not matter. 401, 503. */
void session_me(struct api *api)
{
    const struct identity *who = api->identity;
    char csrf[CSRF_TEXT];
    struct buf *body;

    if (api_demand_unrevoked(api) < 0)
        return;
    body = api_json(api, 200);
    buf_char(body, '{');
    write_text(body, "userId", who->user_id);
    buf_char(body, ',');
    write_text(body, "name", who->name);
    buf_char(body, ',');
    write_text(body, "role", who->admin ? "admin" : who->guest ? "guest" : NULL);
    buf_printf(body, ",\"guest\":%s", who->user_id == NULL || who->guest ? "true" : "false");
    write_time(body, who->expires_ms);
    buf_str(body, ",\"rooms\":");
    policy_write(body, who);
    if (who->by_cookie && csrf_make(csrf, api->conf->jwt_secret, who) == 0)
        buf_printf(body, ",\"csrf\":\"%s\"", csrf);
    buf_str(body, "}\n");
}
