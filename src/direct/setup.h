/* setup.h - the configuration of a process that serves directly.
 * Runs in: direct.  Blocks: as long as reading a small file does.
 * From the file that EARSHOT_CONFIG names, else SETUP_FILE beside the program; over it the
 * environment, and what the web server gives with the request as EARSHOT_... (SetEnv, under FastCGI
 * a parameter). A client cannot: its headers are HTTP_... It is read again when any of this
 * changes. */
#ifndef EARSHOT_SETUP_H
#define EARSHOT_SETUP_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf.h"

/* Apache serves nothing that begins with .ht, as it comes. */
#define SETUP_FILE ".htearshot.conf"

struct setup {
    const char *program; /* as it was called */
    struct conf *conf;   /* NULL = there is none that can be used */
    struct buf path;     /* of its file, which need not be there */
    struct buf source;   /* what it was made of */
};

/* Does this request come with another configuration than the one that is there, or is none there?
 */
bool setup_differs(struct setup *setup, char *const *envp);

/* After setup_differs(): reads the configuration anew, for a request like this. Returns 0, or -1:
 * it cannot be used, and the log says why. */
int setup_read(struct setup *setup, char *const *envp);

#endif
