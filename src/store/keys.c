#include "store/keys.h"

#include <stdio.h>

/* Names are checked before they come here: KEY_MAX holds the longest of each. */
static size_t room_key(char out[KEY_MAX], const char *namespace, const char *room, const char *what)
{
    return (size_t)snprintf(out, KEY_MAX, "earshot:{%s/%s}:%s", namespace, room, what);
}

size_t key_log(char out[KEY_MAX], const char *namespace, const char *room)
{
    return room_key(out, namespace, room, "log");
}

size_t key_live(char out[KEY_MAX], const char *namespace, const char *room)
{
    return room_key(out, namespace, room, "live");
}

size_t key_site(char out[KEY_MAX], const char *namespace, const char *what)
{
    return (size_t)snprintf(out, KEY_MAX, "earshot:%s:%s", namespace, what);
}
