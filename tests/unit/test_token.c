#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "issuer.h"

/* --- good ones --- */

/* Does a plain token give the issuer_identity that it states? */
static void test_good(void **state)
{
    (void)state;
    issuer_expect_good(issuer_verify_claims(GOOD));
    assert_string_equal(issuer_identity.name, "alice");
    assert_null(issuer_identity.token_id);
    assert_null(issuer_identity.namespace);
    assert_false(issuer_identity.admin);
    assert_true(issuer_identity.expires_ms == INT64_C(1800000600000));
    assert_true(policy_allows(&issuer_identity, "lobby", RIGHT_WRITE));
    issuer_expect_good(issuer_verify_claims(
        "{\"sub\":\"alice\",\"exp\":1800000001,\"iat\":1800000000,\"nbf\":1800000000,"
        "\"name\":\"\xc3\x84lice B.\",\"jti\":\"x1\",\"ns\":\"main\",\"role\":\"admin\","
        "\"rooms\":{\"lobby\":\"rw\",\"team-*\":\"r\"},\"custom\":[1,{\"a\":null}]}"));
    assert_string_equal(issuer_identity.name, "\xc3\x84lice B.");
    assert_string_equal(issuer_identity.token_id, "x1");
    assert_string_equal(issuer_identity.namespace, "main");
    assert_true(issuer_identity.admin);
    assert_int_equal(issuer_identity.grants_count, 2);
}

/* Do all algorithms work, each with its key by kid? */
static void test_algorithms(void **state)
{
    struct buf token;

    (void)state;
    token = issuer_unsigned_token("{\"alg\":\"HS256\",\"kid\":\"default\"}", GOOD);
    issuer_sign_hmac(&token, EVP_sha256(), SECRET, 32);
    issuer_expect_good(issuer_verify_in(&token, "main"));
    token = issuer_unsigned_token("{\"alg\":\"HS384\",\"kid\":\"h384\"}", GOOD);
    issuer_sign_hmac(&token, EVP_sha384(), SECRET "384", 35);
    issuer_expect_good(issuer_verify_in(&token, "main"));
    token = issuer_unsigned_token("{\"alg\":\"HS512\",\"kid\":\"h512\"}", GOOD);
    issuer_sign_hmac(&token, EVP_sha512(), SECRET "512", 35);
    issuer_expect_good(issuer_verify_in(&token, "main"));
    token = issuer_unsigned_token("{\"alg\":\"RS256\",\"kid\":\"r256\",\"typ\":\"JWT\"}", GOOD);
    issuer_sign_private(&token, issuer_rsa, EVP_sha256(), 0);
    issuer_expect_good(issuer_verify_in(&token, "main"));
    for (int i = 0; i < 50; i++) { /* r and s have zero bytes in front now and then */
        token = issuer_unsigned_token("{\"alg\":\"ES256\",\"kid\":\"e256\"}", GOOD);
        issuer_sign_private(&token, issuer_p256, EVP_sha256(), 32);
        issuer_expect_good(issuer_verify_in(&token, "main"));
    }
    token = issuer_unsigned_token("{\"alg\":\"ES384\",\"kid\":\"e384\"}", GOOD);
    issuer_sign_private(&token, issuer_p384, EVP_sha384(), 48);
    issuer_expect_good(issuer_verify_in(&token, "main"));
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
        issuer_expect_reason(issuer_verify(header, GOOD), "the key wants HS256");
        token = issuer_unsigned_token(header, GOOD);
        buf_char(&token, '.');
        issuer_expect_reason(issuer_verify_in(&token, "main"), "no signature");
    }
    issuer_expect_reason(issuer_verify("{\"typ\":\"JWT\"}", GOOD), "no alg");
    issuer_expect_reason(issuer_verify("{\"alg\":null}", GOOD), "no alg");
    issuer_expect_reason(issuer_verify("{\"alg\":[\"HS256\"]}", GOOD), "no alg");
}

/* Is a token that is signed with the public PEM as an HMAC secret refused? */
static void test_public_as_secret(void **state)
{
    char pem[4096];
    FILE *file = fopen(issuer_path_of("rsa.pem"), "r");
    size_t len = fread(pem, 1, sizeof(pem), file);
    struct buf token = issuer_unsigned_token("{\"alg\":\"HS256\",\"kid\":\"r256\"}", GOOD);

    (void)state;
    fclose(file);
    issuer_sign_hmac(&token, EVP_sha256(), pem, len);
    issuer_expect_reason(issuer_verify_in(&token, "main"),
                         "the token's alg is HS256, the key wants RS256");
    token = issuer_unsigned_token("{\"alg\":\"HS256\"}", GOOD);
    issuer_sign_hmac(&token, EVP_sha256(), pem, len);
    issuer_expect_reason(issuer_verify_in(&token, "main"), "signature");
}

