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
#include "hub/access.h"
#include "hub/control.h"
#include "hub/deadline.h"
#include "hub/outgoing.h"
#include "hub/room.h"
#include "hub/sending.h"
#include "hub/state.h"
#include "hub/tally.h"
#include "hub/trail.h"
#include "hub/who.h"
#include "supervisor/scoreboard.h"

#define BATCH_BYTES 49152
#define GRACE_MS 1000
#define START_MS 500 /* of a hub that ends: how long a receive may take to start */
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
    who_free(c->who);
    free(c);
}

static void leave_rooms(struct connection *c)
{
    if (c->who != NULL)
        control_leave(c->who);
    for (unsigned i = 0; i < c->members_count; i++)
        room_leave(&c->members[i]);
}

static void close_connection(struct connection *c)
{
    struct hub *hub = hub_of(c);

    if (c->state == CONNECTION_CLOSED)
        return;
    set_state(c, CONNECTION_CLOSED);
    trail_end(c);
    leave_rooms(c);
    wheel_cancel(&c->timer);
    LIST_REMOVE(c, link);
    hub->connections_count--;
    tally_leave(c->tally, (enum frame_form)c->form);
    uv_poll_stop(&c->poll);
    close(c->fd);
    c->fd = -1;
    uv_close((uv_handle_t *)&c->poll, free_connection);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void set_blocked(struct connection *c, bool blocked)
{
    struct hub *hub = hub_of(c);

    c->blocked_tick = blocked ? hub->wheel.now + 1 : 0;
    sending_watch(c, on_poll);
    deadline_set(c);
}

/* After a send: what the socket did not take waits until it can be written to. */
static void note_blocked(struct connection *c)
{
    if (c->out.len > 0 && c->blocked_tick == 0)
        set_blocked(c, true);
}

/* Says that nothing more comes, and closes when all has left. */
static void end(struct connection *c)
{
    set_state(c, CONNECTION_ENDING);
    leave_rooms(c);
    sending_end(c);
    note_blocked(c);
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
    tally_answered(hub_of(c));
    c->kept = outgoing_headed(c->kept);
    c->headed = true;
}

/* Sends the scratch buffer. Returns false when the connection broke and is closed. */
static bool send_scratch(struct connection *c)
{
    struct hub *hub = hub_of(c);

    if (hub->scratch.len > 0)
        sending_content(c, hub->scratch.data, hub->scratch.len, hub->wheel.now);
    c->bytes += hub->scratch.len;
    tally_sent(c->tally, hub->scratch.len);
    buf_clear(&hub->scratch);
    note_blocked(c);
    if (c->broken)
        close_connection(c);
    return !c->broken;
}

/* Answers a long-poll with what was collected, and ends it. */
static void answer(struct connection *c, enum outgoing_answer kind)
{
    struct hub *hub = hub_of(c);

    trail_because(c->trail, outgoing_answer_names[kind]);
    outgoing_answer(&hub->scratch, &hub->line, c, kind);
    tally_answered(hub);
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
    int64_t now_ms = 0;
    bool counts = !room_is_own(member->room); /* to watch moves nothing that is watched */

    while (hub->scratch.len < BATCH_BYTES && !is_done(c) && (entry = room_peek(member)) != NULL) {
        bool is_new = room_is_new(member);

        if (entry->gap) {
            outgoing_gap(&hub->scratch, &hub->line, c, member, entry->event.id,
                         room_after_gap(member, entry));
            tally_gap(c->tally);
            room_advance(member, entry);
            continue;
        }
        room_advance(member, entry);
        if (!outgoing_wants(c, entry) || !outgoing_event(&hub->scratch, c, member, entry))
            continue;
        c->left -= c->counted;
        delivered++;
        if (counts && is_new)
            tally_lag(hub, &now_ms, entry->event.timestamp_ms);
    }
    c->delivered += (uint32_t)delivered;
    if (counts && delivered > 0)
        tally_delivered(c->tally, delivered);
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
    trail_because(c->trail, "too_slow");
    tally_cut(c->tally);
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
        outgoing_written(&hub->scratch, c);
        if (!send_scratch(c))
            return;
    } while (c->out.len == 0 && !is_done(c));
    if (!is_done(c))
        return;
    trail_because(c->trail, "count");
    outgoing_over(&hub->scratch, c, false);
    if (send_scratch(c))
        end(c);
}

