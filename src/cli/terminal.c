#include "cli/terminal.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/cli.h"

#define LINE_MAX_BYTES 2048

static bool terminal_notices;

void terminal_open(bool verbose)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    setlocale(LC_CTYPE, "");
    sigaction(SIGPIPE, &ignore, NULL);
    terminal_notices = verbose || isatty(STDERR_FILENO);
}

void terminal_defuse(char *text)
{
    const unsigned char *from = (const unsigned char *)text;
    char *to = text;

    for (; *from != '\0'; from++) {
        bool is_c1 = *from == 0xc2 && from[1] >= 0x80 && from[1] < 0xa0;

        *to++ = is_c1 || *from < 0x20 || *from == 0x7f ? '?' : (char)*from;
        from += is_c1;
    }
    *to = '\0';
}

static void print(const char *format, va_list args)
{
    char line[LINE_MAX_BYTES];

    vsnprintf(line, sizeof(line), format, args);
    terminal_defuse(line);
    fprintf(stderr, "earshot: %s\n", line);
}

void terminal_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(format, args);
    va_end(args);
}

void terminal_notice(const char *format, ...)
{
    va_list args;

    if (!terminal_notices)
        return;
    va_start(args, format);
    print(format, args);
    va_end(args);
}

/* How wide is it? -1 for what is not shown: control characters and what orders text (UAX 9). */
static int width_of(wchar_t c)
{
    if (c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
        (c >= 0x2060 && c <= 0x206f) || c == 0xfeff)
        return -1;
    return wcwidth(c);
}

void terminal_cell(struct buf *out, const char *text, int columns)
{
    int room = columns < 0 ? -columns : columns;
    struct buf cell = BUF_INIT;
    mbstate_t state = {0};
    wchar_t c;

    while (*text != '\0') {
        size_t len = mbrtowc(&c, text, strlen(text), &state);
        bool bad = len == (size_t)-1 || len == (size_t)-2;
        int width = bad ? -1 : width_of(c);

        if ((width < 0 ? 1 : width) > room)
            break;
        room -= width < 0 ? 1 : width;
        buf_append(&cell, width < 0 ? "?" : text, width < 0 ? 1 : len);
        text += bad ? 1 : len;
        if (bad)
            memset(&state, 0, sizeof(state));
    }
    for (int i = 0; columns < 0 && i < room; i++)
        buf_char(out, ' ');
    buf_append(out, cell.len > 0 ? cell.data : "", cell.len);
    for (int i = 0; columns >= 0 && i < room; i++)
        buf_char(out, ' ');
    buf_free(&cell);
}

void terminal_write(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, text, len);

        if (n >= 0) {
            text += n;
            len -= (size_t)n;
        } else if (errno == EPIPE) {
            exit(CLI_DONE);
        } else if (errno == EAGAIN) {
            /* Someone made the terminal non-blocking. */
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            terminal_error("cannot write to standard output: %s", strerror(errno));
            exit(CLI_REFUSED);
        }
    }
}

bool terminal_reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = 0};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}
