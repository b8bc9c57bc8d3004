/* quota.h - how many receives the processes of one site hold open on this machine.
 * Runs in: direct.  Blocks: never, but for opening a small file.
 * Each receive holds a lock on a byte of a file, in a directory of the user's own, which the kernel
 * lets go with the process, however that ends. */
#ifndef EARSHOT_QUOTA_H
#define EARSHOT_QUOTA_H

#include <stdint.h>

/* Takes one of the `most` places of a site, which is any text. Returns a descriptor, which holds it
 * until it is closed, with the number of places that others hold in *held; -1 when all are held
 * (*held = most), or they cannot be counted (logged; *held = 0). */
int quota_take(const char *site, int most, int *held);

/* How long a receive may last that would last `age_ms`, when so many of `most` places are held by
 * others: from half of them on less and less, to a fifth, and nothing when all are. No I/O. */
int64_t quota_life_ms(int64_t age_ms, int held, int most);

#endif
