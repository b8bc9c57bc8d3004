/* cgi.h - a request by plain CGI (RFC 3875): the environment, standard input and output.
 * Runs in: direct.  Blocks: yes; a web server that stops in the middle of a body costs
 * CGI_STALL_MS, and one that does not take the reply as long as the process may live. */
#ifndef EARSHOT_CGI_H
#define EARSHOT_CGI_H

#include <stdbool.h>
#include <stdint.h>

#include "gate/source.h"

#define CGI_STALL_MS 10000

struct cgi {
    int64_t unread; /* bytes of the body; -1 = up to the end of the input */
    bool cut;       /* more of it came than was wished for */
};

/* The head of the request: sets up `cgi`, and returns the environment. SIGPIPE must be ignored. */
char **cgi_begin(struct cgi *cgi);

/* The rest of it, of a struct cgi. */
extern const struct source cgi_source;

/* Can a hub write to the output as it is able to? A file or /dev/null cannot be waited for. */
bool cgi_streams(void);

#endif
