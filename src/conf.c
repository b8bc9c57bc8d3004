#include "conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/units.h"
#include "setting.h"

#define FILE_BYTES_MAX (256 * 1024)
#define SECRET_BYTES_MAX 4096
#define WHERE_MAX 300

extern char **environ;

/* The order of the sources: each overrides those above it. */
enum layer { LAYER_PRESET, LAYER_FILE, LAYER_ENVIRONMENT, LAYER_FLAG };

struct loading {
    struct conf *conf;
    char *error; /* 512 bytes */
    const char *path;
    enum layer layers[SETTING_ROWS_MAX]; /* where each row's value came from */
    int lines[SETTING_ROWS_MAX];         /* the line of the file that set it, 0 = none */
};

static int fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, 512, format, args);
    va_end(args);
    for (; *error != '\0'; error++)
        if (iscntrl((unsigned char)*error))
            *error = '?';
    return -1;
}

/* --- one value --- */

/* A likely slip that the list of what is allowed does not explain. */
static const char *hint(const char *value)
{
    size_t len = strlen(value);

    if (len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0])
        return " (values are not quoted)";
    if (strstr(value, " #") != NULL)
        return " (a comment needs a line of its own)";
    return "";
}

static int assign(struct loading *l, enum layer layer, const struct setting *s, const char *where,
                  const char *value)
{
    size_t row = (size_t)(s - setting_table);
    char allowed[256];
    const char *slip = hint(value);

    if (l->layers[row] != layer || !setting_repeats(s))
        setting_clear(l->conf, s);
    l->layers[row] = layer;
    /* A secret takes any text, so a quoted one would be accepted and then fit nobody else's. */
    if (s->kind == SETTING_SECRET && slip[0] == ' ' && strstr(slip, "quoted") != NULL)
        return fail(l->error, "%s: %s: take the quotes off%s", where, s->key, slip);
    if (setting_set(l->conf, s, value, allowed) == 0)
        return 0;
    if (s->secret)
        return fail(l->error, "%s: %s has a bad value: %s%s", where, s->key, allowed, slip);
    return fail(l->error, "%s: %s = %.60s: %s%s", where, s->key, value, allowed, slip);
}

static int unknown(struct loading *l, const char *where, const char *key)
{
    const struct setting *near = setting_nearest(key);

    if (near != NULL)
        return fail(l->error, "%s: there is no key \"%.60s\"; is it \"%s\"?", where, key,
                    near->key);
    return fail(l->error, "%s: there is no key \"%.60s\"; earshot.conf(5) has all", where, key);
}

/* --- files --- */

/* Reads a whole small file. Returns 0, or -1 with the reason in `error`. */
static int read_file(const char *where, const char *path, size_t most, struct buf *out,
                     struct stat *st, char *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = -1;
    ssize_t n = 0;

    if (fd < 0 || fstat(fd, st) < 0)
        fail(error, "%s: cannot read %s: %s", where, path, strerror(errno));
    else if (S_ISDIR(st->st_mode))
        fail(error, "%s: cannot read %s: it is a directory", where, path);
    else
        rc = 0;
    while (rc == 0 && out->len <= most && (n = read(fd, buf_reserve(out, 4096), 4096)) > 0)
        out->len += (size_t)n;
    if (n < 0)
        rc = fail(error, "%s: cannot read %s: %s", where, path, strerror(errno));
    else if (out->len > most)
        rc = fail(error, "%s: %s is longer than %zu bytes", where, path, most);
    buf_append(out, "", 0);
    if (rc == 0 && strlen(out->data) != out->len)
        rc = fail(error, "%s: %s has a zero byte in it", where, path);
    if (fd >= 0)
        close(fd);
    return rc;
}

static void warn_if_open(const struct stat *st, const char *path, const char *holds)
{
    if (S_ISREG(st->st_mode) && (st->st_mode & S_IROTH))
        log_warn("every user of this machine can read %s, which holds %s: chmod o-r", path, holds);
}

static char *trim(char *s)
{
    size_t len;

    while (isspace((unsigned char)*s))
        s++;
    len = strlen(s);
    while (len > 0 && isspace((unsigned char)s[len - 1]))
        s[--len] = '\0';
    return s;
}

