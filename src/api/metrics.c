#include "api/metrics.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

/* By their hashes, so that the time tells nothing, nor the length. */
static bool is_equal(const char *a, const char *b)
{
    unsigned char hashes[2][crypto_generichash_BYTES];

    crypto_generichash(hashes[0], sizeof(hashes[0]), (const unsigned char *)a, strlen(a), NULL, 0);
    crypto_generichash(hashes[1], sizeof(hashes[1]), (const unsigned char *)b, strlen(b), NULL, 0);
    return sodium_memcmp(hashes[0], hashes[1], sizeof(hashes[0])) == 0;
}

bool metrics_has_secret(const struct request *request, const struct conf *conf)
{
    const char *header = request->authorization;

    if (conf->metrics_token[0] == '\0' || request->segments_count != 1 ||
        strcmp(request->segments[0], "metrics") != 0 || header == NULL ||
        strncasecmp(header, "Bearer ", 7) != 0)
        return false;
    return is_equal(header + 7 + strspn(header + 7, " "), conf->metrics_token);
}

/* Does a program of the web server's own machine ask, and for nobody else? What comes through a
 * proxy has been sent by who knows whom. */
static bool is_local(const struct request *request)
{
    const char *address = request->remote_addr;

    return address != NULL && !request->is_forwarded &&
           (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
            strncmp(address, "::ffff:127.", 11) == 0);
}

static bool may_read(struct api *api)
{
    if (metrics_has_secret(api->request, api->conf))
        return true;
    if (api->conf->metrics == CONF_METRICS_OPEN ||
        (api->conf->metrics == CONF_METRICS_LOCAL && is_local(api->request)))
        return true;
    return api_demand_admin(api) == 0 && api_demand_unrevoked(api) == 0;
}

/* GET metrics - what this daemon counts, for Prometheus (text format 0.0.4); gate/meters.h has the
 * names. As the key `metrics` says: for programs on the web server's machine, or for all; always
 * for the bearer of `metrics_token` and for admins. deep=1: first looks whether a send reaches
 * every hub, as readyz?deep=1 does. 200; 400 another deep=, 401, 403; 404 when switched off; 501
 * where no daemon is that counts. */
void metrics_get(struct api *api)
{
    int64_t deep = 0;

    if (api->conf->metrics == CONF_METRICS_OFF)
        api_fail(api, 404, "metrics_off", "metrics are switched off");
    else if (may_read(api) && api_query_number(api, "deep", 0, 1, &deep) == 0) {
        api->deep = deep == 1;
        api->metrics = true;
        /* What stands where nobody is that knows more. */
        api_fail(api, 501, "metrics_unavailable",
                 "each process serves one request here, so that there is nobody who counts: only "
                 "earshotd has metrics");
    }
}
