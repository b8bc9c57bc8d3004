/* topology.h - where Redis is.
 * Runs in: gate, hub.  Blocks: never.
 * One server by TCP or unix socket. Sentinel, Cluster and TLS URLs are refused
 * with a clear error until they are built. */
#ifndef EARSHOT_TOPOLOGY_H
#define EARSHOT_TOPOLOGY_H

struct resolver;

struct topology {
    char *path; /* of a unix socket, or NULL */
    char *host; /* a name or an address, or NULL */
    int port;
    struct resolver *resolver; /* of `host`, or NULL */
    char *user;                /* or NULL */
    char *password;            /* or NULL */
    int db;
};

/* Reads redis://[user:password@]host[:port][/db] or unix://[user:password@]path[?db=n];
 * percent-encoding in user and password, in which an @ may stand as it is. Returns NULL with one
 * line in `error`, which tells nothing of the URL. */
struct topology *topology_parse(const char *url, char error[256]);
void topology_free(struct topology *topology);

#endif
