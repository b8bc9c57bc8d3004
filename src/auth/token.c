#include "auth/token.h"

#include <jwt.h>
#include <openssl/err.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "event/name.h"
#include "http/json.h"

#define LEEWAY_S 60                      /* how far the clock of who signs may be ahead */
#define TIME_MAX_S INT64_C(253402300799) /* the end of 9999: a time in ms is beyond it */
#define NAME_MAX_BYTES 64
#define ID_MAX_BYTES 128 /* of jti */

/* A token on its way to an identity. */
struct reading {
    struct arena *arena;
    const char *text[3]; /* header, payload, signature, as they came */
    size_t len[3];
    struct json_object *header, *payload;
};

/* --- taking it apart --- */

/* Finds the three parts. Base64url has no dots, so there is one way to see it. */
static const char *split(struct reading *r, const char *token, size_t len)
{
    const char *end = token + len;

    for (int i = 0; i < 3; i++) {
        const char *dot = memchr(token, '.', (size_t)(end - token));
        const char *stop = dot != NULL ? dot : end;

        if ((dot != NULL) != (i < 2))
            return "this is no token: header.payload.signature is wanted";
        r->text[i] = token;
        r->len[i] = (size_t)(stop - token);
        token = stop + 1;
    }
    if (r->len[2] == 0)
        return "the token has no signature";
    return NULL;
}

/* Decodes base64url without padding (RFC 7515, 2) into the arena. One text only stands for the same
 * bytes: libsodium refuses bits left over, but 1.0.18 takes bytes from 0x80 on for letters. Returns
 * NULL when it is malformed. */
static const char *decode(const struct reading *r, int part, size_t *len)
{
    size_t most = r->len[part] / 4 * 3 + 3;
    char *bytes = arena_alloc(r->arena, most + 1);

    for (size_t i = 0; i < r->len[part]; i++)
        if ((unsigned char)r->text[part][i] >= 0x80)
            return NULL;
    if (r->len[part] == 0 ||
        sodium_base642bin((unsigned char *)bytes, most, r->text[part], r->len[part], NULL, len,
                          NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return NULL;
    return bytes;
}

static const char *parse(struct reading *r)
{
    struct json_fault fault;
    const char *text;
    size_t len;

    for (int i = 0; i < 2; i++) {
        struct json_object **object = i == 0 ? &r->header : &r->payload;

        text = decode(r, i, &len);
        if (text == NULL)
            return "the token is malformed: a part of it is not base64url without padding";
        *object = json_read(text, len, &fault);
        if (*object == NULL)
            return arena_printf(r->arena, "the token's %s is no JSON object of the strict kind: %s",
                                i == 0 ? "header" : "payload", fault.reason);
    }
    if (decode(r, 2, &len) == NULL)
        return "the token's signature is not base64url without padding";
    return NULL;
}

/* --- members --- */

/* Gets a text. Returns 0 with NULL when it is absent, -1 when it is something else. */
static int get_text(struct json_object *object, const char *key, const char **text)
{
    struct json_object *value;

    *text = NULL;
    if (!json_object_object_get_ex(object, key, &value))
        return 0;
    if (!json_object_is_type(value, json_type_string))
        return -1;
    *text = json_object_get_string(value);
    return strlen(*text) == (size_t)json_object_get_string_len(value) ? 0 : -1;
}

/* Gets a time in seconds since 1970. Returns 1, 0 when it is absent, -1 when it is no integer in
 * range. */
static int get_time(struct json_object *object, const char *key, int64_t *seconds)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, key, &value))
        return 0;
    if (!json_object_is_type(value, json_type_int))
        return -1;
    *seconds = json_object_get_int64(value);
    return *seconds >= 0 && *seconds <= TIME_MAX_S ? 1 : -1;
}

/* UTF-8 without control characters (C0, DEL, C1). */
static bool is_plain(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
            return false;
    return utf8_valid(text, strlen(text));
}

/* --- the header and the signature --- */

/* Is it one that is worth repeating in a reason? */
static bool alg_known(const char *alg)
{
    static const char *const names[] = {"none",  "HS256", "HS384", "HS512", "RS256",
                                        "RS384", "RS512", "ES256", "ES384", "ES512"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], alg) == 0)
            return true;
    return false;
}

