#include "gate/park.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/passing.h"
#include "supervisor/scoreboard.h"

#define FULL_WAIT_MS 50 /* a hub empties its inlet once a turn */
#define RETRY_MIN_MS 2000
#define RETRY_SPREAD_MS 8000

#define SILENT_MS (3 * SCOREBOARD_RENEW_MS) /* a hub that hangs gets nothing new */

/* Behind every real load: a hub that is ending, hangs, or is not there just now; what is sent to
 * its inlet waits for it, or for the next one of its number. */
#define LOAD_AWAY (UINT64_MAX / 2)

static int64_t next_line_ms;

static void read_loads(uint64_t loads[HERITAGE_HUBS_MAX], const struct heritage *heritage)
{
    int64_t now_ms = clock_mono_ms();

    for (int i = 0; i < heritage->hubs; i++)
        loads[i] = LOAD_AWAY;
    for (size_t i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct slot *slot = &heritage->board->slots[i];
        int index = slot->index;

        /* While the daemon reloads, the hubs of before stand here too, draining. */
        if (slot->role == SLOT_HUB && index >= 0 && index < heritage->hubs &&
            slot->state != SLOT_DRAINING && now_ms - slot->since_ms <= SILENT_MS)
            loads[index] = slot->streams;
    }
}

/* The hub with the least load that was not tried yet, beginning at `first`; -1 when all were. */
static int least(const uint64_t loads[HERITAGE_HUBS_MAX], int hubs, int first, uint64_t tried)
{
    int best = -1;

    for (int i = 0; i < hubs; i++) {
        int hub = (first + i) % hubs;

        if (!(tried >> hub & 1) && (best < 0 || loads[hub] < loads[best]))
            best = hub;
    }
    return best;
}

/* Offers it to each hub, the least loaded first. Returns 0, or -1 when none took it. */
static int offer_once(const struct heritage *heritage, const struct buf *record, int fd)
{
    static unsigned turn; /* ties go round */
    uint64_t loads[HERITAGE_HUBS_MAX], tried = 0;
    int hub;

    if (heritage->hubs <= 0)
        return -1;
    read_loads(loads, heritage);
    turn++;
    while ((hub = least(loads, heritage->hubs, (int)(turn % (unsigned)heritage->hubs), tried)) >=
           0) {
        if (passing_send(heritage->inlets[hub][1], record->data, record->len, fd) == 0)
            return 0;
        if (log_may(&next_line_ms))
            log_warn("hub=%d takes no receive: %s", hub, strerror(errno));
        tried |= UINT64_C(1) << hub;
    }
    return -1;
}

/* A storm of receives may fill all inlets for a moment: that is waited for once. */
static int offer(const struct heritage *heritage, const struct buf *record, int fd)
{
    struct pollfd inlets[HERITAGE_HUBS_MAX];

    if (offer_once(heritage, record, fd) == 0)
        return 0;
    for (int i = 0; i < heritage->hubs; i++)
        inlets[i] = (struct pollfd){.fd = heritage->inlets[i][1], .events = POLLOUT};
    if (poll(inlets, (nfds_t)heritage->hubs, FULL_WAIT_MS) <= 0)
        return -1;
    return offer_once(heritage, record, fd);
}

int park_send(const struct heritage *heritage, const struct parking *parking, int fd)
{
    struct buf record = BUF_INIT;
    int result = -1;

    if (scoreboard_streams(heritage->board) >= (uint64_t)heritage->conf->streams_max) {
        if (log_may(&next_line_ms))
            log_warn("streams_max=%d are open", heritage->conf->streams_max);
        return -1;
    }
    if (parking_encode(&record, parking) < 0)
        log_error("a receive does not fit its record");
    else
        result = offer(heritage, &record, fd);
    buf_free(&record);
    return result;
}

int park_offer(const struct heritage *heritage, int hub, const struct parking *parking, int fd)
{
    struct buf record = BUF_INIT;
    int result = -1;

    if (parking_encode(&record, parking) == 0)
        result = passing_send(heritage->inlets[hub][1], record.data, record.len, fd);
    buf_free(&record);
    return result;
}

void park_refuse(struct api *api)
{
    uint32_t retry_ms = RETRY_MIN_MS + randombytes_uniform(RETRY_SPREAD_MS + 1);

    if (api->parking->form == FRAME_SSE) {
        api->reply->status = 200;
        api->reply->content_type = frame_content_types[FRAME_SSE];
        buf_printf(&api->reply->body, "retry: %u\n\n", retry_ms);
        return;
    }
    api_fail(api, 503, "streams_full", "no more streams can be opened just now; try again soon");
    reply_header(api->reply, "Retry-After", arena_printf(api->arena, "%u", retry_ms / 1000));
}
