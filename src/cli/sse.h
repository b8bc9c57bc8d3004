/* sse.h - reads a stream of server-sent events.
 * Runs in: earshot command.  Blocks: never.  No I/O: feed it bytes, take events.
 * As the WHATWG HTML standard has it, 9.2.5 and 9.2.6: lines end with CR, LF or CR LF, bytes may be
 * cut anywhere, a byte order mark in front is skipped, an event that the end of the stream cuts off
 * is dropped. Limit: SSE_EVENT_MAX bytes an event or line; past it the stream is no stream of ours.
 */
#ifndef EARSHOT_SSE_H
#define EARSHOT_SSE_H

#include <stddef.h>
#include <stdint.h>

#define SSE_EVENT_MAX (1024 * 1024)

struct sse;

struct sse_event {
    const char *type; /* "message" where the stream names none */
    const char *data; /* its lines joined with line feeds; may hold NUL */
    size_t data_len;
};

struct sse *sse_create(void);
void sse_free(struct sse *sse);

/* Takes in what came over the line. */
void sse_feed(struct sse *sse, const void *bytes, size_t len);

/* Gives the next whole event, valid until the next call of any sse_ function. Returns 1, 0 when
 * there is none yet, or -1 when the stream broke the limit. */
int sse_next(struct sse *sse, struct sse_event *event);

/* The last event id: what a reconnecting reader sends. "" when none was given. It changes with the
 * event that carries it, so it is right after sse_next() gave that event. */
const char *sse_last_id(const struct sse *sse);

/* How long to wait before reconnecting, as the stream's last `retry:` says, or -1. */
int64_t sse_retry_ms(const struct sse *sse);

#endif
