/* keys.h - the only place in C that names a key; the scripts' is lua/part/names.lua.
 * Runs in: gate, hub.  Blocks: never.  No I/O.
 * All keys of a room share the hash tag {namespace/room}; scripts get the log's key and derive the
 * rest. src/README has them all. */
#ifndef EARSHOT_KEYS_H
#define EARSHOT_KEYS_H

#include <stddef.h>

#define KEY_MAX 700

/* The channel that all hubs hear, of all namespaces. */
#define KEY_HUBS "earshot:hubs"

/* earshot:{namespace/room}:log, the stream, and :live, the channel. Each returns the length. */
size_t key_log(char out[KEY_MAX], const char *namespace, const char *room);
size_t key_live(char out[KEY_MAX], const char *namespace, const char *room);

/* earshot:namespace:what, a key of the whole site: "rooms", "control", "stats:20781". */
size_t key_site(char out[KEY_MAX], const char *namespace, const char *what);

#endif
