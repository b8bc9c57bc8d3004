#include "supervisor/scoreboard.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/clock.h"

struct scoreboard *scoreboard_create(void)
{
    struct scoreboard *board =
        mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (board == MAP_FAILED)
        return NULL;
    if (getrandom(&board->id, sizeof(board->id), GRND_NONBLOCK) < 0)
        board->id = (uint64_t)clock_wall_ms();
    meter_set(&board->life.started_ms, (uint64_t)clock_wall_ms());
    meter_set(&board->life.loaded_ms, (uint64_t)clock_wall_ms());
    return board;
}

void scoreboard_free(struct scoreboard *board)
{
    if (board != NULL)
        munmap(board, sizeof(*board));
}

/* Atomics are set one by one: readers may look at any time, and memset is no atomic store. */
static void slot_reset(struct slot *slot)
{
    slot->pid = 0;
    slot->state = SLOT_STARTING;
    slot->since_ms = clock_mono_ms();
    slot->streams = 0;
    slot->rooms = 0;
    for (int i = 0; i < FRAME_FORMS; i++)
        slot->forms[i] = 0;
}

struct slot *scoreboard_take(struct scoreboard *board, enum slot_role role, int index)
{
    for (size_t i = 0; i < SCOREBOARD_SLOTS; i++) {
        struct slot *slot = &board->slots[i];
        if (slot->role != SLOT_FREE)
            continue;
        slot_reset(slot);
        if (board->slots_used < (int)i + 1)
            board->slots_used = (int)i + 1;
        slot->index = index;
        slot->role = (int)role;
        return slot;
    }
    return NULL;
}

void scoreboard_give_back(struct slot *slot)
{
    slot->role = SLOT_FREE;
    slot_reset(slot);
}

void scoreboard_state(struct slot *slot, enum slot_state state)
{
    slot->since_ms = clock_mono_ms();
    slot->state = (int)state;
}

struct ledger *scoreboard_ledger(struct scoreboard *board, const struct slot *slot)
{
    return &board->ledgers[slot - board->slots];
}

uint64_t scoreboard_streams(const struct scoreboard *board)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < SCOREBOARD_SLOTS; i++)
        if (board->slots[i].role == SLOT_HUB)
            sum += board->slots[i].streams;
    return sum;
}