/* Finds the key that the header asks for, and sees that it is used the one way that it is for. */
static const char *check_header(const struct reading *r, const struct keyring *keyring,
                                const struct keyring_key **key)
{
    const char *kid, *alg, *typ;

    if (json_object_object_get_ex(r->header, "crit", NULL))
        return "the token has crit, which earshot does not know";
    if (get_text(r->header, "typ", &typ) != 0 || (typ != NULL && strcasecmp(typ, "JWT") != 0))
        return "the token's typ is not JWT";
    if (get_text(r->header, "kid", &kid) != 0)
        return "the token's kid is not a string";
    *key = keyring_find(keyring, kid);
    if (*key == NULL)
        return kid != NULL ? "the token's kid is not known here" : "the token has no kid";
    if (get_text(r->header, "alg", &alg) != 0 || alg == NULL)
        return "the token has no alg";
    if (strcmp(alg, (*key)->alg) != 0)
        return arena_printf(r->arena, "the token's alg is %s, the key wants %s",
                            alg_known(alg) ? alg : "another", (*key)->alg);
    return NULL;
}

/* libjwt reads the header again: no two readers can differ on what json_read() let through, but its
 * word counts too. */
static const char *check_signature(const struct reading *r, const struct keyring_key *key,
                                   const char *token, size_t len)
{
    const char *reason = "the token's signature does not fit the key";
    jwt_t *jwt = NULL;

    if (jwt_decode(&jwt, arena_strndup(r->arena, token, len), (const unsigned char *)key->bytes,
                   (int)key->len) == 0 &&
        (int)jwt_get_alg(jwt) == key->jwt_alg)
        reason = NULL;
    jwt_free(jwt);
    ERR_clear_error();
    return reason;
}

/* --- the claims --- */

static const char *check_times(struct json_object *payload, int64_t now_ms, struct identity *out)
{
    int64_t exp = 0, nbf = 0, iat = 0, latest = now_ms / 1000 + LEEWAY_S;

    switch (get_time(payload, "exp", &exp)) {
    case 0:
        return "the token has no exp";
    case -1:
        return "the token's exp is not a whole number of seconds since 1970";
    }
    if (get_time(payload, "nbf", &nbf) < 0)
        return "the token's nbf is not a whole number of seconds since 1970";
    if (get_time(payload, "iat", &iat) < 0)
        return "the token's iat is not a whole number of seconds since 1970";
    if (exp * 1000 <= now_ms)
        return "the token has expired";
    if (nbf > latest)
        return "the token is not valid yet";
    if (iat > latest)
        return "the token was issued in the future: is a clock wrong?";
    out->expires_ms = exp * 1000;
    out->issued_s = iat;
    return NULL;
}

/* Is one of the audiences the one wanted? Returns -1 when aud is neither a string nor an array of
 * strings. */
static int has_audience(struct json_object *payload, const char *wanted)
{
    struct json_object *value;
    size_t count = 1;
    int found = 0;
    bool array;

    if (!json_object_object_get_ex(payload, "aud", &value))
        return 0;
    array = json_object_is_type(value, json_type_array);
    if (array)
        count = json_object_array_length(value);
    for (size_t i = 0; i < count; i++) {
        struct json_object *one = array ? json_object_array_get_idx(value, i) : value;

        if (!json_object_is_type(one, json_type_string))
            return -1;
        if (strcmp(json_object_get_string(one), wanted) == 0)
            found = 1;
    }
    return found;
}

/* Is the token from whom, and for whom, we want? */
static const char *check_parties(struct json_object *payload, const struct conf *conf,
                                 const char *namespace, const char **ns)
{
    const char *issuer = conf->jwt_issuer != NULL ? conf->jwt_issuer : "";
    const char *audience = conf->jwt_audience != NULL ? conf->jwt_audience : "";
    const char *iss;
    int found;

    if (get_text(payload, "iss", &iss) != 0)
        return "the token's iss is not a string";
    if (issuer[0] != '\0' && (iss == NULL || strcmp(iss, issuer) != 0))
        return "the token's iss is not the one that this server trusts";
    found = has_audience(payload, audience);
    if (found < 0)
        return "the token's aud is neither a string nor a list of strings";
    if (audience[0] != '\0' && found == 0)
        return "the token's aud does not name this server";
    if (get_text(payload, "ns", ns) != 0)
        return "the token's ns is not a string";
    if (*ns != NULL && strcmp(*ns, namespace) != 0)
        return "the token is for another namespace";
    return NULL;
}

