/* fuzz_inquiry.c - no word on the hubs' channel crashes a hub, no answer a gate; what is read is
 * written the same way, and figures are JSON of one line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "event/figures.h"
#include "event/inquiry.h"

static void check_inquiry(const char *text)
{
    char *words = strdup(text);
    struct buf again = BUF_INIT;
    struct inquiry q;

    if (inquiry_decode(&q, words) == 0) {
        inquiry_encode(&again, &q);
        if (strcmp(again.data, text) != 0)
            abort();
    }
    buf_free(&again);
    free(words);
}

static void check_figures(const char *text)
{
    static struct figures_part part, again;
    static struct figures figures;
    struct buf b = BUF_INIT;
    int64_t number;

    inquiry_head(text, &number);
    figures_init(&figures);
    figures_read_info(&figures.redis, text, 0);
    if (figures_decode(&part, text) == 0) {
        figures_encode(&b, &part);
        if (figures_decode(&again, b.data) < 0 || memcmp(&part, &again, sizeof(part)) != 0)
            abort();
        figures_add(&figures, &part);
        figures_add(&figures, &part);
        if (census_count(&figures.people) != census_count(&part.people))
            abort();
        buf_clear(&b);
    }
    figures_write(&b, &figures);
    if (memchr(b.data, '\n', b.len) != NULL)
        abort();
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);

    check_inquiry(text);
    check_figures(text);
    free(text);
    return 0;
}
