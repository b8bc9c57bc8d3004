#include "event/name.h"

#include <stdlib.h>
#include <string.h>

#define USERS_MAX 7 /* of one @room: seven of the longest fit NAME_ROOM_MAX */

/* Locale-free: isalnum() would let other letters in. */
static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_user(const char *s, size_t len)
{
    if (len == 0 || len > NAME_USER_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_letter_or_digit(s[i]) && s[i] != '.' && s[i] != '_' && s[i] != '-')
            return false;
    return true;
}

bool name_user_valid(const char *s)
{
    return s != NULL && is_user(s, strnlen(s, NAME_USER_MAX + 1));
}

bool name_namespace_valid(const char *s)
{
    return name_user_valid(s);
}

struct user {
    const char *name;
    size_t len;
};

/* Reads "user,user" into users[]; returns how many, or 0 when it is no list of users. */
static size_t split(struct user users[USERS_MAX], const char *s)
{
    size_t count = 0;

    for (;;) {
        size_t len = strcspn(s, ",");

        if (count == USERS_MAX || !is_user(s, len))
            return 0;
        users[count++] = (struct user){s, len};
        if (s[len] == '\0')
            return count;
        s += len + 1;
    }
}

bool name_room_valid(const char *s)
{
    struct user users[USERS_MAX];

    if (s == NULL)
        return false;
    if (s[0] == '@')
        return split(users, s + 1) > 0;
    return is_letter_or_digit(s[0]) && name_user_valid(s);
}

/* Byte order, a shorter one before what it begins. */
static int compare(const void *a, const void *b)
{
    const struct user *x = a, *y = b;
    int order = memcmp(x->name, y->name, x->len < y->len ? x->len : y->len);

    if (order != 0)
        return order;
    return x->len == y->len ? 0 : x->len < y->len ? -1 : 1;
}

static bool is_me(const struct user *user)
{
    return user->len == 2 && memcmp(user->name, "me", 2) == 0;
}

int name_room_resolve(char out[NAME_ROOM_MAX + 1], const char *name, const char *user_id)
{
    struct user users[USERS_MAX];
    size_t count, len = 0;

    if (!name_room_valid(name))
        return -1;
    if (name[0] != '@') {
        memcpy(out, name, strlen(name) + 1);
        return 0;
    }
    count = split(users, name + 1);
    for (size_t i = 0; i < count; i++) {
        if (!is_me(&users[i]))
            continue;
        if (!name_user_valid(user_id))
            return -1;
        users[i] = (struct user){user_id, strlen(user_id)};
    }
    qsort(users, count, sizeof(users[0]), compare);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare(&users[i - 1], &users[i]) == 0)
            continue;
        out[len] = len == 0 ? '@' : ',';
        memcpy(out + len + 1, users[i].name, users[i].len);
        len += 1 + users[i].len;
    }
    out[len] = '\0';
    return 0;
}

bool name_room_has_user(const char *room, const char *user_id)
{
    struct user users[USERS_MAX];
    size_t count;

    if (room == NULL || room[0] != '@' || !name_user_valid(user_id))
        return false;
    count = split(users, room + 1);
    for (size_t i = 0; i < count; i++)
        if (users[i].len == strlen(user_id) && memcmp(users[i].name, user_id, users[i].len) == 0)
            return true;
    return false;
}
