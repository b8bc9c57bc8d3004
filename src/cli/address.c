#include "cli/address.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

bool address_valid(const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *query = NULL, *fragment = NULL;
    bool valid = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
                 curl_url_get(parts, CURLUPART_QUERY, &query, 0) == CURLUE_NO_QUERY &&
                 curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_NO_FRAGMENT;

    curl_free(scheme);
    curl_free(query);
    curl_free(fragment);
    curl_url_cleanup(parts);
    return valid;
}

bool address_local(const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    bool local = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                 (strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
                  strcmp(host, "[::1]") == 0);

    curl_free(host);
    curl_url_cleanup(parts);
    return local;
}

void address_origin(const char *url, struct buf *out)
{
    CURLU *parts = curl_url();
    char *origin = NULL;

    buf_clear(out);
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK) {
        curl_url_set(parts, CURLUPART_PATH, NULL, 0);
        curl_url_set(parts, CURLUPART_QUERY, NULL, 0);
        curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
        curl_url_get(parts, CURLUPART_URL, &origin, 0);
    }
    buf_str(out, origin != NULL ? origin : url);
    while (out->len > 0 && out->data[out->len - 1] == '/')
        out->data[--out->len] = '\0';
    curl_free(origin);
    curl_url_cleanup(parts);
}

static void append_encoded(struct buf *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (strchr(plain, *p) != NULL)
            buf_char(out, (char)*p);
        else
            buf_printf(out, "%%%02X", *p);
    }
}

void address_path(struct buf *out, const char *base, const char *const *segments)
{
    buf_clear(out);
    buf_str(out, base);
    for (; *segments != NULL; segments++) {
        buf_char(out, '/');
        append_encoded(out, *segments);
    }
}

void address_query(struct buf *url, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_char(url, strchr(url->data, '?') == NULL ? '?' : '&');
    buf_str(url, name);
    buf_char(url, '=');
    append_encoded(url, value);
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *x = NULL, *y = NULL;
    bool same = curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(x, y) == 0;

    curl_free(x);
    curl_free(y);
    return same;
}

/* Do both URLs lead to the same scheme, host and port? */
static bool same_server(CURLU *a, CURLU *b)
{
    return same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) &&
           same_part(a, b, CURLUPART_PORT);
}

/* The URL that a link leads to, to be cleaned up, or NULL. */
static CURLU *resolve(const char *asked, const char *link)
{
    CURLU *to = curl_url();

    if (curl_url_set(to, CURLUPART_URL, asked, 0) == CURLUE_OK &&
        curl_url_set(to, CURLUPART_URL, link, 0) == CURLUE_OK)
        return to;
    curl_url_cleanup(to);
    return NULL;
}

static int write_url(CURLU *parts, struct buf *out)
{
    char *url = NULL;

    if (curl_url_get(parts, CURLUPART_URL, &url, 0) != CURLUE_OK)
        return -1;
    buf_clear(out);
    buf_str(out, url);
    curl_free(url);
    return 0;
}

int address_resolve(const char *asked, const char *link, struct buf *out)
{
    CURLU *to = resolve(asked, link);
    int rc = to != NULL ? write_url(to, out) : -1;

    curl_url_cleanup(to);
    return rc;
}

int address_follow(const char *asked, const char *link, struct buf *out)
{
    CURLU *from = resolve(asked, ""), *to = resolve(asked, link);
    int rc = from != NULL && to != NULL && same_server(from, to) ? write_url(to, out) : -1;

    curl_url_cleanup(from);
    curl_url_cleanup(to);
    return rc;
}

bool address_same_trust(const char *from, const char *to)
{
    CURLU *a = resolve(from, ""), *b = resolve(to, "");
    bool same = a != NULL && b != NULL && same_part(a, b, CURLUPART_HOST) &&
                (strncasecmp(to, "https:", 6) == 0 || same_part(a, b, CURLUPART_SCHEME));

    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return same;
}
