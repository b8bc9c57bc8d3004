#include "setting.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "base/units.h"
#include "conf.h"

#define AT(field) offsetof(struct conf, field)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

/* Gates and hubs fit twice into the scoreboard (512 slots), since a reload runs two generations at
 * once. */
const struct setting setting_table[] = {
    /* key, kind, field, least, most, default, secret */
    {"listen", SETTING_ADDRESS, AT(listen), 0, 0, "unix:/run/earshot/earshot.sock", false},
    {"listen_mode", SETTING_MODE, AT(listen_mode), 0, 0777, "0660", false},
    {"user", SETTING_WORD, AT(user), 0, 0, "", false},
    {"gates", SETTING_INT, AT(gates), 0, 192, "0", false},
    {"hubs", SETTING_INT, AT(hubs), 0, 64, "0", false},
    {"log_level", SETTING_LEVEL, AT(log_level), 0, 0, "info", false},
    {"log_format", SETTING_FORM, AT(log_form), 0, 0, "text", false},
    {"access_log", SETTING_FLAG, AT(access_log), 0, 0, "off", false},
    {"metrics", SETTING_METRICS, AT(metrics), 0, 0, "local", false},
    {"metrics_token", SETTING_SECRET, AT(metrics_token), 16, 0, "", true},
    {"request_limit", SETTING_DURATION, AT(request_limit_ms), SECOND, HOUR, "30s", false},
    {"drain", SETTING_DURATION, AT(drain_ms), 0, HOUR, "10s", false},

    {"redis", SETTING_URL, AT(redis), 0, 0, "redis://127.0.0.1:6379", true},
    {"redis_timeout", SETTING_DURATION, AT(redis_timeout_ms), 50, MINUTE, "1500ms", false},

    {"jwt_secret", SETTING_SECRET, AT(jwt_secret), 0, 0, "", true},
    {"jwt_key", SETTING_KEYS, AT(jwt_keys), 0, 0, "", false},
    {"jwt_issuer", SETTING_WORD, AT(jwt_issuer), 0, 0, "", false},
    {"jwt_audience", SETTING_WORD, AT(jwt_audience), 0, 0, "", false},
    {"token_ttl", SETTING_DURATION, AT(token_ttl_ms), SECOND, 366 * DAY, "12h", false},
    {"anonymous", SETTING_RIGHTS, AT(anonymous), 0, 0, "", false},
    {"members", SETTING_RIGHTS, AT(members), 0, 0, "*=rw", false},
    {"cors_origins", SETTING_ORIGINS, AT(origins), 0, 0, "", false},
    {"guests", SETTING_FLAG, AT(guests), 0, 0, "off", false},
    {"registration", SETTING_FLAG, AT(registration), 0, 0, "off", false},
    {"rate_login", SETTING_RATE, AT(rate_login), 1, 1000000, "10/1m", false},
    {"trusted_proxies", SETTING_PROXIES, AT(trusted_proxies), 0, 0, "", false},

    {"content_max", SETTING_SIZE, AT(content_max_bytes), 1, MIB, "8k", false},
    {"metadata_max", SETTING_SIZE, AT(metadata_max_bytes), 0, MIB, "4k", false},
    {"body_max", SETTING_SIZE, AT(body_max_bytes), KIB, 64 * MIB, "1m", false},
    {"batch_max", SETTING_INT, AT(batch_max), 1, 10000, "1000", false},
    {"history_max", SETTING_COUNT, AT(history_max), 1, 100000000, "10000", false},
    {"history_age", SETTING_DURATION, AT(history_age_ms), 0, 3650 * DAY, "0", false},
    {"rate_send", SETTING_RATE, AT(rate_send), 1, 1000000, "100/10s", false},
    {"rate_guest", SETTING_RATE, AT(rate_guest), 1, 1000000, "100/10s", false},
    {"idempotency_ttl", SETTING_DURATION, AT(idempotency_ttl_ms), SECOND, 30 * DAY, "1d", false},

    {"streams_max", SETTING_INT, AT(streams_max), 1, 10000000, "20000", false},
    {"stream_rooms_max", SETTING_INT, AT(stream_rooms_max), 1, 256, "64", false},
    {"stream_age", SETTING_DURATION, AT(stream_age_ms), 0, 7 * DAY, "10m", false},
    {"stream_queue", SETTING_SIZE, AT(stream_queue_bytes), 4 * KIB, 64 * MIB, "256k", false},
    {"stream_stall", SETTING_DURATION, AT(stream_stall_ms), 100, HOUR, "30s", false},
    {"heartbeat", SETTING_DURATION, AT(heartbeat_ms), 100, HOUR, "15s", false},
    {"retry", SETTING_DURATION, AT(retry_ms), 0, HOUR, "2s", false},
    {"poll_wait", SETTING_DURATION, AT(poll_wait_ms), 0, HOUR, "25s", false},
    {"poll_wait_max", SETTING_DURATION, AT(poll_wait_max_ms), SECOND, HOUR, "2m", false},
    {"rooms_max", SETTING_INT, AT(rooms_max), 1, 10000000, "10000", false},

    {"direct_stream_age", SETTING_DURATION, AT(direct_stream_age_ms), SECOND, DAY, "55s", false},
    {"direct_streams_max", SETTING_INT, AT(direct_streams_max), 1, 10000, "20", false},
    {NULL, SETTING_WORD, 0, 0, 0, NULL, false}};

