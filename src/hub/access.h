/* access.h - who may read a room, as its hash in Redis says.
 * Runs in: hub.  Blocks: never.  No I/O.
 * NULL where all may who have the right by their token, which is almost everywhere. The rule is
 * that of admit() in store/lua/part/caller.lua. Each ban and each member of a hidden room takes 16
 * bytes and its name. */
#ifndef EARSHOT_ACCESS_H
#define EARSHOT_ACCESS_H

#include <hiredis/hiredis.h>
#include <stdint.h>

struct access;

enum access_verdict {
    ACCESS_YES,
    ACCESS_BANNED,
    ACCESS_HIDDEN /* for members only: for others there is no such room */
};

/* Reads {mode, "ban:user", until in ms or "0", "role:user", role, ...} of store/lua/read.lua.
 * Returns the caller's to free, or NULL: open to all. */
struct access *access_read(const redisReply *reply);
void access_free(struct access *access);

/* May this user (NULL = anonymous), to whom his token gives these rights (PARKING_READ...), read
 * now? `now_ms` is wall-clock time. */
enum access_verdict access_check(const struct access *access, const char *user, unsigned rights,
                                 int64_t now_ms);

#endif
