/* conf.h - what the operator decided.
 * Runs in: every process; loaded once before the first fork, const after.
 * Blocks: as long as reading a small file does.
 * Defaults < file < EARSHOT_* environment < flags. setting.c has one table with
 * a row a key: name, type, range, default; --print-config and the error texts
 * are made from it, and a test holds contrib/earshot.conf and the man page
 * against it. */
#ifndef EARSHOT_CONF_H
#define EARSHOT_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"

#define CONF_JWT_KEYS_MAX 16
#define CONF_ORIGINS_MAX 32

/* So many at once, and as many again within `per_ms`; a count of 0 = no limit. */
struct conf_rate {
    int64_t count;
    int64_t per_ms;
};

/* Who may read the metrics: programs of the web server's own machine, admins, all, nobody. Each but
 * the last lets admins, and who has metrics_token. */
enum conf_metrics { CONF_METRICS_LOCAL, CONF_METRICS_ADMIN, CONF_METRICS_OPEN, CONF_METRICS_OFF };

struct conf {
    /* The daemon. */
    char *listen;    /* unix:PATH or HOST:PORT; key listen */
    int listen_mode; /* of the socket's file, octal; listen_mode = 0660 */
    char *user;      /* to become when started as root, which then must be said */
    int gates;       /* 0 = 4 a core, at least 8 */
    int hubs;        /* 0 = one a core */
    enum log_level log_level;
    enum log_form log_form;   /* log_format = text */
    bool access_log;          /* a line a request at info, else at debug; access_log = off */
    int metrics;              /* enum conf_metrics: local, admin, open or off; metrics = local */
    char *metrics_token;      /* the bearer who may read them in any case; "" = none */
    int64_t request_limit_ms; /* a gate busy for longer is killed; request_limit = 30s */
    int64_t drain_ms;         /* how long SIGTERM waits for streams to end; drain = 10s */

    /* Redis. */
    char *redis; /* URL: redis://[user:password@]host[:port][/db] or unix://path[?db=n];
                    REDIS_URL in the environment counts too, under EARSHOT_REDIS */
    int64_t redis_timeout_ms; /* for one command, connecting included; redis_timeout = 1500ms */

    /* Who. */
    char *jwt_secret;                  /* HS256, kid "default"; also mints; at least 32 bytes */
    char *jwt_keys[CONF_JWT_KEYS_MAX]; /* "kid alg source", source = path of a PEM or secret file;
                                          key jwt_key, repeatable */
    int jwt_keys_count;
    char *jwt_issuer, *jwt_audience; /* demanded when not "" */
    int64_t token_ttl_ms;            /* of minted tokens; token_ttl = 12h */
    char *anonymous;                 /* rights without a token: "lobby=rw,news-*=r"; "" = none */
    char *members;                   /* rights of a token without a `rooms` claim; "*=rw" */
    char *origins[CONF_ORIGINS_MAX]; /* other origins that browsers may call from; cors_origins,
                                        comma-separated */
    int origins_count;
    bool guests;                 /* may whoever comes be a guest? guests = on */
    bool registration;           /* may he make an account? registration = on */
    struct conf_rate rate_login; /* of an address, and failed ones of an account; 10/1m */
    char *trusted_proxies;       /* whose X-Forwarded-For counts: "10.0.0.0/8,::1,unix:" */

    /* Sends. */
    int64_t content_max_bytes;   /* content_max = 8k */
    int64_t metadata_max_bytes;  /* metadata_max = 4k */
    int64_t body_max_bytes;      /* of a whole request: body_max = 1m */
    int batch_max;               /* lines of an NDJSON batch */
    int64_t history_max;         /* events kept a room */
    int64_t history_age_ms;      /* for how long; 0 = for ever; history_age = 0 */
    struct conf_rate rate_send;  /* of one user in one room; rate_send = 100/10s */
    struct conf_rate rate_guest; /* of one address, without an account; rate_guest = 100/10s */
    int64_t idempotency_ttl_ms;  /* idempotency_ttl = 24h */

    /* Receives. */
    int streams_max;      /* all hubs together */
    int stream_rooms_max; /* rooms of one receive */
    int64_t
        stream_age_ms; /* about how long a stream lives, +-20 %; 0 = for ever; stream_age = 10m */
    int64_t stream_queue_bytes; /* how far a reader may lag; stream_queue = 256k */
    int64_t
        stream_stall_ms;  /* a reader that takes nothing for so long is cut; stream_stall = 30s */
    int64_t heartbeat_ms; /* heartbeat = 15s */
    int64_t retry_ms;     /* what SSE clients wait before they reconnect; retry = 2s */
    int64_t poll_wait_ms; /* a long-poll without wait=; poll_wait = 25s */
    int64_t poll_wait_max_ms; /* poll_wait_max = 120s */
    int rooms_max;            /* rooms with listeners, a hub */

    /* Direct mode. */
    int64_t direct_stream_age_ms; /* a stream ends by then at the latest; direct_stream_age = 55s */
    int direct_streams_max;       /* receives that the processes of a site hold */

    struct conf_places *places; /* for conf_where() */
};

/* One key given on the command line: "--gates 4" is {"gates", "4"}. */
struct conf_flag {
    const char *key;
    const char *value;
};

/* The file to read: `given` (from --config), else EARSHOT_CONFIG from the environment, else the one
 * in sysconfdir when it exists, else NULL. */
const char *conf_path(const char *given);

/* Reads the file (NULL = none), the environment and `count` flags into a new configuration and
 * checks all of it. Returns NULL with one line in `error` (file and line or variable or flag; what
 * was wrong; what is allowed), or the configuration, which conf_free takes back. Does not demand a
 * key: keyring_open() does. */
struct conf *conf_load(const char *path, const struct conf_flag *flags, int count, char error[512]);
void conf_free(struct conf *conf);

/* Where a key was set, for an error about its value: FILE:LINE, a variable, a flag or "default"; of
 * a repeated key the `nth`, from 0. Of all together (NULL) the file. Lives as long as `conf`. */
const char *conf_where(const struct conf *conf, const char *key, int nth);

/* Prints every key with its value, secrets as "********" (also the password within a URL). */
void conf_print(const struct conf *conf, FILE *out);

/* True when `key` is a key of the table; flags of earshotd are the keys with - for _. */
bool conf_is_key(const char *key);

#endif
