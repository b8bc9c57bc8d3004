/* hand.h - a connection by hand, without a hub: for tests of what is said to it. */
#ifndef EARSHOT_TESTS_HAND_H
#define EARSHOT_TESTS_HAND_H

#include <stdbool.h>

#include "hub/connection.h"
#include "hub/room.h"
#include "hub/state.h"

extern struct hub hub;
extern struct conf conf; /* the hub's */
extern struct room rooms[2];
extern struct connection *c;
extern struct buf out, line;

/* A connection by hand, on `lobby` at 5-0 and, when `many`, on `@alice,bob` at 9-1. */
void use(enum frame_form form, bool many);
void keep(struct parking parking);
/* Compares what was said since the last time; nothing may be left in the line. */
void said(const char *wanted);
struct entry *entry_of(bool durable, const char *json);
/* Says one event to the member of that number, who has advanced. */
bool say(unsigned number, bool durable, const char *json);
int unmake(void **state);

#endif
