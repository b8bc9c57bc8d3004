#include "http/json.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* A decoded key, within reader.decoded. */
struct key {
    size_t at;
    size_t len;
};

struct reader {
    const char *text;
    size_t len;
    size_t at;
    int depth; /* recursion follows it, so it bounds the stack too */
    struct buf decoded;
    struct key *keys; /* of all objects that are open, innermost last */
    size_t keys_count;
    size_t keys_room;
    struct json_fault *fault;
};

static int value(struct reader *r);

static int fail_at(struct reader *r, size_t offset, const char *reason)
{
    *r->fault = (struct json_fault){reason, offset};
    return -1;
}

static int fail(struct reader *r, const char *reason)
{
    return fail_at(r, r->at, r->at < r->len ? reason : "the text ends too early");
}

static bool is_at(const struct reader *r, char c)
{
    return r->at < r->len && r->text[r->at] == c;
}

static bool is_digit(const struct reader *r)
{
    return r->at < r->len && r->text[r->at] >= '0' && r->text[r->at] <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct reader *r)
{
    while (r->at < r->len && is_space(r->text[r->at]))
        r->at++;
}

static int literal(struct reader *r, const char *word)
{
    size_t len = strlen(word);

    if (r->len - r->at < len || memcmp(r->text + r->at, word, len) != 0)
        return fail_at(r, r->at, "a value was expected");
    r->at += len;
    return 0;
}

/* Is the number one that json-c keeps as it is? */
static bool in_range(const char *number, size_t len, bool whole)
{
    char *copy = mem_strndup(number, len);
    bool fits;

    errno = 0;
    if (!whole)
        fits = isfinite(strtod(copy, NULL));
    else if (copy[0] == '-')
        fits = strtoll(copy, NULL, 10) <= 0 && errno == 0;
    else
        fits = strtoull(copy, NULL, 10) <= UINT64_MAX && errno == 0;
    free(copy);
    return fits;
}

static int digits(struct reader *r)
{
    if (!is_digit(r))
        return fail(r, "a digit was expected");
    while (is_digit(r))
        r->at++;
    return 0;
}

static int number(struct reader *r)
{
    size_t start = r->at;
    bool whole = true;

    r->at += is_at(r, '-');
    if (is_at(r, '0'))
        r->at++;
    else if (digits(r) < 0)
        return -1;
    if (is_digit(r))
        return fail(r, "a number must not begin with 0");
    if (is_at(r, '.')) {
        whole = false;
        r->at++;
        if (digits(r) < 0)
            return -1;
    }
    if (is_at(r, 'e') || is_at(r, 'E')) {
        whole = false;
        r->at++;
        r->at += is_at(r, '+') || is_at(r, '-');
        if (digits(r) < 0)
            return -1;
    }
    if (!in_range(r->text + start, r->at - start, whole))
        return fail_at(r, start, "a number is out of range");
    return 0;
}

