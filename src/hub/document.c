#include "hub/document.h"

#include <sodium.h>
#include <string.h>

#include "base/html.h"
#include "event/markup.h"
#include "hub/connection.h"
#include "hub/outgoing.h"

#define SPARE_MS 10000 /* a heartbeat may be late */

/* Words for an end; `comes_back`: by itself. */
static const struct {
    const char *reason;
    const char *words;
    bool comes_back, link;
} ends[] = {
    {"age", "Reconnecting.", true, true},
    {"done", "That was all that was asked for.", false, true},
    {"restart", "The server restarts. Reconnecting.", true, true},
    {"expired", "You are no longer signed in.", false, false},
    {"revoked", "You may no longer read here.", false, false},
    {"banned", "You are banned from this room.", false, false},
    {"kicked", "You were sent out of this room.", false, true},
};

/* Its own address, with where it stands now. */
static void append_address(struct buf *out, const struct connection *c)
{
    html_text(out, outgoing_again(c));
    outgoing_cursor(out, c);
}

static void append_title(struct buf *out, const struct connection *c)
{
    html_raw(out, "Messages in ");
    for (unsigned i = 0; i < c->members_count; i++) {
        html_raw(out, i > 0 ? ", " : "");
        html_text(out, c->members[i].room->name);
    }
}

void document_head(struct buf *out, const struct connection *c, int64_t heartbeat_ms)
{
    buf_printf(out,
               "Content-Security-Policy: default-src 'none'; style-src 'self' 'nonce-%s'; "
               "base-uri 'self'; form-action 'self'; frame-ancestors 'self'\r\n"
               "Referrer-Policy: same-origin\r\n\r\n",
               outgoing_nonce(c));
    html_raw(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    append_title(out, c);
    /* rooms/{r}/events, or events. */
    html_print(out,
               "</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n"
               "<base href=\"%s\" target=\"_top\">\n<link rel=\"stylesheet\" href=\"page.css\">\n",
               c->many ? "./" : "../../");
    document_style(out, c);
    html_print(out,
               ".lost{animation-delay:%lldms}</style>\n</head>\n<body class=\"stream %s\">\n"
               "<main tabindex=\"0\" aria-label=\"Messages\">\n<h1>",
               (long long)heartbeat_ms * 2 + SPARE_MS, c->many ? "many" : "one");
    append_title(out, c);
    html_raw(out, "</h1>\n<div id=\"log\" role=\"log\">\n");
    html_raw(out, outgoing_before(c));
}

void document_style(struct buf *out, const struct connection *c)
{
    html_print(out, "<style nonce=\"%s\">", outgoing_nonce(c));
}

void document_beat(struct buf *out, const struct connection *c)
{
    if (c->state != CONNECTION_OPEN) {
        html_raw(out, "<!-- -->\n");
        return;
    }
    html_raw(out, "<div class=\"lost\">The connection seems lost. <a target=\"_self\" href=\"");
    append_address(out, c);
    html_raw(out, "\">Reconnect</a></div>\n");
}

void document_end(struct buf *out, const struct connection *c, const char *reason)
{
    size_t i = 0;
    bool open = c->state == CONNECTION_OPEN;

    while (i + 1 < sizeof(ends) / sizeof(ends[0]) && strcmp(ends[i].reason, reason) != 0)
        i++;
    html_print(out, "<div class=\"end\" id=\"end\">%s", ends[i].words);
    if (ends[i].link && open) {
        html_raw(out, " <a target=\"_self\" href=\"");
        append_address(out, c);
        html_raw(out, "\">Go on</a>");
    }
    if (!ends[i].comes_back && !ends[i].link)
        html_raw(out, " <a href=\"rooms?as=html\">Rooms</a>");
    html_raw(out, "</div>\n");
    if (!ends[i].comes_back)
        return;
    /* Not all within one second; one that never stood anywhere begins as it began. */
    html_print(out, "<meta http-equiv=\"refresh\" content=\"%d",
               strcmp(reason, "age") == 0 ? 1 : 1 + (int)randombytes_uniform(3));
    if (open) {
        html_raw(out, ";url=");
        append_address(out, c);
    }
    html_raw(out, "\">\n");
}

void document_refusal(struct buf *out, const char *detail, bool again)
{
    html_raw(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<title>Messages</title>\n");
    if (again)
        html_raw(out, "<meta http-equiv=\"refresh\" content=\"3\">\n");
    html_print(out,
               "</head>\n<body>\n<main>\n<h1>There are no messages to be had now</h1>\n"
               "<p>%s</p>\n</main>\n</body>\n</html>\n",
               detail);
}
