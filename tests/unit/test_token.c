#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "auth/token.h"
#include "base/mem.h"
#include "conf.h"

/* The tests sign by OpenSSL, not by what they test. */

#define NOW_S 1800000000
#define NOW_MS (INT64_C(1000) * NOW_S)
#define SECRET "0123456789abcdef0123456789abcdef"
#define GOOD "{\"sub\":\"alice\",\"exp\":1800000600}"

static char dir[] = "/tmp/test_token.XXXXXX";
static EVP_PKEY *rsa, *p256, *p384, *small_rsa;
static struct conf conf;
static struct keyring *keyring;
static struct arena arena;
static struct identity identity;

/* --- keys --- */

static char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    chmod(path_of(name), 0600);
}

static void write_public(const char *name, EVP_PKEY *key)
{
    FILE *file = fopen(path_of(name), "w");

    assert_int_equal(PEM_write_PUBKEY(file, key), 1);
    fclose(file);
    chmod(path_of(name), 0600);
}

static void use_keys(const char *secret, const char *const *lines, size_t count)
{
    free(conf.jwt_secret);
    conf.jwt_secret = mem_strdup(secret);
    for (int i = 0; i < conf.jwt_keys_count; i++)
        free(conf.jwt_keys[i]);
    conf.jwt_keys_count = (int)count;
    for (size_t i = 0; i < count; i++) {
        char line[256];

        snprintf(line, sizeof(line), lines[i], dir);
        conf.jwt_keys[i] = mem_strdup(line);
    }
}

static int open_all(void **state)
{
    static const char *const lines[] = {"h384 HS384 %s/h384", "h512 HS512 %s/h512",
                                        "r256 RS256 %s/rsa.pem", "e256 ES256 %s/p256.pem",
                                        "e384 ES384 %s/p384.pem"};
    char error[512] = "";

    (void)state;
    assert_true(sodium_init() >= 0);
    assert_non_null(mkdtemp(dir));
    rsa = EVP_RSA_gen(2048);
    small_rsa = EVP_RSA_gen(1024);
    p256 = EVP_EC_gen("P-256");
    p384 = EVP_EC_gen("P-384");
    write_public("rsa.pem", rsa);
    write_public("small.pem", small_rsa);
    write_public("p256.pem", p256);
    write_public("p384.pem", p384);
    write_file("h384", SECRET "384\n", 36);
    write_file("h512", SECRET "512", 35);
    conf.members = mem_strdup("*=rw");
    conf.jwt_issuer = mem_strdup("");
    conf.jwt_audience = mem_strdup("");
    use_keys(SECRET, lines, 5);
    keyring = keyring_open(&conf, error);
    assert_string_equal(error, "");
    assert_non_null(keyring);
    return 0;
}

static int close_all(void **state)
{
    static const char *const names[] = {"rsa.pem", "small.pem", "p256.pem", "p384.pem",
                                        "h384",    "h512",      "other"};

    (void)state;
    keyring_close(keyring);
    use_keys("", NULL, 0);
    free(conf.jwt_secret);
    free(conf.members);
    free(conf.jwt_issuer);
    free(conf.jwt_audience);
    arena_free(&arena);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(small_rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(path_of(names[i]));
    rmdir(dir);
    return 0;
}

/* --- tokens --- */

static void append_base64(struct buf *out, const void *bytes, size_t len)
{
    char *text = arena_alloc(&arena, len * 4 / 3 + 8);

    sodium_bin2base64(text, len * 4 / 3 + 8, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_str(out, text);
}

/* Signs what is in `token` with HMAC. */
static void sign_hmac(struct buf *token, const EVP_MD *md, const void *key, size_t key_len)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len;

    HMAC(md, key, (int)key_len, (unsigned char *)token->data, token->len, mac, &len);
    buf_char(token, '.');
    append_base64(token, mac, len);
}

/* Signs with a private key; an ECDSA signature is turned from DER to r and s of `half` bytes (RFC
 * 7518, 3.4). */
static void sign_private(struct buf *token, EVP_PKEY *key, const EVP_MD *md, size_t half)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char der[512], raw[256];
    const unsigned char *p = der;
    size_t len = sizeof(der);

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &len, (unsigned char *)token->data, token->len), 1);
    EVP_MD_CTX_free(ctx);
    buf_char(token, '.');
    if (half > 0) {
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);

        BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)half);
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, (int)half);
        ECDSA_SIG_free(sig);
        append_base64(token, raw, 2 * half);
    } else {
        append_base64(token, der, len);
    }
}