/* Reads XXXX of \uXXXX. Returns the code unit or -1. */
static int code_unit(struct reader *r)
{
    int unit = 0;

    for (int i = 0; i < 4; i++, r->at++) {
        char c = r->at < r->len ? r->text[r->at] : '\0';

        if (c >= '0' && c <= '9')
            unit = unit * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            unit = unit * 16 + (c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            unit = unit * 16 + (c - 'A') + 10;
        else
            return fail(r, "\\u needs four hexadecimal digits");
    }
    return unit;
}

static void append_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_char(out, (char)c);
    } else if (c < 0x800) {
        buf_char(out, (char)(0xc0 | c >> 6));
        buf_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_char(out, (char)(0xe0 | c >> 12));
        buf_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_char(out, (char)(0xf0 | c >> 18));
        buf_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

/* Behind "\u". Characters past U+FFFF are written as two units, a high and a low surrogate. */
static int unicode_escape(struct reader *r, struct buf *out)
{
    size_t start = r->at - 2;
    int unit = code_unit(r), low;

    if (unit < 0)
        return -1;
    if (unit == 0)
        return fail_at(r, start, "\\u0000 is not allowed");
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return fail_at(r, start, "a lone surrogate is no character");
    if (unit < 0xd800 || unit > 0xdbff) {
        if (out != NULL)
            append_utf8(out, (uint32_t)unit);
        return 0;
    }
    if (r->len - r->at < 2 || r->text[r->at] != '\\' || r->text[r->at + 1] != 'u')
        return fail_at(r, start, "a lone surrogate is no character");
    r->at += 2;
    low = code_unit(r);
    if (low < 0)
        return -1;
    if (low < 0xdc00 || low > 0xdfff)
        return fail_at(r, start, "a lone surrogate is no character");
    if (out != NULL)
        append_utf8(out, 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
    return 0;
}

/* Behind the backslash. */
static int escape(struct reader *r, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (is_at(r, 'u')) {
        r->at++;
        return unicode_escape(r, out);
    }
    found = r->at < r->len && r->text[r->at] != '\0' ? strchr(from, r->text[r->at]) : NULL;
    if (found == NULL)
        return fail(r, "there is no such escape");
    if (out != NULL)
        buf_char(out, to[found - from]);
    r->at++;
    return 0;
}

/* Reads a string, and appends it decoded to `out` unless that is NULL. */
static int string(struct reader *r, struct buf *out)
{
    if (!is_at(r, '"'))
        return fail(r, "a string was expected");
    r->at++;
    while (!is_at(r, '"')) {
        if (r->at >= r->len)
            return fail(r, "");
        if ((unsigned char)r->text[r->at] < 0x20)
            return fail(r, "a control character in a string must be escaped");
        if (is_at(r, '\\')) {
            r->at++;
            if (escape(r, out) < 0)
                return -1;
            continue;
        }
        if (out != NULL)
            buf_char(out, r->text[r->at]);
        r->at++;
    }
    r->at++;
    return 0;
}

static int compare_keys(const void *a, const void *b, void *decoded)
{
    const struct key *x = a, *y = b;
    const char *base = ((struct buf *)decoded)->data;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return x->len > 0 ? memcmp(base + x->at, base + y->at, x->len) : 0;
}

/* Forgets the keys from `first` on. Returns -1 when two of them are the same; sorted first, since
 * an object of many thousand keys must not cost the square of that. */
static int close_keys(struct reader *r, size_t first, size_t object_at)
{
    size_t count = r->keys_count - first;
    int result = 0;

    if (count > 1)
        qsort_r(r->keys + first, count, sizeof(struct key), compare_keys, &r->decoded);
    for (size_t i = first + 1; i < r->keys_count; i++)
        if (compare_keys(&r->keys[i - 1], &r->keys[i], &r->decoded) == 0)
            result = fail_at(r, object_at, "a key stands twice in this object");
    r->keys_count = first;
    return result;
}

static int member_key(struct reader *r)
{
    struct key key = {r->decoded.len, 0};

    if (string(r, &r->decoded) < 0)
        return -1;
    key.len = r->decoded.len - key.at;
    if (r->keys_count == r->keys_room) {
        r->keys_room = r->keys_room > 0 ? r->keys_room * 2 : 16;
        r->keys = mem_resize(r->keys, r->keys_room * sizeof(struct key));
    }
    r->keys[r->keys_count++] = key;
    return 0;
}

static int member(struct reader *r)
{
    skip_space(r);
    if (member_key(r) < 0)
        return -1;
    skip_space(r);
    if (!is_at(r, ':'))
        return fail(r, "a colon was expected");
    r->at++;
    skip_space(r);
    return value(r);
}

static int element(struct reader *r)
{
    skip_space(r);
    return value(r);
}

/* Reads an object's members or an array's elements, from behind the opening bracket to behind the
 * closing one. */
static int list(struct reader *r, char close, int (*item)(struct reader *r))
{
    if (r->depth >= JSON_DEPTH_MAX)
        return fail_at(r, r->at - 1, "it is nested more than 32 deep");
    r->depth++;
    skip_space(r);
    if (!is_at(r, close)) {
        for (;;) {
            if (item(r) < 0)
                return -1;
            skip_space(r);
            if (!is_at(r, ','))
                break;
            r->at++;
        }
    }
    if (!is_at(r, close))
        return fail(r, close == '}' ? "a comma or } was expected" : "a comma or ] was expected");
    r->at++;
    r->depth--;
    return 0;
}

static int object(struct reader *r)
{
    size_t first = r->keys_count, start = r->at;

    r->at++;
    if (list(r, '}', member) < 0)
        return -1;
    return close_keys(r, first, start);
}

static int value(struct reader *r)
{
    switch (r->at < r->len ? r->text[r->at] : '\0') {
    case '{':
        return object(r);
    case '[':
        r->at++;
        return list(r, ']', element);
    case '"':
        return string(r, NULL);
    case 't':
        return literal(r, "true");
    case 'f':
        return literal(r, "false");
    case 'n':
        return literal(r, "null");
    default:
        if (is_at(r, '-') || is_digit(r))
            return number(r);
        return fail(r, "a value was expected");
    }
}

/* Where the text stops being UTF-8, or `len`. */
static size_t utf8_end(const char *text, size_t len)
{
    size_t at = 0;

    if (utf8_valid(text, len))
        return len;
    while (at < len) {
        unsigned char c = (unsigned char)text[at];
        size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

        if (n > len - at || !utf8_valid(text + at, n))
            break;
        at += n;
    }
    return at;
}

static void reader_done(struct reader *r)
{
    buf_free(&r->decoded);
    free(r->keys);
}

int json_check(const char *text, size_t len, struct json_fault *fault)
{
    struct reader r = {.text = text, .len = len, .fault = fault};
    size_t valid = utf8_end(text, len);
    int result;

    if (valid < len)
        return fail_at(&r, valid, "it is not well-formed UTF-8, or holds a zero byte");
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return fail_at(&r, 0, "it begins with a byte order mark");
    skip_space(&r);
    result = value(&r);
    skip_space(&r);
    if (result == 0 && r.at < r.len)
        result = fail(&r, "something stands behind the value");
    reader_done(&r);
    return result;
}

struct json_object *json_read(const char *text, size_t len, struct json_fault *fault)
{
    struct json_tokener *tokener;
    struct json_object *read;

    if (json_check(text, len, fault) < 0)
        return NULL;
    *fault = (struct json_fault){"it is not an object", 0};
    tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    if (tokener == NULL || len > INT32_MAX)
        return NULL;
    read = json_tokener_parse_ex(tokener, text, (int)len);
    json_tokener_free(tokener);
    if (read != NULL && !json_object_is_type(read, json_type_object)) {
        json_object_put(read);
        read = NULL;
    }
    return read;
}

bool json_slice(const char *text, size_t len, const char *name, const char **slice,
                size_t *slice_len)
{
    struct json_fault fault;
    struct reader r = {.text = text, .len = len, .fault = &fault};
    struct buf key = BUF_INIT;
    bool found = false;

    skip_space(&r);
    while (!found && (is_at(&r, '{') || is_at(&r, ','))) {
        size_t start;

        r.at++;
        skip_space(&r);
        buf_clear(&key);
        if (string(&r, &key) < 0)
            break;
        skip_space(&r);
        r.at++; /* the colon */
        skip_space(&r);
        start = r.at;
        if (value(&r) < 0)
            break;
        found = key.len == strlen(name) && (key.len == 0 || memcmp(key.data, name, key.len) == 0);
        *slice = text + start;
        *slice_len = r.at - start;
        skip_space(&r);
    }
    buf_free(&key);
    reader_done(&r);
    return found;
}

void json_compact(struct buf *out, const char *text, size_t len)
{
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        if (!in_string && is_space(text[i]))
            continue;
        buf_char(out, text[i]);
        if (in_string && text[i] == '\\' && i + 1 < len)
            buf_char(out, text[++i]);
        else if (text[i] == '"')
            in_string = !in_string;
    }
}
