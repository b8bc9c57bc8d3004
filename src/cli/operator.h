/* operator.h - lets whoever can read the configuration be an admin.
 * Runs in: earshot command.  Blocks: as reading a small file does; operator_call() as a server
 * does. */
#ifndef EARSHOT_OPERATOR_H
#define EARSHOT_OPERATOR_H

#include <stdbool.h>

#include "cli/client.h"
#include "cli/options.h"

/* The options, completed, and what was made for them. */
struct operator
{
    struct options options;
    char *url, *token;
    bool minted; /* the token is one of our own */
};

/* Completes the options: the URL and the token from the environment, and where no token is given,
 * and there is a configuration with a secret, by an admin's that lives for minutes. Returns the
 * exit status (cli.h); to be freed in any case. */
int operator_complete(struct operator* operator, const struct options * options);
void operator_free(struct operator* operator);

/* Calls what->url below admin, which begins with a slash; the answer is the caller's to free.
 * Returns the exit status. */
int operator_call(const struct options *options, struct client_call *what,
                  struct client_answer *answer);

#endif
