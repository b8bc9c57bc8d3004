#include "auth/policy.h"

#include <stdio.h>
#include <string.h>

#include "event/name.h"

#define PATTERN_MAX 64

static const char pattern_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-*";

static bool pattern_valid(const char *s, size_t len)
{
    return len >= 1 && len <= PATTERN_MAX && strspn(s, pattern_chars) >= len && s[0] != '.' &&
           s[0] != '_' && s[0] != '-';
}

/* The rights that the letters name, or 0 when they are malformed: no letters, another one, one
 * twice. */
static unsigned rights_of(const char *letters, size_t len)
{
    unsigned rights = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned right = letters[i] == 'r'   ? RIGHT_READ
                         : letters[i] == 'w' ? RIGHT_WRITE
                         : letters[i] == 'm' ? RIGHT_MODERATE
                                             : 0;

        if (right == 0 || (rights & right) != 0)
            return 0;
        rights |= right;
    }
    return rights;
}

static int grant_append(struct identity *identity, const char *pattern, unsigned rights)
{
    if (identity->grants_count >= POLICY_GRANTS_MAX)
        return -1;
    identity->grants[identity->grants_count++] = (struct grant){pattern, rights};
    return 0;
}

int policy_grant(struct identity *identity, struct arena *arena, const char *pattern,
                 const char *letters)
{
    unsigned rights = rights_of(letters, strlen(letters));

    if (rights == 0 || !pattern_valid(pattern, strlen(pattern)))
        return -1;
    return grant_append(identity, arena_strdup(arena, pattern), rights);
}

/* Reads one "pattern=letters". */
static int parse_one(struct identity *identity, struct arena *arena, const char *s, size_t len,
                     char error[256])
{
    const char *equals = memchr(s, '=', len);
    size_t pattern_len = equals != NULL ? (size_t)(equals - s) : len;
    unsigned rights;

    if (equals == NULL || !pattern_valid(s, pattern_len)) {
        snprintf(
            error, 256,
            "\"%.*s\" is no grant: write ROOM=RIGHTS, with * in ROOM for any run of characters",
            (int)(len < 80 ? len : 80), s);
        return -1;
    }
    rights = rights_of(equals + 1, len - pattern_len - 1);
    if (rights == 0) {
        snprintf(error, 256,
                 "\"%.*s\": the rights are letters of \"rwm\" (read, write, moderate), each once",
                 (int)(len < 80 ? len : 80), s);
        return -1;
    }
    if (grant_append(identity, arena_strndup(arena, s, pattern_len), rights) != 0) {
        snprintf(error, 256, "there are more than %d grants", POLICY_GRANTS_MAX);
        return -1;
    }
    return 0;
}

int policy_parse(struct identity *identity, struct arena *arena, const char *text, char error[256])
{
    const char *p = text + strspn(text, " \t");

    if (*p == '\0')
        return 0;
    for (;;) {
        size_t len = strcspn(p, ",");
        size_t trimmed = len;

        while (trimmed > 0 && (p[trimmed - 1] == ' ' || p[trimmed - 1] == '\t'))
            trimmed--;
        if (parse_one(identity, arena, p, trimmed, error) != 0)
            return -1;
        if (p[len] == '\0')
            return 0;
        p += len + 1;
        p += strspn(p, " \t");
    }
}

/* Does the room match the pattern? On a mismatch only the last * needs to take one more character,
 * so the time is at most the product of the lengths. */
static bool pattern_matches(const char *pattern, const char *room)
{
    const char *star = NULL, *resume = NULL;

    while (*room != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            resume = room;
        } else if (*pattern == *room) {
            pattern++;
            room++;
        } else if (star != NULL) {
            pattern = star;
            room = ++resume;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

/* A conversation is its members' to read and write. An inbox is its owner's to read; what reaches
 * it is written by earshot itself (mentions, notices), so nobody has the right to write there. */
static bool allows_private(const struct identity *identity, const char *room, enum right right)
{
    bool inbox = strchr(room, ',') == NULL;

    if (identity->user_id == NULL || !name_room_has_user(room, identity->user_id))
        return false;
    return right == RIGHT_READ || (right == RIGHT_WRITE && !inbox);
}

void policy_write(struct buf *out, const struct identity *identity)
{
    const char *before = "{";

    for (size_t i = 0; i < identity->grants_count; i++) {
        const char *pattern = identity->grants[i].pattern;
        unsigned rights = 0;
        size_t first = i;

        for (size_t j = identity->grants_count; j-- > 0;) {
            if (strcmp(identity->grants[j].pattern, pattern) != 0)
                continue;
            rights |= identity->grants[j].rights;
            first = j;
        }
        if (first != i)
            continue;
        buf_printf(out, "%s\"%s\":\"%s%s%s\"", before, pattern,
                   (rights & RIGHT_READ) != 0 ? "r" : "", (rights & RIGHT_WRITE) != 0 ? "w" : "",
                   (rights & RIGHT_MODERATE) != 0 ? "m" : "");
        before = ",";
    }
    buf_str(out, identity->grants_count > 0 ? "}" : "{}");
}

/* A ticket reads the rooms that it is for. What the token behind it may was seen when it was made.
 */
static bool allows_ticket(const struct identity *identity, const char *room, enum right right)
{
    for (size_t i = 0; right == RIGHT_READ && i < identity->only_count; i++)
        if (strcmp(identity->only[i], room) == 0)
            return true;
    return false;
}

bool policy_allows(const struct identity *identity, const char *room, enum right right)
{
    if (identity->only != NULL)
        return allows_ticket(identity, room, right);
    if (identity->admin)
        return true;
    if (room[0] == '@')
        return allows_private(identity, room, right);
    for (size_t i = 0; i < identity->grants_count; i++)
        if ((identity->grants[i].rights & right) != 0 &&
            pattern_matches(identity->grants[i].pattern, room))
            return true;
    return false;
}