static void *field_of(const struct conf *conf, const struct setting *setting)
{
    return (char *)(uintptr_t)conf + setting->offset;
}

/* --- looking keys up --- */

const struct setting *setting_find(const char *key)
{
    for (const struct setting *s = setting_table; s->key != NULL; s++)
        if (strcmp(s->key, key) == 0)
            return s;
    return NULL;
}

/* The edit distance of two short words (Levenshtein), case aside. */
static size_t distance(const char *a, const char *b)
{
    size_t row[65], len = strlen(b);

    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t best = diagonal + (tolower((unsigned char)a[i - 1]) != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[len];
}

const struct setting *setting_nearest(const char *key)
{
    const struct setting *best = NULL;
    size_t least = 4;

    if (strlen(key) > 64)
        return NULL;
    for (const struct setting *s = setting_table; s->key != NULL; s++) {
        size_t d = distance(key, s->key);
        if (d < least && d < strlen(s->key)) {
            least = d;
            best = s;
        }
    }
    return best;
}

bool setting_repeats(const struct setting *setting)
{
    return setting->kind == SETTING_KEYS;
}

/* --- checking texts --- */

static bool only_has(const char *text, const char *also)
{
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && strchr(also, *text) == NULL)
            return false;
    return true;
}

static bool is_visible(const char *text)
{
    for (; *text != '\0'; text++)
        if (!isgraph((unsigned char)*text))
            return false;
    return true;
}

static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    int64_t port;

    if (!is_visible(text))
        return false;
    if (strncmp(text, "unix:", 5) == 0)
        return text[5] == '/' && strlen(text + 5) < sizeof(((struct sockaddr_un *)0)->sun_path);
    /* An IPv6 address needs its brackets, else its last group would be taken for the port. */
    if (colon == NULL || colon == text || colon - text > 255 ||
        (text[0] == '[' ? colon[-1] != ']' : memchr(text, ':', (size_t)(colon - text)) != NULL))
        return false;
    return units_number(colon + 1, &port) == 0 && port >= 1 && port <= 65535;
}

