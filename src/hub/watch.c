#include "hub/watch.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf.h"
#include "event/inquiry.h"
#include "hub/room.h"
#include "hub/state.h"
#include "hub/tally.h"
#include "store/keys.h"

#define EVERY_MS 1900 /* at the second's tick after it */
#define FIRST_MS 900  /* from the first question to the first answers */
#define FIXED 4       /* elements of what the script returns, before the answers */

/* Fills one at a time: too large for a stack. */
static struct figures figures;
static struct figures_part part;

/* The room, when somebody listens to it here; else NULL. */
static struct room *watched(struct hub *hub, const struct tally *tally)
{
    char channel[KEY_MAX];
    size_t len = key_live(channel, tally->name, FIGURES_ROOM);
    struct room *room = room_of_channel(hub, channel, len);

    return room != NULL && room->members_count > 0 ? room : NULL;
}

/* Delivers the figures to those who listen here; nobody else has them. */
static void tell(struct room *room)
{
    struct buf members = BUF_INIT, content = BUF_INIT, json = BUF_INIT;

    buf_char(&members, ',');
    figures_write(&members, &figures);
    figures_say(&content, &figures);
    event_write(&json, &(struct event_draft){.type = "figures",
                                             .room = FIGURES_ROOM,
                                             .name = "earshot",
                                             .content = content.data,
                                             .content_len = content.len,
                                             .more = members.data});
    room_append(room,
                entry_create(&(struct event){
                    .timestamp_ms = clock_wall_ms(), .json = json.data, .json_len = json.len}));
    buf_free(&members);
    buf_free(&content);
    buf_free(&json);
}

/* Redis does not answer: tells what this hub knows. */
static void tell_alone(struct hub *hub, struct tally *tally, struct room *room)
{
    figures_init(&figures);
    tally_read(hub, tally->name, &part);
    figures_add(&figures, &part);
    figures.hubs_asked = tally->heard;
    figures.canary_reason = "redis_unavailable";
    tell(room);
}

static void take_answers(const redisReply *reply)
{
    for (size_t i = FIXED; i < reply->elements; i++) {
        const redisReply *one = reply->element[i];
        int64_t number;
        const char *rest = one->type == REDIS_REPLY_STRING ? inquiry_head(one->str, &number) : NULL;

        if (rest != NULL && figures_decode(&part, rest) == 0)
            figures_add(&figures, &part);
    }
}

static void on_answer(void *arg, const redisReply *reply)
{
    struct tally *tally = arg;
    struct hub *hub = tally->hub;
    struct room *room = watched(hub, tally);
    int64_t now_us = clock_mono_us();

    tally->asking = false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < FIXED ||
        reply->element[3]->type != REDIS_REPLY_STRING) {
        log_debug("figures cannot be had reply=\"%.200s\"",
                  reply->type == REDIS_REPLY_ERROR ? reply->str : "");
        return;
    }
    if (room != NULL && tally->again) {
        figures_init(&figures);
        figures.hubs_asked = tally->heard;
        figures.messages_today = reply->element[1]->integer;
        figures.messages_rate = reply->element[2]->integer;
        figures.redis.reachable = true;
        /* One that was asked twice, since the wire was lost, tells no time. */
        if (hub->ask.wire.ready_ms <= tally->asked_ms)
            figures.redis.round_trip_ms = (double)(now_us - tally->asked_us) / 1000;
        figures_read_info(&figures.redis, reply->element[3]->str, clock_wall_ms());
        take_answers(reply);
        tell(room);
    }
    tally->again = true;
    tally->heard = reply->element[0]->integer;
}

static void ask_all(struct hub *hub, struct tally *tally, int64_t now_ms)
{
    const struct inquiry q = {.kind = INQUIRY_FIGURES,
                              .namespace = tally->name,
                              .key = hub->self,
                              .machine = hub->machine,
                              .sent_us = (uint64_t)clock_mono_us()};
    struct buf text = BUF_INIT;
    char key[KEY_MAX];

    inquiry_encode(&text, &q);
    key_log(key, tally->name, FIGURES_ROOM);
    tally->asking = true;
    tally->asked_ms = now_ms;
    tally->asked_us = clock_mono_us();
    ask_script(&hub->ask, SCRIPT_FIGURES, key, 2, (const char *[]){hub->self, text.data}, on_answer,
               tally);
    buf_free(&text);
}

static void tick(struct hub *hub, struct tally *tally, int64_t now_ms)
{
    struct room *room = watched(hub, tally);

    if (room == NULL) {
        tally->again = false;
        tally->due_ms = 0;
        return;
    }
    if (now_ms < tally->due_ms)
        return;
    tally->due_ms = now_ms + (tally->again ? EVERY_MS : FIRST_MS);
    if (!hub->ask.wire.ready ||
        (tally->asking && now_ms - tally->asked_ms > hub->conf->redis_timeout_ms))
        tell_alone(hub, tally, room);
    else if (!tally->asking)
        ask_all(hub, tally, now_ms);
}

void watch_tick(struct hub *hub, int64_t now_ms)
{
    for (struct tally *tally = hub->tallies; tally != NULL; tally = tally->hh.next)
        tick(hub, tally, now_ms);
}
