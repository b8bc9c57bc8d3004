#include "hub/connection.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "event/record.h"
#include "hub/outgoing.h"
#include "hub/room.h"
#include "hub/state.h"
#include "supervisor/scoreboard.h"

#define BATCH_BYTES 49152
#define GRACE_MS 1000
#define FCGI_ABORT_REQUEST 2

/* The only way from state to state; tests/style compares this table with docs/connection.dot. */
static const bool transitions[4][4] = {
    [CONNECTION_STARTING] =
        {[CONNECTION_OPEN] = true, [CONNECTION_ENDING] = true, [CONNECTION_CLOSED] = true},
    [CONNECTION_OPEN] = {[CONNECTION_ENDING] = true, [CONNECTION_CLOSED] = true},
    [CONNECTION_ENDING] = {[CONNECTION_CLOSED] = true},
};

static void set_state(struct connection *c, enum connection_state state)
{
    assert(transitions[c->state][state]);
    c->state = (unsigned char)state;
}

static struct hub *hub_of(const struct connection *c)
{
    return c->poll.loop->data;
}

static void free_connection(uv_handle_t *handle)
{
    struct connection *c =
        (struct connection *)((char *)handle - offsetof(struct connection, poll));

    buf_free(&c->out);
    free(c->kept);
    free(c);
}

static void leave_rooms(struct connection *c)
{
    for (unsigned i = 0; i < c->members_count; i++)
        room_leave(&c->members[i]);
}

static void close_connection(struct connection *c)
{
    struct hub *hub = hub_of(c);

    if (c->state == CONNECTION_CLOSED)
        return;
    set_state(c, CONNECTION_CLOSED);
    leave_rooms(c);
    wheel_cancel(&c->timer);
    LIST_REMOVE(c, link);
    hub->connections_count--;
    atomic_store(&hub->slot->streams, hub->connections_count);
    uv_poll_stop(&c->poll);
    close(c->fd);
    c->fd = -1;
    uv_close((uv_handle_t *)&c->poll, free_connection);
}

static void on_poll(uv_poll_t *poll, int status, int events);
static void set_timer(struct connection *c);