/* topology.c reads the rest, and says which of these are not built yet. */
static bool is_url(const char *text)
{
    static const char *const schemes[] = {"redis://", "rediss://", "unix://", "redis+sentinel://",
                                          "redis+cluster://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
            return text[strlen(schemes[i])] != '\0' && is_visible(text);
    return false;
}

static bool is_grant(char *grant)
{
    char *equals = strchr(grant, '=');

    if (equals == NULL || equals == grant || equals[1] == '\0' || equals - grant > 64)
        return false;
    *equals = '\0';
    return only_has(grant, "._-*") && strspn(equals + 1, "rwm") == strlen(equals + 1);
}

static bool is_rights(const char *text)
{
    char *copy = mem_strdup(text), *rest = copy, *grant;
    bool good = true;

    while (*text != '\0' && good && (grant = strsep(&rest, ",")) != NULL)
        good = is_grant(grant + strspn(grant, " "));
    free(copy);
    return good;
}

/* As browsers write it: lower case, no path, and no port that the scheme has anyway. */
static bool is_origin(const char *text)
{
    bool tls = strncmp(text, "https://", 8) == 0;
    const char *host = tls ? text + 8 : strncmp(text, "http://", 7) == 0 ? text + 7 : "";
    const char *end = *host == '[' ? strchr(host, ']') : NULL, *colon;
    int64_t port = 1;

    for (const char *p = text; *p != '\0'; p++)
        if (isupper((unsigned char)*p))
            return false;
    if (!only_has(host, ".-:[]") || (*host == '[' && end == NULL))
        return false;
    colon = strchr(end != NULL ? end : host, ':');
    if (*host == '\0' || colon == host || (end != NULL && end[1] != '\0' && colon != end + 1))
        return false;
    return colon == NULL || (units_number(colon + 1, &port) == 0 && port >= 1 && port <= 65535 &&
                             port != (tls ? 443 : 80));
}

/* An address, perhaps with /BITS, or unix:. */
static bool is_proxy(char *text)
{
    char *slash = strchr(text, '/');
    unsigned char address[16];
    int64_t bits = 0;
    bool six = strchr(text, ':') != NULL;

    if (strcmp(text, "unix:") == 0)
        return true;
    if (slash != NULL) {
        *slash = '\0';
        if (units_number(slash + 1, &bits) < 0 || bits > (six ? 128 : 32))
            return false;
    }
    return inet_pton(six ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool is_proxies(const char *text)
{
    char *copy = mem_strdup(text), *rest = copy, *part;
    bool good = true;

    while (*text != '\0' && good && (part = strsep(&rest, ",")) != NULL) {
        size_t len;
        part += strspn(part, " ");
        len = strcspn(part, " ");
        good = part[len + strspn(part + len, " ")] == '\0';
        part[len] = '\0';
        good = good && is_proxy(part);
    }
    free(copy);
    return good;
}

/* --- reading values --- */

static int set_string(char **field, const char *value, bool good)
{
    if (!good)
        return -1;
    free(*field);
    *field = mem_strdup(value);
    return 0;
}

/* Checks "kid alg source" and appends it with single spaces. */
static int add_key(struct conf *conf, const char *value)
{
    static const char *const algorithms[] = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                             "RS512", "ES256", "ES384", "ES512"};
    char kid[65], algorithm[6], source[1025], line[1100];
    int end = 0;
    bool known = false;

    if (sscanf(value, "%64s %5s %1024s %n", kid, algorithm, source, &end) != 3 ||
        value[end] != '\0' || !only_has(kid, "._-") || conf->jwt_keys_count == CONF_JWT_KEYS_MAX)
        return -1;
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
        known |= strcmp(algorithm, algorithms[i]) == 0;
    for (int i = 0; i < conf->jwt_keys_count; i++)
        if (strncmp(conf->jwt_keys[i], kid, strlen(kid)) == 0 &&
            conf->jwt_keys[i][strlen(kid)] == ' ')
            return -1;
    if (!known)
        return -1;
    snprintf(line, sizeof(line), "%s %s %s", kid, algorithm, source);
    conf->jwt_keys[conf->jwt_keys_count++] = mem_strdup(line);
    return 0;
}

static int add_origin(struct conf *conf, const char *value)
{
    if (!is_origin(value) || conf->origins_count == CONF_ORIGINS_MAX)
        return -1;
    conf->origins[conf->origins_count++] = mem_strdup(value);
    return 0;
}

/* Hands each part between commas to `add`, without the white space around it. */
static int add_parts(struct conf *conf, const char *value, int (*add)(struct conf *, const char *))
{
    char *copy = mem_strdup(value), *rest = copy, *part;
    int rc = 0;

    while (value[0] != '\0' && rc == 0 && (part = strsep(&rest, ",\n")) != NULL) {
        size_t len;
        part += strspn(part, " \t\r");
        len = strlen(part);
        while (len > 0 && isspace((unsigned char)part[len - 1]))
            part[--len] = '\0';
        rc = add(conf, part);
    }
    free(copy);
    return rc;
}

/* The place of a value among names, or -1. */
static int find_name(const char *const *names, const char *value)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], value) == 0)
            return i;
    return -1;
}

/* The words of an enum. */
static const char *const *words_of(enum setting_kind kind)
{
    static const char *const metrics[] = {"local", "admin", "open", "off", NULL};

    return kind == SETTING_LEVEL ? logline_levels : kind == SETTING_FORM ? logline_forms : metrics;
}

static int set_word(int *field, enum setting_kind kind, const char *value)
{
    int i = find_name(words_of(kind), value);

    if (i < 0)
        return -1;
    *field = i;
    return 0;
}

static int set_flag(bool *field, const char *value)
{
    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return -1;
    *field = value[1] == 'n';
    return 0;
}

static int read_mode(const char *value, int64_t *out)
{
    size_t len = strlen(value);

    *out = strtol(value, NULL, 8);
    return len >= 3 && len <= 4 && strspn(value, "01234567") == len ? 0 : -1;
}

