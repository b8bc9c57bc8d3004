/* inquire.h - asks all hubs of all machines something, and waits for what they say.
 * Runs in: gate.  Blocks: yes, at most a second and a call of the store.
 * The question goes out on the hubs' channel, which tells how many hear it; the answers come into a
 * key of this question's own. A hub that hangs is one that has not answered. */
#ifndef EARSHOT_INQUIRE_H
#define EARSHOT_INQUIRE_H

#include "api/api.h"
#include "event/inquiry.h"

struct inquire_answers {
    int asked; /* hubs that heard the question */
    size_t answered;
    char **texts; /* what each said, in the arena */
};

/* Asks on the caller's behalf; fills in the question's namespace and key. `audit` is an event for
 * the audit, or NULL. Returns 0, or -1 with the reply: 401 revoked, 503, 507. */
int inquire_hubs(struct api *api, struct inquiry *inquiry, const char *audit,
                 struct inquire_answers *answers);

/* Appends "hubs":{"asked":4,"answered":4}. */
void inquire_tell(struct buf *body, const struct inquire_answers *answers);

#endif
