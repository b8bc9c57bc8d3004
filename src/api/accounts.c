#include "api/accounts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/audit.h"
#include "api/fields.h"
#include "api/person.h"
#include "api/session.h"
#include "base/clock.h"

#define HASHING_MS 10000 /* by then a gate is done, or was killed */
#define GUEST_TRIES 8

/* --- hashing --- */

/* Takes a place among those who hash. Returns its mark, or 0 with the reply. */
static int64_t begin_hashing(struct api *api)
{
    int64_t mark = password_begin(api->hashing, api->hashing_most, clock_mono_ms(), HASHING_MS);

    if (mark == 0) {
        api_fail(api, 503, "busy", "too many are logging in at once; try again");
        api_retry_after(api, 0);
    }
    return mark;
}

static int fail_memory(struct api *api)
{
    api_fail(api, 503, "busy", "there is no memory left to look at a password; try again");
    api_retry_after(api, 0);
    return -1;
}

int accounts_hash(struct api *api, const char *password, char hash[PASSWORD_HASH])
{
    int64_t mark = begin_hashing(api);
    int rc;

    if (mark == 0)
        return -1;
    rc = password_hash(hash, password);
    password_done(api->hashing, mark);
    return rc == 0 ? 0 : fail_memory(api);
}

/* Looks whether a password fits a hash ("" = there is no account), and makes the hash of `next`, or
 * of the same one where the hash is of old parameters; else `hash` is "". Returns 0, or -1 with the
 * reply; *fits says what was found. */
static int check_password(struct api *api, const char *kept, const char *password, const char *next,
                          bool *fits, char hash[PASSWORD_HASH])
{
    int64_t mark = begin_hashing(api);
    int rc = 0;

    hash[0] = '\0';
    if (mark == 0)
        return -1;
    *fits = password_fits(kept, password);
    if (*fits && (next != NULL || password_stale(kept)))
        rc = password_hash(hash, next != NULL ? next : password);
    password_done(api->hashing, mark);
    return rc == 0 ? 0 : fail_memory(api);
}

/* --- what is given --- */

/* Reads the fields. A URL ends in logs and histories: a password there is known already. */
static int read_fields(struct api *api, const char *const *names, const char **values)
{
    if (request_query(api->request, "password") != NULL ||
        request_query(api->request, "new") != NULL) {
        api_fail(api, 400, "password_in_url", "a password goes into the body, never into the URL");
        return -1;
    }
    return fields_read(api, names, values);
}

int accounts_check_password(struct api *api, const char *name, const char *password)
{
    size_t len = password != NULL ? strlen(password) : 0;

    if (len >= PASSWORD_BYTES_MIN && len <= PASSWORD_BYTES_MAX)
        return 0;
    api_fail(api, 400, "password_invalid", "%s= is wanted: a password is %d to %d bytes of text",
             name, PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX);
    return -1;
}

/* A password that is looked at may be any that is there, up to the length that one may have. */
static int check_given(struct api *api, const char *password)
{
    if (password != NULL && password[0] != '\0' && strlen(password) <= PASSWORD_BYTES_MAX)
        return 0;
    api_fail(api, 400, "password_invalid", "password= is wanted: at most %d bytes",
             PASSWORD_BYTES_MAX);
    return -1;
}

/* --- asking the script --- */

/* Fills in what limits the call: argv[1..3]. */
static void set_limit(struct api *api, const char **argv)
{
    const struct conf_rate *rate = &api->conf->rate_login;

    argv[1] = arena_number(api->arena, api_every_ms(rate));
    argv[2] = arena_number(api->arena, rate->count);
    argv[3] = api->address_group;
}

static int call(struct api *api, int argc, const char **argv, redisReply **reply)
{
    return api_call(api, AUDIT_ROOM, SCRIPT_ACCOUNT, argc, argv, reply);
}

/* Calls for a number. Returns it, or -1 with the reply. */
static long long call_number(struct api *api, int argc, const char **argv)
{
    redisReply *reply = NULL;
    long long number;

    if (call(api, argc, argv, &reply) < 0)
        return -1;
    number = reply->integer;
    store_free(&reply, 1);
    return number;
}

