#include "auth/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <jwt.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/policy.h"
#include "base/log.h"
#include "base/mem.h"

#define FILE_MAX 16384
#define RSA_BITS_MIN 2048

enum family { FAMILY_HS, FAMILY_RS, FAMILY_ES };

struct algorithm {
    const char *name;
    int jwt_alg;
    enum family family;
    const char *curve; /* of ES, as OpenSSL calls it */
};

/* All that earshot takes; every other algorithm, "none" first of all, is unknown. */
static const struct algorithm algorithms[] = {
    {"HS256", JWT_ALG_HS256, FAMILY_HS, NULL},
    {"HS384", JWT_ALG_HS384, FAMILY_HS, NULL},
    {"HS512", JWT_ALG_HS512, FAMILY_HS, NULL},
    {"RS256", JWT_ALG_RS256, FAMILY_RS, NULL},
    {"RS384", JWT_ALG_RS384, FAMILY_RS, NULL},
    {"RS512", JWT_ALG_RS512, FAMILY_RS, NULL},
    {"ES256", JWT_ALG_ES256, FAMILY_ES, "prime256v1"},
    {"ES384", JWT_ALG_ES384, FAMILY_ES, "secp384r1"},
    {"ES512", JWT_ALG_ES512, FAMILY_ES, "secp521r1"},
};

#define ALGORITHM_NAMES "HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384, ES512"

static int fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, 512, format, args);
    va_end(args);
    return -1;
}

static const struct algorithm *find_algorithm(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (strlen(algorithms[i].name) == len && memcmp(algorithms[i].name, name, len) == 0)
            return &algorithms[i];
    return NULL;
}

/* --- what makes a key fit --- */

/* `what` names the key in the error, and where it is set: "earshot.conf:3: jwt_secret", or
 * "earshot.conf:4: jwt_key main (/etc/earshot/main.key)". */
static int check_secret(const char *what, const char *bytes, size_t len, char *error)
{
    if (memmem(bytes, len, "-----BEGIN ", 11) != NULL)
        return fail(error,
                    "%s is a PEM, which others may know; an HS key is a secret of %d bytes or more "
                    "(openssl rand -hex 32 makes one)",
                    what, TOKEN_SECRET_MIN);
    if (len < TOKEN_SECRET_MIN)
        return fail(error,
                    "%s has %zu bytes; allowed are %d and more (openssl rand -hex 32 makes one)",
                    what, len, TOKEN_SECRET_MIN);
    return 0;
}

static int check_rsa(const char *what, EVP_PKEY *key, char *error)
{
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        return fail(error, "%s is no RSA key, which the RS algorithms need", what);
    if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
        return fail(error, "%s has %d bits; an RSA key needs %d and more", what,
                    EVP_PKEY_get_bits(key), RSA_BITS_MIN);
    return 0;
}

static int check_ec(const char *what, EVP_PKEY *key, const struct algorithm *algorithm, char *error)
{
    char curve[64] = "another";
    size_t len;

    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
        return fail(error, "%s is no elliptic curve key, which %s needs", what, algorithm->name);
    if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), &len) != 1 ||
        strcmp(curve, algorithm->curve) != 0)
        return fail(error, "%s is on the curve %s; %s needs %s", what, curve, algorithm->name,
                    algorithm->curve);
    return 0;
}

static int check_public(const char *what, const struct algorithm *algorithm, const char *bytes,
                        size_t len, char *error)
{
    BIO *bio = NULL;
    EVP_PKEY *key = NULL;
    int rc;

    if (memmem(bytes, len, "PRIVATE KEY-----", 16) != NULL)
        return fail(error,
                    "%s is a private key; earshot wants the public one only (openssl pkey -in "
                    "FILE -pubout makes it)",
                    what);
    bio = BIO_new_mem_buf(bytes, (int)len);
    if (bio != NULL)
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (key == NULL)
        rc = fail(error, "%s is no PEM public key (-----BEGIN PUBLIC KEY-----), which %s needs",
                  what, algorithm->name);
    else if (algorithm->family == FAMILY_RS)
        rc = check_rsa(what, key, error);
    else
        rc = check_ec(what, key, algorithm, error);
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return rc;
}

/* --- reading --- */

