/* inlet.h - where gates hand receives over.
 * Runs in: hub.  Blocks: never. */
#ifndef EARSHOT_INLET_H
#define EARSHOT_INLET_H

struct hub;

/* Watches the socket and makes a connection of each record with an fd that comes. A record that is
 * malformed or of another version, or has lost its fd, is logged and dropped: the client sees its
 * connection end and comes back. */
void inlet_open(struct hub *hub, int fd);
void inlet_close(struct hub *hub);

#endif
