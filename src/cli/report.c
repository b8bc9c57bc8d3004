#include "cli/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/terminal.h"

#define LINE_BYTES 1024
#define ERASE_LINE "\r\033[K"

static const char *const words[] = {"ok", "note", "note", "WRONG"};
static const char *const colours[] = {"\033[32m", "\033[33m", "\033[33m", "\033[1;31m"};

void report_open(struct report *report, bool json)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    bool dumb = term == NULL || strcmp(term, "dumb") == 0;

    memset(report, 0, sizeof(*report));
    report->json = json;
    report->colours = isatty(STDOUT_FILENO) && !dumb && (no_color == NULL || no_color[0] == '\0');
    report->progress = isatty(STDERR_FILENO) && !dumb;
}

static void print_remedies(const struct report *report, struct buf *out, const char *check)
{
    const struct remedy *remedy = NULL;

    while ((remedy = remedy_next(remedy, check, report->web)) != NULL) {
        buf_printf(out, "      %s:\n", remedy->where);
        for (const char *line = remedy->line; *line != '\0'; line += line[0] == '\n') {
            int len = (int)strcspn(line, "\n");

            buf_printf(out, "          %s%.*s%s\n", report->colours ? "\033[1m" : "", len, line,
                       report->colours ? "\033[0m" : "");
            line += len;
        }
    }
}

static void put(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":", name);
    buf_json(out, text, strlen(text));
}

static void write_remedies(const struct report *report, struct buf *out, const char *check)
{
    const struct remedy *remedy = NULL;
    bool first = true;

    while ((remedy = remedy_next(remedy, check, report->web)) != NULL) {
        buf_str(out, first ? "{" : ",{");
        put(out, "where", remedy->where);
        buf_char(out, ',');
        put(out, "line", remedy->line);
        buf_char(out, '}');
        first = false;
    }
}

static void add_json(struct report *report, enum verdict verdict, const char *check,
                     const char *line)
{
    struct buf *out = &report->checks;

    buf_str(out, out->len > 0 ? ",{" : "{");
    put(out, "check", check);
    buf_char(out, ',');
    put(out, "result", verdict == REPORT_WRONG ? "wrong" : words[verdict]);
    buf_char(out, ',');
    put(out, "saw", line);
    buf_str(out, ",\"mend\":[");
    if (verdict >= REPORT_ADVICE)
        write_remedies(report, out, check);
    buf_str(out, "]}");
}

static void print_text(const struct report *report, enum verdict verdict, const char *check,
                       const char *line)
{
    struct buf out = BUF_INIT;

    buf_printf(&out, "%s%-5s%s %-15s %s\n", report->colours ? colours[verdict] : "", words[verdict],
               report->colours ? "\033[0m" : "", check, line);
    if (verdict >= REPORT_ADVICE)
        print_remedies(report, &out, check);
    terminal_write(out.data, out.len);
    buf_free(&out);
}

void report_say(struct report *report, enum verdict verdict, const char *check, const char *format,
                ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    terminal_defuse(line);
    if (!utf8_valid(line, strlen(line)))
        for (char *p = line; *p != '\0'; p++)
            if ((unsigned char)*p >= 0x80)
                *p = '?';
    report->counts[verdict]++;
    report_progress(report, "%s", "");
    if (report->json)
        add_json(report, verdict, check, line);
    else
        print_text(report, verdict, check, line);
}

void report_progress(struct report *report, const char *format, ...)
{
    va_list args;

    if (!report->progress)
        return;
    fputs(ERASE_LINE, stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}

void report_close(struct report *report, const char *url, const char *server)
{
    unsigned wrong = report->counts[REPORT_WRONG];
    unsigned notes = report->counts[REPORT_NOTE] + report->counts[REPORT_ADVICE];
    struct buf out = BUF_INIT;

    report_progress(report, "%s", "");
    if (report->json) {
        buf_char(&out, '{');
        put(&out, "url", url);
        buf_char(&out, ',');
        put(&out, "server", server);
        buf_char(&out, ',');
        put(&out, "webServer", remedy_webs[report->web]);
        buf_printf(&out, ",\"wrong\":%u,\"notes\":%u,\"checks\":[", wrong, notes);
        buf_append(&out, report->checks.data, report->checks.len);
        buf_str(&out, "]}\n");
    } else if (wrong > 0) {
        buf_printf(&out, "\n%u wrong, %u to note, %u well\n", wrong, notes,
                   report->counts[REPORT_OK]);
    } else {
        buf_printf(&out, "\nall well: %u checks, %u to note\n", report->counts[REPORT_OK], notes);
    }
    terminal_write(out.data, out.len);
    buf_free(&out);
    buf_free(&report->checks);
}
