#include "api/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/events.h"
#include "api/inquire.h"
#include "base/clock.h"
#include "base/machine.h"
#include "base/mem.h"
#include "event/figures.h"
#include "store/keys.h"

#define DAY_MS INT64_C(86400000)
#define DAYS 30
#define DAYS_MAX 366

static void write_day(struct buf *body, int64_t day, const redisReply *reply)
{
    char stamp[CLOCK_TEXT];

    clock_format(stamp, day * DAY_MS);
    buf_printf(body, "{\"day\":\"%.10s\"", stamp);
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        buf_char(body, ',');
        buf_json(body, reply->element[i]->str, reply->element[i]->len);
        buf_printf(body, ":%lld", strtoll(reply->element[i + 1]->str, NULL, 10));
    }
    buf_char(body, '}');
}

/* GET admin/stats - what was done on each of the last days= (30, at most 366) in UTC, today first.
 * 200 {"days": [{"day": "2026-11-24", "messages": n, "direct": n, "edit": n, ...}]}; what did not
 * happen is left out. 400, 401, 403, 503. */
void admin_stats(struct api *api)
{
    int64_t days = DAYS, today = clock_wall_ms() / DAY_MS;
    redisReply *replies[DAYS_MAX];
    enum store_status status;
    struct buf *body;

    if (api_demand_admin(api) < 0 || api_demand_unrevoked(api) < 0 ||
        api_query_number(api, "days", 1, DAYS_MAX, &days) < 0)
        return;
    for (int64_t i = 0; i < days; i++) {
        char key[KEY_MAX], what[32];

        snprintf(what, sizeof(what), "stats:%lld", (long long)(today - i));
        key_site(key, api->request->namespace, what);
        store_command(api->store, 2, (const char *[]){"HGETALL", key}, NULL);
    }
    status = store_run(api->store, replies, (size_t)days);
    if (api_store_failed(api, status, NULL))
        return;
    body = api_json(api, 200);
    buf_str(body, "{\"days\":[");
    for (int64_t i = 0; i < days; i++) {
        if (i > 0)
            buf_char(body, ',');
        write_day(body, today - i, replies[i]);
    }
    buf_str(body, "]}\n");
    store_free(replies, (size_t)days);
}

/* --- figures --- */

enum { HEARD, SENT, RATE, INFO, FIXED };

/* Reads what the script says of Redis and of sends. Returns 0, or -1 with the reply. */
static int read_redis(struct api *api, struct figures *figures)
{
    int64_t begun_us = clock_mono_us();
    enum store_status status;
    redisReply *reply = NULL;
    char key[KEY_MAX];

    key_log(key, api->request->namespace, FIGURES_ROOM);
    store_script(api->store, SCRIPT_FIGURES, key, 2, (const char *[]){"", ""}, NULL);
    status = store_run(api->store, &reply, 1);
    if (status == STORE_OK)
        status = store_reply_status(reply);
    if (status == STORE_OK && (reply->type != REDIS_REPLY_ARRAY || reply->elements < FIXED ||
                               reply->element[INFO]->type != REDIS_REPLY_STRING))
        status = STORE_DOWN;
    if (status == STORE_OK) {
        figures->redis.reachable = true;
        figures->redis.round_trip_ms = (double)(clock_mono_us() - begun_us) / 1000;
        figures->messages_today = reply->element[SENT]->integer;
        figures->messages_rate = reply->element[RATE]->integer;
        figures_read_info(&figures->redis, reply->element[INFO]->str, clock_wall_ms());
    }
    store_free(&reply, 1);
    return api_store_failed(api, status, NULL) ? -1 : 0;
}

/* GET admin/figures - how all goes now: streams, people and rooms of the site, what is sent and
 * delivered, the gates and hubs of all machines, Redis, and how long a word takes through Redis to
 * the hubs of this machine. 200, an object by figures_write(), whose members openapi.json explains.
 * 401, 403, 503. */
void admin_figures(struct api *api)
{
    static struct figures figures; /* too large for a stack */
    static struct figures_part part;
    char machine[MACHINE_TEXT], stamp[CLOCK_TEXT];
    struct inquire_answers answers;
    struct inquiry q = {.kind = INQUIRY_FIGURES, .machine = machine};
    struct buf *body;

    if (api_demand_admin(api) < 0)
        return;
    figures_init(&figures);
    machine_boot(machine);
    q.sent_us = (uint64_t)clock_mono_us();
    if (inquire_hubs(api, &q, NULL, &answers) < 0 || read_redis(api, &figures) < 0)
        return;
    figures.hubs_asked = answers.asked;
    figures.canary_reason = "hubs_silent";
    for (size_t i = 0; i < answers.answered; i++) {
        int64_t number;
        const char *rest = inquiry_head(answers.texts[i], &number);

        if (rest != NULL && figures_decode(&part, rest) == 0)
            figures_add(&figures, &part);
    }
    clock_format(stamp, clock_wall_ms());
    body = api_json(api, 200);
    buf_printf(body, "{\"timestamp\":\"%s\",", stamp);
    figures_write(body, &figures);
    buf_str(body, "}\n");
}

/* GET admin/figures/events - the same every two seconds, as an event (events_get()). */
void admin_figures_events(struct api *api)
{
    if (api_demand_admin(api) < 0)
        return;
    strcpy(api->room, FIGURES_ROOM);
    events_get(api);
}
