/* client.h - speaks HTTP to an earshot server.
 * Runs in: earshot command.  Blocks: yes.
 * Only this, probe.c and address.c include curl. Redirects are not followed: the token goes to the
 * server that the user named. */
#ifndef EARSHOT_CLIENT_H
#define EARSHOT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/options.h"

#define CLIENT_HEADERS_MAX 4
#define CLIENT_ANSWER_MAX (64 * 1024 * 1024)

struct client;

/* What to ask. `url` comes from client_url(). */
struct client_call {
    const char *method;
    const char *url;
    const char *headers[CLIENT_HEADERS_MAX]; /* "Name: value", NULL where there are fewer */
    const char *body;                        /* or NULL */
    size_t body_len;
    int64_t timeout_ms; /* for the whole call; 0 = none */
    int64_t silence_ms; /* ends the call when nothing came for so long; 0 = never */
    /* Takes the bytes of a 200 of type text/event-stream as they come, instead of answer.body; ends
     * the call by returning -1. Or NULL. */
    int (*on_bytes)(void *context, const char *bytes, size_t len);
    void *context;
};

struct client_answer {
    long status; /* 0 = none came; client_error() says why */
    struct buf body;
    char type[96];          /* the media type in lower case, without parameters */
    char next[2048];        /* the target of Link: rel="next", or "" */
    char location[512];     /* of a redirect, or "" */
    int64_t retry_after_ms; /* or -1 */
    bool retriable;         /* the same call may do better later */
    bool streamed;          /* on_bytes was given the body */
};

/* Takes the server's URL and the token from the options, else from the environment. Returns NULL
 * after an error was printed. */
struct client *client_open(const struct options *options);
void client_close(struct client *client);

/* The server's URL without a slash at its end, and the header with the token, or NULL. */
const char *client_base(const struct client *client);
const char *client_authorization(const struct client *client);

/* Writes the URL of a resource below the server's; see address_path(). */
void client_url(const struct client *client, struct buf *out, const char *const *segments);

/* Makes the call; `answer` starts zeroed, or as an earlier call left it. Returns 0 when an answer
 * came, whole, with whatever status; -1 when none did, or a part only. */
int client_call(struct client *client, const struct client_call *call,
                struct client_answer *answer);
void client_answer_free(struct client_answer *answer);

/* Waits. */
void client_rest(int64_t ms);

/* Makes the call until it succeeds or `retry_for_ms` have passed, as long as the answer is
 * retriable. */
int client_persist(struct client *client, const struct client_call *call, int64_t retry_for_ms,
                   struct client_answer *answer);

/* Why the last call came to nothing. */
const char *client_error(const struct client *client);

/* Prints on standard error, in one line, why this is no success: the problem that the server stated
 * (RFC 9457), its status, or why there was no answer. Returns the exit status to end with. */
int client_explain(const struct client *client, const struct client_answer *answer);

/* How long to wait before trying again after `n` failures (from 0): 0.2 s doubled n times, at most
 * 30 s, of which a random half, so that many clients do not come back at once; and no less than
 * `least_ms`, with a random quarter on top. */
int64_t client_backoff_ms(unsigned n, int64_t least_ms);

#endif
