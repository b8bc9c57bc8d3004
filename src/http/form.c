#include "http/form.h"

#include <string.h>

#include "base/utf8.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that stands at data[*at], which is moved behind it. */
static char decode_byte(const char *data, size_t len, size_t *at)
{
    char c = data[(*at)++];

    if (c == '+')
        return ' ';
    if (c == '%' && len - *at >= 2 && hex(data[*at]) >= 0 && hex(data[*at + 1]) >= 0) {
        c = (char)(hex(data[*at]) * 16 + hex(data[*at + 1]));
        *at += 2;
    }
    return c;
}

/* Returns the decoded text in the arena, or NULL when it is not UTF-8 or holds a NUL. */
static const char *decode(struct arena *arena, const char *data, size_t len)
{
    char *text = arena_alloc(arena, len + 1);
    size_t at = 0, out = 0;

    while (at < len)
        text[out++] = decode_byte(data, len, &at);
    return utf8_valid(text, out) ? text : NULL;
}

static bool decodes_to(const char *data, size_t len, const char *text)
{
    size_t at = 0;

    while (at < len && *text != '\0')
        if (decode_byte(data, len, &at) != *text++)
            return false;
    return at == len && *text == '\0';
}

/* The length of the pair at the front, and of the name within it. */
static size_t pair_len(const char *data, size_t len, size_t *name_len)
{
    const char *end = memchr(data, '&', len);
    size_t pair = end != NULL ? (size_t)(end - data) : len;
    const char *equals = memchr(data, '=', pair);

    *name_len = equals != NULL ? (size_t)(equals - data) : pair;
    return pair;
}

static size_t count_pairs(const char *data, size_t len)
{
    size_t count = 1;

    for (size_t i = 0; i < len; i++)
        count += data[i] == '&';
    return count;
}

static int add_pair(struct form *form, struct arena *arena, const char *data, size_t pair,
                    size_t name_len)
{
    size_t skip = name_len < pair ? name_len + 1 : pair;
    struct form_pair *to = &form->pairs[form->count];

    to->name = decode(arena, data, name_len);
    to->value = decode(arena, data + skip, pair - skip);
    if (to->name == NULL || to->value == NULL)
        return -1;
    form->count++;
    return 0;
}

int form_parse(struct form *form, struct arena *arena, const char *data, size_t len,
               const char **reason)
{
    size_t most = len > 0 ? count_pairs(data, len) : 0;

    *form = (struct form){0, NULL};
    if (most > FORM_PAIRS_MAX) {
        *reason = "it has more than 1024 fields";
        return -1;
    }
    form->pairs = arena_alloc(arena, (most + 1) * sizeof(form->pairs[0]));
    while (len > 0) {
        size_t name_len, pair = pair_len(data, len, &name_len);

        if (pair > 0 && add_pair(form, arena, data, pair, name_len) < 0) {
            *reason = "a field is not well-formed UTF-8 or holds a zero byte";
            return -1;
        }
        pair += pair < len; /* the & */
        data += pair;
        len -= pair;
    }
    return 0;
}

bool form_names(const char *data, size_t len, const char *name)
{
    while (len > 0) {
        size_t name_len, pair = pair_len(data, len, &name_len);

        if (name_len < pair && decodes_to(data, name_len, name))
            return true;
        pair += pair < len;
        data += pair;
        len -= pair;
    }
    return false;
}

const char *form_value(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (strcmp(form->pairs[i].name, name) == 0)
            return form->pairs[i].value;
    return NULL;
}

size_t form_count(const struct form *form, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < form->count; i++)
        count += strcmp(form->pairs[i].name, name) == 0;
    return count;
}
