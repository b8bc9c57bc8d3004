#include "issuer.h"

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
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "base/mem.h"

static char issuer_dir[] = "/tmp/test_token.XXXXXX";

EVP_PKEY *issuer_rsa, *issuer_small_rsa, *issuer_p256, *issuer_p384;
struct conf issuer_conf;
struct keyring *issuer_keyring;
struct arena issuer_arena;
struct identity issuer_identity;

/* --- keys --- */

char *issuer_path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", issuer_dir, name);
    return path;
}

void issuer_write_file(const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(issuer_path_of(name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    chmod(issuer_path_of(name), 0600);
}

void issuer_write_public(const char *name, EVP_PKEY *key)
{
    FILE *file = fopen(issuer_path_of(name), "w");

    assert_int_equal(PEM_write_PUBKEY(file, key), 1);
    fclose(file);
    chmod(issuer_path_of(name), 0600);
}

void issuer_use_keys(const char *secret, const char *const *lines, size_t count)
{
    free(issuer_conf.jwt_secret);
    issuer_conf.jwt_secret = mem_strdup(secret);
    for (int i = 0; i < issuer_conf.jwt_keys_count; i++)
        free(issuer_conf.jwt_keys[i]);
    issuer_conf.jwt_keys_count = (int)count;
    for (size_t i = 0; i < count; i++) {
        char line[256];

        snprintf(line, sizeof(line), lines[i], issuer_dir);
        issuer_conf.jwt_keys[i] = mem_strdup(line);
    }
}

int issuer_open_all(void **state)
{
    static const char *const lines[] = {"h384 HS384 %s/h384", "h512 HS512 %s/h512",
                                        "r256 RS256 %s/rsa.pem", "e256 ES256 %s/p256.pem",
                                        "e384 ES384 %s/p384.pem"};
    char error[512] = "";

    (void)state;
    assert_true(sodium_init() >= 0);
    assert_non_null(mkdtemp(issuer_dir));
    issuer_rsa = EVP_RSA_gen(2048);
    issuer_small_rsa = EVP_RSA_gen(1024);
    issuer_p256 = EVP_EC_gen("P-256");
    issuer_p384 = EVP_EC_gen("P-384");
    issuer_write_public("rsa.pem", issuer_rsa);
    issuer_write_public("small.pem", issuer_small_rsa);
    issuer_write_public("p256.pem", issuer_p256);
    issuer_write_public("p384.pem", issuer_p384);
    issuer_write_file("h384", SECRET "384\n", 36);
    issuer_write_file("h512", SECRET "512", 35);
    issuer_conf.members = mem_strdup("*=rw");
    issuer_conf.jwt_issuer = mem_strdup("");
    issuer_conf.jwt_audience = mem_strdup("");
    issuer_use_keys(SECRET, lines, 5);
    issuer_keyring = keyring_open(&issuer_conf, error);
    assert_string_equal(error, "");
    assert_non_null(issuer_keyring);
    return 0;
}

int issuer_close_all(void **state)
{
    static const char *const names[] = {"rsa.pem", "small.pem", "p256.pem", "p384.pem",
                                        "h384",    "h512",      "other"};

    (void)state;
    keyring_close(issuer_keyring);
    issuer_use_keys("", NULL, 0);
    free(issuer_conf.jwt_secret);
    free(issuer_conf.members);
    free(issuer_conf.jwt_issuer);
    free(issuer_conf.jwt_audience);
    arena_free(&issuer_arena);
    EVP_PKEY_free(issuer_rsa);
    EVP_PKEY_free(issuer_small_rsa);
    EVP_PKEY_free(issuer_p256);
    EVP_PKEY_free(issuer_p384);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(issuer_path_of(names[i]));
    rmdir(issuer_dir);
    return 0;
}

/* --- tokens --- */

void issuer_append_base64(struct buf *out, const void *bytes, size_t len)
{
    char *text = arena_alloc(&issuer_arena, len * 4 / 3 + 8);

    sodium_bin2base64(text, len * 4 / 3 + 8, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_str(out, text);
}

/* Signs what is in `token` with HMAC. */
void issuer_sign_hmac(struct buf *token, const EVP_MD *md, const void *key, size_t key_len)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len;

    HMAC(md, key, (int)key_len, (unsigned char *)token->data, token->len, mac, &len);
    buf_char(token, '.');
    issuer_append_base64(token, mac, len);
}

/* Signs with a private key; an ECDSA signature is turned from DER to r and s of `half` bytes (RFC
 * 7518, 3.4). */
void issuer_sign_private(struct buf *token, EVP_PKEY *key, const EVP_MD *md, size_t half)
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
        issuer_append_base64(token, raw, 2 * half);
    } else {
        issuer_append_base64(token, der, len);
    }
}

/* header.payload, unsigned. */
struct buf issuer_unsigned_token(const char *header, const char *payload)
{
    struct buf token = BUF_INIT;

    issuer_append_base64(&token, header, strlen(header));
    buf_char(&token, '.');
    issuer_append_base64(&token, payload, strlen(payload));
    return token;
}

const char *issuer_verify_in(struct buf *token, const char *namespace)
{
    const char *reason = token_verify(issuer_keyring, &issuer_arena, token->data, token->len,
                                      namespace, NOW_MS, &issuer_identity);

    buf_free(token);
    return reason;
}

/* What is said to a token of these parts, signed with the HS256 secret. */
const char *issuer_verify(const char *header, const char *payload)
{
    struct buf token = issuer_unsigned_token(header, payload);

    issuer_sign_hmac(&token, EVP_sha256(), SECRET, strlen(SECRET));
    return issuer_verify_in(&token, "main");
}

const char *issuer_verify_claims(const char *payload)
{
    return issuer_verify("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", payload);
}

void issuer_expect_reason(const char *reason, const char *wanted)
{
    if (reason == NULL)
        fail_msg("taken; wanted: %s", wanted);
    if (strstr(reason, wanted) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", reason, wanted);
    assert_null(issuer_identity.user_id);
    assert_int_equal(issuer_identity.grants_count, 0);
    assert_false(issuer_identity.admin);
}

void issuer_expect_good(const char *reason)
{
    if (reason != NULL)
        fail_msg("refused: %s", reason);
    assert_string_equal(issuer_identity.user_id, "alice");
}
