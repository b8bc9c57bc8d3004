/* mem.h - allocation that does not fail.
 * Runs in: every process.  Blocks: never.
 * Every queue and table of earshot has a cap, so running out of memory means
 * that the machine is out of it: the process logs it and ends, the supervisor
 * starts another, and clients resume from their cursors. */
#ifndef EARSHOT_MEM_H
#define EARSHOT_MEM_H

#include <stddef.h>

/* Like malloc, calloc (one zeroed object of `size` bytes), realloc and strdup. */
void *mem_alloc(size_t size);
void *mem_zero(size_t size);
void *mem_resize(void *old, size_t size);
char *mem_strdup(const char *s);

/* A copy of `len` bytes with a NUL behind them. */
char *mem_strndup(const char *s, size_t len);

#endif