/* Does a key serve its own algorithm only, though the signature be right for another? */
static void test_other_algorithm(void **state)
{
    struct buf token = issuer_unsigned_token("{\"alg\":\"HS512\"}", GOOD);

    (void)state;
    issuer_sign_hmac(&token, EVP_sha512(), SECRET, 32);
    issuer_expect_reason(issuer_verify_in(&token, "main"),
                         "the token's alg is HS512, the key wants HS256");
    token = issuer_unsigned_token("{\"alg\":\"RS512\",\"kid\":\"r256\"}", GOOD);
    issuer_sign_private(&token, issuer_rsa, EVP_sha512(), 0);
    issuer_expect_reason(issuer_verify_in(&token, "main"), "RS512");
    token = issuer_unsigned_token("{\"alg\":\"ES256\",\"kid\":\"r256\"}", GOOD);
    issuer_sign_private(&token, issuer_p256, EVP_sha256(), 32);
    issuer_expect_reason(issuer_verify_in(&token, "main"), "the key wants RS256");
    issuer_expect_reason(issuer_verify("{\"alg\":\"evil\\u001b[2J\"}", GOOD),
                         "the token's alg is another");
}

/* Is a signature by another key, for another payload, of another length or of none refused? */
static void test_signature(void **state)
{
    struct buf token = issuer_unsigned_token("{\"alg\":\"HS256\"}", GOOD);
    struct buf other =
        issuer_unsigned_token("{\"alg\":\"HS256\"}", "{\"sub\":\"bob\",\"exp\":1800000600}");

    (void)state;
    issuer_sign_hmac(&token, EVP_sha256(), SECRET "x", 33);
    issuer_expect_reason(issuer_verify_in(&token, "main"), "signature does not fit");
    token = issuer_unsigned_token("{\"alg\":\"HS256\"}", GOOD);
    issuer_sign_hmac(&token, EVP_sha256(), SECRET, 32);
    buf_str(&other, strrchr(token.data, '.'));
    issuer_expect_reason(issuer_verify_in(&other, "main"), "signature does not fit");
    token.len -= 4;
    issuer_expect_reason(issuer_verify_in(&token, "main"), "signature");
    token = issuer_unsigned_token("{\"alg\":\"HS256\"}", GOOD);
    buf_str(&token, ".AAAA");
    issuer_expect_reason(issuer_verify_in(&token, "main"), "signature does not fit");
    token = issuer_unsigned_token("{\"alg\":\"ES256\",\"kid\":\"e256\"}", GOOD);
    buf_char(&token, '.');
    issuer_append_base64(&token, (unsigned char[64]){0}, 64); /* r = s = 0 (CVE-2022-21449) */
    issuer_expect_reason(issuer_verify_in(&token, "main"), "signature does not fit");
    token = issuer_unsigned_token("{\"alg\":\"ES256\",\"kid\":\"e256\"}", GOOD);
    issuer_sign_private(&token, issuer_p256, EVP_sha256(), 0); /* DER */
    issuer_expect_reason(issuer_verify_in(&token, "main"), "signature does not fit");
    token = issuer_unsigned_token("{\"alg\":\"RS256\",\"kid\":\"r256\"}", GOOD);
    issuer_sign_private(&token, issuer_small_rsa, EVP_sha256(), 0);
    issuer_expect_reason(issuer_verify_in(&token, "main"), "signature does not fit");
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
        issuer_expect_reason(issuer_verify_claims(payload), cases[i].wanted);
    }
    issuer_expect_good(issuer_verify_claims("{\"sub\":\"alice\",\"exp\":1800000001}"));
    issuer_expect_good(issuer_verify_claims("{\"sub\":\"alice\",\"exp\":253402300799}"));
    issuer_expect_good(issuer_verify_claims(
        "{\"sub\":\"alice\",\"exp\":1800000600,\"nbf\":1800000060,\"iat\":1800000060}"));
}

