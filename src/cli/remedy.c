#include "cli/remedy.h"

#include <stdbool.h>
#include <string.h>

#define LOCATION "nginx, in the location of the API"
#define EVENTS "nginx, in the location of events"
#define FASTCGI ", where it has fastcgi_pass"
#define PROXY ", where it has proxy_pass"
#define SERVER "nginx, in server { }"
#define VHOST "Apache, in the <VirtualHost>"
#define PLACE "Apache, in the <Location> of the API"
#define WORKER "Apache with mod_proxy_fcgi or mod_proxy_http, at the end of the line ProxyPass"
#define LIGHTTPD "lighttpd, in $HTTP[\"url\"] =~ \"^/chat/v1/\" { }"
#define TRANSPORT "Caddy, in reverse_proxy { transport fastcgi { } }"
#define ANY WEB_UNKNOWN

const char *const remedy_webs[] = {"unknown", "nginx", "Apache", "lighttpd", "Caddy"};

static const struct remedy remedies[] = {
    {"daemon", ANY, "on the server", "systemctl status earshot; systemctl start earshot"},
    {"daemon", ANY, "if it runs: the web server's user must be able to connect to its socket",
     "usermod -aG earshot www-data"},
    {"redis", ANY, "on the server", "redis-cli -u URL ping   # the URL of `redis` in earshot.conf"},
    {"redis-aof", ANY, "redis.conf", "appendonly yes"},
    {"redis-aof", ANY, "and now, before the next restart", "redis-cli config set appendonly yes"},
    {"redis-eviction", ANY, "redis.conf, and redis-cli config set", "maxmemory-policy noeviction"},
    {"redis-memory", ANY,
     "redis.conf, and redis-cli config set; or keep less: history_max, "
     "history_age in earshot.conf",
     "maxmemory 1gb"},
    {"clock", ANY, "on both machines", "timedatectl set-ntp true"},
    {"redis-clock", ANY, "on earshotd's machine and on Redis's", "timedatectl set-ntp true"},
    {"login", ANY, "at what asks for it: earshot checks tokens itself",
     "let /chat/v1/ through without a login"},

    {"tls", WEB_NGINX, SERVER, "listen 443 ssl http2;"},
    {"tls", WEB_APACHE, VHOST " of port 443", "SSLEngine on"},
    {"tls", WEB_LIGHTTPD, "lighttpd, in $SERVER[\"socket\"] == \":443\" { }",
     "ssl.engine = \"enable\""},
    {"tls", WEB_CADDY, "Caddyfile: the site's name without http:// in front", "chat.example.org {"},
    {"tls", ANY, "at the web server", "serve the API over https only"},

    {"http2", WEB_NGINX, SERVER, "listen 443 ssl http2;"},
    {"http2", WEB_APACHE, VHOST ", with a2enmod http2 and mpm_event", "Protocols h2 http/1.1"},
    {"http2", WEB_LIGHTTPD, "lighttpd, at the top level",
     "server.feature-flags += (\"server.h2proto\" => \"enable\")"},
    {"http2", WEB_CADDY, "Caddyfile, in { servers { } }", "protocols h1 h2"},
    {"http2", ANY, "at the web server that browsers reach", "turn HTTP/2 on"},

    {"buffering", WEB_NGINX, EVENTS FASTCGI, "fastcgi_buffering off;"},
    {"buffering", WEB_NGINX, EVENTS PROXY, "proxy_buffering off;"},
    {"buffering", WEB_APACHE, WORKER, "flushpackets=on"},
    {"buffering", WEB_APACHE, VHOST ", with mod_fcgid", "FcgidOutputBufferSize 0"},
    {"buffering", WEB_LIGHTTPD, LIGHTTPD, "server.stream-response-body = 2"},
    {"buffering", WEB_CADDY, "Caddy, in reverse_proxy { }", "flush_interval -1"},
    {"buffering", ANY, "at the proxy", "turn the buffering of responses off for the API's path"},

    {"compression", WEB_NGINX, EVENTS, "gzip off;"},
    {"compression", WEB_APACHE, PLACE, "SetEnv no-gzip 1\nSetEnv no-brotli 1"},
    {"compression", WEB_LIGHTTPD, LIGHTTPD, "deflate.mimetypes = ()"},
    {"compression", WEB_CADDY, "Caddy, in place of encode gzip",
     "@whole not path */events\nencode @whole gzip"},
    {"compression", ANY, "at the proxy",
     "compress neither text/event-stream nor application/x-ndjson"},

    {"idle", WEB_NGINX, EVENTS FASTCGI, "fastcgi_read_timeout 15m;"},
    {"idle", WEB_NGINX, EVENTS PROXY, "proxy_read_timeout 15m;"},
    {"idle", WEB_APACHE, WORKER, "timeout=900"},
    {"idle", WEB_APACHE, VHOST ", with mod_fcgid", "FcgidIOTimeout 900\nFcgidBusyTimeout 900"},
    {"idle", WEB_APACHE, VHOST ", with CGI", "Timeout 900"},
    {"idle", WEB_LIGHTTPD, "lighttpd, in the entry of earshot in fastcgi.server",
     "\"read-timeout\" => 900,"},
    {"idle", WEB_CADDY, TRANSPORT, "read_timeout 15m"},
    {"idle", ANY, "at the proxy: the time that it waits for the next byte of an answer",
     "15 minutes"},

    {"authorization", WEB_NGINX, LOCATION FASTCGI,
     "fastcgi_param HTTP_AUTHORIZATION $http_authorization;"},
    {"authorization", WEB_NGINX, LOCATION PROXY,
     "proxy_set_header Authorization $http_authorization;"},
    {"authorization", WEB_APACHE, PLACE ", or in .htaccess", "CGIPassAuth On"},
    {"authorization", WEB_APACHE, VHOST ", with mod_fcgid", "FcgidPassHeader Authorization"},
    {"authorization", ANY, "at the proxy", "pass the header Authorization on"},

    {"errors", WEB_NGINX, LOCATION FASTCGI, "fastcgi_intercept_errors off;"},
    {"errors", WEB_NGINX, LOCATION PROXY, "proxy_intercept_errors off;"},
    {"errors", WEB_APACHE, PLACE, "ProxyErrorOverride Off"},
    {"errors", WEB_LIGHTTPD, LIGHTTPD, "server.error-intercept = \"disable\""},
    {"errors", WEB_CADDY, "Caddy: in the handle of the API, take this out", "handle_response"},
    {"errors", ANY, "at the proxy", "hand on answers of 400 and more as they are"},

    {"methods", WEB_NGINX, LOCATION " and of events, in place of the limit_except that is there",
     "limit_except GET POST PUT DELETE OPTIONS { deny all; }"},
    {"methods", WEB_APACHE, PLACE, "AllowMethods GET POST PUT DELETE OPTIONS"},
    {"methods", ANY, "at the web server, for the API's path",
     "allow GET, HEAD, POST, PUT, DELETE and OPTIONS"},

    {"body", WEB_NGINX, LOCATION, "client_max_body_size 1m;"},
    {"body", WEB_APACHE, PLACE, "LimitRequestBody 1048576"},
    {"body", WEB_APACHE, VHOST ", with mod_fcgid", "FcgidMaxRequestLen 1048576"},
    {"body", WEB_LIGHTTPD,
     "lighttpd, at the top level (within a condition it has no effect), in KiB",
     "server.max-request-size = 1024"},
    {"body", WEB_CADDY, "Caddy, in the handle of the API", "request_body {\n    max_size 1MB\n}"},
    {"body", ANY, "at the proxy", "allow bodies of 1 MiB, as `body_max` does"},

    {"names", WEB_NGINX, LOCATION PROXY ": no path of its own behind it",
     "proxy_pass http://127.0.0.1:8080;"},
    {"names", WEB_APACHE, WORKER, "nocanon"},
    {"names", ANY, "at the proxy", "pass paths on as they came, and decode them once"},
    {"slashes", WEB_APACHE, VHOST, "AllowEncodedSlashes NoDecode"},
    {"slashes", ANY, "at the proxy", "let %2F in paths through"},

    {"config", WEB_NGINX, SERVER, "location ~ \"/(\\.ht[^/]*|earshot\\.conf)$\" { return 404; }"},
    {"config", WEB_APACHE, VHOST,
     "<FilesMatch \"^(\\.ht.*|earshot\\.conf)$\">\n    Require all denied\n</FilesMatch>"},
    {"config", WEB_LIGHTTPD, "lighttpd, at the top level",
     "$HTTP[\"url\"] =~ \"/(\\.ht[^/]*|earshot\\.conf)$\" { url.access-deny = (\"\") }"},
    {"config", WEB_CADDY, "Caddy, in the site",
     "@secret path */.ht* */earshot.conf\nrespond @secret 404"},
    {"config", ANY, "on the server", "move the configuration out of what the web server hands out"},
    {"secret", ANY, "whoever read it can be anyone: earshot.conf, a new secret",
     "jwt_secret = `openssl rand -base64 36`"},

    {"cache", WEB_NGINX, LOCATION FASTCGI, "fastcgi_cache off;"},
    {"cache", WEB_NGINX, LOCATION PROXY, "proxy_cache off;"},
    {"cache", WEB_APACHE, VHOST, "CacheDisable \"/chat/v1\""},
    {"cache", ANY, "at the proxy", "keep nothing below the API's path"},
    {"cache-control", WEB_NGINX, LOCATION, "expires off;"},
    {"cache-control", WEB_APACHE, PLACE, "ExpiresActive Off"},
    {"cache-control", WEB_LIGHTTPD, LIGHTTPD, "expire.mimetypes = ()"},
    {"cache-control", ANY, "at the proxy", "leave the header Cache-Control as it is"},

    {"resume", WEB_NGINX, EVENTS FASTCGI, "fastcgi_pass_request_headers on;"},
    {"resume", WEB_NGINX, EVENTS PROXY, "proxy_set_header Last-Event-ID $http_last_event_id;"},
    {"resume", ANY, "at the proxy", "pass the header Last-Event-ID on"},
    {"etag", WEB_NGINX, LOCATION FASTCGI, "fastcgi_pass_header ETag;"},
    {"etag", WEB_NGINX, LOCATION PROXY,
     "proxy_pass_header ETag; proxy_set_header If-None-Match $http_if_none_match;"},
    {"etag", WEB_APACHE, PLACE ": take this out", "Header unset ETag"},
    {"etag", ANY, "at the proxy", "hand ETag, If-None-Match and 304 on"},

    {"token", ANY, "with a token of an admin, on the server",
     "earshot token --user you --role admin >token; earshot doctor URL --token-file token"},
    {"token", ANY, "or as who may read the configuration, on the server",
     "EARSHOT_CONFIG=/etc/earshot/earshot.conf earshot doctor URL"},
};

enum web remedy_recognise(const char *text)
{
    static const struct {
        const char *word;
        enum web web;
    } words[] = {{"nginx", WEB_NGINX},   {"openresty", WEB_NGINX}, {"angie", WEB_NGINX},
                 {"tengine", WEB_NGINX}, {"apache", WEB_APACHE},   {"lighttpd", WEB_LIGHTTPD},
                 {"caddy", WEB_CADDY}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasestr(text, words[i].word) != NULL)
            return words[i].web;
    return WEB_UNKNOWN;
}

static bool has(const char *check, enum web web)
{
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
        if (remedies[i].web == web && strcmp(remedies[i].check, check) == 0)
            return true;
    return false;
}

const struct remedy *remedy_next(const struct remedy *last, const char *check, enum web web)
{
    const struct remedy *end = remedies + sizeof(remedies) / sizeof(remedies[0]);
    enum web wanted = has(check, web) ? web : ANY;

    for (last = last == NULL ? remedies : last + 1; last < end; last++)
        if (last->web == wanted && strcmp(last->check, check) == 0)
            return last;
    return NULL;
}
