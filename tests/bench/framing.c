#include "framing.h"

#include <stdlib.h>
#include <string.h>

void framing_reset(struct framing *f)
{
    memset(f, 0, sizeof *f);
}

void framing_value(const char *head, const char *name, char *value, size_t size)
{
    const char *at = strcasestr(head, name);
    size_t len;

    value[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(name);
    at += strspn(at, " ");
    len = strcspn(at, "\r\n");
    if (len < size) {
        memcpy(value, at, len);
        value[len] = '\0';
    }
}

void framing_head(struct framing *f, const char *head)
{
    char value[64];

    f->status = (uint16_t)atoi(head + strcspn(head, " \r"));
    framing_value(head, "\nConnection:", value, sizeof value);
    f->closes = strcasecmp(value, "close") == 0;
    if (f->status == 101) {
        f->state = FRAMING_WS_HEAD;
        return;
    }
    framing_value(head, "\nTransfer-Encoding:", value, sizeof value);
    if (strcasecmp(value, "chunked") == 0) {
        f->state = FRAMING_CHUNK_SIZE;
        return;
    }
    framing_value(head, "\nContent-Length:", value, sizeof value);
    if (value[0] != '\0' || f->status == 204 || f->status == 304) {
        f->left = strtoull(value, NULL, 10);
        f->state = f->left > 0 ? FRAMING_LENGTH : FRAMING_DONE;
        return;
    }
    f->state = FRAMING_UNTIL_CLOSE;
}

/* A line with a hexadecimal number, byte by byte. */
static void take_chunk_size(struct framing *f, char byte)
{
    if (byte >= '0' && byte <= '9')
        f->left = f->left * 16 + (uint64_t)(byte - '0');
    else if ((byte | 32) >= 'a' && (byte | 32) <= 'f')
        f->left = f->left * 16 + (uint64_t)((byte | 32) - 'a' + 10);
    else if (byte == '\n')
        f->state = f->left > 0 ? FRAMING_CHUNK : FRAMING_TRAILER;
    else if (byte != '\r')
        f->state = FRAMING_WRONG;
}

/* "\r\n" after a chunk, or after the last one in place of a trailer. */
static void take_line_end(struct framing *f, char byte, enum framing_state next)
{
    if (byte == '\n')
        f->state = next;
    else if (byte != '\r')
        f->state = FRAMING_WRONG;
}

static void take_ws_head(struct framing *f, char byte)
{
    unsigned need = 2;

    f->header[f->have++] = (uint8_t)byte;
    if (f->have < 2)
        return;
    if (f->header[1] == 126)
        need = 4;
    else if (f->header[1] == 127)
        need = 10;
    if (f->have < need)
        return;
    f->left = f->header[1];
    if (need > 2)
        f->left = 0;
    for (unsigned i = 2; i < need; i++)
        f->left = f->left << 8 | f->header[i];
    f->have = 0;
    if ((f->header[0] & 15) == 8) /* the server says goodbye */
        f->state = FRAMING_DONE;
    else
        f->state = f->left > 0 ? FRAMING_WS : FRAMING_WS_HEAD;
}

static enum framing_state after_payload(struct framing *f)
{
    switch (f->state) {
    case FRAMING_CHUNK:
        return FRAMING_CHUNK_END;
    case FRAMING_WS:
        return FRAMING_WS_HEAD;
    default:
        return FRAMING_DONE;
    }
}

static size_t take_payload(struct framing *f, const char *in, size_t len, char *out)
{
    if (f->state == FRAMING_UNTIL_CLOSE) {
        memmove(out, in, len);
        return len;
    }
    if (len > f->left)
        len = (size_t)f->left;
    memmove(out, in, len);
    f->left -= len;
    if (f->left == 0) {
        /* Nothing else of engine.io ends with a 2: packets with data end with a bracket. */
        f->pinged = f->pinged || out[len - 1] == '2';
        f->state = after_payload(f);
    }
    return len;
}

size_t framing_feed(struct framing *f, const char *in, size_t len, char *out)
{
    const char *end = in + len;
    size_t total = 0, taken;

    while (in < end && f->state < FRAMING_DONE) {
        switch ((enum framing_state)f->state) {
        case FRAMING_CHUNK_SIZE:
            take_chunk_size(f, *in++);
            break;
        case FRAMING_CHUNK_END:
            take_line_end(f, *in++, FRAMING_CHUNK_SIZE);
            break;
        case FRAMING_TRAILER:
            take_line_end(f, *in++, FRAMING_DONE);
            break;
        case FRAMING_WS_HEAD:
            take_ws_head(f, *in++);
            break;
        default:
            taken = take_payload(f, in, (size_t)(end - in), out + total);
            in += taken;
            total += taken;
        }
    }
    if (in < end)
        f->state = FRAMING_WRONG;
    return total;
}
