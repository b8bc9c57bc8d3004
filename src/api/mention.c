#include "api/mention.h"

#include <string.h>

#include "event/name.h"

static bool is_user_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static bool is_there(const char *const *mentions, size_t count, const char *user, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(mentions[i]) == len && memcmp(mentions[i], user, len) == 0)
            return true;
    return false;
}

size_t mention_find(const char *mentions[JOURNAL_MENTIONS_MAX], struct arena *arena,
                    const char *content, size_t len)
{
    const char *at = content, *end = content + len;
    size_t count = 0;

    while (count < JOURNAL_MENTIONS_MAX && at < end &&
           (at = memchr(at, '@', (size_t)(end - at))) != NULL) {
        bool inside = at > content && (is_user_char(at[-1]) || at[-1] == '@');
        const char *user = ++at;
        size_t user_len;

        while (at < end && is_user_char(*at))
            at++;
        user_len = (size_t)(at - user);
        while (user_len > 0 && (user[user_len - 1] == '.' || user[user_len - 1] == '-'))
            user_len--;
        if (!inside && user_len > 0 && user_len <= NAME_USER_MAX &&
            !is_there(mentions, count, user, user_len))
            mentions[count++] = arena_strndup(arena, user, user_len);
    }
    return count;
}
