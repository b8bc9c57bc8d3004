#include "http/reply.h"

#include <string.h>

#define KEEP_BYTES 65536

static void clear(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_free(b);
    else
        buf_clear(b);
}

void reply_clear(struct reply *reply)
{
    reply->status = 204;
    reply->content_type = NULL;
    reply->cache_control = NULL;
    reply->endless = false;
    clear(&reply->headers);
    clear(&reply->body);
}

void reply_free(struct reply *reply)
{
    buf_free(&reply->headers);
    buf_free(&reply->body);
}

void reply_header_line(struct buf *headers, const char *name, const char *value)
{
    buf_str(headers, name);
    buf_append(headers, ": ", 2);
    for (; *value != '\0'; value++)
        buf_char(headers, (unsigned char)*value < 0x20 || *value == 0x7f ? ' ' : *value);
    buf_append(headers, "\r\n", 2);
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
    reply_header_line(&reply->headers, name, value);
}

void reply_problem(struct reply *reply, const struct problem *problem, const char *request_id)
{
    reply->status = problem->status;
    reply->content_type = PROBLEM_CONTENT_TYPE;
    reply->cache_control = NULL;
    reply->endless = false;
    buf_clear(&reply->body);
    problem_write(&reply->body, problem, request_id, 0);
    buf_char(&reply->body, '\n');
}

void reply_encode(struct buf *out, const struct reply *reply, bool head)
{
    bool bodiless = reply->status == 204 || reply->status == 304;

    buf_printf(out, "Status: %d %s\r\n", reply->status, problem_title(reply->status));
    if (reply->content_type != NULL && !bodiless)
        buf_printf(out, "Content-Type: %s\r\n", reply->content_type);
    if (!bodiless && !reply->endless)
        buf_printf(out, "Content-Length: %zu\r\n", reply->body.len);
    buf_printf(out, "Cache-Control: %s\r\n",
               reply->cache_control != NULL ? reply->cache_control : "no-store");
    buf_append(out, reply->headers.data, reply->headers.len);
    buf_append(out, "\r\n", 2);
    if (!head && !bodiless)
        buf_append(out, reply->body.data, reply->body.len);
}
