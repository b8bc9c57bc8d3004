/* fuzz_parking.c - no message crashes a hub, and one that decodes encodes to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "event/parking.h"

/* Builds a record from the fuzzer's bytes, so that the inside is reached from nothing too. */
static void check_built(const char *s, size_t len)
{
    struct parking sent = {.headers = "",
                           .again = s,
                           .before = s,
                           .request_ref = "",
                           .trace = s,
                           .user_id = s,
                           .name = s,
                           .token_id = s,
                           .namespace = "n"},
                   got;
    struct buf b = BUF_INIT;

    sent.form = (enum frame_form)(len % FRAME_FORMS);
    sent.rooms_count = len % PARKING_ROOMS_MAX + 1;
    sent.types_count = len % (PARKING_TYPES_MAX + 1);
    for (size_t i = 0; i < sent.types_count; i++)
        sent.types[i] = s + i % (len + 1);
    for (size_t i = 0; i < sent.rooms_count; i++) {
        sent.rooms[i] = s + i % (len + 1);
        sent.starts[i] = (struct start){(enum start_kind)(i % 4), {i, len}};
        sent.rights[i] = (uint8_t)(i & PARKING_RIGHTS);
    }
    if (parking_encode(&b, &sent) == 0) {
        if (parking_decode(&got, b.data, b.len) < 0 || got.rooms_count != sent.rooms_count ||
            strcmp(got.user_id, s) != 0 || got.rights[0] != sent.rights[0])
            abort();
    }
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parking parking;
    struct buf b = BUF_INIT;

    if (parking_decode(&parking, (const char *)data, size) == 0) {
        if (parking_encode(&b, &parking) < 0 || b.len != size || memcmp(b.data, data, size) != 0)
            abort();
    }
    buf_clear(&b);
    buf_append(&b, data, size);
    check_built(b.data, strlen(b.data));
    buf_free(&b);
    return 0;
}
