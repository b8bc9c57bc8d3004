#include "event/figures.h"

#include <stdlib.h>
#include <string.h>

#include "event/event.h"

#define FORMAT "1"

void figures_init(struct figures *f)
{
    memset(f, 0, sizeof(*f));
    f->hubs_asked = f->messages_today = f->messages_rate = -1;
    f->redis.round_trip_ms = -1;
    f->redis.used_memory = f->redis.max_memory = f->redis.evicted = f->redis.clients = -1;
    f->redis.ops_per_second = f->redis.uptime_s = -1;
    f->canary_reason = "not_measured";
}

void figures_encode(struct buf *out, const struct figures_part *part)
{
    buf_printf(out, FORMAT " %s", part->daemon);
    for (int i = 0; i < FIGURES; i++)
        buf_printf(out, " %llu", (unsigned long long)part->counts[i]);
    buf_char(out, ' ');
    census_encode(out, &part->people);
    buf_char(out, ' ');
    census_encode(out, &part->rooms);
    buf_char(out, '\n');
}

/* The next word; false when there is none. */
static bool next_word(const char **at, const char **word, size_t *len)
{
    *word = *at;
    *len = strcspn(*at, " \n");
    *at += *len + ((*at)[*len] != '\0');
    return *len > 0;
}

int figures_decode(struct figures_part *part, const char *text)
{
    const char *word;
    size_t len;

    memset(part, 0, sizeof(*part));
    if (!next_word(&text, &word, &len) || len != strlen(FORMAT) || memcmp(word, FORMAT, len) != 0)
        return -1;
    if (!next_word(&text, &word, &len) || len >= FIGURES_DAEMON)
        return -1;
    memcpy(part->daemon, word, len);
    for (int i = 0; i < FIGURES; i++)
        if (!next_word(&text, &word, &len) || event_number_parse(&part->counts[i], word, len) < 0)
            return -1;
    if (!next_word(&text, &word, &len) || census_decode(&part->people, word, len) < 0 ||
        !next_word(&text, &word, &len) || census_decode(&part->rooms, word, len) < 0)
        return -1;
    return *text == '\0' ? 0 : -1;
}

/* Is it the first part of its daemon? What all hubs of that know counts once. */
static bool is_new(struct figures *f, const char *daemon)
{
    for (unsigned i = 0; i < f->daemons_count; i++)
        if (strcmp(f->daemons[i], daemon) == 0)
            return false;
    if (f->daemons_count == FIGURES_DAEMONS_MAX)
        return false;
    strcpy(f->daemons[f->daemons_count++], daemon);
    return true;
}

void figures_add(struct figures *f, const struct figures_part *part)
{
    bool new = is_new(f, part->daemon);

    for (int i = 0; i < FIGURES; i++) {
        if (i == FIGURE_DELAY_US) { /* the last to hear it counts */
            if (part->counts[i] > f->counts[i])
                f->counts[i] = part->counts[i];
        } else if (new || (i != FIGURE_GATES && i != FIGURE_GATES_BUSY)) {
            f->counts[i] += part->counts[i];
        }
    }
    census_merge(&f->people, &part->people);
    census_merge(&f->rooms, &part->rooms);
    f->hubs_answered++;
}

/* --- INFO --- */

/* What stands behind "name:" at the start of a line, or NULL. */
static const char *find(const char *info, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = info; line != NULL && *line != '\0';) {
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1;
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return NULL;
}

static int64_t number(const char *info, const char *name)
{
    const char *value = find(info, name);

    return value != NULL ? strtoll(value, NULL, 10) : -1;
}

static const char *read_aof(const char *info)
{
    const char *status = find(info, "aof_last_write_status");

    if (number(info, "aof_enabled") < 0)
        return NULL;
    if (number(info, "aof_enabled") == 0)
        return "off";
    return status != NULL && strncmp(status, "ok", 2) != 0 ? "failing" : "on";
}

/* Copies the word behind "name:", or nothing where it does not fit. */
static void read_word(char *word, size_t size, const char *info, const char *name)
{
    const char *value = find(info, name);
    size_t len = value != NULL ? strcspn(value, "\r\n") : 0;

    if (len >= size)
        len = 0;
    if (len > 0)
        memcpy(word, value, len);
    word[len] = '\0';
}

void figures_read_info(struct figures_redis *redis, const char *info, int64_t now_ms)
{
    int64_t redis_us = number(info, "server_time_usec");

    redis->used_memory = number(info, "used_memory");
    redis->max_memory = number(info, "maxmemory");
    redis->evicted = number(info, "evicted_keys");
    redis->clients = number(info, "connected_clients");
    redis->ops_per_second = number(info, "instantaneous_ops_per_sec");
    redis->uptime_s = number(info, "uptime_in_seconds");
    redis->aof = read_aof(info);
    read_word(redis->version, sizeof(redis->version), info, "redis_version");
    read_word(redis->policy, sizeof(redis->policy), info, "maxmemory_policy");
    redis->clock_known = redis_us > 0;
    redis->clock_ahead_ms = redis->clock_known ? redis_us / 1000 - now_ms : 0;
}

/* --- JSON --- */