static int file_line(struct loading *l, int number, char *line)
{
    char where[WHERE_MAX], *key = trim(line), *equals = strchr(key, '=');
    const struct setting *s;
    size_t row;

    if (*key == '\0' || *key == '#')
        return 0;
    snprintf(where, sizeof(where), "%s:%d", l->path, number);
    if (equals == NULL)
        return fail(l->error, "%s: \"%.60s\" is not a line of the form key = value", where, key);
    *equals = '\0';
    key = trim(key);
    s = setting_find(key);
    if (s == NULL)
        return unknown(l, where, key);
    row = (size_t)(s - setting_table);
    if (l->lines[row] != 0 && !setting_repeats(s))
        return fail(l->error, "%s: %s is set already, in line %d", where, key, l->lines[row]);
    l->lines[row] = number;
    return assign(l, LAYER_FILE, s, where, trim(equals + 1));
}

static bool url_has_password(const char *url)
{
    return strchr(url, '@') != NULL;
}

static int load_file(struct loading *l)
{
    struct buf text = BUF_INIT;
    struct stat st;
    char *rest, *line;
    int number = 0, rc = -1;

    if (read_file("configuration", l->path, FILE_BYTES_MAX, &text, &st, l->error) < 0)
        goto out;
    rest = text.data;
    /* Some editors begin a file with a byte order mark. */
    if (strncmp(rest, "\xef\xbb\xbf", 3) == 0)
        rest += 3;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (file_line(l, ++number, line) < 0)
            goto out;
    if (l->conf->jwt_secret[0] != '\0' || url_has_password(l->conf->redis))
        warn_if_open(&st, l->path, "a secret");
    rc = 0;
out:
    buf_free(&text);
    return rc;
}

/* --- the environment --- */

/* EARSHOT_<KEY>, with `suffix` behind it. */
static void variable_name(char out[96], const struct setting *s, const char *suffix)
{
    snprintf(out, 96, "EARSHOT_%s%s", s->key, suffix);
    for (char *p = out; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
}

static int load_secret_file(struct loading *l, const struct setting *s, const char *name,
                            const char *path)
{
    char where[WHERE_MAX];
    struct buf text = BUF_INIT;
    struct stat st;
    int rc;

    snprintf(where, sizeof(where), "environment %s", name);
    rc = read_file(where, path, SECRET_BYTES_MAX, &text, &st, l->error);
    if (rc == 0) {
        warn_if_open(&st, path, s->key);
        rc = assign(l, LAYER_ENVIRONMENT, s, where, trim(text.data));
    }
    if (text.data != NULL)
        explicit_bzero(text.data, text.len);
    buf_free(&text);
    return rc;
}

static int load_variable(struct loading *l, const struct setting *s)
{
    char name[96], file_name[96], where[WHERE_MAX];
    const char *value, *path;

    variable_name(name, s, "");
    variable_name(file_name, s, "_FILE");
    value = getenv(name);
    path = s->secret ? getenv(file_name) : NULL;
    if (value != NULL && path != NULL)
        return fail(l->error, "environment: set %s or %s, not both", name, file_name);
    if (path != NULL)
        return load_secret_file(l, s, file_name, path);
    if (value == NULL && strcmp(s->key, "redis") == 0) {
        snprintf(name, sizeof(name), "REDIS_URL");
        value = getenv(name);
    }
    if (value == NULL)
        return 0;
    snprintf(where, sizeof(where), "environment %s", name);
    return assign(l, LAYER_ENVIRONMENT, s, where, value);
}

/* Other programs may have variables of this prefix, so only a near miss is worth a line. */
static void warn_of_slips(void)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        char key[65];
        const char *name = *entry + 8;
        size_t len = strcspn(*entry, "=");
        const struct setting *near;

        if (strncmp(*entry, "EARSHOT_", 8) != 0 || len - 8 >= sizeof(key))
            continue;
        for (size_t i = 0; i < len - 8; i++)
            key[i] = (char)tolower((unsigned char)name[i]);
        key[len - 8] = '\0';
        if (strcmp(key, "config") == 0 || setting_find(key) != NULL)
            continue;
        near = setting_nearest(key);
        if (near != NULL)
            log_warn("environment %.*s is no key of earshot; is \"%s\" meant?", (int)len, *entry,
                     near->key);
    }
}

static int load_environment(struct loading *l)
{
    for (const struct setting *s = setting_table; s->key != NULL; s++)
        if (load_variable(l, s) < 0)
            return -1;
    warn_of_slips();
    return 0;
}

/* --- flags, and the whole --- */

static void flag_name(char out[WHERE_MAX], const char *key)
{
    snprintf(out, WHERE_MAX, "--%s", key);
    for (char *p = out; *p != '\0'; p++)
        if (*p == '_')
            *p = '-';
}

