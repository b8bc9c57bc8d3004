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
#include "base/utf8.h"
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
    enum layer layers[SETTING_ROWS_MAX]; /* what each row's value came from */
    int lines[SETTING_ROWS_MAX];         /* the line of the file that set it, 0 = none */
    bool holds_secret;                   /* the file does itself */
};

/* Where each value was set, as errors name it: FILE:LINE, a variable, a flag. */
struct conf_places {
    char *file; /* or NULL */
    char *rows[SETTING_ROWS_MAX];
    char *keys[CONF_JWT_KEYS_MAX]; /* of each jwt_key */
};

static int fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(char *error, const char *format, ...)
{
    va_list args;
    bool text;

    va_start(args, format);
    vsnprintf(error, 512, format, args);
    va_end(args);
    text = utf8_valid(error, strlen(error));
    for (; *error != '\0'; error++)
        if (iscntrl((unsigned char)*error) || (!text && (unsigned char)*error > 0x7f))
            *error = '?';
    return -1;
}

/* --- where --- */

static void put_place(char **place, const char *where)
{
    free(*place);
    *place = mem_strdup(where);
}

/* A row was set; of a jwt_key those from the number `first` on. */
static void note_place(struct conf *conf, const struct setting *s, const char *where, int first)
{
    put_place(&conf->places->rows[s - setting_table], where);
    if (s->kind == SETTING_KEYS)
        for (int i = first; i < conf->jwt_keys_count; i++)
            put_place(&conf->places->keys[i], where);
}

static void free_places(struct conf_places *places)
{
    free(places->file);
    for (size_t i = 0; i < SETTING_ROWS_MAX; i++)
        free(places->rows[i]);
    for (size_t i = 0; i < CONF_JWT_KEYS_MAX; i++)
        free(places->keys[i]);
    free(places);
}

const char *conf_where(const struct conf *conf, const char *key, int nth)
{
    const struct conf_places *places = conf->places;
    const struct setting *s = key != NULL ? setting_find(key) : NULL;

    if (places != NULL && s != NULL && s->kind == SETTING_KEYS && nth < conf->jwt_keys_count)
        return places->keys[nth];
    if (places != NULL && s != NULL)
        return places->rows[s - setting_table];
    return places != NULL && places->file != NULL ? places->file : "configuration";
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

/* Editors, terminals and other programs must see the same in it; lists may have lines. */
static bool is_text(const struct setting *s, const char *value)
{
    for (const char *p = value; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p) && *p != '\t' && (*p != '\n' || !setting_repeats(s)))
            return false;
    return utf8_valid(value, strlen(value));
}

