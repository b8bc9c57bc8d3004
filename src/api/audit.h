/* audit.h - who did what: GET admin/audit, GET admin/audit/events.
 * Runs in: gate.  Blocks: as the store does.
 * The audit is a room of earshot's own, whose name no client can give; so it is read, followed and
 * resumed as any other. */
#ifndef EARSHOT_AUDIT_H
#define EARSHOT_AUDIT_H

#include "api/api.h"

#define AUDIT_ROOM "@!audit"

/* Makes an event for the audit, in the arena: the caller did `action` in `room` (NULL = none) to
 * `whom` (NULL = nobody); `detail` may be NULL. Its content says so in words. */
const char *audit_event(struct api *api, const char *action, const char *room, const char *whom,
                        const char *detail);

api_handler audit_get;
api_handler audit_get_events;

#endif
