#include "hub/sending.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "event/record.h"
#include "hub/outgoing.h"

/* What is to be heard of the peer. Plain output says only that nobody takes it any more; what can
 * be read there, or its end, is the request's, where input and output are one socket (Apache's
 * mod_cgid). libuv reports an end of both ways (EPOLLHUP) as what was asked for. */
void sending_watch(struct connection *c, uv_poll_cb on_poll)
{
    int events = c->fastcgi ? UV_READABLE : UV_PRIORITIZED;

    uv_poll_start(&c->poll, c->blocked_tick != 0 ? events | UV_WRITABLE : events, on_poll);
}

/* Sends bytes that are ready for the wire; what the socket does not take waits in c->out. */
static void send_iov(struct connection *c, struct iovec *iov, int count)
{
    ssize_t sent = 0;

    /* Not sendmsg(): the output of a CGI program may be a pipe. */
    if (c->out.len == 0) {
        do
            sent = writev(c->fd, iov, count);
        while (sent < 0 && errno == EINTR);
        if (sent < 0 && errno != EAGAIN) {
            c->broken = true;
            return;
        }
        if (sent < 0)
            sent = 0;
    }
    for (int i = 0; i < count; i++) {
        size_t skip = (size_t)sent < iov[i].iov_len ? (size_t)sent : iov[i].iov_len;

        buf_append(&c->out, (char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
        sent -= (ssize_t)skip;
    }
}

void sending_content(struct connection *c, const char *data, size_t len, uint32_t now)
{
    c->sent_tick = now;
    while (len > 0 && !c->broken) {
        size_t part = len < RECORD_CONTENT_MAX ? len : RECORD_CONTENT_MAX;
        unsigned char header[RECORD_HEADER_BYTES];
        struct iovec iov[2] = {{header, sizeof(header)}, {(void *)data, part}};

        record_stdout(header, c->request_id, part);
        if (c->fastcgi)
            send_iov(c, iov, 2);
        else
            send_iov(c, iov + 1, 1);
        data += part;
        len -= part;
    }
}

bool sending_rest(struct connection *c, uint32_t now)
{
    while (c->out.len > 0) {
        ssize_t sent = write(c->fd, c->out.data, c->out.len);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            c->broken = errno != EAGAIN;
            return false;
        }
        buf_consume(&c->out, (size_t)sent);
        c->blocked_tick = now + 1;
    }
    buf_free(&c->out);
    return true;
}

void sending_end(struct connection *c)
{
    unsigned char record[RECORD_END_BYTES];

    if (!c->fastcgi || c->broken)
        return;
    record_end(record, c->request_id);
    send_iov(c, &(struct iovec){record, sizeof(record)}, 1);
}
