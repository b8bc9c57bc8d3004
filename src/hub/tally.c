#include "hub/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/outgoing.h"
#include "hub/state.h"
#include "hub/who.h"
#include "supervisor/scoreboard.h"

#define UNUSED_MS 3600000

static struct tally *find(const struct hub *hub, const char *namespace)
{
    struct tally *tally;

    HASH_FIND_STR(hub->tallies, namespace, tally);
    return tally;
}

struct tally *tally_join(struct hub *hub, const char *namespace, enum frame_form form)
{
    struct tally *tally = find(hub, namespace);

    if (tally == NULL) {
        tally = mem_zero(sizeof(*tally) + strlen(namespace) + 1);
        tally->hub = hub;
        strcpy(tally->name, namespace);
        HASH_ADD_STR(hub->tallies, name, tally);
    }
    tally->streams[form]++;
    meter_add(&hub->slot->forms[form], 1);
    meter_add(&hub->slot->streams, 1);
    tally->used_ms = clock_mono_ms();
    return tally;
}

void tally_leave(struct tally *tally, enum frame_form form)
{
    struct slot *slot = tally->hub->slot;

    tally->streams[form]--;
    meter_add(&slot->forms[form], (uint64_t)-1);
    meter_add(&slot->streams, (uint64_t)-1);
    tally->used_ms = clock_mono_ms();
}

void tally_sent(struct tally *tally, size_t bytes)
{
    tally->bytes += bytes;
    meter_add(&tally->hub->ledger->bytes, bytes);
}

void tally_delivered(struct tally *tally, uint64_t events)
{
    tally->deliveries += events;
    meter_add(&tally->hub->ledger->deliveries, events);
}

void tally_gap(struct tally *tally)
{
    tally->gaps++;
    meter_add(&tally->hub->ledger->gaps, 1);
}

void tally_cut(struct tally *tally)
{
    tally->cuts++;
    meter_add(&tally->hub->ledger->cuts, 1);
}

void tally_lag(struct hub *hub, int64_t *now_ms, int64_t since_ms)
{
    if (*now_ms == 0)
        *now_ms = clock_wall_ms();
    if (*now_ms < since_ms)
        meter_add(&hub->ledger->ahead, 1);
    meter_observe(&hub->ledger->lag, *now_ms > since_ms ? (*now_ms - since_ms) * 1000 : 0);
}

void tally_answered(struct hub *hub)
{
    static const char opening[] = "Status: ";
    int status =
        hub->scratch.len > sizeof(opening) ? atoi(hub->scratch.data + sizeof(opening) - 1) : -1;

    meter_add(&hub->ledger->answers[ledger_code(status)], 1);
}

/* In 1000 s. */
static uint64_t rate(uint64_t now, uint64_t before, int64_t ms)
{
    return ms > 0 ? (now - before) * 1000000 / (uint64_t)ms : 0;
}

static void read_counts(const struct tally *tally, uint64_t counts[FIGURES])
{
    int64_t now_ms = clock_mono_ms();
    unsigned oldest = tally->next;

    for (int i = 0; i < FRAME_FORMS; i++)
        counts[FIGURE_STREAMS + i] = tally->streams[i];
    counts[FIGURE_DELIVERIES] = tally->deliveries;
    counts[FIGURE_BYTES] = tally->bytes;
    counts[FIGURE_CUTS] = tally->cuts;
    counts[FIGURE_GAPS] = tally->gaps;
    for (int i = 0; i < TALLY_PAST && tally->past[oldest].ms == 0; i++)
        oldest = (oldest + 1) % TALLY_PAST;
    if (tally->past[oldest].ms == 0)
        return;
    counts[FIGURE_DELIVERIES_RATE] =
        rate(tally->deliveries, tally->past[oldest].deliveries, now_ms - tally->past[oldest].ms);
    counts[FIGURE_BYTES_RATE] =
        rate(tally->bytes, tally->past[oldest].bytes, now_ms - tally->past[oldest].ms);
}

static void read_gates(const struct hub *hub, uint64_t counts[FIGURES])
{
    for (size_t i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct slot *slot = &hub->board->slots[i];

        if (slot->role != SLOT_GATE)
            continue;
        counts[FIGURE_GATES]++;
        counts[FIGURE_GATES_BUSY] += slot->state == SLOT_BUSY;
    }
}

void tally_read(struct hub *hub, const char *namespace, struct figures_part *part)
{
    const struct tally *tally = find(hub, namespace);
    const struct connection *c;

    memset(part, 0, sizeof(*part));
    snprintf(part->daemon, sizeof(part->daemon), "%016llx", (unsigned long long)hub->board->id);
    read_gates(hub, part->counts);
    if (tally == NULL)
        return;
    read_counts(tally, part->counts);
    LIST_FOREACH (c, &hub->connections, link) {
        if (c->tally != tally)
            continue;
        part->counts[FIGURE_BLOCKED] += c->out.len > 0;
        if (c->who != NULL)
            census_add(&part->people, c->who->user);
        for (unsigned i = 0; i < c->members_count; i++)
            if (c->members[i].room != NULL && !room_is_own(c->members[i].room))
                census_add(&part->rooms, c->members[i].room->name);
    }
}

void tally_tick(struct hub *hub, int64_t now_ms)
{
    struct tally *tally, *next;

    HASH_ITER (hh, hub->tallies, tally, next) {
        uint64_t streams = 0;

        for (int i = 0; i < FRAME_FORMS; i++)
            streams += tally->streams[i];
        if (streams == 0 && !tally->asking && now_ms - tally->used_ms > UNUSED_MS) {
            HASH_DEL(hub->tallies, tally);
            free(tally);
            continue;
        }
        tally->past[tally->next].ms = now_ms;
        tally->past[tally->next].deliveries = tally->deliveries;
        tally->past[tally->next].bytes = tally->bytes;
        tally->next = (tally->next + 1) % TALLY_PAST;
    }
}

void tally_free_all(struct hub *hub)
{
    struct tally *tally, *next;

    HASH_ITER (hh, hub->tallies, tally, next) {
        HASH_DEL(hub->tallies, tally);
        free(tally);
    }
}
