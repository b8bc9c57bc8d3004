/* fuzz_json.c - what the check lets through json-c reads to the end, and it stays the same without
 * its white space. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/json.h"

static void check_compact(const char *text, size_t len, struct json_object *object)
{
    struct buf compact = BUF_INIT;
    struct json_fault fault;
    struct json_object *again;

    json_compact(&compact, text, len);
    again = json_read(compact.data, compact.len, &fault);
    if (again == NULL || !json_object_equal(object, again))
        abort();
    json_object_put(again);
    buf_free(&compact);
}

static void check_slices(const char *text, size_t len, struct json_object *object)
{
    json_object_object_foreach(object, key, value)
    {
        struct json_fault fault;
        const char *slice;
        size_t slice_len;

        (void)value;
        if (!json_slice(text, len, key, &slice, &slice_len) || slice < text ||
            slice + slice_len > text + len || json_check(slice, slice_len, &fault) < 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct json_fault fault = {NULL, 0};
    struct json_object *object = json_read(text, size, &fault);

    if (object == NULL) {
        if (fault.reason == NULL || fault.offset > size)
            abort();
        /* An object that passed the check must be one for json-c too. */
        while (size > 0 && strchr(" \t\r\n", *text) != NULL && *text != '\0') {
            text++;
            size--;
        }
        if (size > 0 && *text == '{' && json_check(text, size, &fault) == 0)
            abort();
        return 0;
    }
    check_compact(text, size, object);
    check_slices(text, size, object);
    json_object_put(object);
    return 0;
}