static int load_flag(struct loading *l, const struct conf_flag *flag)
{
    const struct setting *s = setting_find(flag->key);
    char where[WHERE_MAX];

    flag_name(where, flag->key);
    if (s == NULL)
        return unknown(l, where, flag->key);
    return assign(l, LAYER_FLAG, s, where, flag->value);
}

static int load_presets(struct loading *l)
{
    for (const struct setting *s = setting_table; s->key != NULL; s++)
        if (assign(l, LAYER_PRESET, s, "default", s->preset) < 0)
            return -1;
    return 0;
}

/* The source of a row's value, for errors that show only when all are known. */
static void where_of(const struct loading *l, const char *key, char out[WHERE_MAX])
{
    const struct setting *s = setting_find(key);
    size_t row = (size_t)(s - setting_table);
    char name[96];

    variable_name(name, s, "");
    switch (l->layers[row]) {
    case LAYER_FILE:
        snprintf(out, WHERE_MAX, "%s:%d", l->path, l->lines[row]);
        break;
    case LAYER_ENVIRONMENT:
        snprintf(out, WHERE_MAX, "environment %s", name);
        break;
    case LAYER_FLAG:
        flag_name(out, key);
        break;
    default:
        snprintf(out, WHERE_MAX, "default");
    }
}

static int too_small(struct loading *l, const char *key, const char *other, int64_t least)
{
    char where[WHERE_MAX], other_where[WHERE_MAX], text[UNITS_TEXT];

    where_of(l, key, where);
    where_of(l, other, other_where);
    if (strncmp(key, "poll", 4) == 0)
        units_format_duration(text, least);
    else
        units_format_size(text, least);
    return fail(l->error, "%s: %s is too small for %s (%s): allowed is %s and more", where, key,
                other, other_where, text);
}

/* What holds between values. JSON may write one byte of content as six (\u0001), and an event that
 * did not fit the queue would cut its readers off again and again. */
static int check_together(struct loading *l)
{
    const struct conf *conf = l->conf;
    int64_t event_bytes = 6 * (conf->content_max_bytes + conf->metadata_max_bytes) + 2048;

    if (conf->poll_wait_ms > conf->poll_wait_max_ms)
        return too_small(l, "poll_wait_max", "poll_wait", conf->poll_wait_ms);
    if (conf->body_max_bytes < conf->content_max_bytes)
        return too_small(l, "body_max", "content_max", conf->content_max_bytes);
    if (conf->stream_queue_bytes < event_bytes)
        return too_small(l, "stream_queue", "content_max", event_bytes);
    return 0;
}

const char *conf_path(const char *given)
{
    const char *named = getenv("EARSHOT_CONFIG");

    if (given != NULL)
        return given;
    if (named != NULL && named[0] != '\0')
        return named;
    return access(EARSHOT_CONFIG_PATH, F_OK) == 0 ? EARSHOT_CONFIG_PATH : NULL;
}

struct conf *conf_load(const char *path, const struct conf_flag *flags, int count, char error[512])
{
    struct loading l = {.conf = mem_zero(sizeof(struct conf)), .error = error, .path = path};
    int rc = load_presets(&l);

    if (rc == 0 && path != NULL)
        rc = load_file(&l);
    if (rc == 0)
        rc = load_environment(&l);
    for (int i = 0; rc == 0 && i < count; i++)
        rc = load_flag(&l, &flags[i]);
    if (rc == 0)
        rc = check_together(&l);
    if (rc == 0)
        return l.conf;
    conf_free(l.conf);
    return NULL;
}

void conf_free(struct conf *conf)
{
    if (conf == NULL)
        return;
    if (conf->jwt_secret != NULL)
        explicit_bzero(conf->jwt_secret, strlen(conf->jwt_secret));
    for (const struct setting *s = setting_table; s->key != NULL; s++)
        setting_clear(conf, s);
    free(conf);
}

int conf_check_daemon(const struct conf *conf, char error[512])
{
    size_t len = strlen(conf->jwt_secret);

    if (len == 0 && conf->jwt_keys_count == 0)
        return fail(error, "there is no key to check tokens with: set jwt_secret (at least 32 "
                           "bytes; openssl rand -hex 32 makes one) or jwt_key");
    if (len > 0 && len < 32)
        return fail(error, "jwt_secret has %zu bytes; allowed are 32 and more", len);
    return 0;
}

void conf_print(const struct conf *conf, FILE *out)
{
    for (const struct setting *s = setting_table; s->key != NULL; s++)
        setting_print(conf, s, out);
}

bool conf_is_key(const char *key)
{
    return setting_find(key) != NULL;
}
