#include "base/logline.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"

/* Where contents end, so that what closes the line always fits. */
#define SOFT_END (LOGLINE_MAX - 128)
#define MSG_END (LOGLINE_MAX / 2)
#define NUMBER_BYTES 32

const char *const logline_levels[] = {"error", "warn", "info", "debug", NULL};
const char *const logline_forms[] = {"text", "json", NULL};

/* --- taking an entry in --- */

/* So that functions can share it: a va_list itself may be an array. */
struct arguments {
    va_list list;
};

static struct logline_piece *add_piece(struct logline *line, enum logline_kind kind)
{
    struct logline_piece *piece;

    if (line->pieces_count == LOGLINE_PIECES)
        return NULL;
    piece = &line->pieces[line->pieces_count++];
    *piece = (struct logline_piece){.kind = kind, .at = line->len};
    return piece;
}

static void add_bytes(struct logline *line, struct logline_piece *piece, const char *s, size_t len)
{
    size_t room = LOGLINE_BYTES - line->len;

    if (piece == NULL)
        return;
    if (len > LOGLINE_VALUE_MAX)
        len = LOGLINE_VALUE_MAX;
    if (len > room)
        len = room;
    memcpy(line->bytes + line->len, s, len);
    line->len += len;
    piece->len += len;
}

/* One conversion of the format. */
struct conversion {
    size_t len;    /* of its text */
    int precision; /* -1 = none */
    int size;      /* 0 int, 1 long, 2 long long, 3 size_t */
    char type;
};

static struct conversion read_conversion(const char *s, struct arguments *args)
{
    struct conversion c = {.precision = -1};
    const char *at = s + 1;

    at += strspn(at, "-+ #0123456789");
    if (*at == '.' && at[1] == '*') {
        c.precision = va_arg(args->list, int);
        at += 2;
    } else if (*at == '.') {
        char *end;
        c.precision = (int)strtol(at + 1, &end, 10);
        at = end;
    }
    for (; strchr("lzhj", *at) != NULL && *at != '\0'; at++)
        c.size = *at == 'l' ? c.size + 1 : *at == 'z' ? 3 : *at == 'j' ? 2 : 0;
    c.type = *at;
    c.len = (size_t)(at - s) + (*at != '\0');
    return c;
}

static long long next_signed(struct arguments *args, int size)
{
    return size == 0   ? va_arg(args->list, int)
           : size == 1 ? va_arg(args->list, long)
           : size == 2 ? va_arg(args->list, long long)
                       : (long long)va_arg(args->list, size_t);
}

static unsigned long long next_unsigned(struct arguments *args, int size)
{
    return size == 0   ? va_arg(args->list, unsigned)
           : size == 1 ? va_arg(args->list, unsigned long)
           : size == 2 ? va_arg(args->list, unsigned long long)
                       : va_arg(args->list, size_t);
}

static void add_string(struct logline *line, struct logline_piece *piece,
                       const struct conversion *c, const char *value)
{
    if (value == NULL)
        value = "(null)";
    add_bytes(line, piece, value,
              c->precision >= 0 ? strnlen(value, (size_t)c->precision) : strlen(value));
}

/* Formats what comes next into the piece, and says what it is. */
static void convert(struct logline *line, struct logline_piece *piece, const struct conversion *c,
                    struct arguments *args)
{
    enum logline_kind kind = LOGLINE_NUMBER;
    char text[NUMBER_BYTES * 2] = "";
    double real;

    switch (c->type) {
    case 's':
        add_string(line, piece, c, va_arg(args->list, const char *));
        return;
    case 'd':
    case 'i':
        snprintf(text, sizeof(text), "%lld", next_signed(args, c->size));
        break;
    case 'u':
        snprintf(text, sizeof(text), "%llu", next_unsigned(args, c->size));
        break;
    case 'x':
        snprintf(text, sizeof(text), "%llx", next_unsigned(args, c->size));
        kind = LOGLINE_STRING;
        break;
    case 'f':
        real = va_arg(args->list, double);
        if (fabs(real) < 1e18)
            snprintf(text, sizeof(text), "%.*f", c->precision >= 0 ? c->precision % 10 : 6, real);
        else
            kind = LOGLINE_STRING;
        break;
    default:
        assert(!"a conversion that the log does not know");
    }
    if (piece != NULL && piece->kind == LOGLINE_STRING)
        piece->kind = piece->quoted ? LOGLINE_STRING : kind;
    add_bytes(line, piece, text, strlen(text));
}

static bool is_key(char c)
{
    return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '_';
}

