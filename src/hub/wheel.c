#include "hub/wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *wheel)
{
    wheel->now = 0;
    for (int i = 0; i < WHEEL_SLOTS; i++)
        LIST_INIT(&wheel->slots[i]);
}

void wheel_set(struct wheel *wheel, struct wheel_timer *timer, uint32_t tick)
{
    if (tick <= wheel->now)
        tick = wheel->now + 1;
    if (tick - wheel->now >= WHEEL_SLOTS)
        tick = wheel->now + WHEEL_SLOTS - 1;
    if (timer->tick == tick)
        return;
    wheel_cancel(timer);
    timer->tick = tick;
    LIST_INSERT_HEAD(&wheel->slots[tick % WHEEL_SLOTS], timer, link);
}

void wheel_cancel(struct wheel_timer *timer)
{
    if (timer->tick != 0)
        LIST_REMOVE(timer, link);
    timer->tick = 0;
}

void wheel_advance(struct wheel *wheel, uint32_t now,
                   void (*due)(void *arg, struct wheel_timer *timer), void *arg)
{
    while (wheel->now < now) {
        struct wheel_timer *timer;

        wheel->now++;
        while ((timer = LIST_FIRST(&wheel->slots[wheel->now % WHEEL_SLOTS])) != NULL) {
            wheel_cancel(timer);
            due(arg, timer);
        }
    }
}
