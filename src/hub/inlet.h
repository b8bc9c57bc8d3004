/* inlet.h - where gates hand receives over.
 * Runs in: hub.  Blocks: never. */
#ifndef EARSHOT_INLET_H
#define EARSHOT_INLET_H

#include <stdbool.h>

struct hub;

/* Watches the socket and makes a connection of each record with an fd that comes. A record that is
 * malformed or of another version is logged and dropped: the client sees its connection end and
 * comes back. Where the process may open no more files, receives are refused. */
void inlet_open(struct hub *hub, int fd);
void inlet_close(struct hub *hub);

/* True when no gate has sent anything that was not taken. */
bool inlet_is_empty(void);

#endif
