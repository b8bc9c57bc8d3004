#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "conf.h"
#include "event/name.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW_MS INT64_C(1800000000000)

static struct keyring *keyring;

static void set_up(void)
{
    static struct conf conf = {
        .jwt_secret = SECRET, .members = "*=rw", .jwt_issuer = "", .jwt_audience = ""};
    char error[512];

    if (sodium_init() < 0 || (keyring = keyring_open(&conf, error)) == NULL)
        abort();
}

/* Whatever is let in must be an identity that the rest of the house may trust. */
static void check(const char *token, size_t len)
{
    struct arena arena = {0};
    struct identity *identity = arena_alloc(&arena, sizeof(*identity));
    const char *reason = token_verify(keyring, &arena, token, len, "main", NOW_MS, identity);

    if (reason == NULL && (!name_user_valid(identity->user_id) || identity->name == NULL ||
                           identity->expires_ms <= NOW_MS))
        abort();
    if (reason != NULL && (reason[0] == '\0' || identity->user_id != NULL))
        abort();
    arena_free(&arena);
}

static void append_base64(struct buf *out, const uint8_t *bytes, size_t len)
{
    size_t most = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);

    sodium_bin2base64(buf_reserve(out, most), most, bytes, len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out->len += most - 1;
}

/* header.payload of the two halves that a line feed parts, rightly signed, so that the claims are
 * reached. */
static void check_signed(const uint8_t *data, size_t size)
{
    const uint8_t *feed = memchr(data, '\n', size);
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    struct buf token = BUF_INIT;

    if (feed == NULL)
        return;
    append_base64(&token, data, (size_t)(feed - data));
    buf_char(&token, '.');
    append_base64(&token, feed + 1, size - (size_t)(feed - data) - 1);
    crypto_auth_hmacsha256(mac, (const unsigned char *)token.data, token.len,
                           (const unsigned char *)SECRET);
    buf_char(&token, '.');
    append_base64(&token, mac, sizeof(mac));
    check(token.data, token.len);
    buf_free(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (keyring == NULL)
        set_up();
    if (size == 0)
        return 0;
    if (data[0] == 's')
        check_signed(data + 1, size - 1);
    else
        check((const char *)data, size);
    return 0;
}
