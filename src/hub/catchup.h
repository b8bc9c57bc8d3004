/* catchup.h - reads from the log what the ring does not have.
 * Runs in: hub.  Blocks: never.
 * A page is one read of the log after a cursor, shared by all who wait for it. One that
 * reaches the ring is put in front of it, so that a storm of readers who come back asks Redis once.
 */
#ifndef EARSHOT_CATCHUP_H
#define EARSHOT_CATCHUP_H

struct entry;
struct member;
struct room;

/* Asks where the log ends (the first time) or for what is behind the room's last event; then
 * room_live(). */
void catchup_sync(struct room *room);

/* Compares the log's last id with the room's; what differs is synced. */
void catchup_check(struct room *room);

/* Asks for the page after the member's cursor. */
void catchup_page(struct member *member);

/* The entry of the member's page that is next; NULL when the page is done: the member then is
 * attached to the ring, or waits for another page. */
struct entry *catchup_peek(struct member *member);

/* The member goes: gives its page back. */
void catchup_leave(struct member *member);

/* The hub ends: frees the pages that were asked for. */
void catchup_forget(struct room *room);

#endif
