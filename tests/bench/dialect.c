#include "dialect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What Chrome sends with a fetch or an EventSource, and a cookie as sites have them: it decides
 * how much memory a web server takes for a request. */
#define BROWSER                                                                                    \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "          \
    "Chrome/130.0.0.0 Safari/537.36\r\n"                                                           \
    "Cache-Control: no-cache\r\n"                                                                  \
    "sec-ch-ua: \"Chromium\";v=\"130\", \"Google Chrome\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n" \
    "sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n"                                    \
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"             \
    "Referer: http://127.0.0.1/chat\r\nAccept-Language: en-US,en;q=0.9\r\n"                        \
    "Cookie: session=0123456789abcdef0123456789abcdef\r\n"

#define ENGINE "/socket.io/?EIO=4&transport="

static const char *const names[] = {"earshot", "nchan", "php", "socketio"};

/* What in its stream says that a listener is there; NULL: the reply's head. */
static const char *const hellos[] = {"event: hello", NULL, ": hello", "40{"};

int dialect_find(const char *name)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

__attribute__((format(printf, 2, 3))) static void say(struct client *c, const char *format, ...)
{
    char text[16384];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0 || len >= (int)sizeof text)
        client_die("a request is too long");
    client_write(c, text, (size_t)len);
}

static void say_get(struct client *c, const char *accept, const char *more, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void say_get(struct client *c, const char *accept, const char *more, const char *format, ...)
{
    char path[256];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    say(c, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s%s%s\r\n", path,
        accept[0] != '\0' ? "Accept: " : "", accept, accept[0] != '\0' ? "\r\n" : "",
        c->browser ? BROWSER : "", more);
}

static void say_post(struct client *c, const char *path, const char *body)
{
    const char *who = getenv("BENCH_AUTHORIZATION");

    say(c,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n%s%s%s"
        "Content-Length: %zu\r\n\r\n%s",
        path, who != NULL ? "Authorization: " : "", who != NULL ? who : "",
        who != NULL ? "\r\n" : "", strlen(body), body);
}

/* A text frame, masked with a key of zeros: RFC 6455 wants a mask, and this one costs nothing. */
static void say_frame(struct client *c, const char *text)
{
    unsigned char frame[8 + 16384] = {0x81};
    size_t len = strlen(text), head;

    if (len > 16384)
        client_die("a frame is too long");
    if (len < 126) {
        frame[1] = (unsigned char)(0x80 | len);
        head = 6;
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(len >> 8);
        frame[3] = (unsigned char)len;
        head = 8;
    }
    memcpy(frame + head, text, len);
    client_write(c, (const char *)frame, head + len);
}

static void greet_stream(enum dialect dialect, struct client *c)
{
    char more[CLIENT_VALUE + 32] = "";

    if (c->cursor[0] != '\0')
        snprintf(more, sizeof more, "Last-Event-ID: %s\r\n", c->cursor);
    say_get(c, "text/event-stream", more,
            dialect == DIALECT_NCHAN ? "/sub/r%u"
            : dialect == DIALECT_PHP ? "/listen.php?room=r%u"
                                     : "/chat/v1/rooms/r%u/events",
            c->room);
}

static void ask_poll(enum dialect dialect, struct client *c)
{
    char more[2 * CLIENT_VALUE + 64] = "";

    if (c->cursor[0] != '\0')
        snprintf(more, sizeof more, "If-None-Match: %s\r\n", c->cursor);
    if (c->since[0] != '\0')
        snprintf(more + strlen(more), sizeof more - strlen(more), "If-Modified-Since: %s\r\n",
                 c->since);
    say_get(c, "*/*", more, dialect == DIALECT_NCHAN ? "/sub/r%u" : "/chat/v1/rooms/r%u/events",
            c->room);
    c->ready = true;
}

/* engine.io by long-poll: a session, then the namespace, then its answer, then polls. */
static void greet_engine_poll(struct client *c)
{
    char path[CLIENT_VALUE + 64];

    if (c->step == 0) {
        say_get(c, "*/*", "", ENGINE "polling&room=r%u", c->room);
        return;
    }
    snprintf(path, sizeof path, ENGINE "polling&sid=%s", c->cursor);
    if (c->step == 1)
        say_post(c, path, "40");
    else
        say_get(c, "*/*", "", "%s", path);
}

static void greet_engine(struct client *c)
{
    if (c->step == 0)
        say_get(c, "",
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n",
                ENGINE "websocket&room=%s%u", c->kind == CLIENT_PUBLISHER ? "none" : "r", c->room);
    else
        say_frame(c, "40");
}

void dialect_greet(enum dialect dialect, struct client *c)
{
    if (dialect == DIALECT_SOCKETIO && c->form == CLIENT_POLL)
        greet_engine_poll(c);
    else if (dialect == DIALECT_SOCKETIO)
        greet_engine(c);
    else if (c->kind == CLIENT_PUBLISHER)
        c->ready = true;
    else if (c->form == CLIENT_POLL)
        ask_poll(dialect, c);
    else
        greet_stream(dialect, c);
}

bool dialect_headed(enum dialect dialect, struct client *c, const char *head)
{
    unsigned status = c->framing.status;

    if (c->kind == CLIENT_LISTENER && c->form == CLIENT_POLL && dialect != DIALECT_SOCKETIO &&
        status == 200) {
        framing_value(head, "\nETag:", c->cursor, sizeof c->cursor);
        if (dialect == DIALECT_NCHAN)
            framing_value(head, "\nLast-Modified:", c->since, sizeof c->since);
    }
    if (status == 101 && c->form == CLIENT_WS) {
        c->step = 1;
        dialect_greet(dialect, c);
    }
    if (c->form == CLIENT_SSE && c->kind == CLIENT_LISTENER && status == 200 &&
        hellos[dialect] == NULL)
        c->ready = true;
    return status == 200 || status == 201 || status == 202 || status == 101 || status == 304;
}

void dialect_heard(enum dialect dialect, struct client *c, const char *data, size_t len)
{
    const char *sid;

    if (hellos[dialect] != NULL && memmem(data, len, hellos[dialect], strlen(hellos[dialect])))
        c->ready = true;
    if (dialect == DIALECT_SOCKETIO && c->form == CLIENT_POLL && c->step == 0 &&
        (sid = memmem(data, len, "\"sid\":\"", 7)) != NULL) {
        size_t most = len - (size_t)(sid + 7 - data), sid_len = 0;

        while (sid_len < most && sid_len < CLIENT_VALUE - 1 && sid[7 + sid_len] != '"')
            sid_len++;
        memcpy(c->cursor, sid + 7, sid_len);
        c->cursor[sid_len] = '\0';
    }
}

void dialect_replied(enum dialect dialect, struct client *c)
{
    char path[CLIENT_VALUE + 64];
    bool pinged = c->framing.pinged;

    framing_reset(&c->framing);
    c->carry_len = 0;
    if (c->kind == CLIENT_PUBLISHER || c->form != CLIENT_POLL)
        return;
    if (dialect != DIALECT_SOCKETIO) {
        ask_poll(dialect, c);
        return;
    }
    if (pinged) {
        snprintf(path, sizeof path, ENGINE "polling&sid=%s", c->cursor);
        say_post(c, path, "3");
        return;
    }
    if (c->step < 2)
        c->step++;
    greet_engine_poll(c);
}

void dialect_pong(enum dialect dialect, struct client *c)
{
    if (dialect == DIALECT_SOCKETIO && c->form == CLIENT_WS) {
        c->framing.pinged = false;
        say_frame(c, "3");
    }
}

void dialect_publish(enum dialect dialect, struct client *c, uint32_t room, const char *text)
{
    char path[64], frame[16384];

    if (dialect == DIALECT_SOCKETIO) {
        snprintf(frame, sizeof frame, "421[\"send\",\"r%u\",\"%s\"]", room, text);
        say_frame(c, frame);
        return;
    }
    snprintf(path, sizeof path,
             dialect == DIALECT_NCHAN ? "/pub/r%u"
             : dialect == DIALECT_PHP ? "/send.php?room=r%u"
                                      : "/chat/v1/rooms/r%u/messages",
             room);
    say_post(c, path, text);
}