static void set_blocked(struct connection *c, bool blocked)
{
    struct hub *hub = hub_of(c);

    c->blocked_tick = blocked ? hub->wheel.now + 1 : 0;
    uv_poll_start(&c->poll, blocked ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
    set_timer(c);
}

/* Sends bytes that are ready for the wire; what the socket does not take waits in c->out. */
static void send_iov(struct connection *c, struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
    ssize_t sent = 0;

    if (c->out.len == 0) {
        do
            sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (sent < 0 && errno == EINTR);
        if (sent < 0 && errno != EAGAIN) {
            c->broken = true;
            return;
        }
        if (sent < 0)
            sent = 0;
    }
    for (int i = 0; i < count; i++) {
        size_t skip = (size_t)sent < iov[i].iov_len ? (size_t)sent : iov[i].iov_len;

        buf_append(&c->out, (char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
        sent -= (ssize_t)skip;
    }
    if (c->out.len > 0 && c->blocked_tick == 0)
        set_blocked(c, true);
}

/* Sends content, in FastCGI records where the connection speaks FastCGI. */
static void send_content(struct connection *c, const char *data, size_t len)
{
    c->sent_tick = hub_of(c)->wheel.now;
    while (len > 0 && !c->broken) {
        size_t part = len < RECORD_CONTENT_MAX ? len : RECORD_CONTENT_MAX;
        unsigned char header[RECORD_HEADER_BYTES];
        struct iovec iov[2] = {{header, sizeof(header)}, {(void *)data, part}};

        record_stdout(header, c->request_id, part);
        if (c->fastcgi)
            send_iov(c, iov, 2);
        else
            send_iov(c, iov + 1, 1);
        data += part;
        len -= part;
    }
}

/* Sends what waits. Returns false while the socket does not take it all. */
static bool send_rest(struct connection *c)
{
    while (c->out.len > 0) {
        ssize_t sent = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            c->broken = errno != EAGAIN;
            return false;
        }
        buf_consume(&c->out, (size_t)sent);
        c->blocked_tick = hub_of(c)->wheel.now + 1;
    }
    buf_free(&c->out);
    return true;
}

/* Says that nothing more comes, and closes when all has left. */
static void end(struct connection *c)
{
    set_state(c, CONNECTION_ENDING);
    leave_rooms(c);
    if (c->fastcgi && !c->broken) {
        unsigned char record[RECORD_END_BYTES];

        record_end(record, c->request_id);
        send_iov(c, &(struct iovec){record, sizeof(record)}, 1);
    }
    if (c->broken || c->out.len == 0)
        close_connection(c);
}

/* A stream's head leaves with its hello, when every event from then on will reach it: who has seen
 * the head and then sends something is sure to receive it. */
static void put_head(struct connection *c)
{
    if (c->headed || c->form == FRAME_JSON)
        return;
    outgoing_head(&hub_of(c)->scratch, c);
    c->kept = outgoing_headed(c->kept);
    c->headed = true;
}

/* Sends the scratch buffer. Returns false when the connection broke and is closed. */
static bool send_scratch(struct connection *c)
{
    struct hub *hub = hub_of(c);

    if (hub->scratch.len > 0)
        send_content(c, hub->scratch.data, hub->scratch.len);
    buf_clear(&hub->scratch);
    if (c->broken)
        close_connection(c);
    return !c->broken;
}

/* Answers a long-poll with what was collected, and ends it. */
static void answer(struct connection *c, enum outgoing_answer kind)
{
    struct hub *hub = hub_of(c);

    outgoing_answer(&hub->scratch, &hub->line, c, kind);
    if (send_scratch(c))
        end(c);
}

/* Has it had all the events that it asked for? */
static bool is_done(const struct connection *c)
{
    return c->counted && c->left == 0;
}

/* Puts what is new for a member into the scratch buffer. */
static void fill(struct connection *c, struct member *member)
{
    struct hub *hub = hub_of(c);
    struct entry *entry;
    uint64_t delivered = 0;

    if (member->lost) {
        member->lost = false;
        outgoing_gap(&hub->scratch, &hub->line, c, member, member->oldest, member->to);
        atomic_fetch_add(&hub->slot->gaps, 1);
    }
    while (hub->scratch.len < BATCH_BYTES && !is_done(c) && (entry = room_peek(member)) != NULL) {
        if (entry->gap) {
            outgoing_gap(&hub->scratch, &hub->line, c, member, entry->event.id,
                         room_after_gap(member, entry));
            atomic_fetch_add(&hub->slot->gaps, 1);
            room_advance(member, entry);
            continue;
        }
        room_advance(member, entry);
        if (!outgoing_wants(c, entry) || !outgoing_event(&hub->scratch, c, member, entry))
            continue;
        c->left -= c->counted;
        delivered++;
    }
    if (delivered > 0)
        atomic_fetch_add(&hub->slot->deliveries, delivered);
}

/* A reader that takes nothing while its next event falls out of the ring is cut, and comes back
 * from its cursor. One that was only overtaken by a burst reads on from the log. */
static bool is_too_slow(const struct connection *c)
{
    uint32_t now = hub_of(c)->wheel.now;

    if (now < c->blocked_tick + GRACE_MS / WHEEL_TICK_MS)
        return false;
    for (unsigned i = 0; i < c->members_count; i++)
        if (c->members[i].state == MEMBER_LIVE &&
            c->members[i].next < c->members[i].room->ring.first)
            return true;
    return false;
}

static void cut(struct connection *c)
{
    struct hub *hub = hub_of(c);

    log_debug("cut a slow reader room=%s",
              c->members[0].room != NULL ? c->members[0].room->name : "");
    atomic_fetch_add(&hub->slot->cuts, 1);
    close_connection(c);
}

void connection_pump(struct connection *c)
{
    struct hub *hub = hub_of(c);

    if (c->state != CONNECTION_OPEN)
        return;
    if (c->out.len > 0) {
        if (is_too_slow(c))
            cut(c);
        return;
    }
    do {
        for (unsigned i = 0; i < c->members_count; i++)
            fill(c, &c->members[i]);
        if (hub->scratch.len == 0)
            break;
        if (c->form == FRAME_JSON) {
            answer(c, OUTGOING_EVENTS);
            return;
        }
        if (!send_scratch(c))
            return;
    } while (c->out.len == 0 && !is_done(c));
    if (is_done(c))
        end(c);
}

/* Is its place known, which hello tells? A cursor that the client brought is one; from now on is
 * the log's end; and a time is one only when the log reaches that far. */
static bool has_place(const struct member *member)
{
    if (member->start == START_LATEST)
        return member->state != MEMBER_WAITING;
    if (member->start == START_TIME)
        return member->state != MEMBER_WAITING && member->state != MEMBER_READING;
    return true;
}

void connection_started(struct connection *c)
{
    struct hub *hub = hub_of(c);

    if (c->state != CONNECTION_STARTING) {
        connection_pump(c);
        return;
    }
    for (unsigned i = 0; i < c->members_count; i++)
        if (!has_place(&c->members[i]))
            return;
    set_state(c, CONNECTION_OPEN);
    put_head(c);
    outgoing_hello(&hub->scratch, &hub->line, c);
    if (send_scratch(c))
        connection_pump(c);
}

/* Ends it with `bye`: "restart", "expired". A long-poll gets an empty answer. */
static void say_bye(struct connection *c, const char *reason)
{
    struct hub *hub = hub_of(c);

    if (c->state == CONNECTION_ENDING || c->state == CONNECTION_CLOSED)
        return;
    if (c->form == FRAME_JSON) {
        answer(c, c->state == CONNECTION_OPEN ? OUTGOING_TIMEOUT : OUTGOING_RESTARTING);
        return;
    }
    put_head(c);
    outgoing_bye(&hub->scratch, &hub->line, c, reason);
    if (send_scratch(c))
        end(c);
}

/* Ends a receive that cannot be served. An EventSource stops for good at any status but 200, so it
 * gets an empty stream and a time to come back after. */
static void refuse(struct connection *c, enum outgoing_answer why)
{
    struct hub *hub = hub_of(c);

    if (c->headed) {
        say_bye(c, "restart");
    } else if (c->form != FRAME_SSE) {
        answer(c, why);
    } else {
        put_head(c);
        outgoing_retry(&hub->scratch, c, 2000, 10000);
        if (send_scratch(c))
            end(c);
    }
}

void connection_unreadable(struct connection *c)
{
    if (c->state == CONNECTION_STARTING || c->state == CONNECTION_OPEN)
        refuse(c, OUTGOING_NO_REDIS);
}

void connection_bye_all(struct hub *hub, int64_t spread_ms)
{
    struct connection *c, *next;

    for (c = LIST_FIRST(&hub->connections); c != NULL; c = next) {
        next = LIST_NEXT(c, link);
        if (spread_ms < WHEEL_TICK_MS) {
            say_bye(c, "restart");
            continue;
        }
        c->restart_tick = hub_tick_in(hub, randombytes_uniform((uint32_t)spread_ms));
        set_timer(c);
    }
}

void connection_close_all(struct hub *hub)
{
    while (!LIST_EMPTY(&hub->connections))
        close_connection(LIST_FIRST(&hub->connections));
}

/* The web server says something: that the client has left, by closing or by FCGI_ABORT_REQUEST.
 * Whatever else it says is of no interest. */
static void hear(struct connection *c)
{
    unsigned char data[4096];
    ssize_t len = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0 || (c->fastcgi && len >= 2 && data[1] == FCGI_ABORT_REQUEST))
        close_connection(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct connection *c = (struct connection *)((char *)poll - offsetof(struct connection, poll));

    if (status < 0) {
        close_connection(c);
        return;
    }
    if (events & UV_READABLE)
        hear(c);
    if (c->state == CONNECTION_CLOSED || !(events & UV_WRITABLE))
        return;
    if (!send_rest(c)) {
        if (c->broken)
            close_connection(c);
        return;
    }
    if (c->state == CONNECTION_ENDING) {
        close_connection(c);
        return;
    }
    set_blocked(c, false);
    connection_pump(c);
}

static bool passed(uint32_t now, uint32_t tick)
{
    return tick != 0 && now >= tick;
}

/* The time is over: its wait= or its age. */
static void time_out(struct connection *c, bool by_age)
{
    struct hub *hub = hub_of(c);

    if (c->form == FRAME_JSON) {
        answer(c, c->state == CONNECTION_OPEN ? OUTGOING_TIMEOUT : OUTGOING_NO_REDIS);
        return;
    }
    put_head(c);
    if (by_age)
        outgoing_retry(&hub->scratch, c, 0, 2000);
    if (send_scratch(c))
        end(c);
}

static void set_timer(struct connection *c)
{
    struct hub *hub = hub_of(c);
    uint32_t beat_tick = c->sent_tick + (uint32_t)(hub->conf->heartbeat_ms / WHEEL_TICK_MS);
    uint32_t stall_tick = c->blocked_tick + (uint32_t)(hub->conf->stream_stall_ms / WHEEL_TICK_MS);
    const uint32_t ticks[] = {c->form == FRAME_JSON || c->blocked_tick != 0 ? 0 : beat_tick,
                              c->blocked_tick == 0 ? 0 : stall_tick,
                              c->wait_tick,
                              c->age_tick,
                              c->expires_tick,
                              c->restart_tick};
    uint32_t first = UINT32_MAX;

    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++)
        if (ticks[i] != 0 && ticks[i] < first)
            first = ticks[i];
    wheel_set(&hub->wheel, &c->timer, first);
}

void connection_due(void *arg, struct wheel_timer *timer)
{
    struct hub *hub = arg;
    struct connection *c =
        (struct connection *)((char *)timer - offsetof(struct connection, timer));
    uint32_t now = hub->wheel.now;

    if (c->blocked_tick != 0 &&
        (int64_t)(now - c->blocked_tick) * WHEEL_TICK_MS >= hub->conf->stream_stall_ms) {
        cut(c);
        return;
    }
    if (c->state == CONNECTION_ENDING)
        c->wait_tick = c->age_tick = c->expires_tick = c->restart_tick = 0;
    if (passed(now, c->restart_tick)) {
        say_bye(c, "restart");
    } else if (passed(now, c->expires_tick)) {
        say_bye(c, "expired");
    } else if (passed(now, c->wait_tick) || passed(now, c->age_tick)) {
        time_out(c, passed(now, c->age_tick));
    } else if (c->blocked_tick == 0 && c->form != FRAME_JSON && c->state != CONNECTION_ENDING &&
               (int64_t)(now - c->sent_tick) * WHEEL_TICK_MS >= hub->conf->heartbeat_ms) {
        put_head(c);
        outgoing_heartbeat(&hub->scratch, c);
        c->sent_tick = now;
        if (!send_scratch(c))
            return;
    }
    if (c->state != CONNECTION_CLOSED)
        set_timer(c);
}

static void set_times(struct connection *c, const struct parking *p)
{
    struct hub *hub = hub_of(c);
    int64_t age_ms = hub->conf->stream_age_ms;

    c->sent_tick = hub->wheel.now;
    if (p->wait_ms > 0 || c->form == FRAME_JSON)
        c->wait_tick = hub_tick_in(hub, p->wait_ms);
    if (p->expires_ms > 0)
        c->expires_tick = hub_tick_in(hub, p->expires_ms - clock_wall_ms());
    if (age_ms > 0)
        c->age_tick =
            hub_tick_in(hub, age_ms * 4 / 5 + randombytes_uniform((uint32_t)(age_ms * 2 / 5) + 1));
    set_timer(c);
}

static struct connection *make(struct hub *hub, int *fd, const struct parking *p)
{
    struct connection *c = mem_zero(sizeof(*c) + p->rooms_count * sizeof(c->members[0]));

    c->fd = *fd;
    *fd = -1;
    c->form = (unsigned char)p->form;
    c->fastcgi = p->fastcgi;
    c->request_id = p->request_id;
    c->many = p->many;
    c->if_none_match = p->if_none_match;
    c->text_cursor = p->text_cursor;
    c->counted = p->count > 0;
    c->left = p->count;
    c->kept = outgoing_keep(p);
    uv_poll_init(&hub->loop, &c->poll, c->fd);
    uv_poll_start(&c->poll, UV_READABLE, on_poll);
    LIST_INSERT_HEAD(&hub->connections, c, link);
    hub->connections_count++;
    atomic_store(&hub->slot->streams, hub->connections_count);
    set_times(c, p);
    return c;
}

/* Once a second at most: clients must not fill the log. */
static void warn_full(struct hub *hub)
{
    static uint32_t quiet_until;

    if (hub->wheel.now < quiet_until)
        return;
    quiet_until = hub_tick_in(hub, 1000);
    log_warn("no more rooms on this hub rooms_max=%d", hub->conf->rooms_max);
}

void connection_create(struct hub *hub, int *fd, const struct parking *p)
{
    struct connection *c = make(hub, fd, p);

    if (hub->draining) {
        refuse(c, OUTGOING_RESTARTING);
        return;
    }
    for (size_t i = 0; i < p->rooms_count; i++) {
        struct member *member = &c->members[i];

        member->connection = c;
        c->members_count++;
        if (room_join(hub, p->namespace, p->rooms[i], member, &p->starts[i]) < 0) {
            warn_full(hub);
            refuse(c, OUTGOING_FULL);
            return;
        }
    }
    connection_started(c);
}