static int set_number(struct conf *conf, const struct setting *setting, const char *value)
{
    void *field = field_of(conf, setting);
    int64_t number;
    int rc = setting->kind == SETTING_DURATION ? units_duration(value, &number)
             : setting->kind == SETTING_SIZE   ? units_size(value, &number)
             : setting->kind == SETTING_MODE   ? read_mode(value, &number)
                                               : units_number(value, &number);

    if (rc < 0 || number < setting->least || number > setting->most)
        return -1;
    if (setting->kind == SETTING_INT || setting->kind == SETTING_MODE)
        *(int *)field = (int)number;
    else
        *(int64_t *)field = number;
    return 0;
}

/* "100/10s": a count and a duration; "off" is neither. */
static int set_rate(struct conf_rate *field, const struct setting *setting, const char *value)
{
    struct conf_rate rate = {0, 0};
    char count[24];

    if (strcmp(value, "off") != 0 &&
        (sscanf(value, "%23[0-9]/", count) != 1 || value[strlen(count)] != '/' ||
         units_number(count, &rate.count) < 0 ||
         units_duration(value + strlen(count) + 1, &rate.per_ms) < 0 ||
         rate.count < setting->least || rate.count > setting->most || rate.per_ms < SECOND ||
         rate.per_ms > DAY))
        return -1;
    *field = rate;
    return 0;
}

/* What the key takes, for the reader of an error. */
static void describe(const struct setting *setting, char allowed[256])
{
    static const char *const texts[] = {
        [SETTING_SECRET] = "any text",
        [SETTING_ADDRESS] = "allowed is unix:/ABSOLUTE/PATH (under 108 bytes), HOST:PORT or "
                            "[IPV6]:PORT",
        [SETTING_URL] = "allowed is a URL such as redis://HOST:PORT/DB or unix:///PATH?db=N",
        [SETTING_WORD] = "allowed is one word, or nothing",
        [SETTING_PROXIES] = "allowed are addresses, comma-separated, such as 10.0.0.0/8, ::1 and "
                            "unix:",
        [SETTING_RIGHTS] = "allowed is PATTERN=RIGHTS, comma-separated, such as lobby=rw,news-*=r; "
                           "the rights are r, w and m",
        [SETTING_KEYS] = "allowed is KID ALGORITHM FILE, at most 16 of them with different KIDs; "
                         "the algorithm is HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384 "
                         "or ES512",
        [SETTING_ORIGINS] = "allowed are at most 32 origins, comma-separated, in lower case and "
                            "without a path or the scheme's own port, such as "
                            "https://www.example.org",
        [SETTING_LEVEL] = "allowed are error, warn, info and debug",
        [SETTING_FORM] = "allowed are text and json",
        [SETTING_METRICS] = "allowed are local, admin, open and off",
        [SETTING_FLAG] = "allowed are on and off",
        [SETTING_MODE] = "allowed are octal modes from 0000 to 0777",
        [SETTING_RATE] = "allowed is COUNT/DURATION, such as 100/10s, with a count from 1 to "
                         "1000000 and a duration from 1s to 1d, or off",
    };
    char least[UNITS_TEXT], most[UNITS_TEXT];

    if (setting->kind == SETTING_SECRET && setting->least > 0) {
        snprintf(allowed, 256, "allowed are texts of %" PRId64 " bytes or more", setting->least);
    } else if (setting->kind == SETTING_DURATION) {
        units_format_duration(least, setting->least);
        units_format_duration(most, setting->most);
        snprintf(allowed, 256,
                 "allowed are durations from %s to %s, with the unit ms, s, m, h or d", least,
                 most);
    } else if (setting->kind == SETTING_SIZE) {
        units_format_size(least, setting->least);
        units_format_size(most, setting->most);
        snprintf(allowed, 256, "allowed are sizes from %s to %s; k, m and g are units", least,
                 most);
    } else if (setting->kind == SETTING_INT || setting->kind == SETTING_COUNT) {
        snprintf(allowed, 256, "allowed are whole numbers from %" PRId64 " to %" PRId64,
                 setting->least, setting->most);
    } else {
        snprintf(allowed, 256, "%s", texts[setting->kind]);
    }
}

static int set_value(struct conf *conf, const struct setting *setting, const char *value)
{
    void *field = field_of(conf, setting);

    switch (setting->kind) {
    case SETTING_SECRET:
        return set_string(field, value,
                          value[0] == '\0' || (int64_t)strlen(value) >= setting->least);
    case SETTING_ADDRESS:
        return set_string(field, value, is_address(value));
    case SETTING_URL:
        return set_string(field, value, is_url(value));
    case SETTING_WORD:
        return set_string(field, value, is_visible(value));
    case SETTING_PROXIES:
        return set_string(field, value, is_proxies(value));
    case SETTING_FLAG:
        return set_flag(field, value);
    case SETTING_RIGHTS:
        return set_string(field, value, is_rights(value));
    case SETTING_KEYS:
        return add_parts(conf, value, add_key);
    case SETTING_ORIGINS:
        return add_parts(conf, value, add_origin);
    case SETTING_LEVEL:
    case SETTING_FORM:
    case SETTING_METRICS:
        return set_word(field, setting->kind, value);
    case SETTING_RATE:
        return set_rate(field, setting, value);
    default:
        return set_number(conf, setting, value);
    }
}

