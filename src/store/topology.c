#include "store/topology.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/resolver.h"

static int fail(struct topology *t, char error[256], const char *reason)
{
    snprintf(error, 256,
             "%s; a Redis URL is redis://[user:password@]host[:port][/db] or "
             "unix://[user:password@]/path[?db=n]",
             reason);
    topology_free(t);
    return -1;
}

/* Returns NULL when a % is not followed by two hexadecimal digits, or stands for NUL. */
static char *percent_decode(const char *s, size_t len)
{
    char *out = mem_alloc(len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char hex[3] = "";

        out[n++] = s[i];
        if (s[i] != '%')
            continue;
        if (len - i > 2 && isxdigit((unsigned char)s[i + 1]) && isxdigit((unsigned char)s[i + 2]))
            memcpy(hex, &s[i + 1], 2);
        out[n - 1] = (char)strtol(hex, NULL, 16);
        if (out[n - 1] == '\0') {
            free(out);
            return NULL;
        }
        i += 2;
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

/* Reads "user:password" or ":password", which ends at `at`. Returns 0, or -1 when it is malformed.
 */
static int read_login(struct topology *t, const char *s, const char *at)
{
    const char *colon = memchr(s, ':', (size_t)(at - s));

    if (colon == NULL)
        return -1;
    t->password = percent_decode(colon + 1, (size_t)(at - colon - 1));
    if (colon > s)
        t->user = percent_decode(s, (size_t)(colon - s));
    return t->password != NULL && (colon == s || t->user != NULL) ? 0 : -1;
}

static int fail_login(struct topology *t, char error[256])
{
    return fail(t, error,
                "the login of the Redis URL is no user:password, or has a % that encodes nothing");
}

/* A path may hold an @ as well as a password: the login ends where the path begins. */
static int parse_unix(struct topology *t, const char *s, char error[256])
{
    const char *at = s[0] != '/' ? strstr(s, "@/") : NULL;
    const char *query;

    if (at != NULL && read_login(t, s, at) < 0)
        return fail_login(t, error);
    s = at != NULL ? at + 1 : s;
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

/* Reads host:port or [address]:port. Returns NULL, or what is wrong. */
static const char *read_address(struct topology *t, const char *s, size_t len)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:%";
    size_t skip = s[0] == '[', host_len;
    const char *end = memchr(s, s[0] == '[' ? ']' : ':', len);
    char *port;
    int status = 0;

    if (skip > 0 && end == NULL)
        return "the address in the Redis URL has no ]";
    host_len = end != NULL ? (size_t)(end - s) : len;
    t->host = mem_strndup(s + skip, host_len - skip);
    t->port = 6379;
    if (t->host[0] == '\0')
        return "the Redis URL names no host";
    if (strspn(t->host, allowed) != strlen(t->host))
        return "the host of the Redis URL holds what no host does";
    port = mem_strndup(s + host_len + skip, len - host_len - (end != NULL ? skip : 0));
    if (port[0] != '\0')
        status = port[0] == ':' ? number(port + 1, 65535, &t->port) : -1;
    free(port);
    return status < 0 || t->port == 0 ? "the port of the Redis URL is not 1 to 65535" : NULL;
}

static int parse_tcp(struct topology *t, const char *s, char error[256])
{
    const char *at = strrchr(s, '@');
    const char *slash, *wrong;

    if (at != NULL && read_login(t, s, at) < 0)
        return fail_login(t, error);
    s = at != NULL ? at + 1 : s;
    slash = strchr(s, '/');
    if (slash != NULL && slash[1] != '\0' && number(slash + 1, 65535, &t->db) < 0)
        return fail(t, error, "the database of the Redis URL is no number");
    wrong = read_address(t, s, slash != NULL ? (size_t)(slash - s) : strlen(s));
    if (wrong != NULL)
        return fail(t, error, wrong);
    t->resolver = resolver_open(t->host, t->port);
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
    resolver_close(t->resolver);
    free(t->path);
    free(t->host);
    free(t->user);
    free(t->password);
    free(t);
}