/* Does a key end the literal text, `key=` or `key="`? Returns its length, or 0. */
static size_t find_key(const char *text, size_t len, bool *quoted)
{
    size_t end = len, start;

    *quoted = end > 0 && text[end - 1] == '"';
    end -= *quoted;
    if (end == 0 || text[end - 1] != '=')
        return 0;
    start = --end;
    while (start > 0 && is_key(text[start - 1]))
        start--;
    return start == 0 || text[start - 1] == ' ' || text[start - 1] == '(' ? end - start : 0;
}

/* Is the conversion all of the value? */
static bool ends_value(const char *rest, bool quoted)
{
    if (quoted)
        return *rest == '"';
    rest += *rest != '\0' && strchr(",;:)", *rest) != NULL;
    return *rest == '\0' || *rest == ' ';
}

/* Takes the literal text up to a conversion and the conversion. Returns what is behind. */
static const char *take_conversion(struct logline *line, const char *text, size_t len,
                                   struct arguments *args)
{
    struct conversion c = read_conversion(text + len, args);
    const char *rest = text + len + c.len;
    bool quoted;
    size_t key_len = find_key(text, len, &quoted), tail = key_len + 1 + quoted;
    struct logline_piece *piece;

    if (key_len == 0 || !ends_value(rest, quoted))
        tail = 0;
    if (len > tail)
        add_bytes(line, add_piece(line, LOGLINE_TEXT), text, len - tail);
    piece = add_piece(line, tail > 0 ? LOGLINE_STRING : LOGLINE_TEXT);
    if (piece != NULL && tail > 0) {
        piece->key = text + len - tail;
        piece->key_len = key_len;
        piece->quoted = quoted;
    }
    convert(line, piece, &c, args);
    return rest + (tail > 0 && quoted);
}

void logline_take(struct logline *line, const char *format, va_list list)
{
    struct arguments args;

    line->len = line->pieces_count = 0;
    va_copy(args.list, list);
    while (*format != '\0') {
        size_t len = strcspn(format, "%");

        if (format[len] == '%' && format[len + 1] != '%') {
            format = take_conversion(line, format, len, &args);
            continue;
        }
        len += format[len] == '%'; /* %% is one */
        add_bytes(line, add_piece(line, LOGLINE_TEXT), format, len);
        format += len + (len > 0 && format[len - 1] == '%');
    }
    va_end(args.list);
}

/* --- writing it --- */

struct writer {
    char *out;
    size_t len;
    size_t end; /* no content past it */
};

static void put(struct writer *w, const char *s, size_t len)
{
    if (len > LOGLINE_MAX - w->len) /* never: content ends before */
        return;
    memcpy(w->out + w->len, s, len);
    w->len += len;
}

static void put_str(struct writer *w, const char *s)
{
    put(w, s, strlen(s));
}

/* One character of a JSON string. */
static void put_json_char(struct writer *w, const char *s, size_t len)
{
    unsigned char c = (unsigned char)*s, next = len == 2 ? (unsigned char)s[1] : 0;
    char escaped[8];

    if (len == 0)
        put_str(w, "\\ufffd");
    else if (c == '"' || c == '\\')
        put(w, (const char[]){'\\', *s}, 2);
    else if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
        put(w, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\u%04x", len == 2 ? next : c));
    else
        put(w, s, len);
}

/* One character of text; `quoted`: within quotes. */
static void put_text_char(struct writer *w, const char *s, size_t len, bool quoted)
{
    unsigned char c = (unsigned char)*s;

    if (len == 0 || c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0))
        put(w, "?", 1);
    else if (quoted && (c == '"' || c == '\\'))
        put(w, (const char[]){'\\', *s}, 2);
    else
        put(w, s, len);
}

static void put_content(struct writer *w, const char *s, size_t len, bool json, bool quoted)
{
    while (len > 0 && w->len + 6 <= w->end) {
        size_t n = utf8_sequence(s, len), step = n > 0 ? n : 1;

        if (json)
            put_json_char(w, s, n);
        else
            put_text_char(w, s, n, quoted);
        s += step;
        len -= step;
    }
}

/* May the value stand without quotes? */
static bool is_bare(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] == ' ' || s[i] == '"' || s[i] == '=')
            return false;
    return len > 0;
}

/* A pair as text. */
static void put_pair(struct writer *w, const struct logline *line, const struct logline_piece *p,
                     bool json)
{
    const char *value = line->bytes + p->at;
    bool quoted = p->kind == LOGLINE_STRING && (p->quoted || !is_bare(value, p->len));

    if (w->len + p->key_len + 8 > w->end)
        return;
    put(w, p->key, p->key_len);
    put_str(w, !quoted ? "=" : json ? "=\\\"" : "=\"");
    put_content(w, value, p->len, json, quoted);
    if (quoted)
        put_str(w, json ? "\\\"" : "\"");
}