int setting_set(struct conf *conf, const struct setting *setting, const char *value,
                char allowed[256])
{
    if (set_value(conf, setting, value) == 0)
        return 0;
    describe(setting, allowed);
    return -1;
}

/* --- giving back and printing --- */

static void clear_list(char **list, int *count)
{
    while (*count > 0)
        free(list[--*count]);
}

void setting_clear(struct conf *conf, const struct setting *setting)
{
    char **field = field_of(conf, setting);

    if (setting->kind == SETTING_KEYS) {
        clear_list(conf->jwt_keys, &conf->jwt_keys_count);
    } else if (setting->kind == SETTING_ORIGINS) {
        clear_list(conf->origins, &conf->origins_count);
    } else if (setting->kind <= SETTING_RIGHTS) {
        free(*field);
        *field = NULL;
    }
}

/* scheme://user:password@host with the password masked, or all before the @ where no colon tells
 * which part is one. An @ may stand in the password: the last one counts. */
static void print_url(const char *url, FILE *out)
{
    const char *start = strstr(url, "://") + 3, *at = strrchr(start, '@'), *colon;

    if (at == NULL) {
        fputs(url, out);
        return;
    }
    colon = memchr(start, ':', (size_t)(at - start));
    fprintf(out, "%.*s********%s", (int)((colon != NULL ? colon + 1 : start) - url), url, at);
}

static void print_number(const struct conf *conf, const struct setting *setting, FILE *out)
{
    const void *field = field_of(conf, setting);
    const struct conf_rate *rate = field;
    char text[UNITS_TEXT];

    switch (setting->kind) {
    case SETTING_FLAG:
        fputs(*(const bool *)field ? "on" : "off", out);
        break;
    case SETTING_RATE:
        units_format_duration(text, rate->per_ms);
        if (rate->count > 0)
            fprintf(out, "%" PRId64 "/%s", rate->count, text);
        else
            fputs("off", out);
        break;
    case SETTING_DURATION:
        units_format_duration(text, *(const int64_t *)field);
        fputs(text, out);
        break;
    case SETTING_SIZE:
        units_format_size(text, *(const int64_t *)field);
        fputs(text, out);
        break;
    case SETTING_MODE:
        fprintf(out, "%04o", (unsigned)*(const int *)field);
        break;
    case SETTING_INT:
        fprintf(out, "%d", *(const int *)field);
        break;
    case SETTING_COUNT:
        fprintf(out, "%" PRId64, *(const int64_t *)field);
        break;
    default:
        fputs(words_of(setting->kind)[*(const int *)field], out);
    }
}

static bool is_empty(const struct conf *conf, const struct setting *setting)
{
    if (setting->kind == SETTING_KEYS)
        return conf->jwt_keys_count == 0;
    if (setting->kind == SETTING_ORIGINS)
        return conf->origins_count == 0;
    return setting->kind <= SETTING_RIGHTS && (*(char **)field_of(conf, setting))[0] == '\0';
}

void setting_print(const struct conf *conf, const struct setting *setting, FILE *out)
{
    const char *text = setting->kind <= SETTING_RIGHTS ? *(char **)field_of(conf, setting) : NULL;

    fprintf(out, "%s =%s", setting->key, is_empty(conf, setting) ? "" : " ");
    if (setting->kind == SETTING_KEYS) {
        for (int i = 0; i < conf->jwt_keys_count; i++)
            fprintf(out, "%s%s%s", i > 0 ? "\n" : "", i > 0 ? "jwt_key = " : "", conf->jwt_keys[i]);
    } else if (setting->kind == SETTING_ORIGINS) {
        for (int i = 0; i < conf->origins_count; i++)
            fprintf(out, "%s%s", i > 0 ? ", " : "", conf->origins[i]);
    } else if (setting->kind == SETTING_SECRET) {
        fputs(text[0] != '\0' ? "********" : "", out);
    } else if (setting->kind == SETTING_URL) {
        print_url(text, out);
    } else {
        if (text != NULL)
            fputs(text, out);
        else
            print_number(conf, setting, out);
    }
    fputc('\n', out);
}