/* Who it is. */
static const char *check_person(struct json_object *payload, struct identity *out)
{
    const char *role;

    if (get_text(payload, "sub", &out->user_id) != 0 || out->user_id == NULL)
        return "the token has no sub, which names the user";
    /* Rooms call whoever asks @me: a user of this name would be everybody. */
    if (!name_user_valid(out->user_id) || strcmp(out->user_id, "me") == 0)
        return "the token's sub is no user id: 1 to 64 letters, digits, '.', '_' or '-', and not "
               "me";
    if (get_text(payload, "name", &out->name) != 0 ||
        (out->name != NULL && (strlen(out->name) > NAME_MAX_BYTES || !is_plain(out->name))))
        return "the token's name is not at most 64 bytes of text without control characters";
    if (out->name == NULL || out->name[0] == '\0')
        out->name = out->user_id;
    if (get_text(payload, "jti", &out->token_id) != 0 ||
        (out->token_id != NULL &&
         (out->token_id[0] == '\0' || strlen(out->token_id) > ID_MAX_BYTES ||
          !is_plain(out->token_id))))
        return "the token's jti is not 1 to 128 bytes of text without control characters";
    if (get_text(payload, "role", &role) != 0)
        return "the token's role is not a string";
    out->admin = role != NULL && strcmp(role, "admin") == 0;
    out->guest = role != NULL && strcmp(role, "guest") == 0;
    return NULL;
}

static const char *check_rooms(const struct reading *r, const struct conf *conf,
                               struct identity *out)
{
    struct json_object *rooms;
    char error[256];

    out->rooms_named = json_object_object_get_ex(r->payload, "rooms", &rooms);
    if (!out->rooms_named) {
        if (conf->members != NULL && policy_parse(out, r->arena, conf->members, error) != 0)
            return "the server's own rights for members are malformed";
        return NULL;
    }
    if (!json_object_is_type(rooms, json_type_object))
        return "the token's rooms is not an object like {\"lobby\":\"rw\"}";
    json_object_object_foreach(rooms, pattern, value)
    {
        if (!json_object_is_type(value, json_type_string) ||
            policy_grant(out, r->arena, pattern, json_object_get_string(value)) != 0)
            return out->grants_count >= POLICY_GRANTS_MAX
                       ? "the token's rooms has too many entries"
                       : "the token's rooms is malformed: room patterns and letters of \"rwm\" are "
                         "wanted, like {\"lobby\":\"rw\",\"team-*\":\"r\"}";
    }
    return NULL;
}

/* --- verifying --- */

/* Copies what outlives the JSON. */
static void settle(struct identity *out, struct arena *arena, const char *ns)
{
    bool named = out->name != out->user_id;

    out->user_id = arena_strdup(arena, out->user_id);
    out->name = named ? arena_strdup(arena, out->name) : out->user_id;
    out->token_id = arena_strdup(arena, out->token_id);
    out->namespace = arena_strdup(arena, ns);
}

static const char *read_token(struct reading *r, const struct keyring *keyring, const char *token,
                              size_t len, int64_t now_ms, struct identity *out)
{
    const struct keyring_key *key;
    const char *reason;

    reason = split(r, token, len);
    if (reason == NULL)
        reason = parse(r);
    if (reason == NULL)
        reason = check_header(r, keyring, &key);
    if (reason == NULL)
        reason = check_signature(r, key, token, len);
    if (reason == NULL)
        reason = check_times(r->payload, now_ms, out);
    if (reason == NULL)
        reason = check_person(r->payload, out);
    if (reason == NULL)
        reason = check_rooms(r, keyring->conf, out);
    return reason;
}

const char *token_verify(const struct keyring *keyring, struct arena *arena, const char *token,
                         size_t len, const char *namespace, int64_t now_ms, struct identity *out)
{
    struct reading r = {.arena = arena};
    const char *reason, *ns = NULL;

    if (len > TOKEN_BYTES_MAX)
        return "the token is over 4 KiB";
    memset(out, 0, sizeof(*out));
    reason = read_token(&r, keyring, token, len, now_ms, out);
    if (reason == NULL)
        reason = check_parties(r.payload, keyring->conf, namespace, &ns);
    if (reason == NULL)
        settle(out, arena, ns);
    else
        memset(out, 0, sizeof(*out));
    json_object_put(r.header);
    json_object_put(r.payload);
    return reason;
}

/* --- minting --- */

static int fail(char error[256], const char *reason)
{
    snprintf(error, 256, "%s", reason);
    return -1;
}

