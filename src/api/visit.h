/* visit.h - the pages for browsers without a script: the rooms, a room, its history.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_VISIT_H
#define EARSHOT_VISIT_H

#include "api/api.h"
#include "store/directory.h"

/* The list of rooms, with what is unread where somebody is signed in. Answers ?to= with the way to
 * that room (303). */
void visit_rooms(struct api *api, const struct directory_room *rooms, size_t count);

/* A room. `room` is NULL where there is none yet, and the first message makes it. */
void visit_room(struct api *api, const struct directory_room *room);

/* A page of history. `after`: it was read onward. */
void visit_history(struct api *api, const struct page *page, bool after);

/* A page of the replies to the message `id`, which stands above them where `root` is not NULL. */
void visit_thread(struct api *api, const struct page *page, const char *id,
                  const struct event *root);

/* What was said up to the cursor, or the newest, at most `count`, as the stream's document shows
 * it: at most VISIT_BYTES_MAX in the arena. *end is where the stream goes on. Returns NULL with the
 * reply.
 */
#define VISIT_BEFORE_MAX 50
#define VISIT_BYTES_MAX 32768
const char *visit_before(struct api *api, const struct event_id *cursor, size_t count,
                         struct event_id *end);

#endif