/* Gets the hash of an account, "" where there is none, in the arena. Returns NULL with the reply.
 */
static const char *look(struct api *api, const char *user)
{
    const char *argv[5] = {"look", NULL, NULL, NULL, user}, *hash = "";
    redisReply *reply = NULL;

    set_limit(api, argv);
    if (call(api, 5, argv, &reply) < 0)
        return NULL;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
        reply->element[0]->type == REDIS_REPLY_STRING)
        hash = arena_strdup(api->arena, reply->element[0]->str);
    store_free(&reply, 1);
    return hash;
}

/* Answers with a token whose iat is behind this second. */
static void give(struct api *api, int status, struct session *session, long long before_s)
{
    session->claims.namespace = api->request->namespace;
    session->claims.issued_s = before_s + 1;
    if (session_make(api, session) == 0)
        session_reply(api, status, session);
}

/* Calls the script by which somebody comes in, and answers with his token. */
static void enter(struct api *api, int argc, const char **argv, struct session *session)
{
    redisReply *reply = NULL;

    if (call(api, argc, argv, &reply) < 0)
        return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3) {
        session->claims.user_id = argv[1];
        session->claims.name = arena_strdup(api->arena, reply->element[1]->str);
        session->claims.role = strcmp(reply->element[2]->str, "admin") == 0 ? "admin" : NULL;
        give(api, 200, session, reply->element[0]->integer);
    }
    store_free(&reply, 1);
}

/* A password was wrong: the audit knows. Returns 0, or -1 with the reply. */
static int note_failure(struct api *api, const char *user)
{
    const char *argv[] = {"fail", user, audit_event(api, "login failed", NULL, user, NULL)};

    return call_number(api, 3, argv) < 0 ? -1 : 0;
}

/* --- the calls --- */

/* Names to choose from: what the guest wants to be called, or some of ours, of which the later ones
 * are less likely to be taken. Returns how many. */
static int guest_names(struct api *api, const char *wanted, const char **names)
{
    unsigned most = 9000;

    if (wanted != NULL) {
        names[0] = wanted;
        return 1;
    }
    for (int i = 0; i < GUEST_TRIES; i++, most *= i < GUEST_TRIES / 2 ? 1 : 10)
        names[i] = arena_printf(api->arena, "Guest-%u", 1000 + randombytes_uniform(most));
    return GUEST_TRIES;
}

/* POST auth/guest - a token for whoever comes: name= (else one is made up), cookie=. The name is
 * his as long as the token lives. 201 {"token", "userId", "name", "expires"}; with cookie=true the
 * token is in the cookie `earshot` instead. 400, 403 guests are off or another site's page, 409
 * name_taken, 429, 409, 503. */
void accounts_guest(struct api *api)
{
    static const char *const names[] = {"name", "cookie", NULL};
    const char *values[FIELDS_MAX], *choice[GUEST_TRIES], *argv[6 + GUEST_TRIES] = {"guest"};
    struct session session = {.claims = {.role = "guest"}};
    long long chosen;
    int count;

    if (!api->conf->guests) {
        api_fail(api, 403, "guests_off", "this site has no guests");
        return;
    }
    if (fields_read(api, names, values) < 0 || person_read(api, values[0], &values[0]) < 0 ||
        fields_flag(api, "cookie", values[1], &session.cookie) < 0 ||
        session_possible(api, session.cookie) < 0)
        return;
    count = guest_names(api, values[0], choice);
    set_limit(api, argv);
    argv[4] = session.claims.user_id = person_guest(api->arena);
    argv[5] = arena_number(api->arena, api->conf->token_ttl_ms);
    for (int i = 0; i < count; i++)
        argv[6 + i] = person_fold(api->arena, choice[i]);
    chosen = call_number(api, 6 + count, argv);
    if (chosen < 0 || chosen >= count)
        return;
    session.claims.name = choice[chosen];
    give(api, 201, &session, 0);
}

/* POST auth/register - makes an account: user=, password= (8 to 1024 bytes), name= (the user id),
 * cookie=. 201 as above. 400, 403 registration is off or another site's page, 409 user_taken,
 * name_taken, 429, 409, 503 (busy: too many hash at once). */
