/* govern.h - who is what in a room: members, bans, mutes; and what all changes to rooms share.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_GOVERN_H
#define EARSHOT_GOVERN_H

#include "api/api.h"

api_handler govern_get_members;
api_handler govern_get_bans;
api_handler govern_get_mutes;
api_handler govern_put_member;
api_handler govern_delete_member;
api_handler govern_put_ban;
api_handler govern_delete_ban;
api_handler govern_put_mute;
api_handler govern_delete_mute;

/* A change to a room; store/lua/govern.lua has the words. */
struct govern {
    const char *what;
    const char *whom;   /* or NULL */
    const char *json;   /* the event that tells of it */
    const char *audit;  /* the event for the audit */
    const char *notice; /* the event for that user's inbox, or NULL */
    int values_count;
    const char **values;
};

enum { GOVERN_SAME, GOVERN_CHANGED, GOVERN_MADE };

/* Can the room be changed at all, and by somebody? Returns 0, or -1 with the reply: conversations
 * and inboxes have no moderators (403), and nobody is no one (401). */
int govern_start(struct api *api);

/* Does it. Returns one of the above, or -1 with the reply. */
int govern_do(struct api *api, const struct govern *deed);

#endif
