/* fuzz_form.c - no form crashes, and what is read from one is text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {NULL};
    struct form form;
    const char *reason = NULL;

    if (form_parse(&form, &arena, (const char *)data, size, &reason) == 0) {
        if (form.count > FORM_PAIRS_MAX)
            abort();
        for (size_t i = 0; i < form.count; i++) {
            const struct form_pair *pair = &form.pairs[i];

            if (!utf8_valid(pair->name, strlen(pair->name)) ||
                !utf8_valid(pair->value, strlen(pair->value)) ||
                form_value(&form, pair->name) == NULL || form_count(&form, pair->name) == 0)
                abort();
            /* A name without = is none that form_names looks for. */
            if (pair->value[0] != '\0' && !form_names((const char *)data, size, pair->name))
                abort();
        }
    } else if (reason == NULL) {
        abort();
    }
    arena_free(&arena);
    return 0;
}
