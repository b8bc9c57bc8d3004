#include "api/admin.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
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
