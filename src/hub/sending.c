#include "hub/sending.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "event/record.h"
#include "hub/outgoing.h"

/* Sends bytes that are ready for the wire; what the socket does not take waits in c->out. */
static void send_iov(struct connection *c, struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
    ssize_t sent = 0;

    if (c->out.len == 0) {
        do
            sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
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
        ssize_t sent = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

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
