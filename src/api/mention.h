/* mention.h - whom a message means by @name.
 * Runs in: gate.  Blocks: never.  No I/O. */
#ifndef EARSHOT_MENTION_H
#define EARSHOT_MENTION_H

#include "base/arena.h"
#include "store/journal.h"

/* Finds the user ids behind an @ that no letter, digit or @ stands before, each once and the first
 * JOURNAL_MENTIONS_MAX of them. A '.' or '-' at the end of one is the sentence's. Whether such a
 * user is known, the send script sees. Returns how many there are. */
size_t mention_find(const char *mentions[JOURNAL_MENTIONS_MAX], struct arena *arena,
                    const char *content, size_t len);

#endif
