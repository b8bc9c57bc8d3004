#include "hub/feed.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "hub/answer.h"
#include "hub/control.h"
#include "hub/room.h"
#include "hub/state.h"
#include "store/keys.h"

#define PING_EVERY_MS 2000

static void on_up(void *owner);
static void on_down(void *owner);
static void on_reply(void *owner, const redisReply *reply);

static const struct wire_events wire_events = {on_up, on_down, on_reply};

void feed_open(struct feed *feed, struct hub *hub, const struct topology *topology,
               int64_t timeout_ms)
{
    wire_init(&feed->wire, &hub->loop, topology, "feed", timeout_ms, &wire_events, hub);
}

void feed_close(struct feed *feed)
{
    wire_close(&feed->wire);
}

static void say(struct feed *feed, const char *verb, const char *channel)
{
    if (!feed->wire.ready)
        return;
    if (link_command(feed->wire.link, 2, (const char *[]){verb, channel}, NULL) < 0)
        wire_drop(&feed->wire, "too much is unsent");
}

void feed_subscribe(struct feed *feed, const char *channel)
{
    say(feed, "SUBSCRIBE", channel);
}

void feed_unsubscribe(struct feed *feed, const char *channel)
{
    say(feed, "UNSUBSCRIBE", channel);
}

void feed_subscribe_room(struct feed *feed, const struct room *room)
{
    char channel[KEY_MAX];

    key_live(channel, room->namespace, room->name);
    say(feed, "SUBSCRIBE", channel);
}

void feed_unsubscribe_room(struct feed *feed, const struct room *room)
{
    char channel[KEY_MAX];

    key_live(channel, room->namespace, room->name);
    say(feed, "UNSUBSCRIBE", channel);
}

static void on_up(void *owner)
{
    struct hub *hub = owner;

    hub->feed.pinged_ms = clock_mono_ms();
    answer_up(hub);
    for (struct room *room = hub->rooms; room != NULL && hub->feed.wire.ready; room = room->hh.next)
        feed_subscribe_room(&hub->feed, room);
    control_up(hub);
}

static void on_down(void *owner)
{
    struct hub *hub = owner;

    for (struct room *room = hub->rooms; room != NULL; room = room->hh.next)
        room_unsubscribed(room);
    control_down(hub);
}

/* A PING that is refused for now (PING, and not SUBSCRIBE, is, while the disk is full or the
 * append-only file is read) is answered all the same, and the subscriptions stand. */
static bool is_for_now(const redisReply *reply)
{
    return strncmp(reply->str, "MISCONF", 7) == 0 || strncmp(reply->str, "LOADING", 7) == 0;
}

/* [what, channel, payload]: "subscribe", "message"; ["pong", ""] and "unsubscribe" need nothing
 * done. */
static void on_reply(void *owner, const redisReply *reply)
{
    struct hub *hub = owner;
    const redisReply *what, *channel, *payload;
    struct room *room;

    if (reply->type == REDIS_REPLY_ERROR && !is_for_now(reply)) {
        wire_drop(&hub->feed.wire, reply->str);
        return;
    }
    wire_expect(&hub->feed.wire, false);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3)
        return;
    what = reply->element[0];
    channel = reply->element[1];
    payload = reply->element[2];
    if (what->type != REDIS_REPLY_STRING || channel->type != REDIS_REPLY_STRING)
        return;
    room = room_of_channel(hub, channel->str, channel->len);
    if (room == NULL && !answer_heard(hub, channel->str, what->str, payload))
        control_heard(hub, channel->str, what->str, payload);
    else if (room != NULL && strcmp(what->str, "message") == 0 &&
             payload->type == REDIS_REPLY_STRING)
        room_publication(room, payload->str, payload->len);
    else if (room != NULL && strcmp(what->str, "subscribe") == 0)
        room_subscribed(room);
}

void feed_tick(struct feed *feed, int64_t now_ms)
{
    wire_tick(&feed->wire, now_ms);
    if (!feed->wire.ready || now_ms - feed->pinged_ms < PING_EVERY_MS)
        return;
    feed->pinged_ms = now_ms;
    if (link_command(feed->wire.link, 1, (const char *[]){"PING"}, NULL) == 0)
        wire_expect(&feed->wire, true);
}

void feed_flush(struct feed *feed)
{
    wire_flush(&feed->wire);
}
