#include "hub/wire.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 250
#define SETTLED_MS 1000
#define NAME_WAIT_MS 20 /* all that the hub holds waits with it */

void wire_init(struct wire *wire, uv_loop_t *loop, const struct topology *topology,
               const char *name, int64_t timeout_ms, const struct wire_events *events, void *owner)
{
    *wire = (struct wire){.name = name,
                          .loop = loop,
                          .topology = topology,
                          .events = events,
                          .owner = owner,
                          .timeout_ms = timeout_ms,
                          .backoff_ms = BACKOFF_MIN_MS};
}

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

void wire_close(struct wire *wire)
{
    if (wire->link == NULL)
        return;
    uv_poll_stop(wire->poll);
    uv_close((uv_handle_t *)wire->poll, free_poll);
    wire->poll = NULL;
    link_close(wire->link);
    wire->link = NULL;
    wire->ready = false;
    wire->waiting_ms = 0;
}

static const char late[] = "no reply in time";

static void count(struct wire *wire, enum trips_error error)
{
    if (wire->trips != NULL)
        meter_add(&wire->trips->errors[error], 1);
}

/* Closes, and says when to try again. Only a connection that lasted shortens the wait: a Redis that
 * takes us in and then refuses what we ask must not be asked at every tick. */
static void rest(struct wire *wire, const char *reason)
{
    if (!wire->was_down)
        log_warn("Redis is lost wire=%s reason=\"%s\"", wire->name, reason);
    wire->was_down = true;
    count(wire, reason == late ? TRIPS_LATE : trips_error(reason, TRIPS_LOST));
    wire_close(wire);
    wire->retry_at_ms = clock_mono_ms() + wire->backoff_ms;
    wire->backoff_ms =
        wire->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wire->backoff_ms * 2;
}

void wire_drop(struct wire *wire, const char *reason)
{
    bool was_ready = wire->ready;

    if (wire->link == NULL)
        return;
    rest(wire, reason);
    if (was_ready)
        wire->events->down(wire->owner);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct wire *wire)
{
    int events = UV_READABLE;

    if (link_events(wire->link) & POLLOUT)
        events |= UV_WRITABLE;
    if (events == wire->watched)
        return; /* uv_poll_start() takes the descriptor out and in again */
    wire->watched = events;
    uv_poll_start(wire->poll, events, on_poll);
}

static void become_ready(struct wire *wire)
{
    wire->ready = true;
    wire->ready_ms = clock_mono_ms();
    wire->waiting_ms = 0;
    wire->events->up(wire->owner);
}

static void settle(struct wire *wire)
{
    if (wire->was_down)
        log_info("Redis answers again wire=%s", wire->name);
    wire->was_down = false;
    wire->backoff_ms = BACKOFF_MIN_MS;
}

/* Hands on all replies that are there. The owner may drop the wire meanwhile. */
static int take_replies(struct wire *wire)
{
    while (wire->link != NULL) {
        redisReply *reply = NULL;
        int status = link_next(wire->link, &reply);

        if (status < 0)
            return -1;
        if (!wire->ready && link_ready(wire->link))
            become_ready(wire);
        if (status == 0)
            return 0;
        wire->events->reply(wire->owner, reply);
        freeReplyObject(reply);
    }
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wire *wire = poll->data;

    if (wire->poll != poll)
        return;
    if (status < 0) {
        wire_drop(wire, uv_strerror(status));
        return;
    }
    if ((events & UV_WRITABLE) && link_write(wire->link) < 0) {
        wire_drop(wire, link_error(wire->link));
        return;
    }
    if ((events & UV_READABLE) && (link_read(wire->link) < 0 || take_replies(wire) < 0)) {
        wire_drop(wire, link_error(wire->link));
        return;
    }
    if (wire->link != NULL)
        watch(wire);
}

static void connect_now(struct wire *wire, int64_t now_ms)
{
    char error[128];

    wire->link = link_open(wire->topology, NAME_WAIT_MS, error);
    if (wire->link == NULL) {
        rest(wire, error);
        return;
    }
    wire->poll = mem_alloc(sizeof(*wire->poll));
    uv_poll_init(wire->loop, wire->poll, link_fd(wire->link));
    wire->poll->data = wire;
    wire->watched = 0;
    wire->waiting_ms = now_ms;
    watch(wire);
}

void wire_tick(struct wire *wire, int64_t now_ms)
{
    if (wire->link == NULL) {
        if (now_ms >= wire->retry_at_ms)
            connect_now(wire, now_ms);
    } else if (wire->waiting_ms != 0 && now_ms - wire->waiting_ms > wire->timeout_ms) {
        wire_drop(wire, late);
    } else if (wire->ready && now_ms - wire->ready_ms >= SETTLED_MS) {
        settle(wire);
    }
}

void wire_expect(struct wire *wire, bool expect)
{
    wire->waiting_ms = expect ? clock_mono_ms() : 0;
}

void wire_flush(struct wire *wire)
{
    if (wire->link == NULL || !(link_events(wire->link) & POLLOUT))
        return;
    if (link_write(wire->link) < 0)
        wire_drop(wire, link_error(wire->link));
    else
        watch(wire);
}
