#include "event/parking.h"

#include <string.h>

#define MAGIC 0x4b525045u /* "EPRK" in memory: a stray message is no record */

enum { FLAG_FASTCGI = 1, FLAG_MANY = 2, FLAG_IF_NONE_MATCH = 4, FLAG_TEXT_CURSOR = 8, FLAGS = 15 };

/* The fixed part; strings, types and rooms follow. Machine-local, so in the machine's byte order.
 * Ordered without holes, so that no byte of it is left unset. */
struct head {
    uint32_t magic;
    uint32_t len; /* of the whole record */
    uint8_t version;
    uint8_t form;
    uint8_t flags;
    uint8_t types_count;
    uint16_t request_id;
    uint16_t rooms_count;
    uint32_t count;
    uint32_t zero;
    int64_t wait_ms;
    int64_t expires_ms;
    int64_t issued_s;
};

_Static_assert(sizeof(struct head) == 48, "a hole in the head would carry stale memory");

/* A string is its length, its bytes and a NUL, so that the reader can point at it. */
static void put_string(struct buf *out, const char *s)
{
    uint32_t len = s != NULL ? (uint32_t)strlen(s) : 0;

    buf_append(out, &len, sizeof(len));
    buf_append(out, s != NULL ? s : "", len + 1);
}

static void put_start(struct buf *out, const struct start *start)
{
    uint64_t parts[3] = {(uint64_t)start->kind, 0, 0};

    if (start->kind == START_AFTER || start->kind == START_TIME) {
        parts[1] = start->id.ms;
        parts[2] = start->id.seq;
    }
    buf_append(out, parts, sizeof(parts));
}

static struct head make_head(const struct parking *p)
{
    return (struct head){
        .magic = MAGIC,
        .version = PARKING_VERSION,
        .form = (uint8_t)p->form,
        .flags = (uint8_t)((p->fastcgi ? FLAG_FASTCGI : 0) | (p->many ? FLAG_MANY : 0) |
                           (p->if_none_match ? FLAG_IF_NONE_MATCH : 0) |
                           (p->text_cursor ? FLAG_TEXT_CURSOR : 0)),
        .types_count = (uint8_t)p->types_count,
        .request_id = p->request_id,
        .rooms_count = (uint16_t)p->rooms_count,
        .count = p->count,
        .wait_ms = p->wait_ms,
        .expires_ms = p->expires_ms,
        .issued_s = p->issued_s,
    };
}

/* May these numbers stand in a record? Asked by both sides. */
static bool counts_fit(size_t types_count, size_t rooms_count, unsigned form)
{
    return types_count <= PARKING_TYPES_MAX && rooms_count >= 1 &&
           rooms_count <= PARKING_ROOMS_MAX && form < FRAME_FORMS;
}

int parking_encode(struct buf *out, const struct parking *parking)
{
    const size_t before = out->len;
    struct head head;

    if (!counts_fit(parking->types_count, parking->rooms_count, parking->form))
        return -1;
    for (size_t i = 0; i < parking->rooms_count; i++)
        if ((parking->rights[i] & ~PARKING_RIGHTS) != 0)
            return -1;
    head = make_head(parking);
    buf_append(out, &head, sizeof(head));
    put_string(out, parking->headers);
    put_string(out, parking->again);
    put_string(out, parking->before);
    put_string(out, parking->request_ref);
    put_string(out, parking->trace);
    put_string(out, parking->user_id);
    put_string(out, parking->name);
    put_string(out, parking->token_id);
    put_string(out, parking->address);
    put_string(out, parking->namespace);
    for (size_t i = 0; i < parking->types_count; i++)
        put_string(out, parking->types[i]);
    for (size_t i = 0; i < parking->rooms_count; i++) {
        put_string(out, parking->rooms[i]);
        put_start(out, &parking->starts[i]);
        buf_char(out, (char)parking->rights[i]);
    }
    if (out->len - before > PARKING_BYTES_MAX) {
        out->len = before;
        out->data[before] = '\0';
        return -1;
    }
    head.len = (uint32_t)(out->len - before);
    memcpy(out->data + before, &head, sizeof(head));
    return 0;
}

struct reader {
    const char *at;
    size_t left;
};

static int take(struct reader *r, void *to, size_t len)
{
    if (r->left < len)
        return -1;
    memcpy(to, r->at, len);
    r->at += len;
    r->left -= len;
    return 0;
}

static int take_string(struct reader *r, const char **s)
{
    uint32_t len;

    if (take(r, &len, sizeof(len)) < 0 || len >= r->left)
        return -1;
    if (memchr(r->at, '\0', (size_t)len + 1) != r->at + len)
        return -1;
    *s = r->at;
    r->at += (size_t)len + 1;
    r->left -= (size_t)len + 1;
    return 0;
}

static int take_start(struct reader *r, struct start *start)
{
    uint64_t parts[3];

    if (take(r, parts, sizeof(parts)) < 0 || parts[0] > START_TIME)
        return -1;
    if ((parts[0] == START_LATEST || parts[0] == START_ALL) && (parts[1] != 0 || parts[2] != 0))
        return -1;
    *start = (struct start){(enum start_kind)parts[0], {parts[1], parts[2]}};
    return 0;
}

static int take_rights(struct reader *r, uint8_t *rights)
{
    return take(r, rights, 1) < 0 || (*rights & ~PARKING_RIGHTS) != 0 ? -1 : 0;
}

static int take_head(struct reader *r, struct parking *p)
{
    const size_t len = r->left;
    struct head head;

    if (take(r, &head, sizeof(head)) < 0 || head.magic != MAGIC || head.len != len ||
        len > PARKING_BYTES_MAX)
        return -1;
    if (head.version != PARKING_VERSION || (head.flags & ~FLAGS) != 0 || head.zero != 0 ||
        !counts_fit(head.types_count, head.rooms_count, head.form))
        return -1;
    p->form = (enum frame_form)head.form;
    p->fastcgi = (head.flags & FLAG_FASTCGI) != 0;
    p->many = (head.flags & FLAG_MANY) != 0;
    p->if_none_match = (head.flags & FLAG_IF_NONE_MATCH) != 0;
    p->text_cursor = (head.flags & FLAG_TEXT_CURSOR) != 0;
    p->types_count = head.types_count;
    p->request_id = head.request_id;
    p->rooms_count = head.rooms_count;
    p->count = head.count;
    p->wait_ms = head.wait_ms;
    p->expires_ms = head.expires_ms;
    p->issued_s = head.issued_s;
    return 0;
}

int parking_decode(struct parking *parking, const char *data, size_t len)
{
    struct reader r = {data, len};

    if (take_head(&r, parking) < 0 || take_string(&r, &parking->headers) < 0 ||
        take_string(&r, &parking->again) < 0 || take_string(&r, &parking->before) < 0 ||
        take_string(&r, &parking->request_ref) < 0 || take_string(&r, &parking->trace) < 0 ||
        take_string(&r, &parking->user_id) < 0 || take_string(&r, &parking->name) < 0 ||
        take_string(&r, &parking->token_id) < 0 || take_string(&r, &parking->address) < 0 ||
        take_string(&r, &parking->namespace) < 0)
        return -1;
    for (size_t i = 0; i < parking->types_count; i++)
        if (take_string(&r, &parking->types[i]) < 0)
            return -1;
    for (size_t i = 0; i < parking->rooms_count; i++)
        if (take_string(&r, &parking->rooms[i]) < 0 || take_start(&r, &parking->starts[i]) < 0 ||
            take_rights(&r, &parking->rights[i]) < 0)
            return -1;
    return r.left == 0 ? 0 : -1;
}
