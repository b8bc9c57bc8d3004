/* census.h - how many different names there are, over many who each know some.
 * Runs in: gate (adds up), hub (counts, adds up).  Blocks: never.  No I/O.
 * Up to 512 it is exact. Past that, half of all possible names count no longer, and those that do
 * count twice, and so on (adaptive sampling, Flajolet 1990): right within about 5 %. */
#ifndef EARSHOT_CENSUS_H
#define EARSHOT_CENSUS_H

#include <stdint.h>

#include "base/buf.h"

#define CENSUS_SLOTS 1024

/* Begins as all zero. */
struct census {
    unsigned shift; /* of the names that are there, one in 2^shift counts */
    unsigned count;
    uint64_t slots[CENSUS_SLOTS]; /* hashes; 0 = free */
};

/* A name is there. */
void census_add(struct census *census, const char *name);

/* All that the other has are there. */
void census_merge(struct census *census, const struct census *other);

/* How many there are. */
uint64_t census_count(const struct census *census);

/* Appends it as one word. */
void census_encode(struct buf *out, const struct census *census);

/* Adds what a word says, of `len` bytes. Returns 0, or -1 when it is none. */
int census_decode(struct census *census, const char *word, size_t len);

#endif
