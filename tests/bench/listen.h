/* listen.h - the listeners: opened, counted, cut, opened again.
 * Runs in: load.  Blocks: never.
 * A message carries the time at which it was published, between "@@" and ";": what a listener
 * reads of it is one delivery, and its delay goes into the histogram. */
#ifndef BENCH_LISTEN_H
#define BENCH_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "dialect.h"
#include "times.h"

#define LISTEN_MAX 12000
#define LISTEN_MARK_LEN 19 /* "@@", 16 hexadecimal digits, ";" */

struct listen_group {
    unsigned count, rooms, window;
    enum client_form form;
    bool follows, quiet, browser;
};

struct listen_tally {
    uint64_t deliveries;
    uint64_t quiet_deliveries;
    uint64_t reopened; /* a listener that was ready was closed by the server */
    uint64_t refused;  /* one was closed before it was ready */
    uint64_t polls;
    struct times delay, ready; /* of deliveries; from connect to ready */
};

extern struct listen_tally listen_tally;

void listen_init(enum dialect dialect);

/* Adds listeners and begins to open them, at most `window` at one time. */
void listen_open(const struct listen_group *group);

/* Begins to open the next ones; called between turns. */
void listen_tick(void);

unsigned listen_count(void);
unsigned listen_ready(void);

/* How many of those whose deliveries count listen in a room. */
unsigned listen_in_room(uint32_t room);

/* Those that are quiet do not read any more (true), or do again. */
void listen_stall(bool stalled);

/* Closes all. They stay known, with their cursors. */
void listen_cut(void);

/* Opens all that are cut. With `missed` each is ready once it has had a delivery. */
void listen_again(bool missed, unsigned window);

/* Closes and forgets all. */
void listen_close(void);

/* The handlers, for a client of the kind CLIENT_LISTENER. */
void listen_on_connected(struct client *c);
void listen_on_headed(struct client *c, const char *head);
size_t listen_on_payload(struct client *c, const char *data, size_t len);
void listen_on_replied(struct client *c);
void listen_on_closed(struct client *c);

#endif