/* Is a header refused that asks for what we do not know? */
static void test_header(void **state)
{
    (void)state;
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"kid\":\"other\"}", GOOD),
                         "kid is not known");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"kid\":\"\"}", GOOD),
                         "kid is not known");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"kid\":\"../../etc/passwd\"}", GOOD),
                         "kid is not known");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"kid\":7}", GOOD),
                         "kid is not a string");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"kid\":null}", GOOD),
                         "kid is not a string");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"kid\":[\"default\"]}", GOOD),
                         "kid is not a string");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", GOOD), "crit");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"crit\":[]}", GOOD), "crit");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"crit\":null}", GOOD), "crit");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"typ\":\"JWE\"}", GOOD),
                         "typ is not JWT");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"typ\":1}", GOOD), "typ is not JWT");
    issuer_expect_reason(issuer_verify("[\"HS256\"]", GOOD), "header is no JSON object");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"alg\":\"HS256\"}", GOOD), "twice");
    issuer_expect_reason(issuer_verify("{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}", GOOD),
                         "twice");
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
        issuer_expect_reason(issuer_verify_claims(bad[i]),
                             "payload is no JSON object of the strict kind");
    strcpy(deep, "{\"sub\":\"alice\",\"exp\":1800000600,\"x\":");
    memset(deep + strlen(deep), '[', 1200);
    deep[36 + 1200] = '\0';
    issuer_expect_reason(issuer_verify_claims(deep), "payload is no JSON object");
    strcpy(deep, "{\"sub\":\"alice\",\"exp\":1800000600,\"x\":{\"y\":[[[]]]}}");
    issuer_expect_good(issuer_verify_claims(deep));
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
        issuer_expect_reason(issuer_verify_claims(payload), cases[i].wanted);
    }
    issuer_expect_good(issuer_verify_claims(
        "{\"sub\":\"alice\",\"exp\":1800000600,\"rooms\":{},\"role\":\"editor\"}"));
    assert_false(issuer_identity.admin);
    assert_false(policy_allows(&issuer_identity, "lobby", RIGHT_READ));
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
    issuer_expect_reason(issuer_verify_claims(payload.data), "too many");
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
    free(issuer_conf.jwt_issuer);
    free(issuer_conf.jwt_audience);
    issuer_conf.jwt_issuer = mem_strdup("site");
    issuer_conf.jwt_audience = mem_strdup("chat");
    for (size_t i = 0; i < 2; i++)
        issuer_expect_good(issuer_verify_claims(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        issuer_expect_reason(issuer_verify_claims(bad[i].payload), bad[i].wanted);
    issuer_conf.jwt_issuer[0] = issuer_conf.jwt_audience[0] = '\0';
    issuer_expect_good(
        issuer_verify_claims("{\"sub\":\"alice\",\"exp\":1800000600,\"iss\":\"x\",\"aud\":\"y\"}"));
    issuer_expect_reason(
        issuer_verify_claims("{\"sub\":\"alice\",\"exp\":1800000600,\"ns\":\"other\"}"),
        "another namespace");
    issuer_expect_reason(issuer_verify_claims("{\"sub\":\"alice\",\"exp\":1800000600,\"ns\":7}"),
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
    struct buf token = issuer_unsigned_token("{\"alg\":\"HS256\"}", GOOD), copy = BUF_INIT;
    size_t ten_mb = 10 * 1024 * 1024;
    char *big = mem_alloc(ten_mb);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        issuer_expect_reason(token_verify(issuer_keyring, &issuer_arena, bad[i], strlen(bad[i]),
                                          "main", NOW_MS, &issuer_identity),
                             "");
    memset(big, 'A', ten_mb);
    issuer_expect_reason(
        token_verify(issuer_keyring, &issuer_arena, big, ten_mb, "main", NOW_MS, &issuer_identity),
        "4 KiB");
    big[100] = big[200] = '.';
    issuer_expect_reason(
        token_verify(issuer_keyring, &issuer_arena, big, ten_mb, "main", NOW_MS, &issuer_identity),
        "4 KiB");
    free(big);
    issuer_sign_hmac(&token, EVP_sha256(), SECRET, 32);
    for (size_t len = 0; len < token.len; len++)
        issuer_expect_reason(token_verify(issuer_keyring, &issuer_arena, token.data, len, "main",
                                          NOW_MS, &issuer_identity),
                             "");
    for (const char *c = "=+/ \n%*\x80\xff"; *c != '\0'; c++) {
        buf_clear(&copy);
        buf_append(&copy, token.data, token.len);
        buf_char(&copy, *c);
        issuer_expect_reason(token_verify(issuer_keyring, &issuer_arena, copy.data, copy.len,
                                          "main", NOW_MS, &issuer_identity),
                             "base64url");
    }
    /* The last character of 32 bytes in base64 has two bits left over: set, they are another
     * spelling. */
    buf_clear(&copy);
    buf_append(&copy, token.data, token.len);
    copy.data[copy.len - 1]++;
    issuer_expect_reason(token_verify(issuer_keyring, &issuer_arena, copy.data, copy.len, "main",
                                      NOW_MS, &issuer_identity),
                         "signature");
    buf_append(&token, "\0", 1);
    issuer_expect_reason(token_verify(issuer_keyring, &issuer_arena, token.data, token.len, "main",
                                      NOW_MS, &issuer_identity),
                         "");
    buf_free(&copy);
    buf_free(&token);
}

/* Does every token of one flipped bit fail? */
static void test_flipped(void **state)
{
    struct buf token = issuer_unsigned_token("{\"alg\":\"HS256\"}", GOOD);

    (void)state;
    issuer_sign_hmac(&token, EVP_sha256(), SECRET, 32);
    for (size_t i = 0; i < token.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            token.data[i] ^= (char)(1 << bit);
            if (token_verify(issuer_keyring, &issuer_arena, token.data, token.len, "main", NOW_MS,
                             &issuer_identity) == NULL)
                fail_msg("byte %zu, bit %d", i, bit);
            token.data[i] ^= (char)(1 << bit);
        }
    }
    issuer_expect_good(issuer_verify_in(&token, "main"));
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
    };

    return cmocka_run_group_tests(tests, issuer_open_all, issuer_close_all);
}