/* Is its place known, which hello tells? A cursor that the client brought is one; from now on is
 * the log's end; and a time is one only when the log reaches that far. */
static bool has_place(const struct member *member)
{
    if (!member->room->synced) /* nor who may read there */
        return false;
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
    if (!connection_judge(c) || (c->who != NULL && !control_ready(c->who)))
        return;
    for (unsigned i = 0; i < c->members_count; i++)
        if (!has_place(&c->members[i]))
            return;
    set_state(c, CONNECTION_OPEN);
    for (unsigned i = 0; c->who != NULL && i < c->members_count; i++)
        room_admit(&c->members[i], c->who);
    deadline_announce(c);
    put_head(c);
    outgoing_hello(&hub->scratch, &hub->line, c);
    if (send_scratch(c))
        connection_pump(c);
}

/* Says `bye`, and nothing after it. */
static void end_stream(struct connection *c, const char *reason)
{
    struct hub *hub = hub_of(c);

    trail_because(c->trail, reason);
    put_head(c);
    outgoing_bye(&hub->scratch, &hub->line, c, reason);
    if (send_scratch(c))
        end(c);
}

/* Ends it with `bye`: "restart", "expired". A long-poll gets an empty answer. */
static void say_bye(struct connection *c, const char *reason)
{
    connection_pump(c);
    if (c->state == CONNECTION_ENDING || c->state == CONNECTION_CLOSED)
        return;
    if (c->form == FRAME_JSON) {
        answer(c, c->state == CONNECTION_OPEN ? OUTGOING_TIMEOUT : OUTGOING_RESTARTING);
        return;
    }
    end_stream(c, reason);
}

/* Ends it without another event: its user may not read any longer. */
static void deny(struct connection *c, enum outgoing_answer why, const char *reason)
{
    if (c->state != CONNECTION_STARTING && c->state != CONNECTION_OPEN)
        return;
    if (c->headed)
        end_stream(c, reason);
    else
        answer(c, why);
}

bool connection_judge(struct connection *c)
{
    const char *user = c->who != NULL ? c->who->user : NULL;

    if (c->state != CONNECTION_STARTING && c->state != CONNECTION_OPEN)
        return false;
    for (unsigned i = 0; i < c->members_count; i++) {
        struct member *member = &c->members[i];

        if (member->room->access == NULL)
            continue;
        switch (access_check(member->room->access, user, member->rights, clock_wall_ms())) {
        case ACCESS_BANNED:
            member->thrown = true;
            deny(c, OUTGOING_BANNED, "banned");
            return false;
        case ACCESS_HIDDEN:
            deny(c, OUTGOING_HIDDEN, "revoked");
            return false;
        case ACCESS_YES:
            break;
        }
    }
    if (c->who != NULL && control_revoked(c->who)) {
        connection_revoke(c);
        return false;
    }
    return true;
}

void connection_revoke(struct connection *c)
{
    deny(c, OUTGOING_REVOKED, "revoked");
}

void connection_kick(struct connection *c)
{
    deny(c, OUTGOING_TIMEOUT, "kicked");
}