static void put_message(struct writer *w, const struct logline *line, size_t count, bool json)
{
    for (size_t i = 0; i < count; i++) {
        const struct logline_piece *p = &line->pieces[i];

        if (p->kind == LOGLINE_TEXT)
            put_content(w, line->bytes + p->at, p->len, json, false);
        else
            put_pair(w, line, p, json);
    }
}

static void write_text(struct writer *w, const struct logline *line, bool untimed)
{
    char stamp[CLOCK_TEXT], pid[NUMBER_BYTES];

    if (!untimed) {
        clock_format(stamp, line->wall_ms);
        put_str(w, stamp);
        put(w, " ", 1);
    }
    snprintf(pid, sizeof(pid), "[%d] ", line->pid);
    put_str(w, logline_levels[line->level]);
    put(w, " ", 1);
    put_str(w, line->role);
    put_str(w, pid);
    if (line->request != NULL) {
        put_str(w, "request=");
        put_content(w, line->request, strnlen(line->request, 64), false, false);
        put(w, " ", 1);
    }
    if (line->trace != NULL) {
        put_str(w, "trace=");
        put_content(w, line->trace, strnlen(line->trace, 64), false, false);
        put(w, " ", 1);
    }
    put_message(w, line, line->pieces_count, false);
}

/* How many pieces come before the pairs that end the message. */
static size_t before_pairs(const struct logline *line)
{
    size_t count = line->pieces_count;

    while (count > 0) {
        const struct logline_piece *p = &line->pieces[count - 1];

        if (p->kind == LOGLINE_TEXT)
            for (size_t i = 0; i < p->len; i++)
                if (strchr(" ,:;", line->bytes[p->at + i]) == NULL)
                    return count;
        count--;
    }
    return 0;
}

static void put_member(struct writer *w, const char *name, const char *value, size_t len)
{
    put_str(w, ",\"");
    put_str(w, name);
    put_str(w, "\":\"");
    put_content(w, value, len, true, false);
    put(w, "\"", 1);
}

/* Is there a member of this name? A quote within a string has a backslash before it, so nothing
 * else looks like one. */
static bool has_member(const struct writer *w, const struct logline_piece *p)
{
    char name[NUMBER_BYTES * 2];
    int len = snprintf(name, sizeof(name), ",\"%.*s\":", (int)p->key_len, p->key);

    return memmem(w->out, w->len, name, (size_t)len) != NULL ||
           (p->key_len == 4 && memcmp(p->key, "time", 4) == 0);
}

static void put_field(struct writer *w, const struct logline *line, const struct logline_piece *p)
{
    if (w->len + p->key_len + NUMBER_BYTES > w->end || p->key_len > NUMBER_BYTES ||
        has_member(w, p))
        return;
    put_str(w, ",\"");
    put(w, p->key, p->key_len);
    put_str(w, p->kind == LOGLINE_STRING ? "\":\"" : "\":");
    put_content(w, line->bytes + p->at, p->len, true, false);
    if (p->kind == LOGLINE_STRING)
        put(w, "\"", 1);
}

static void write_json(struct writer *w, const struct logline *line)
{
    char stamp[CLOCK_TEXT], pid[NUMBER_BYTES];
    const char *level = logline_levels[line->level];
    size_t start;

    clock_format(stamp, line->wall_ms);
    put_str(w, "{\"time\":\"");
    put_str(w, stamp);
    put(w, "\"", 1);
    put_member(w, "level", level, strlen(level));
    put_member(w, "role", line->role, strlen(line->role));
    snprintf(pid, sizeof(pid), ",\"pid\":%d", line->pid);
    put_str(w, pid);
    if (line->request != NULL)
        put_member(w, "request", line->request, strnlen(line->request, 64));
    if (line->trace != NULL)
        put_member(w, "trace", line->trace, strnlen(line->trace, 64));
    put_str(w, ",\"msg\":\"");
    start = w->len;
    w->end = MSG_END;
    put_message(w, line, before_pairs(line), true);
    while (w->len > start && strchr(" ,:;", w->out[w->len - 1]) != NULL)
        w->len--;
    w->end = SOFT_END;
    put(w, "\"", 1);
    for (size_t i = 0; i < line->pieces_count; i++)
        if (line->pieces[i].kind != LOGLINE_TEXT)
            put_field(w, line, &line->pieces[i]);
    put(w, "}", 1);
}

size_t logline_write(char out[LOGLINE_MAX], const struct logline *line, enum log_form form,
                     bool untimed)
{
    struct writer w = {.out = out, .end = SOFT_END};

    if (form == LOG_FORM_JSON)
        write_json(&w, line);
    else
        write_text(&w, line, untimed);
    put(&w, "\n", 1);
    return w.len;
}