static int assign(struct loading *l, enum layer layer, const struct setting *s, const char *where,
                  const char *value)
{
    size_t row = (size_t)(s - setting_table);
    char allowed[256];
    const char *slip = hint(value);
    int first;

    if (l->layers[row] != layer || !setting_repeats(s))
        setting_clear(l->conf, s);
    first = l->conf->jwt_keys_count;
    l->layers[row] = layer;
    /* A secret takes any text, so a quoted one would be accepted and then fit nobody else's. */
    if (s->kind == SETTING_SECRET && slip[0] == ' ' && strstr(slip, "quoted") != NULL)
        return fail(l->error, "%s: %s: take the quotes off%s", where, s->key, slip);
    if (!is_text(s, value)) {
        snprintf(allowed, sizeof(allowed), "allowed is UTF-8 without control characters");
    } else if (setting_set(l->conf, s, value, allowed) == 0) {
        note_place(l->conf, s, where, first);
        return 0;
    }
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

static int count_lines(const char *text)
{
    int count = 0;

    while ((text = strchr(text, '\n')) != NULL) {
        text++;
        count++;
    }
    return count;
}

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
    else if (S_ISFIFO(st->st_mode))
        fail(error, "%s: cannot read %s: it is a pipe, which a reload finds empty", where, path);
    else
        rc = 0;
    while (rc == 0 && out->len <= most && (n = read(fd, buf_reserve(out, 4096), 4096)) > 0)
        out->len += (size_t)n;
    if (n < 0)
        rc = fail(error, "%s: cannot read %s: %s", where, path, strerror(errno));
    else if (out->len > most)
        rc = fail(error, "%s: %s is longer than the %zu bytes that are allowed", where, path, most);
    buf_append(out, "", 0);
    if (rc == 0 && strlen(out->data) != out->len)
        rc = fail(error, "%s: %s:%d: a zero byte; allowed is UTF-8", where, path,
                  count_lines(out->data) + 1);
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

/* A secret that stands in a file of its own. */
static int load_secret_file(struct loading *l, enum layer layer, const struct setting *s,
                            const char *where, const char *path)
{
    struct buf text = BUF_INIT;
    struct stat st;
    int rc = read_file(where, path, SECRET_BYTES_MAX, &text, &st, l->error);

    if (rc == 0) {
        warn_if_open(&st, path, s->key);
        if (*trim(text.data) == '\0')
            rc = fail(l->error, "%s: %s is empty; allowed is a value for %s", where, path, s->key);
        else
            rc = assign(l, layer, s, where, trim(text.data));
    }
    if (text.data != NULL)
        explicit_bzero(text.data, text.len);
    buf_free(&text);
    return rc;
}

/* The row of the secret whose file a key names, such as jwt_secret_file; or NULL. */
static const struct setting *find_secret_of_file(const char *key)
{
    size_t len = strlen(key), suffix = strlen("_file");
    const struct setting *s = NULL;
    char *name;

    if (len <= suffix || strcmp(key + len - suffix, "_file") != 0)
        return NULL;
    name = mem_strdup(key);
    name[len - suffix] = '\0';
    s = setting_find(name);
    free(name);
    return s != NULL && s->secret ? s : NULL;
}

static bool url_has_password(const char *url)
{
    return strchr(url, '@') != NULL;
}

static int file_line(struct loading *l, int number, char *line)
{
    char where[WHERE_MAX], *key = trim(line), *equals = strchr(key, '='), *value;
    const struct setting *s, *of_file;
    size_t row;

    snprintf(where, sizeof(where), "%s:%d", l->path, number);
    if (strchr(key, '\r') != NULL)
        return fail(l->error,
                    "%s: a carriage return within it; allowed are lines that end with a newline",
                    where);
    if (*key == '\0' || *key == '#')
        return 0;
    if (equals == NULL)
        return fail(l->error, "%s: \"%.60s\" is not a line of the form key = value", where, key);
    *equals = '\0';
    key = trim(key);
    of_file = find_secret_of_file(key);
    s = of_file != NULL ? of_file : setting_find(key);
    if (s == NULL)
        return unknown(l, where, key);
    row = (size_t)(s - setting_table);
    if (l->lines[row] != 0 && !setting_repeats(s))
        return fail(l->error, "%s: %s is set already, in line %d", where, key, l->lines[row]);
    l->lines[row] = number;
    value = trim(equals + 1);
    if (of_file != NULL)
        return load_secret_file(l, LAYER_FILE, s, where, value);
    if (s->secret && (s->kind == SETTING_SECRET || url_has_password(value)))
        l->holds_secret = true;
    return assign(l, LAYER_FILE, s, where, value);
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
    if (l->holds_secret)
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
    if (path != NULL) {
        snprintf(where, sizeof(where), "environment %s", file_name);
        return load_secret_file(l, LAYER_ENVIRONMENT, s, where, path);
    }
    if (value == NULL && strcmp(s->key, "redis") == 0) {
        snprintf(name, sizeof(name), "REDIS_URL");
        value = getenv(name);
    }
    if (value == NULL)
        return 0;
    snprintf(where, sizeof(where), "environment %s", name);
    return assign(l, LAYER_ENVIRONMENT, s, where, value);
}

/* Other programs may have variables of this prefix, so a near miss is worth a line only; but nobody
 * else has one that is a key with _FILE behind it. */
static int check_variable(struct loading *l, const char *entry)
{
    char key[65];
    const char *name = entry + strlen("EARSHOT_");
    size_t len = strcspn(entry, "="), key_len = len - strlen("EARSHOT_");
    const struct setting *s;

    if (key_len >= sizeof(key))
        return 0;
    for (size_t i = 0; i < key_len; i++)
        key[i] = (char)tolower((unsigned char)name[i]);
    key[key_len] = '\0';
    if (strcmp(key, "config") == 0 || setting_find(key) != NULL)
        return 0;
    s = setting_nearest(key);
    if (key_len > 5 && strcmp(key + key_len - 5, "_file") == 0) {
        key[key_len - 5] = '\0';
        s = setting_find(key);
        if (s != NULL && !s->secret)
            return fail(l->error, "environment %.*s: %s comes from no file; allowed is %.*s",
                        (int)len, entry, key, (int)len - 5, entry);
    } else if (s != NULL) {
        log_warn("environment %.*s is no key of earshot; is \"%s\" meant?", (int)len, entry,
                 s->key);
    }
    return 0;
}

static int load_environment(struct loading *l)
{
    for (const struct setting *s = setting_table; s->key != NULL; s++)
        if (load_variable(l, s) < 0)
            return -1;
    for (char **entry = environ; *entry != NULL; entry++)
        if (strncmp(*entry, "EARSHOT_", 8) == 0 && check_variable(l, *entry) < 0)
            return -1;
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

static int too_small(struct loading *l, const char *key, const char *other, int64_t least)
{
    char text[UNITS_TEXT];

    if (strncmp(key, "poll", 4) == 0)
        units_format_duration(text, least);
    else
        units_format_size(text, least);
    return fail(l->error, "%s: %s is too small for %s (%s): allowed is %s and more",
                conf_where(l->conf, key, 0), key, other, conf_where(l->conf, other, 0), text);
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
    int rc;

    l.conf->places = mem_zero(sizeof(*l.conf->places));
    if (path != NULL)
        l.conf->places->file = mem_strdup(path);
    rc = load_presets(&l);
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
    if (conf->metrics_token != NULL)
        explicit_bzero(conf->metrics_token, strlen(conf->metrics_token));
    for (const struct setting *s = setting_table; s->key != NULL; s++)
        setting_clear(conf, s);
    if (conf->places != NULL)
        free_places(conf->places);
    free(conf);
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
