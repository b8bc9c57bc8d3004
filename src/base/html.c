#include "base/html.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* How many bytes at `s` are not written as they are; what stands for them is in `to`. */
static size_t replace(const char *s, size_t len, bool lines, char to[8])
{
    unsigned char c = (unsigned char)s[0];
    const char *name = NULL;

    switch (c) {
    case '&':
        name = "&amp;";
        break;
    case '<':
        name = "&lt;";
        break;
    case '>':
        name = "&gt;";
        break;
    case '"':
        name = "&quot;";
        break;
    case '\'':
        name = "&#39;";
        break;
    case '\n':
    case '\r':
        name = lines ? "<br>\n" : "\n";
        break;
    default:
        break;
    }
    if (name != NULL) {
        strcpy(to, name);
        return c == '\r' && len > 1 && s[1] == '\n' ? 2 : 1;
    }
    if (c == 0x7f || (c < 0x20 && c != '\t')) {
        snprintf(to, 8, "\xe2\x90%c", c == 0x7f ? 0xa1 : 0x80 + c);
        return 1;
    }
    if (c == 0xc2 && len > 1 && (unsigned char)s[1] < 0xa0 && (unsigned char)s[1] >= 0x80) {
        strcpy(to, "\xef\xbf\xbd"); /* C1 has no pictures */
        return 2;
    }
    return 0;
}

static void append(struct buf *out, const char *text, size_t len, bool lines)
{
    size_t start = 0, i = 0;

    while (i < len) {
        char to[8];
        size_t skip = replace(text + i, len - i, lines, to);

        if (skip == 0) {
            i++;
            continue;
        }
        buf_append(out, text + start, i - start);
        buf_str(out, to);
        i += skip;
        start = i;
    }
    buf_append(out, text + start, len - start);
}

void html_bytes(struct buf *out, const char *text, size_t len)
{
    append(out, text, len, false);
}

void html_text(struct buf *out, const char *text)
{
    append(out, text, strlen(text), false);
}

void html_lines(struct buf *out, const char *text, size_t len)
{
    append(out, text, len, true);
}

void html_print(struct buf *out, const char *markup, ...)
{
    va_list args;

    va_start(args, markup);
    for (;;) {
        size_t len = strcspn(markup, "%");

        buf_append(out, markup, len);
        markup += len;
        if (*markup == '\0')
            break;
        if (strncmp(markup, "%lld", 4) == 0) {
            buf_printf(out, "%lld", va_arg(args, long long));
            markup += 4;
            continue;
        }
        if (markup[1] == 's')
            html_text(out, va_arg(args, const char *));
        else if (markup[1] == 'd')
            buf_printf(out, "%d", va_arg(args, int));
        else
            buf_char(out, '%');
        markup += markup[1] != '\0' ? 2 : 1;
    }
    va_end(args);
}

void html_query(struct buf *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text != '\0'; text++)
        if (strchr(plain, *text) != NULL)
            buf_char(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
}

void html_raw(struct buf *out, const char *markup)
{
    buf_str(out, markup);
}
