/* probe.h - asks a web server as a client would, and keeps all that came back and when.
 * Runs in: earshot command.  Blocks: as long as its callers say.
 * Several probes are on their way at once. Redirects are not followed.
 * Limits: of an answer PROBE_BODY_MAX bytes, PROBE_HEAD_MAX of headers and the times of
 * PROBE_CHUNKS_MAX pieces are kept; the rest is read and dropped. */
#ifndef EARSHOT_PROBE_H
#define EARSHOT_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PROBE_HEADERS_MAX 4
#define PROBE_BODY_MAX (256 * 1024)
#define PROBE_HEAD_MAX (64 * 1024)
#define PROBE_CHUNKS_MAX 256

/* A piece of the body: `end` is how much of it there was with this. */
struct probe_chunk {
    int64_t at_ms;
    size_t end;
};

struct probe {
    /* What to ask; set before the start. */
    const char *method;                     /* NULL = GET */
    struct buf url;                         /* the probe's own */
    const char *headers[PROBE_HEADERS_MAX]; /* "Name: value", which live as long as the probe */
    const char *text;                       /* the body, likewise, or NULL */
    size_t text_len;
    int64_t limit_ms; /* for all of it; 0 = 8 s */
    bool alone;       /* without the token */

    /* What came. Times are clock_mono_ms(). */
    bool done;
    bool whole;  /* as far as HTTP tells */
    long status; /* 0 = nothing */
    int version; /* of HTTP: 1 or 2 */
    struct buf head, body;
    struct probe_chunk chunks[PROBE_CHUNKS_MAX];
    size_t chunks_count;
    int64_t began_ms, head_ms, heard_ms, ended_ms;
    bool tls_refused, timed_out;
    char error[256]; /* why nothing came, or a part only */

    void *handle, *list; /* curl's */
};

struct prober;

/* `authorization` is the header with the token, or NULL; borrowed. Returns NULL after an error was
 * printed. */
struct prober *probe_begin(const char *authorization);

/* Stops all probes that are on their way. */
void probe_end(struct prober *prober);

/* Changes the token of probes that start from now on. */
void probe_authorize(struct prober *prober, const char *authorization);

/* Sends the question. The probe stays where it is until it is done or stopped. */
void probe_start(struct prober *prober, struct probe *probe);

/* Cuts it, if it is on its way. */
void probe_stop(struct prober *prober, struct probe *probe);

/* Goes on with all probes until these `count` are done, for `most_ms` at most; with none of them
 * just for so long. */
void probe_wait(struct prober *prober, struct probe *const *probes, size_t count, int64_t most_ms);

/* Starts one and waits for it. */
void probe_ask(struct prober *prober, struct probe *probe);

/* Frees what it holds; it is all zero then. */
void probe_free(struct probe *probe);

/* Copies the values of a header, with ", " in between, as harmless text. Returns false, and "",
 * when there is none. */
bool probe_header(const struct probe *probe, const char *name, char *value, size_t size);

/* When the piece came that completed this text, or -1. */
int64_t probe_when(const struct probe *probe, const char *text);

/* Copies the member `code` of an answer that is a problem of ours (RFC 9457); "" when it is none.
 */
void probe_problem(const struct probe *probe, char *code, size_t size);

#endif
