/* html.h - HTML that cannot say what its author did not mean.
 * Runs in: gate, hub.  Blocks: never.  No I/O.
 * The calls with the short names escape; html_raw() does not, and is for literals alone. What was
 * escaped is safe between tags and in attributes with double quotes, not within <style>. */
#ifndef EARSHOT_HTML_H
#define EARSHOT_HTML_H

#include <stddef.h>

#include "base/buf.h"

/* Appends UTF-8 text, escaped (WHATWG HTML, 13.1.2 and 13.2.5). A carriage return is a line's end,
 * as the parser would have it; other control characters, which a terminal might obey, become their
 * pictures (U+2400 and on). */
void html_text(struct buf *out, const char *text);
void html_bytes(struct buf *out, const char *text, size_t len);

/* The same, with <br> for each line's end: for browsers without a style sheet. */
void html_lines(struct buf *out, const char *text, size_t len);

/* Appends markup with what is filled in escaped: %s, %d, %lld and %% of printf's, and no others. */
void html_print(struct buf *out, const char *markup, ...) __attribute__((format(printf, 2, 3)));

/* Appends text percent-encoded, as a name or value of a query; it needs no escaping then. */
void html_query(struct buf *out, const char *text);

/* Appends markup as it is. */
void html_raw(struct buf *out, const char *markup);

#endif
