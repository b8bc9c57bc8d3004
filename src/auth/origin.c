#include "auth/origin.h"

#include <string.h>
#include <strings.h>

#include "http/cors.h"

/* The length of a host without the port that the scheme has anyway. */
static size_t host_len(const char *host, bool https)
{
    const char *port = https ? ":443" : ":80";
    size_t len = strlen(host), port_len = strlen(port);

    if (len > port_len && strcmp(host + len - port_len, port) == 0)
        len -= port_len;
    return len;
}

/* Is the host of the origin this one, where `port` is that of a host that names none? */
static bool same_host(const char *origin, const char *host, const char *port, bool https)
{
    size_t len = host_len(host, https), origin_len = host_len(origin, https);

    if (len == 0 || strncasecmp(origin, host, len) != 0)
        return false;
    if (len == origin_len)
        return true;
    /* Debian's fastcgi_params pass the host without its port. */
    return port != NULL && host[strcspn(host, ":")] == '\0' && origin[len] == ':' &&
           strcmp(origin + len + 1, port) == 0;
}

static bool is_own(const struct request *request)
{
    const char *scheme = request->https ? "https://" : "http://";
    const char *host = request->host, *origin = request->origin;

    if (host == NULL || origin == NULL || strncasecmp(origin, scheme, strlen(scheme)) != 0)
        return false;
    return same_host(origin + strlen(scheme), host, request->server_port, request->https);
}

bool origin_trusted(const struct request *request, const struct conf *conf)
{
    if (request->sec_fetch_site != NULL && strcmp(request->sec_fetch_site, "same-origin") == 0)
        return true;
    return is_own(request) || cors_allowed(conf, request->origin);
}

bool origin_strange(const struct request *request, const struct conf *conf)
{
    const char *site = request->sec_fetch_site;
    bool told = request->origin != NULL || (site != NULL && strcmp(site, "none") != 0);

    return told && !origin_trusted(request, conf);
}