/* Reads a whole key file into fresh memory. Returns NULL after an error. */
static char *read_file(const char *what, const char *path, bool secret, size_t *len, char *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *bytes = NULL;
    struct stat st;
    ssize_t n = 0;

    *len = 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        fail(error, "%s cannot be read: %s", what, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        fail(error, "%s is not a regular file", what);
    else
        bytes = mem_alloc(FILE_MAX + 1);
    while (bytes != NULL && *len <= FILE_MAX &&
           (n = read(fd, bytes + *len, FILE_MAX + 1 - *len)) > 0)
        *len += (size_t)n;
    if (bytes != NULL && (n < 0 || *len > FILE_MAX)) {
        fail(error, "%s cannot be read: %s", what, n < 0 ? strerror(errno) : "it is over 16 KiB");
        free(bytes);
        bytes = NULL;
    }
    if (bytes != NULL && secret && (st.st_mode & S_IROTH) != 0)
        log_warn("every user of this machine can read %s: chmod o-r", path);
    if (fd >= 0)
        close(fd);
    return bytes;
}

/* Takes over `bytes`. */
static int add(struct keyring *keyring, const char *what, const char *kid,
               const struct algorithm *algorithm, char *bytes, size_t len, char *error)
{
    struct keyring_key *key = &keyring->keys[keyring->count++];

    *key = (struct keyring_key){mem_strdup(kid), algorithm->name, algorithm->jwt_alg, bytes, len};
    if (algorithm->family == FAMILY_HS)
        return check_secret(what, bytes, len, error);
    return check_public(what, algorithm, bytes, len, error);
}

/* --- the configuration's keys --- */

/* Reads "kid alg source". */
static int add_listed(struct keyring *keyring, const char *line, const char *where, char *error)
{
    size_t kid_len = strcspn(line, " \t"), alg_len, len;
    const char *alg = line + kid_len + strspn(line + kid_len, " \t"), *path;
    const struct algorithm *algorithm;
    char kid[KEYRING_KID_MAX + 1], what[400], *bytes;

    alg_len = strcspn(alg, " \t");
    path = alg + alg_len + strspn(alg + alg_len, " \t");
    if (kid_len == 0 || kid_len > KEYRING_KID_MAX || alg_len == 0 || *path == '\0')
        return fail(error,
                    "%s: jwt_key = %.80s: it reads \"kid alg file\", like \"main RS256 "
                    "/etc/earshot/main.pem\"",
                    where, line);
    snprintf(kid, sizeof(kid), "%.*s", (int)kid_len, line);
    algorithm = find_algorithm(alg, alg_len);
    if (algorithm == NULL)
        return fail(error, "%s: jwt_key %s: %.*s is no algorithm; allowed are " ALGORITHM_NAMES,
                    where, kid, (int)(alg_len < 40 ? alg_len : 40), alg);
    for (size_t i = 0; i < keyring->count; i++)
        if (strcmp(keyring->keys[i].kid, kid) == 0)
            return fail(error, "%s: jwt_key %s: there is another key of this name%s", where, kid,
                        strcmp(kid, KEYRING_DEFAULT) == 0 ? ", jwt_secret" : "");
    snprintf(what, sizeof(what), "%.150s: jwt_key %s (%.100s)", where, kid, path);
    bytes = read_file(what, path, algorithm->family == FAMILY_HS, &len, error);
    if (bytes == NULL)
        return -1;
    /* An editor's, or echo's; not the secret's. */
    if (algorithm->family == FAMILY_HS && len > 0 && bytes[len - 1] == '\n')
        len--;
    return add(keyring, what, kid, algorithm, bytes, len, error);
}

static int add_all(struct keyring *keyring, char *error)
{
    const struct conf *conf = keyring->conf;
    char what[320];

    snprintf(what, sizeof(what), "%.300s: jwt_secret", conf_where(conf, "jwt_secret", 0));
    if (conf->jwt_secret != NULL && conf->jwt_secret[0] != '\0' &&
        add(keyring, what, KEYRING_DEFAULT, &algorithms[0], mem_strdup(conf->jwt_secret),
            strlen(conf->jwt_secret), error) < 0)
        return -1;
    for (int i = 0; i < conf->jwt_keys_count; i++)
        if (add_listed(keyring, conf->jwt_keys[i], conf_where(conf, "jwt_key", i), error) < 0)
            return -1;
    if (keyring->count == 0)
        return fail(error,
                    "%s: there is no key for tokens: set jwt_secret (%d bytes or more; openssl "
                    "rand -hex 32 makes one) or jwt_key",
                    conf_where(conf, NULL, 0), TOKEN_SECRET_MIN);
    return 0;
}

/* The rights of tokens that claim none, so that no request finds them malformed. */
static int check_members(const struct conf *conf, char *error)
{
    struct identity *identity = mem_zero(sizeof(*identity));
    struct arena arena = {0};
    char reason[256];
    int rc = 0;

    if (conf->members != NULL && policy_parse(identity, &arena, conf->members, reason) != 0)
        rc = fail(error, "%s: members: %s", conf_where(conf, "members", 0), reason);
    arena_free(&arena);
    free(identity);
    return rc;
}

struct keyring *keyring_open(const struct conf *conf, char error[512])
{
    struct keyring *keyring = mem_zero(sizeof(*keyring));

    keyring->conf = conf;
    if (add_all(keyring, error) == 0 && check_members(conf, error) == 0)
        return keyring;
    keyring_close(keyring);
    return NULL;
}

void keyring_close(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    for (size_t i = 0; i < keyring->count; i++) {
        free(keyring->keys[i].kid);
        sodium_memzero(keyring->keys[i].bytes, keyring->keys[i].len);
        free(keyring->keys[i].bytes);
    }
    free(keyring);
}

const struct keyring_key *keyring_find(const struct keyring *keyring, const char *kid)
{
    if (kid == NULL && keyring->count == 1)
        return &keyring->keys[0];
    for (size_t i = 0; i < keyring->count; i++)
        if (strcmp(keyring->keys[i].kid, kid != NULL ? kid : KEYRING_DEFAULT) == 0)
            return &keyring->keys[i];
    return NULL;
}
