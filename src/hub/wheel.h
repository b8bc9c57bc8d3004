/* wheel.h - one timer a connection, for thousands of connections.
 * Runs in: hub.  Blocks: never.
 * A hashed wheel: setting and cancelling cost the same whatever is in it. Ticks are
 * WHEEL_TICK_MS apart, counted from the hub's start. */
#ifndef EARSHOT_WHEEL_H
#define EARSHOT_WHEEL_H

#include <stdint.h>
#include <sys/queue.h>

#define WHEEL_TICK_MS 50
#define WHEEL_SLOTS 2048

struct wheel_timer {
    LIST_ENTRY(wheel_timer) link;
    uint32_t tick; /* when it is due; 0 = not set */
};

struct wheel {
    uint32_t now;
    LIST_HEAD(, wheel_timer) slots[WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel);

/* Sets or moves a timer. One that is due past the wheel's horizon fires at the horizon: whoever
 * owns it looks and sets it again. A time that has passed fires at the next tick. */
void wheel_set(struct wheel *wheel, struct wheel_timer *timer, uint32_t tick);
void wheel_cancel(struct wheel_timer *timer);

/* Moves to `now` and calls `due` for each timer on the way; it is no longer set then, and may be
 * set again. */
void wheel_advance(struct wheel *wheel, uint32_t now,
                   void (*due)(void *arg, struct wheel_timer *timer), void *arg);

#endif
