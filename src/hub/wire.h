/* wire.h - a link to Redis under the hub's loop, which comes back by itself.
 * Runs in: hub.  Blocks: never, but for the resolution of a host name at a reconnect.
 * A wire that is lost, or whose reply does not come in time, is opened again with a back-off. */
#ifndef EARSHOT_WIRE_H
#define EARSHOT_WIRE_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "store/link.h"
#include "store/topology.h"
#include "store/trips.h"

/* What the owner wants to know. `reply` is the wire's, freed after the call. */
struct wire_events {
    void (*up)(void *owner);   /* connected, checked: ask again what was under way */
    void (*down)(void *owner); /* lost: nothing that was under way will be answered */
    void (*reply)(void *owner, const redisReply *reply);
};

struct wire {
    const char *name; /* for the log: "feed", "ask" */
    uv_loop_t *loop;
    const struct topology *topology;
    const struct wire_events *events;
    void *owner;
    int64_t timeout_ms;
    struct trips *trips; /* may be NULL */

    struct link *link; /* NULL while down */
    uv_poll_t *poll;
    int watched;   /* its events: UV_READABLE and, while it connects or output waits, UV_WRITABLE */
    bool ready;    /* the handshake is through */
    bool was_down; /* and that was logged */
    int64_t ready_ms;    /* since when */
    int64_t waiting_ms;  /* since when a reply is awaited; 0 = none is */
    int64_t retry_at_ms; /* while down */
    int64_t backoff_ms;
};

/* Sets the wire up; the first wire_tick() connects. */
void wire_init(struct wire *wire, uv_loop_t *loop, const struct topology *topology,
               const char *name, int64_t timeout_ms, const struct wire_events *events, void *owner);
void wire_close(struct wire *wire);

/* To be called often: connects when it is time, gives up a connection that does not answer. */
void wire_tick(struct wire *wire, int64_t now_ms);

/* Says that a reply is awaited from now on, or that none is. */
void wire_expect(struct wire *wire, bool expect);

/* Gives the connection up; it comes back by itself. */
void wire_drop(struct wire *wire, const char *reason);

/* Sends what is queued, at the end of a loop turn. */
void wire_flush(struct wire *wire);

#endif