static int check_claims(const struct token_claims *c, int64_t now_ms, char error[256])
{
    if (c->user_id == NULL || !name_user_valid(c->user_id) || strcmp(c->user_id, "me") == 0)
        return fail(error, "a user id is 1 to 64 letters, digits, '.', '_' or '-', and not \"me\"");
    if (c->name != NULL && (strlen(c->name) > NAME_MAX_BYTES || !is_plain(c->name)))
        return fail(error, "a name is at most 64 bytes of UTF-8 without control characters");
    if (c->namespace != NULL && !name_namespace_valid(c->namespace))
        return fail(error, "a namespace is 1 to 64 letters, digits, '.', '_' or '-'");
    if (c->role != NULL && strcmp(c->role, "admin") != 0 && strcmp(c->role, "guest") != 0)
        return fail(error, "a role is admin or guest");
    if (c->ttl_ms < 1000 || c->ttl_ms / 1000 > TIME_MAX_S - now_ms / 1000)
        return fail(error, "a token lives for a second at least, and not past the year 9999");
    return 0;
}

static void append_claim(struct buf *out, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_printf(out, ",\"%s\":", key);
    buf_json(out, value, strlen(value));
}

static void append_rooms(struct buf *out, const struct identity *granted)
{
    buf_str(out, ",\"rooms\":");
    policy_write(out, granted);
}

static int append_claims(struct buf *out, const struct conf *conf, const struct token_claims *c,
                         int64_t now_ms, const char *jti, char error[256])
{
    struct identity *granted = NULL;
    struct arena arena = {0};
    int64_t now_s = now_ms / 1000;
    int rc = 0;

    buf_printf(out, "{\"iat\":%lld,\"exp\":%lld",
               (long long)(c->issued_s > now_s ? c->issued_s : now_s),
               (long long)((now_ms + c->ttl_ms) / 1000));
    append_claim(out, "jti", c->token_id != NULL ? c->token_id : jti);
    append_claim(out, "sub", c->user_id);
    append_claim(out, "name", c->name);
    append_claim(out, "iss", conf->jwt_issuer);
    append_claim(out, "aud", conf->jwt_audience);
    append_claim(out, "ns", c->namespace);
    append_claim(out, "role", c->role);
    if (c->rooms != NULL) {
        granted = arena_alloc(&arena, sizeof(*granted));
        rc = policy_parse(granted, &arena, c->rooms, error);
        if (rc == 0)
            append_rooms(out, granted);
    } else if (c->granted != NULL) {
        append_rooms(out, c->granted);
    }
    buf_char(out, '}');
    arena_free(&arena);
    return rc;
}

/* Signs the claims. Returns the token, to be freed, or NULL. */
static char *sign(const struct keyring_key *key, const char *claims)
{
    char *token = NULL;
    jwt_t *jwt = NULL;

    if (jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, claims) == 0 &&
        jwt_set_alg(jwt, (jwt_alg_t)key->jwt_alg, (const unsigned char *)key->bytes,
                    (int)key->len) == 0)
        token = jwt_encode_str(jwt);
    jwt_free(jwt);
    return token;
}

int token_mint(const struct keyring *keyring, const struct token_claims *claims, int64_t now_ms,
               struct buf *out, char id[TOKEN_ID_BYTES], char error[256])
{
    const struct keyring_key *key = keyring_find(keyring, KEYRING_DEFAULT);
    unsigned char random[TOKEN_ID_BYTES / 2];
    char jti[TOKEN_ID_BYTES];
    struct buf json = BUF_INIT;
    char *token = NULL;
    int rc = -1;

    if (key == NULL || strncmp(key->alg, "HS", 2) != 0)
        return fail(error, "there is no jwt_secret to sign tokens with");
    if (check_claims(claims, now_ms, error) != 0)
        return -1;
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(jti, sizeof(jti), random, sizeof(random));
    if (id != NULL)
        memcpy(id, jti, sizeof(jti));
    if (append_claims(&json, keyring->conf, claims, now_ms, jti, error) != 0)
        goto out;
    token = sign(key, json.data);
    if (token == NULL)
        fail(error, "libjwt could not sign the token");
    else if (strlen(token) > TOKEN_BYTES_MAX)
        fail(error, "the token would be over 4 KiB: grant fewer rooms, or use patterns");
    else
        rc = 0;
    if (rc == 0)
        buf_str(out, token);
out:
    free(token);
    buf_free(&json);
    return rc;
}
