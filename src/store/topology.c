#include "store/topology.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int fail(struct topology *t, char error[256], const char *reason)
{
    snprintf(error, 256,
             "%s; a Redis URL is redis://[user:password@]host[:port][/db] or "
             "unix://[user:password@]/path[?db=n]",
             reason);
    topology_free(t);
    return -1;
}

static char *percent_decode(const char *s, size_t len)
{
    char *out = mem_alloc(len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '%' && i + 2 < len && isxdigit((unsigned char)s[i + 1]) &&
            isxdigit((unsigned char)s[i + 2])) {
            char hex[3] = {s[i + 1], s[i + 2], '\0'};

            out[n++] = (char)strtol(hex, NULL, 16);
            i += 2;
        } else {
            out[n++] = s[i];
        }
    }
    out[n] = '\0';
    return out;
}

/* Reads a decimal number that fills the whole text. */
static int number(const char *s, int max, int *out)
{
    char *end;
    long value;

    if (!isdigit((unsigned char)s[0]))
        return -1;
    value = strtol(s, &end, 10);
    if (*end != '\0' || value > max)
        return -1;
    *out = (int)value;
    return 0;
}

/* Takes "user:password@" or ":password@" off the front, if it is there, and returns the rest. */
static const char *take_login(struct topology *t, const char *s)
{
    const char *at = strrchr(s, '@');
    const char *colon;

    if (at == NULL)
        return s;
    colon = memchr(s, ':', (size_t)(at - s));
    if (colon == NULL)
        colon = at;
    if (colon > s)
        t->user = percent_decode(s, (size_t)(colon - s));
    if (colon < at)
        t->password = percent_decode(colon + 1, (size_t)(at - colon - 1));
    return at + 1;
}

static int parse_unix(struct topology *t, const char *s, char error[256])
{
    const char *query;

    s = take_login(t, s);
    query = strchr(s, '?');
    if (query != NULL && (strncmp(query, "?db=", 4) != 0 || number(query + 4, 65535, &t->db) < 0))
        return fail(t, error, "the database of the Redis URL is no number");
    t->path = mem_strndup(s, query != NULL ? (size_t)(query - s) : strlen(s));
    if (t->path[0] != '/')
        return fail(t, error, "the socket path of the Redis URL does not begin with /");
    if (strlen(t->path) > 107)
        return fail(t, error, "the socket path of the Redis URL is longer than 107 bytes");
    return 0;
}

static int parse_tcp(struct topology *t, const char *s, char error[256])
{
    const char *slash, *colon;
    char *authority;

    s = take_login(t, s);
    slash = strchr(s, '/');
    if (slash != NULL && slash[1] != '\0' && number(slash + 1, 65535, &t->db) < 0)
        return fail(t, error, "the database of the Redis URL is no number");
    authority = mem_strndup(s, slash != NULL ? (size_t)(slash - s) : strlen(s));
    t->port = 6379;
    colon = authority[0] == '[' ? strchr(authority, ']') : authority;
    colon = colon != NULL ? strchr(colon, ':') : NULL;
    if (colon != NULL && (number(colon + 1, 65535, &t->port) < 0 || t->port == 0)) {
        free(authority);
        return fail(t, error, "the port of the Redis URL is not 1 to 65535");
    }
    t->host =
        mem_strndup(authority, colon != NULL ? (size_t)(colon - authority) : strlen(authority));
    free(authority);
    if (t->host[0] == '[') {
        t->host[strcspn(t->host, "]")] = '\0';
        memmove(t->host, t->host + 1, strlen(t->host));
    }
    if (t->host[0] == '\0')
        return fail(t, error, "the Redis URL names no host");
    return 0;
}

struct topology *topology_parse(const char *url, char error[256])
{
    struct topology *t = mem_zero(sizeof(*t));
    int status;

    if (strncmp(url, "redis://", 8) == 0)
        status = parse_tcp(t, url + 8, error);
    else if (strncmp(url, "unix://", 7) == 0)
        status = parse_unix(t, url + 7, error);
    else if (strncmp(url, "rediss://", 9) == 0 || strncmp(url, "redis+sentinel://", 17) == 0 ||
             strncmp(url, "redis+cluster://", 16) == 0)
        status = fail(t, error, "TLS, Sentinel and Cluster are not supported in this version");
    else
        status = fail(t, error, "the Redis URL begins with no known scheme");
    return status == 0 ? t : NULL;
}

void topology_free(struct topology *t)
{
    if (t == NULL)
        return;
    free(t->path);
    free(t->host);
    free(t->user);
    free(t->password);
    free(t);
}