void connection_renew(struct connection *c, int64_t expires_ms)
{
    deadline_expires(c, expires_ms);
    deadline_announce(c);
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
        trail_because(c->trail, outgoing_answer_names[why]);
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

/* Lets one that came at the last moment have its start, so that it ends as it should. */
static void restart_soon(struct connection *c)
{
    deadline_restart(c, START_MS);
}

void connection_bye_all(struct hub *hub, int64_t spread_ms)
{
    struct connection *c, *next;

    for (c = LIST_FIRST(&hub->connections); c != NULL; c = next) {
        next = LIST_NEXT(c, link);
        if (c->state == CONNECTION_STARTING) {
            restart_soon(c);
            continue;
        }
        if (spread_ms < WHEEL_TICK_MS) {
            say_bye(c, "restart");
            continue;
        }
        deadline_restart(c, randombytes_uniform((uint32_t)spread_ms));
    }
}

void connection_close_all(struct hub *hub)
{
    while (!LIST_EMPTY(&hub->connections)) {
        trail_because(LIST_FIRST(&hub->connections)->trail, "restart");
        close_connection(LIST_FIRST(&hub->connections));
    }
}

/* The web server says something: that the client has left, by closing or by FCGI_ABORT_REQUEST.
 * Whatever else it says is of no interest. */
static void hear(struct connection *c)
{
    unsigned char data[4096];
    ssize_t len = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0 || (len >= 2 && data[1] == FCGI_ABORT_REQUEST))
        close_connection(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct connection *c = (struct connection *)((char *)poll - offsetof(struct connection, poll));

    if (status < 0 || (events & UV_PRIORITIZED)) {
        close_connection(c);
        return;
    }
    if (events & UV_READABLE)
        hear(c);
    if (c->state == CONNECTION_CLOSED || !(events & UV_WRITABLE))
        return;
    if (!sending_rest(c, hub_of(c)->wheel.now)) {
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

/* The time is over: its wait= or its age. */
static void time_out(struct connection *c, bool by_age)
{
    struct hub *hub = hub_of(c);

    connection_pump(c);
    if (c->state == CONNECTION_ENDING || c->state == CONNECTION_CLOSED)
        return;
    if (c->form == FRAME_JSON) {
        answer(c, OUTGOING_TIMEOUT);
        return;
    }
    trail_because(c->trail, by_age ? "age" : "wait");
    put_head(c);
    outgoing_over(&hub->scratch, c, by_age);
    if (send_scratch(c))
        end(c);
}

static void announce_end(struct connection *c)
{
    struct hub *hub = hub_of(c);

    if (c->state != CONNECTION_OPEN)
        return;
    outgoing_expires(&hub->scratch, &hub->line, c, deadline_left_s(c));
    send_scratch(c);
}

static void beat(struct connection *c)
{
    struct hub *hub = hub_of(c);

    put_head(c);
    outgoing_heartbeat(&hub->scratch, c);
    c->sent_tick = hub->wheel.now;
    send_scratch(c);
}

void connection_due(void *arg, struct wheel_timer *timer)
{
    struct connection *c =
        (struct connection *)((char *)timer - offsetof(struct connection, timer));

    (void)arg;
    switch (deadline_due(c)) {
    case DEADLINE_STALLED:
        cut(c);
        break;
    case DEADLINE_RESTART:
        say_bye(c, "restart");
        break;
    case DEADLINE_EXPIRED:
        say_bye(c, "expired");
        break;
    case DEADLINE_ANNOUNCE:
        announce_end(c);
        break;
    case DEADLINE_REDIS:
        answer(c, OUTGOING_NO_REDIS);
        break;
    case DEADLINE_WAIT:
        time_out(c, false);
        break;
    case DEADLINE_AGE:
        time_out(c, true);
        break;
    case DEADLINE_QUIET:
        beat(c);
        break;
    case DEADLINE_NONE:
        break;
    }
    if (c->state != CONNECTION_CLOSED)
        deadline_set(c);
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
    c->who = who_create(p, c);
    c->opened_ms = clock_wall_ms();
    c->serial = ++hub->serial;
    c->trail = trail_keep(hub, p);
    c->tally = tally_join(hub, p->namespace, p->form);
    ip_pack(c->address, p->address);
    uv_poll_init(&hub->loop, &c->poll, c->fd); /* it does not block from here on */
    sending_watch(c, on_poll);
    LIST_INSERT_HEAD(&hub->connections, c, link);
    hub->connections_count++;
    deadline_start(c, p);
    return c;
}

void connection_create(struct hub *hub, int *fd, const struct parking *p)
{
    static int64_t next_line_ms;
    struct connection *c = make(hub, fd, p);

    if (hub->draining)
        restart_soon(c);
    if (c->who != NULL)
        control_join(hub, p->namespace, c->who);
    for (size_t i = 0; i < p->rooms_count; i++) {
        struct member *member = &c->members[i];

        member->connection = c;
        member->rights = p->rights[i];
        c->members_count++;
        if (room_join(hub, p->namespace, p->rooms[i], member, &p->starts[i]) < 0) {
            if (log_may(&next_line_ms))
                log_warn("no more rooms on this hub rooms_max=%d", hub->conf->rooms_max);
            refuse(c, OUTGOING_FULL);
            return;
        }
    }
    connection_started(c);
}

void connection_refuse(struct hub *hub, int *fd, const struct parking *p)
{
    refuse(make(hub, fd, p), OUTGOING_FULL);
}