void accounts_register(struct api *api)
{
    static const char *const names[] = {"user", "password", "name", "cookie", NULL};
    const char *values[FIELDS_MAX], *name, *folded, *vacant[6] = {"vacant"};
    struct session session = {.cookie = false};
    char hash[PASSWORD_HASH];
    long long before_s;

    if (!api->conf->registration) {
        api_fail(api, 403, "registration_off", "here accounts are made by admins");
        return;
    }
    if (read_fields(api, names, values) < 0 || person_check_id(api, values[0]) < 0 ||
        accounts_check_password(api, "password", values[1]) < 0 ||
        person_read(api, values[2], &name) < 0 ||
        fields_flag(api, "cookie", values[3], &session.cookie) < 0 ||
        session_possible(api, session.cookie) < 0)
        return;
    name = name != NULL ? name : values[0];
    folded = person_fold(api->arena, name);
    set_limit(api, vacant);
    vacant[4] = values[0];
    vacant[5] = folded;
    if (call_number(api, 6, vacant) < 0 || accounts_hash(api, values[1], hash) < 0)
        return;
    before_s = call_number(api, 6,
                           (const char *[]){"make", values[0], hash, name, folded,
                                            audit_event(api, "register", NULL, values[0], NULL)});
    if (before_s < 0)
        return;
    session.claims.user_id = values[0];
    session.claims.name = name;
    give(api, 201, &session, before_s);
}

/* POST auth/login - a token for an account: user=, password=, cookie=. 200 as above. 400; 401
 * login_failed, which takes as long for an account that is not there; 403, 429, 409, 503. */
void accounts_login(struct api *api)
{
    static const char *const names[] = {"user", "password", "cookie", NULL};
    const char *values[FIELDS_MAX], *kept;
    struct session session = {.cookie = false};
    char hash[PASSWORD_HASH];
    bool fits = false;

    if (read_fields(api, names, values) < 0 || person_check_id(api, values[0]) < 0 ||
        check_given(api, values[1]) < 0 ||
        fields_flag(api, "cookie", values[2], &session.cookie) < 0 ||
        session_possible(api, session.cookie) < 0)
        return;
    kept = look(api, values[0]);
    if (kept == NULL || check_password(api, kept, values[1], NULL, &fits, hash) < 0)
        return;
    if (!fits) {
        if (note_failure(api, values[0]) < 0)
            return;
        api_fail(api, 401, "login_failed",
                 "there is no such account, or the password is another one");
        api_challenge(api, NULL);
        return;
    }
    enter(api, 5,
          (const char *[]){"enter", values[0], kept, hash,
                           audit_event(api, "login", NULL, values[0], NULL)},
          &session);
}

/* POST auth/password - another password for the caller's account: password= the one that it has,
 * new=, cookie=. Takes all his tokens up to now back, and gives him a new one: 200 as above. 400,
 * 401, 403 password_wrong, 429, 409, 503. */
void accounts_password(struct api *api)
{
    static const char *const names[] = {"password", "new", "cookie", NULL};
    const char *values[FIELDS_MAX], *kept, *user = api->identity->user_id;
    struct session session = {.cookie = api->identity->by_cookie};
    char hash[PASSWORD_HASH];
    bool fits = false;

    if (api_demand_user(api, "whose password? Send a token") < 0)
        return;
    if (read_fields(api, names, values) < 0 || check_given(api, values[0]) < 0 ||
        accounts_check_password(api, "new", values[1]) < 0 ||
        fields_flag(api, "cookie", values[2], &session.cookie) < 0 ||
        session_possible(api, session.cookie) < 0)
        return;
    kept = look(api, user);
    if (kept == NULL || check_password(api, kept, values[0], values[1], &fits, hash) < 0)
        return;
    if (!fits) {
        if (note_failure(api, user) == 0)
            api_fail(api, 403, "password_wrong", "the password is another one");
        return;
    }
    enter(api, 5,
          (const char *[]){"change", user, kept, hash,
                           audit_event(api, "password", NULL, user, NULL)},
          &session);
}
