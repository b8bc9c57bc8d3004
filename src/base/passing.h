/* passing.h - a descriptor from one process to another, with a record (unix(7), SCM_RIGHTS).
 * Runs in: gate, hub.  Blocks: never. */
#ifndef EARSHOT_PASSING_H
#define EARSHOT_PASSING_H

#include <stddef.h>
#include <sys/types.h>

/* Sends a record of at least a byte with the descriptor, which stays the caller's. Returns 0, or -1
 * with errno: EAGAIN when the socket is full. */
int passing_send(int socket, const void *record, size_t len, int fd);

/* Receives a record, and its descriptor into *fd, closed on exec; -1 there when it came without
 * one, as it does where this process may open no more: the descriptor is then closed and lost.
 * Returns the record's length, or -1 when there is none. */
ssize_t passing_receive(int socket, void *record, size_t size, int *fd);

#endif