static void put_number(struct buf *out, const char *name, int64_t value)
{
    if (value < 0)
        buf_printf(out, "\"%s\":null", name);
    else
        buf_printf(out, "\"%s\":%lld", name, (long long)value);
}

static void put_word(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "\"%s\":", name);
    if (value != NULL && value[0] != '\0')
        buf_json(out, value, strlen(value));
    else
        buf_str(out, "null");
}

static void put_rate(struct buf *out, int64_t milli)
{
    if (milli < 0)
        buf_str(out, ",\"perSecond\":null}");
    else
        buf_printf(out, ",\"perSecond\":%.2f}", (double)milli / 1000);
}

static void put_redis(struct buf *out, const struct figures_redis *redis)
{
    buf_printf(out, ",\"redis\":{\"reachable\":%s,", redis->reachable ? "true" : "false");
    if (redis->round_trip_ms < 0)
        buf_str(out, "\"roundTrip\":null,");
    else
        buf_printf(out, "\"roundTrip\":%.3f,", redis->round_trip_ms);
    put_number(out, "usedMemory", redis->used_memory);
    buf_char(out, ',');
    put_number(out, "maxMemory", redis->max_memory);
    buf_char(out, ',');
    put_number(out, "evicted", redis->evicted);
    buf_char(out, ',');
    put_number(out, "clients", redis->clients);
    buf_char(out, ',');
    put_number(out, "opsPerSecond", redis->ops_per_second);
    buf_char(out, ',');
    put_number(out, "uptime", redis->uptime_s);
    buf_char(out, ',');
    put_word(out, "aof", redis->aof);
    buf_char(out, ',');
    put_word(out, "version", redis->version);
    buf_char(out, ',');
    put_word(out, "eviction", redis->policy);
    if (redis->clock_known)
        buf_printf(out, ",\"clockAhead\":%lld}", (long long)redis->clock_ahead_ms);
    else
        buf_str(out, ",\"clockAhead\":null}");
}

static uint64_t count_streams(const struct figures *f)
{
    uint64_t sum = 0;

    for (int i = 0; i < FRAME_FORMS; i++)
        sum += f->counts[FIGURE_STREAMS + i];
    return sum;
}

void figures_write(struct buf *out, const struct figures *f)
{
    const uint64_t *counts = f->counts;

    buf_str(out, "\"streams\":{");
    for (int i = 0; i < FRAME_FORMS; i++)
        buf_printf(out, "\"%s\":%llu,", frame_names[i],
                   (unsigned long long)counts[FIGURE_STREAMS + i]);
    buf_printf(out, "\"total\":%llu,\"blocked\":%llu}", (unsigned long long)count_streams(f),
               (unsigned long long)counts[FIGURE_BLOCKED]);
    buf_printf(out, ",\"people\":%llu,\"rooms\":%llu,\"messages\":{",
               (unsigned long long)census_count(&f->people),
               (unsigned long long)census_count(&f->rooms));
    put_number(out, "today", f->messages_today);
    put_rate(out, f->messages_rate);
    buf_printf(out, ",\"deliveries\":{\"total\":%llu",
               (unsigned long long)counts[FIGURE_DELIVERIES]);
    put_rate(out, (int64_t)counts[FIGURE_DELIVERIES_RATE]);
    buf_printf(out, ",\"bytes\":{\"total\":%llu", (unsigned long long)counts[FIGURE_BYTES]);
    put_rate(out, (int64_t)counts[FIGURE_BYTES_RATE]);
    buf_printf(out, ",\"cuts\":%llu,\"gaps\":%llu,\"gates\":{\"busy\":%llu,\"total\":%llu}",
               (unsigned long long)counts[FIGURE_CUTS], (unsigned long long)counts[FIGURE_GAPS],
               (unsigned long long)counts[FIGURE_GATES_BUSY],
               (unsigned long long)counts[FIGURE_GATES]);
    buf_printf(out, ",\"daemons\":%u,\"hubs\":{", f->daemons_count);
    put_number(out, "asked", f->hubs_asked);
    buf_printf(out, ",\"answered\":%u}", f->hubs_answered);
    put_redis(out, &f->redis);
    if (f->redis.reachable && counts[FIGURE_DELAY_US] > 0)
        buf_printf(out, ",\"canary\":{\"ms\":%.3f,\"reason\":null}",
                   (double)counts[FIGURE_DELAY_US] / 1000);
    else
        buf_printf(out, ",\"canary\":{\"ms\":null,\"reason\":\"%s\"}", f->canary_reason);
}

void figures_say(struct buf *out, const struct figures *f)
{
    buf_printf(out, "%llu streams, %llu people, %.2f deliveries/s",
               (unsigned long long)count_streams(f), (unsigned long long)census_count(&f->people),
               (double)f->counts[FIGURE_DELIVERIES_RATE] / 1000);
    if (f->messages_rate >= 0)
        buf_printf(out, ", %.2f messages/s", (double)f->messages_rate / 1000);
    if (!f->redis.reachable)
        buf_str(out, ", Redis does not answer");
    else if (f->redis.round_trip_ms >= 0)
        buf_printf(out, ", Redis %.3f ms", f->redis.round_trip_ms);
}
