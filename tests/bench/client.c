#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void client_die(const char *format, ...)
{
    va_list args;

    fputs("load: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

int64_t client_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void client_connect(struct client *c, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    c->len = 0;
    c->asked = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        client_die("cannot connect to port %d: %s", port, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void client_ask(struct client *c, const char *path, const char *body)
{
    const char *token = getenv("BENCH_TOKEN");
    char request[4096], content[128] = "";
    int len;

    if (body != NULL)
        snprintf(content, sizeof content, "Content-Type: text/plain\r\nContent-Length: %zu\r\n",
                 strlen(body));
    len = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s%s\r\n%s",
                   body != NULL ? "POST" : "GET", path, content,
                   token != NULL ? "Authorization: Bearer " : "", token != NULL ? token : "",
                   token != NULL ? "\r\n" : "", body != NULL ? body : "");
    if (len >= (int)sizeof request)
        client_die("the request is too long");
    c->len = 0;
    c->asked++;
    if (send(c->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        client_die("cannot send: %s", strerror(errno));
}

bool client_read(struct client *c)
{
    ssize_t got;

    if (c->len > CLIENT_BYTES / 2) {
        memmove(c->data, c->data + CLIENT_BYTES / 2, c->len - CLIENT_BYTES / 2);
        c->len -= CLIENT_BYTES / 2;
    }
    got = recv(c->fd, c->data + c->len, CLIENT_BYTES - c->len, MSG_DONTWAIT);
    if (got > 0)
        c->len += (size_t)got;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool client_has(const struct client *c, const char *text)
{
    return memmem(c->data, c->len, text, strlen(text)) != NULL;
}

bool client_replied(const struct client *c, int status)
{
    const char *end = memmem(c->data, c->len, "\r\n\r\n", 4);
    char head[CLIENT_BYTES + 1];
    const char *length;
    size_t head_len;

    if (end == NULL)
        return false;
    head_len = (size_t)(end - c->data) + 4;
    memcpy(head, c->data, head_len);
    head[head_len] = '\0';
    if (atoi(head + strcspn(head, " ")) != status)
        client_die("not %d but: %.300s", status, head);
    length = strcasestr(head, "\r\nContent-Length:");
    if (length == NULL)
        client_die("a reply without a length: %.300s", head);
    return c->len >= head_len + strtoul(length + 17, NULL, 10);
}

void client_wait(int a, int b, const char *what)
{
    struct pollfd fds[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    int ready;

    do
        ready = poll(fds, 2, CLIENT_WAIT_MS);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        client_die("within %d s not: %s", CLIENT_WAIT_MS / 1000, what);
}
