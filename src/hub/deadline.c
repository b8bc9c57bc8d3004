#include "hub/deadline.h"

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "conf.h"
#include "hub/connection.h"
#include "hub/control.h"
#include "hub/outgoing.h"
#include "hub/state.h"
#include "hub/who.h"

#define ANNOUNCE_TICKS (60000 / WHEEL_TICK_MS)

static struct hub *hub_of(const struct connection *c)
{
    return c->poll.loop->data;
}

static bool passed(uint32_t now, uint32_t tick)
{
    return tick != 0 && now >= tick;
}

/* Is this a long-poll that has not been told yet what there is? Its wait= is for what is new: to
 * say that there is nothing before the log is read would be wrong. Streams just wait. */
static bool is_reading_poll(const struct connection *c)
{
    if (c->form != FRAME_JSON || c->state == CONNECTION_ENDING)
        return false;
    if (c->who != NULL && !control_ready(c->who))
        return true;
    for (unsigned i = 0; i < c->members_count; i++)
        if (c->members[i].state == MEMBER_WAITING || c->members[i].state == MEMBER_READING)
            return true;
    return false;
}

/* When a long-poll that is still reading gives up: Redis had the time of one command. Until its
 * answer, nothing was sent since it came. */
static uint32_t patience_tick(const struct connection *c)
{
    return c->sent_tick + (uint32_t)(hub_of(c)->conf->redis_timeout_ms / WHEEL_TICK_MS);
}

static uint32_t quiet_tick(const struct connection *c)
{
    const struct hub *hub = hub_of(c);

    if (c->blocked_tick != 0)
        return 0;
    if (c->form != FRAME_JSON)
        return c->sent_tick + (uint32_t)(hub->conf->heartbeat_ms / WHEEL_TICK_MS);
    return patience_tick(c) > hub->wheel.now ? patience_tick(c) : 0;
}

static uint32_t stall_tick(const struct connection *c)
{
    return c->blocked_tick == 0
               ? 0
               : c->blocked_tick + (uint32_t)(hub_of(c)->conf->stream_stall_ms / WHEEL_TICK_MS);
}

void deadline_set(struct connection *c)
{
    const uint32_t ticks[] = {quiet_tick(c),
                              stall_tick(c),
                              c->wait_tick,
                              c->age_tick,
                              c->expires_tick,
                              c->restart_tick,
                              c->who != NULL ? c->who->warn_tick : 0};
    uint32_t first = UINT32_MAX;

    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++)
        if (ticks[i] != 0 && ticks[i] < first)
            first = ticks[i];
    wheel_set(&hub_of(c)->wheel, &c->timer, first);
}

void deadline_start(struct connection *c, const struct parking *p)
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
    deadline_set(c);
}

void deadline_restart(struct connection *c, int64_t in_ms)
{
    c->restart_tick = hub_tick_in(hub_of(c), in_ms);
    deadline_set(c);
}

void deadline_expires(struct connection *c, int64_t expires_ms)
{
    c->expires_tick = expires_ms > 0 ? hub_tick_in(hub_of(c), expires_ms - clock_wall_ms()) : 0;
    deadline_set(c);
}

void deadline_announce(struct connection *c)
{
    uint32_t now = hub_of(c)->wheel.now, left;

    if (c->who == NULL || c->form == FRAME_JSON)
        return;
    left = c->expires_tick > now ? c->expires_tick - now : 0;
    if (left == 0)
        c->who->warn_tick = 0;
    else
        c->who->warn_tick = now + (left >= 2 * ANNOUNCE_TICKS ? left - ANNOUNCE_TICKS : left / 2);
    deadline_set(c);
}

int64_t deadline_left_s(const struct connection *c)
{
    uint32_t now = hub_of(c)->wheel.now;

    return c->expires_tick > now ? ((int64_t)(c->expires_tick - now) * WHEEL_TICK_MS + 500) / 1000
                                 : 0;
}

enum deadline deadline_due(struct connection *c)
{
    uint32_t now = hub_of(c)->wheel.now;

    if (passed(now, stall_tick(c)))
        return DEADLINE_STALLED;
    if (c->state == CONNECTION_ENDING) {
        c->wait_tick = c->age_tick = c->expires_tick = c->restart_tick = 0;
        if (c->who != NULL)
            c->who->warn_tick = 0;
        return DEADLINE_NONE;
    }
    if (passed(now, c->restart_tick))
        return DEADLINE_RESTART;
    if (passed(now, c->expires_tick))
        return DEADLINE_EXPIRED;
    if (c->who != NULL && passed(now, c->who->warn_tick)) {
        c->who->warn_tick = 0;
        return DEADLINE_ANNOUNCE;
    }
    if (is_reading_poll(c))
        return passed(now, patience_tick(c)) ? DEADLINE_REDIS : DEADLINE_NONE;
    if (passed(now, c->age_tick))
        return DEADLINE_AGE;
    if (passed(now, c->wait_tick))
        return DEADLINE_WAIT;
    if (c->form != FRAME_JSON && passed(now, quiet_tick(c)))
        return DEADLINE_QUIET;
    return DEADLINE_NONE;
}
