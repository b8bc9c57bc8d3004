#include "api/person.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define GUEST "guest-"
#define GUEST_LETTERS 10

/* One character of UTF-8 that is known to be well-formed; *len is how long it is. */
static unsigned long read_character(const unsigned char *s, size_t *len)
{
    *len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    switch (*len) {
    case 1:
        return s[0];
    case 2:
        return (s[0] & 0x1fUL) << 6 | (s[1] & 0x3fUL);
    case 3:
        return (s[0] & 0x0fUL) << 12 | (s[1] & 0x3fUL) << 6 | (s[2] & 0x3fUL);
    default:
        return (s[0] & 0x07UL) << 18 | (s[1] & 0x3fUL) << 12 | (s[2] & 0x3fUL) << 6 |
               (s[3] & 0x3fUL);
    }
}

static bool is_blank(unsigned long c)
{
    return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Controls, what has no width, what turns the direction of the text, and what is no character. */
static bool is_hostile(unsigned long c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe0fff) || (c & 0xfffe) == 0xfffe;
}

const char *person_name(struct arena *arena, const char *text)
{
    size_t all = strlen(text), used = 0, len;
    char *name;
    bool blank = false;

    if (all > 4 * PERSON_NAME_MAX || !utf8_valid(text, all))
        return NULL;
    name = arena_alloc(arena, 2 * all + 1);
    for (const char *s = text; *s != '\0'; s += len) {
        unsigned long c = read_character((const unsigned char *)s, &len);

        if (is_hostile(c))
            return NULL;
        if (is_blank(c)) {
            blank = used > 0;
            continue;
        }
        if (blank)
            name[used++] = ' ';
        blank = false;
        memcpy(name + used, s, len);
        used += len;
    }
    name[used] = '\0';
    return used > 0 && used <= PERSON_NAME_MAX ? name : NULL;
}

const char *person_fold(struct arena *arena, const char *name)
{
    char *folded = arena_strdup(arena, name);

    for (char *c = folded; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return folded;
}

int person_read(struct api *api, const char *text, const char **name)
{
    *name = text != NULL ? person_name(api->arena, text) : NULL;
    if (text == NULL || *name != NULL)
        return 0;
    api_fail(api, 400, "name_invalid",
             "a name is 1 to %d bytes of text, without characters that cannot be seen",
             PERSON_NAME_MAX);
    return -1;
}

int person_check_id(struct api *api, const char *id)
{
    if (id != NULL && name_user_valid(id) && strcmp(id, "me") != 0 &&
        strncasecmp(id, GUEST, strlen(GUEST)) != 0)
        return 0;
    api_fail(api, 400, "user_id_invalid",
             "user= is wanted: a user id is [A-Za-z0-9._-]{1,64}, not me, and no " GUEST "...");
    return -1;
}

const char *person_guest(struct arena *arena)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char random[GUEST_LETTERS];
    char id[GUEST_LETTERS + 1] = "";

    randombytes_buf(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        id[i] = letters[random[i] % 32];
    return arena_printf(arena, GUEST "%s", id);
}

const char *person_guest_name(const struct api *api)
{
    const struct identity *who = api->identity;
    const char *name = who->guest ? person_name(api->arena, who->name) : NULL;

    return name != NULL ? person_fold(api->arena, name) : "";
}
