/* keys.h - the only place that names a key.
 * Runs in: gate, hub.  Blocks: never.  No I/O.
 * All keys of a room share the hash tag {namespace/room}; scripts get the log's key and derive the
 * rest. */
#ifndef EARSHOT_KEYS_H
#define EARSHOT_KEYS_H

#include <stddef.h>

#define KEY_MAX 700

/* earshot:{namespace/room}:log, the stream; :live, the channel; :listeners, the hash hub ->
 * "count:expiry_ms". Each returns the length. */
size_t key_log(char out[KEY_MAX], const char *namespace, const char *room);
size_t key_live(char out[KEY_MAX], const char *namespace, const char *room);
size_t key_listeners(char out[KEY_MAX], const char *namespace, const char *room);

/* earshot:namespace:rooms, the sorted set of rooms by the time of their last send. */
size_t key_rooms(char out[KEY_MAX], const char *namespace);

#endif