/* header.payload, unsigned. */
static struct buf unsigned_token(const char *header, const char *payload)
{
    struct buf token = BUF_INIT;

    append_base64(&token, header, strlen(header));
    buf_char(&token, '.');
    append_base64(&token, payload, strlen(payload));
    return token;
}

static const char *verify_in(struct buf *token, const char *namespace)
{
    const char *reason =
        token_verify(keyring, &arena, token->data, token->len, namespace, NOW_MS, &identity);

    buf_free(token);
    return reason;
}

/* What is said to a token of these parts, signed with the HS256 secret. */
static const char *verify(const char *header, const char *payload)
{
    struct buf token = unsigned_token(header, payload);

    sign_hmac(&token, EVP_sha256(), SECRET, strlen(SECRET));
    return verify_in(&token, "main");
}

static const char *verify_claims(const char *payload)
{
    return verify("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", payload);
}

static void expect_reason(const char *reason, const char *wanted)
{
    if (reason == NULL)
        fail_msg("taken; wanted: %s", wanted);
    if (strstr(reason, wanted) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", reason, wanted);
    assert_null(identity.user_id);
    assert_int_equal(identity.grants_count, 0);
    assert_false(identity.admin);
}

static void expect_good(const char *reason)
{
    if (reason != NULL)
        fail_msg("refused: %s", reason);
    assert_string_equal(identity.user_id, "alice");
}

/* --- good ones --- */

/* Does a plain token give the identity that it states? */
static void test_good(void **state)
{
    (void)state;
    expect_good(verify_claims(GOOD));
    assert_string_equal(identity.name, "alice");
    assert_null(identity.token_id);
    assert_null(identity.namespace);
    assert_false(identity.admin);
    assert_true(identity.expires_ms == INT64_C(1800000600000));
    assert_true(policy_allows(&identity, "lobby", RIGHT_WRITE));
    expect_good(verify_claims(
        "{\"sub\":\"alice\",\"exp\":1800000001,\"iat\":1800000000,\"nbf\":1800000000,"
        "\"name\":\"\xc3\x84lice B.\",\"jti\":\"x1\",\"ns\":\"main\",\"role\":\"admin\","
        "\"rooms\":{\"lobby\":\"rw\",\"team-*\":\"r\"},\"custom\":[1,{\"a\":null}]}"));
    assert_string_equal(identity.name, "\xc3\x84lice B.");
    assert_string_equal(identity.token_id, "x1");
    assert_string_equal(identity.namespace, "main");
    assert_true(identity.admin);
    assert_int_equal(identity.grants_count, 2);
}

/* Do all algorithms work, each with its key by kid? */
static void test_algorithms(void **state)
{
    struct buf token;

    (void)state;
    token = unsigned_token("{\"alg\":\"HS256\",\"kid\":\"default\"}", GOOD);
    sign_hmac(&token, EVP_sha256(), SECRET, 32);
    expect_good(verify_in(&token, "main"));
    token = unsigned_token("{\"alg\":\"HS384\",\"kid\":\"h384\"}", GOOD);
    sign_hmac(&token, EVP_sha384(), SECRET "384", 35);
    expect_good(verify_in(&token, "main"));
    token = unsigned_token("{\"alg\":\"HS512\",\"kid\":\"h512\"}", GOOD);
    sign_hmac(&token, EVP_sha512(), SECRET "512", 35);
    expect_good(verify_in(&token, "main"));
    token = unsigned_token("{\"alg\":\"RS256\",\"kid\":\"r256\",\"typ\":\"JWT\"}", GOOD);
    sign_private(&token, rsa, EVP_sha256(), 0);
    expect_good(verify_in(&token, "main"));
    for (int i = 0; i < 50; i++) { /* r and s have zero bytes in front now and then */
        token = unsigned_token("{\"alg\":\"ES256\",\"kid\":\"e256\"}", GOOD);
        sign_private(&token, p256, EVP_sha256(), 32);
        expect_good(verify_in(&token, "main"));
    }
    token = unsigned_token("{\"alg\":\"ES384\",\"kid\":\"e384\"}", GOOD);
    sign_private(&token, p384, EVP_sha384(), 48);
    expect_good(verify_in(&token, "main"));
}

/* --- bad ones --- */

/* Is "none" refused, in every spelling, with and without a signature? */
static void test_none(void **state)
{
    static const char *const spellings[] = {"none", "None", "NONE", "nOnE", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        char header[64];
        struct buf token;

        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", spellings[i]);
        expect_reason(verify(header, GOOD), "the key wants HS256");
        token = unsigned_token(header, GOOD);
        buf_char(&token, '.');
        expect_reason(verify_in(&token, "main"), "no signature");
    }
    expect_reason(verify("{\"typ\":\"JWT\"}", GOOD), "no alg");
    expect_reason(verify("{\"alg\":null}", GOOD), "no alg");
    expect_reason(verify("{\"alg\":[\"HS256\"]}", GOOD), "no alg");
}

/* Is a token that is signed with the public PEM as an HMAC secret refused? */
static void test_public_as_secret(void **state)
{
    char pem[4096];
    FILE *file = fopen(path_of("rsa.pem"), "r");
    size_t len = fread(pem, 1, sizeof(pem), file);
    struct buf token = unsigned_token("{\"alg\":\"HS256\",\"kid\":\"r256\"}", GOOD);

    (void)state;
    fclose(file);
    sign_hmac(&token, EVP_sha256(), pem, len);
    expect_reason(verify_in(&token, "main"), "the token's alg is HS256, the key wants RS256");
    token = unsigned_token("{\"alg\":\"HS256\"}", GOOD);
    sign_hmac(&token, EVP_sha256(), pem, len);
    expect_reason(verify_in(&token, "main"), "signature");
}

/* Does a key serve its own algorithm only, though the signature be right for another? */
static void test_other_algorithm(void **state)
{
    struct buf token = unsigned_token("{\"alg\":\"HS512\"}", GOOD);

    (void)state;
    sign_hmac(&token, EVP_sha512(), SECRET, 32);
    expect_reason(verify_in(&token, "main"), "the token's alg is HS512, the key wants HS256");
    token = unsigned_token("{\"alg\":\"RS512\",\"kid\":\"r256\"}", GOOD);
    sign_private(&token, rsa, EVP_sha512(), 0);
    expect_reason(verify_in(&token, "main"), "RS512");
    token = unsigned_token("{\"alg\":\"ES256\",\"kid\":\"r256\"}", GOOD);
    sign_private(&token, p256, EVP_sha256(), 32);
    expect_reason(verify_in(&token, "main"), "the key wants RS256");
    expect_reason(verify("{\"alg\":\"evil\\u001b[2J\"}", GOOD), "the token's alg is another");
}

/* Is a signature by another key, for another payload, of another length or of none refused? */
static void test_signature(void **state)
{
    struct buf token = unsigned_token("{\"alg\":\"HS256\"}", GOOD);
    struct buf other =
        unsigned_token("{\"alg\":\"HS256\"}", "{\"sub\":\"bob\",\"exp\":1800000600}");

    (void)state;
    sign_hmac(&token, EVP_sha256(), SECRET "x", 33);
    expect_reason(verify_in(&token, "main"), "signature does not fit");
    token = unsigned_token("{\"alg\":\"HS256\"}", GOOD);
    sign_hmac(&token, EVP_sha256(), SECRET, 32);
    buf_str(&other, strrchr(token.data, '.'));
    expect_reason(verify_in(&other, "main"), "signature does not fit");
    token.len -= 4;
    expect_reason(verify_in(&token, "main"), "signature");
    token = unsigned_token("{\"alg\":\"HS256\"}", GOOD);
    buf_str(&token, ".AAAA");
    expect_reason(verify_in(&token, "main"), "signature does not fit");
    token = unsigned_token("{\"alg\":\"ES256\",\"kid\":\"e256\"}", GOOD);
    buf_char(&token, '.');
    append_base64(&token, (unsigned char[64]){0}, 64); /* r = s = 0 (CVE-2022-21449) */
    expect_reason(verify_in(&token, "main"), "signature does not fit");
    token = unsigned_token("{\"alg\":\"ES256\",\"kid\":\"e256\"}", GOOD);
    sign_private(&token, p256, EVP_sha256(), 0); /* DER */
    expect_reason(verify_in(&token, "main"), "signature does not fit");
    token = unsigned_token("{\"alg\":\"RS256\",\"kid\":\"r256\"}", GOOD);
    sign_private(&token, small_rsa, EVP_sha256(), 0);
    expect_reason(verify_in(&token, "main"), "signature does not fit");
}

/* Is each wrong time refused, and the reason told? */
static void test_times(void **state)
{
    static const struct {
        const char *claims, *wanted;
    } cases[] = {
        {"\"a\":1", "no exp"},
        {"\"exp\":\"1800000600\"", "exp is not a whole number"},
        {"\"exp\":1800000600.5", "exp is not a whole number"},
        {"\"exp\":1800000600.0", "exp is not a whole number"},
        {"\"exp\":18e8", "exp is not a whole number"},
        {"\"exp\":null", "exp is not a whole number"},
        {"\"exp\":true", "exp is not a whole number"},
        {"\"exp\":[1800000600]", "exp is not a whole number"},
        {"\"exp\":1800000600000", "exp is not a whole number of seconds"},
        {"\"exp\":9223372036854775807", "exp is not a whole number"},
        {"\"exp\":9223372036854775808", "the token's"},
        {"\"exp\":18446744073709551616", "the token's"},
        {"\"exp\":99999999999999999999999999999999", "the token's"},
        {"\"exp\":1e400", "the token's"},
        {"\"exp\":-1", "exp is not a whole number"},
        {"\"exp\":-0", "expired"},
        {"\"exp\":01800000600", "strict"},
        {"\"exp\":+1800000600", "strict"},
        {"\"exp\":NaN", "strict"},
        {"\"exp\":Infinity", "strict"},
        {"\"exp\":0", "expired"},
        {"\"exp\":1800000000", "expired"},
        {"\"exp\":1799999999", "expired"},
        {"\"exp\":1800000600,\"nbf\":1800000061", "not valid yet"},
        {"\"exp\":1800000600,\"nbf\":\"1800000000\"", "nbf is not"},
        {"\"exp\":1800000600,\"nbf\":1.5", "nbf is not"},
        {"\"exp\":1800000600,\"iat\":1800000061", "in the future"},
        {"\"exp\":1800000600,\"iat\":{}", "iat is not"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char payload[256];

        snprintf(payload, sizeof(payload), "{\"sub\":\"alice\",%s}", cases[i].claims);
        expect_reason(verify_claims(payload), cases[i].wanted);
    }
    expect_good(verify_claims("{\"sub\":\"alice\",\"exp\":1800000001}"));
    expect_good(verify_claims("{\"sub\":\"alice\",\"exp\":253402300799}"));
    expect_good(verify_claims(
        "{\"sub\":\"alice\",\"exp\":1800000600,\"nbf\":1800000060,\"iat\":1800000060}"));
}

/* Is a header refused that asks for what we do not know? */
static void test_header(void **state)
{
    (void)state;
    expect_reason(verify("{\"alg\":\"HS256\",\"kid\":\"other\"}", GOOD), "kid is not known");
    expect_reason(verify("{\"alg\":\"HS256\",\"kid\":\"\"}", GOOD), "kid is not known");
    expect_reason(verify("{\"alg\":\"HS256\",\"kid\":\"../../etc/passwd\"}", GOOD),
                  "kid is not known");
    expect_reason(verify("{\"alg\":\"HS256\",\"kid\":7}", GOOD), "kid is not a string");
    expect_reason(verify("{\"alg\":\"HS256\",\"kid\":null}", GOOD), "kid is not a string");
    expect_reason(verify("{\"alg\":\"HS256\",\"kid\":[\"default\"]}", GOOD), "kid is not a string");
    expect_reason(verify("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", GOOD), "crit");
    expect_reason(verify("{\"alg\":\"HS256\",\"crit\":[]}", GOOD), "crit");
    expect_reason(verify("{\"alg\":\"HS256\",\"crit\":null}", GOOD), "crit");
    expect_reason(verify("{\"alg\":\"HS256\",\"typ\":\"JWE\"}", GOOD), "typ is not JWT");
    expect_reason(verify("{\"alg\":\"HS256\",\"typ\":1}", GOOD), "typ is not JWT");
    expect_reason(verify("[\"HS256\"]", GOOD), "header is no JSON object");
    expect_reason(verify("{\"alg\":\"HS256\",\"alg\":\"HS256\"}", GOOD), "twice");
    expect_reason(verify("{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}", GOOD), "twice");
}

/* Is each payload refused that is not one object that reads one way? */
static void test_payload(void **state)
{
    static const char *const bad[] = {
        "[]",
        "[{\"sub\":\"alice\",\"exp\":1800000600}]",
        "null",
        "\"alice\"",
        "1",
        "{",
        "{}}",
        "{\"sub\":\"alice\",\"exp\":1800000600}{}",
        "{\"sub\":\"alice\",\"exp\":1800000600,}",
        "{'sub':'alice','exp':1800000600}",
        "{\"sub\":\"alice\",\"exp\":1800000600}//",
        "{\"sub\":\"bob\",\"sub\":\"alice\",\"exp\":1800000600}",
        "{\"sub\":\"alice\",\"exp\":1,\"exp\":1800000600}",
        "{\"sub\":\"alice\",\"exp\":1,\"\\u0065xp\":1800000600}",
        "{\"sub\":\"alice\",\"exp\":1800000600,\"x\":{\"a\":1,\"a\":2}}",
        "{\"sub\":\"alice\",\"exp\":1800000600,\"name\":\"\\ud800\"}",
        "{\"sub\":\"alice\\u0000bob\",\"exp\":1800000600}",
        "{\"sub\":\"alice\",\"exp\":1800000600,\"name\":\"\xff\"}",
        "\xef\xbb\xbf{\"sub\":\"alice\",\"exp\":1800000600}",
    };
    char deep[2600];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_reason(verify_claims(bad[i]), "payload is no JSON object of the strict kind");
    strcpy(deep, "{\"sub\":\"alice\",\"exp\":1800000600,\"x\":");
    memset(deep + strlen(deep), '[', 1200);
    deep[36 + 1200] = '\0';
    expect_reason(verify_claims(deep), "payload is no JSON object");
    strcpy(deep, "{\"sub\":\"alice\",\"exp\":1800000600,\"x\":{\"y\":[[[]]]}}");
    expect_good(verify_claims(deep));
}

/* Is each claim about the person checked? */
static void test_person(void **state)
{
    static const struct {
        const char *claims, *wanted;
    } cases[] = {
        {"\"a\":1", "no sub"},
        {"\"sub\":null", "no sub"},
        {"\"sub\":7", "no sub"},
        {"\"sub\":\"\"", "no user id"},
        {"\"sub\":\"a b\"", "no user id"},
        {"\"sub\":\"a,b\"", "no user id"},
        {"\"sub\":\"@alice\"", "no user id"},
        {"\"sub\":\"caf\xc3\xa9\"", "no user id"},
        {"\"sub\":\"me\"", "no user id"},
        {"\"sub\":\"a\\nb\"", "no user id"},
        {"\"sub\":\"alice\",\"name\":7", "name is not"},
        {"\"sub\":\"alice\",\"name\":\"a\\u000ab\"", "name is not"},
        {"\"sub\":\"alice\",\"name\":\"a\\u007fb\"", "name is not"},
        {"\"sub\":\"alice\",\"name\":\"a\\u0085b\"", "name is not"},
        {"\"sub\":\"alice\",\"name\":"
         "\"12345678901234567890123456789012345678901234567890123456789012345\"",
         "name is not"},
        {"\"sub\":\"alice\",\"jti\":1", "jti is not"},
        {"\"sub\":\"alice\",\"jti\":\"\"", "jti is not"},
        {"\"sub\":\"alice\",\"jti\":\"a\\r\\nb\"", "jti is not"},
        {"\"sub\":\"alice\",\"role\":true", "role is not"},
        {"\"sub\":\"alice\",\"role\":[\"admin\"]", "role is not"},
        {"\"sub\":\"alice\",\"rooms\":\"lobby=rw\"", "rooms is not an object"},
        {"\"sub\":\"alice\",\"rooms\":[\"lobby\"]", "rooms is not an object"},
        {"\"sub\":\"alice\",\"rooms\":null", "rooms is not an object"},
        {"\"sub\":\"alice\",\"rooms\":{\"lobby\":7}", "rooms is malformed"},
        {"\"sub\":\"alice\",\"rooms\":{\"lobby\":\"rwx\"}", "rooms is malformed"},
        {"\"sub\":\"alice\",\"rooms\":{\"lobby\":\"\"}", "rooms is malformed"},
        {"\"sub\":\"alice\",\"rooms\":{\"@bob\":\"r\"}", "rooms is malformed"},
        {"\"sub\":\"alice\",\"rooms\":{\"\":\"r\"}", "rooms is malformed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char payload[512];

        snprintf(payload, sizeof(payload), "{\"exp\":1800000600,%s}", cases[i].claims);
        expect_reason(verify_claims(payload), cases[i].wanted);
    }
    expect_good(
        verify_claims("{\"sub\":\"alice\",\"exp\":1800000600,\"rooms\":{},\"role\":\"editor\"}"));
    assert_false(identity.admin);
    assert_false(policy_allows(&identity, "lobby", RIGHT_READ));
}

/* Does a token with too many rooms get a clear answer? */
static void test_many_rooms(void **state)
{
    struct buf payload = BUF_INIT;

    (void)state;
    buf_str(&payload, "{\"sub\":\"alice\",\"exp\":1800000600,\"rooms\":{");
    for (int i = 0; i <= POLICY_GRANTS_MAX; i++)
        buf_printf(&payload, "%s\"r%d\":\"r\"", i > 0 ? "," : "", i);
    buf_str(&payload, "}}");
    expect_reason(verify_claims(payload.data), "too many");
    buf_free(&payload);
}

/* Are issuer, audience and namespace demanded where they should be? */
static void test_parties(void **state)
{
    static const char *const good[] = {
        "{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"site\",\"aud\":\"chat\"}",
        "{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"site\",\"aud\":[\"other\",\"chat\"]}"};
    static const struct {
        const char *payload, *wanted;
    } bad[] = {
        {"{\"sub\":\"alice\",\"exp\":1800000600,\"aud\":\"chat\"}", "iss"},
        {"{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"Site\",\"aud\":\"chat\"}", "iss"},
        {"{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":[\"site\"],\"aud\":\"chat\"}", "iss"},
        {"{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"site\"}", "aud"},
        {"{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"site\",\"aud\":[]}", "aud"},
        {"{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"site\",\"aud\":\"chat2\"}", "aud"},
        {"{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"site\",\"aud\":[\"chat\",7]}", "aud"},
        {"{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"site\",\"aud\":{\"chat\":1}}", "aud"},
    };

    (void)state;
    free(conf.jwt_issuer);
    free(conf.jwt_audience);
    conf.jwt_issuer = mem_strdup("site");
    conf.jwt_audience = mem_strdup("chat");
    for (size_t i = 0; i < 2; i++)
        expect_good(verify_claims(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_reason(verify_claims(bad[i].payload), bad[i].wanted);
    conf.jwt_issuer[0] = conf.jwt_audience[0] = '\0';
    expect_good(
        verify_claims("{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"x\",\"aud\":\"y\"}"));
    expect_reason(verify_claims("{\"sub\":\"alice\",\"exp\":1800000600,\"ns\":\"other\"}"),
                  "another namespace");
    expect_reason(verify_claims("{\"sub\":\"alice\",\"exp\":1800000600,\"ns\":7}"),
                  "ns is not a string");
}

/* Is what is no token at all refused, however long, short, cut or padded it is? */
static void test_shape(void **state)
{
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "...",
                                      "a",
                                      "a.b",
                                      "a.b.c.d",
                                      "a.b.c",
                                      "Bearer x.y.z",
                                      "eyJhbGciOiJIUzI1NiJ9",
                                      "eyJhbGciOiJIUzI1NiJ9.",
                                      "eyJhbGciOiJIUzI1NiJ9..x"};
    struct buf token = unsigned_token("{\"alg\":\"HS256\"}", GOOD), copy = BUF_INIT;
    size_t ten_mb = 10 * 1024 * 1024;
    char *big = mem_alloc(ten_mb);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_reason(
            token_verify(keyring, &arena, bad[i], strlen(bad[i]), "main", NOW_MS, &identity), "");
    memset(big, 'A', ten_mb);
    expect_reason(token_verify(keyring, &arena, big, ten_mb, "main", NOW_MS, &identity), "4 KiB");
    big[100] = big[200] = '.';
    expect_reason(token_verify(keyring, &arena, big, ten_mb, "main", NOW_MS, &identity), "4 KiB");
    free(big);
    sign_hmac(&token, EVP_sha256(), SECRET, 32);
    for (size_t len = 0; len < token.len; len++)
        expect_reason(token_verify(keyring, &arena, token.data, len, "main", NOW_MS, &identity),
                      "");
    for (const char *c = "=+/ \n%*\x80\xff"; *c != '\0'; c++) {
        buf_clear(&copy);
        buf_append(&copy, token.data, token.len);
        buf_char(&copy, *c);
        expect_reason(token_verify(keyring, &arena, copy.data, copy.len, "main", NOW_MS, &identity),
                      "base64url");
    }
    /* The last character of 32 bytes in base64 has two bits left over: set, they are another
     * spelling. */
    buf_clear(&copy);
    buf_append(&copy, token.data, token.len);
    copy.data[copy.len - 1]++;
    expect_reason(token_verify(keyring, &arena, copy.data, copy.len, "main", NOW_MS, &identity),
                  "signature");
    buf_append(&token, "\0", 1);
    expect_reason(token_verify(keyring, &arena, token.data, token.len, "main", NOW_MS, &identity),
                  "");
    buf_free(&copy);
    buf_free(&token);
}

/* Does every token of one flipped bit fail? */
static void test_flipped(void **state)
{
    struct buf token = unsigned_token("{\"alg\":\"HS256\"}", GOOD);

    (void)state;
    sign_hmac(&token, EVP_sha256(), SECRET, 32);
    for (size_t i = 0; i < token.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            token.data[i] ^= (char)(1 << bit);
            if (token_verify(keyring, &arena, token.data, token.len, "main", NOW_MS, &identity) ==
                NULL)
                fail_msg("byte %zu, bit %d", i, bit);
            token.data[i] ^= (char)(1 << bit);
        }
    }
    expect_good(verify_in(&token, "main"));
}

/* --- keyrings --- */

static void expect_no_keyring(const char *secret, const char *line, const char *wanted)
{
    char error[512] = "";

    use_keys(secret, &line, line != NULL ? 1 : 0);
    assert_null(keyring_open(&conf, error));
    if (strstr(error, wanted) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error, wanted);
}

/* Is a key refused that is none, or not one for its algorithm? */
static void test_bad_keys(void **state)
{
    static const char *const twice[] = {"a HS256 %s/h384", "a HS512 %s/h512"};
    char error[512];

    (void)state;
    expect_no_keyring("", NULL, "openssl rand -hex 32");
    expect_no_keyring("0123456789abcdef0123456789abcde", NULL, "has 31 bytes");
    expect_no_keyring("-----BEGIN PUBLIC KEY-----\n0123456789abcdef", NULL, "jwt_secret is a PEM");
    expect_no_keyring("", "a HS256 %s/rsa.pem", "is a PEM");
    expect_no_keyring("", "a RS256 %s/h384", "no PEM public key");
    expect_no_keyring("", "a RS256 %s/small.pem", "1024 bits");
    expect_no_keyring("", "a RS256 %s/p256.pem", "no RSA key");
    expect_no_keyring("", "a ES256 %s/rsa.pem", "no elliptic curve key");
    expect_no_keyring("", "a ES256 %s/p384.pem", "secp384r1");
    expect_no_keyring("", "a ES256 %s/missing", "No such file");
    expect_no_keyring("", "a ES256 %s", "not a regular file");
    expect_no_keyring("", "a none %s/h384", "allowed are HS256");
    expect_no_keyring("", "a HS256", "jwt_key = a HS256");
    expect_no_keyring(SECRET, "default HS256 %s/h384", "another key of this name");
    write_file("other", "short\n", 6);
    expect_no_keyring("", "a HS256 %s/other", "has 5 bytes");
    write_file("other", "-----BEGIN PRIVATE KEY-----\n", 28);
    expect_no_keyring("", "a RS256 %s/other", "private key");
    write_file("other", "", 0);
    expect_no_keyring("", "a RS256 %s/other", "no PEM public key");
    use_keys("", twice, 2);
    assert_null(keyring_open(&conf, error));
    assert_non_null(strstr(error, "another key"));
}

/* With one key by kid alone, is a token without kid verified with it, and not minted? */
static void test_only_key(void **state)
{
    static const char *const line = "h512 HS512 %s/h512";
    struct keyring *before = keyring;
    struct buf token = unsigned_token("{\"alg\":\"HS512\"}", GOOD), out = BUF_INIT;
    struct token_claims claims = {.user_id = "alice", .ttl_ms = 1000};
    char error[512];

    (void)state;
    use_keys("", &line, 1);
    keyring = keyring_open(&conf, error);
    assert_non_null(keyring);
    sign_hmac(&token, EVP_sha512(), SECRET "512", 35);
    expect_good(verify_in(&token, "main"));
    assert_int_equal(token_mint(keyring, &claims, NOW_MS, &out, error), -1);
    assert_non_null(strstr(error, "jwt_secret"));
    keyring_close(keyring);
    keyring = before;
}

/* --- minting --- */

/* Does a minted token verify, and say what was asked for? */
static void test_mint(void **state)
{
    struct token_claims claims = {.user_id = "alice",
                                  .name = "Al \"i\" \xe2\x9c\x93",
                                  .namespace = "main",
                                  .rooms = "lobby=r,team-*=rwm,lobby=w",
                                  .role = "admin",
                                  .ttl_ms = 3600000};
    struct buf token = BUF_INIT, again = BUF_INIT;
    char error[256];

    (void)state;
    assert_int_equal(token_mint(keyring, &claims, NOW_MS, &token, error), 0);
    assert_int_equal(token_mint(keyring, &claims, NOW_MS, &again, error), 0);
    assert_string_not_equal(token.data, again.data);
    buf_free(&again);
    expect_good(verify_in(&token, "main"));
    assert_string_equal(identity.name, claims.name);
    assert_string_equal(identity.namespace, "main");
    assert_int_equal(strlen(identity.token_id), 32);
    assert_true(identity.admin);
    assert_true(identity.expires_ms == NOW_MS + 3600000);
    assert_int_equal(identity.grants_count, 2);
    identity.admin = false;
    assert_true(policy_allows(&identity, "lobby", RIGHT_READ) &&
                policy_allows(&identity, "lobby", RIGHT_WRITE));
    assert_false(policy_allows(&identity, "lobby", RIGHT_MODERATE));
    claims = (struct token_claims){.user_id = "alice", .rooms = "", .ttl_ms = 1000};
    assert_int_equal(token_mint(keyring, &claims, NOW_MS, &token, error), 0);
    expect_good(verify_in(&token, "any"));
    assert_false(policy_allows(&identity, "lobby", RIGHT_READ));
}

/* Is nothing minted that would not verify? */
static void test_mint_refused(void **state)
{
    const struct token_claims bad[] = {
        {.ttl_ms = 1000},
        {.user_id = "", .ttl_ms = 1000},
        {.user_id = "a b", .ttl_ms = 1000},
        {.user_id = "me", .ttl_ms = 1000},
        {.user_id = "alice", .ttl_ms = 0},
        {.user_id = "alice", .ttl_ms = -5000},
        {.user_id = "alice", .ttl_ms = INT64_MAX},
        {.user_id = "alice", .name = "a\nb", .ttl_ms = 1000},
        {.user_id = "alice", .name = "\xff", .ttl_ms = 1000},
        {.user_id = "alice", .rooms = "lobby", .ttl_ms = 1000},
        {.user_id = "alice", .role = "root", .ttl_ms = 1000},
        {.user_id = "alice", .namespace = "a/b", .ttl_ms = 1000},
    };
    struct buf out = BUF_INIT, rooms = BUF_INIT;
    struct token_claims big = {.user_id = "alice", .ttl_ms = 1000};
    char error[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error[0] = '\0';
        assert_int_equal(token_mint(keyring, &bad[i], NOW_MS, &out, error), -1);
        assert_string_not_equal(error, "");
    }
    for (int i = 0; i < 100; i++)
        buf_printf(&rooms, "%sroom-with-a-rather-long-name-of-its-own-%d=rw", i > 0 ? "," : "", i);
    big.rooms = rooms.data;
    assert_int_equal(token_mint(keyring, &big, NOW_MS, &out, error), -1);
    assert_non_null(strstr(error, "4 KiB"));
    assert_int_equal(out.len, 0);
    buf_free(&rooms);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_public_as_secret),
        cmocka_unit_test(test_other_algorithm),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_person),
        cmocka_unit_test(test_many_rooms),
        cmocka_unit_test(test_parties),
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_mint),
        cmocka_unit_test(test_mint_refused),
        cmocka_unit_test(test_only_key),
        cmocka_unit_test(test_bad_keys),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
