/* utf8.h - is this text?
 * Runs in: every process.  Blocks: never. */
#ifndef EARSHOT_UTF8_H
#define EARSHOT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing
 * over-long, nothing past U+10FFFF) without a NUL. */
bool utf8_valid(const char *s, size_t len);

/* How many bytes the character at `s` has, or 0 when it is none (a NUL too) or cut off. `len` > 0.
 */
size_t utf8_sequence(const char *s, size_t len);

#endif
