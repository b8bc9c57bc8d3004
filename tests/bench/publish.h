/* publish.h - the publishers: paced by a rate, or as fast as they are answered.
 * Runs in: load.  Blocks: never. */
#ifndef BENCH_PUBLISH_H
#define BENCH_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "dialect.h"
#include "times.h"

#define PUBLISH_MAX 64

struct publish_plan {
    unsigned count;
    double rate; /* messages a second, all publishers together; 0: as fast as they are answered */
    unsigned rooms, size;
    uint64_t most; /* messages; 0: no limit */
};

struct publish_tally {
    uint64_t sent, acked, refused;
    uint64_t expected;        /* deliveries of what was acked */
    struct times reply, late; /* until the answer; a paced message behind its time */
};

extern struct publish_tally publish_tally;

void publish_init(enum dialect dialect);

/* Opens the publishers; publish_ready() says how many can send. */
void publish_open(const struct publish_plan *plan);
unsigned publish_ready(void);

/* From now on messages are sent. */
void publish_start(int64_t now_ns);

/* Sends what is due. Returns in how many ns something more is due, at most `most_ns`. */
int64_t publish_tick(int64_t now_ns, int64_t most_ns);

/* Sends no more; returns how many answers are still due. */
unsigned publish_stop(void);

void publish_close(void);

/* The handlers, for a client of the kind CLIENT_PUBLISHER. */
void publish_on_connected(struct client *c);
void publish_on_headed(struct client *c, const char *head);
size_t publish_on_payload(struct client *c, const char *data, size_t len);
void publish_on_replied(struct client *c);
void publish_on_closed(struct client *c);

#endif
