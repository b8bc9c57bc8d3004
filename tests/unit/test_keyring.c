#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "issuer.h"

/* --- keyrings --- */

static void expect_no_keyring(const char *secret, const char *line, const char *wanted)
{
    char error[512] = "";

    issuer_use_keys(secret, &line, line != NULL ? 1 : 0);
    assert_null(keyring_open(&issuer_conf, error));
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
    issuer_write_file("other", "short\n", 6);
    expect_no_keyring("", "a HS256 %s/other", "has 5 bytes");
    issuer_write_file("other", "-----BEGIN PRIVATE KEY-----\n", 28);
    expect_no_keyring("", "a RS256 %s/other", "private key");
    issuer_write_file("other", "", 0);
    expect_no_keyring("", "a RS256 %s/other", "no PEM public key");
    issuer_use_keys("", twice, 2);
    assert_null(keyring_open(&issuer_conf, error));
    assert_non_null(strstr(error, "another key"));
}

/* With one key by kid alone, is a token without kid verified with it, and not minted? */
static void test_only_key(void **state)
{
    static const char *const line = "h512 HS512 %s/h512";
    struct keyring *before = issuer_keyring;
    struct buf token = issuer_unsigned_token("{\"alg\":\"HS512\"}", GOOD), out = BUF_INIT;
    struct token_claims claims = {.user_id = "alice", .ttl_ms = 1000};
    char error[512];

    (void)state;
    issuer_use_keys("", &line, 1);
    issuer_keyring = keyring_open(&issuer_conf, error);
    assert_non_null(issuer_keyring);
    issuer_sign_hmac(&token, EVP_sha512(), SECRET "512", 35);
    issuer_expect_good(issuer_verify_in(&token, "main"));
    assert_int_equal(token_mint(issuer_keyring, &claims, NOW_MS, &out, NULL, error), -1);
    assert_non_null(strstr(error, "jwt_secret"));
    keyring_close(issuer_keyring);
    issuer_keyring = before;
}

/* --- minting --- */

/* Does a minted token issuer_verify, and say what was asked for? */
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
    assert_int_equal(token_mint(issuer_keyring, &claims, NOW_MS, &token, NULL, error), 0);
    assert_int_equal(token_mint(issuer_keyring, &claims, NOW_MS, &again, NULL, error), 0);
    assert_string_not_equal(token.data, again.data);
    buf_free(&again);
    issuer_expect_good(issuer_verify_in(&token, "main"));
    assert_string_equal(issuer_identity.name, claims.name);
    assert_string_equal(issuer_identity.namespace, "main");
    assert_int_equal(strlen(issuer_identity.token_id), 32);
    assert_true(issuer_identity.admin);
    assert_true(issuer_identity.expires_ms == NOW_MS + 3600000);
    assert_int_equal(issuer_identity.grants_count, 2);
    issuer_identity.admin = false;
    assert_true(policy_allows(&issuer_identity, "lobby", RIGHT_READ) &&
                policy_allows(&issuer_identity, "lobby", RIGHT_WRITE));
    assert_false(policy_allows(&issuer_identity, "lobby", RIGHT_MODERATE));
    claims = (struct token_claims){.user_id = "alice", .rooms = "", .ttl_ms = 1000};
    assert_int_equal(token_mint(issuer_keyring, &claims, NOW_MS, &token, NULL, error), 0);
    issuer_expect_good(issuer_verify_in(&token, "any"));
    assert_false(policy_allows(&issuer_identity, "lobby", RIGHT_READ));
}

/* Is nothing minted that would not issuer_verify? */
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
        assert_int_equal(token_mint(issuer_keyring, &bad[i], NOW_MS, &out, NULL, error), -1);
        assert_string_not_equal(error, "");
    }
    for (int i = 0; i < 100; i++)
        buf_printf(&rooms, "%sroom-with-a-rather-long-name-of-its-own-%d=rw", i > 0 ? "," : "", i);
    big.rooms = rooms.data;
    assert_int_equal(token_mint(issuer_keyring, &big, NOW_MS, &out, NULL, error), -1);
    assert_non_null(strstr(error, "4 KiB"));
    assert_int_equal(out.len, 0);
    buf_free(&rooms);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mint),
        cmocka_unit_test(test_mint_refused),
        cmocka_unit_test(test_only_key),
        cmocka_unit_test(test_bad_keys),
    };

    return cmocka_run_group_tests(tests, issuer_open_all, issuer_close_all);
}
