/* cli.h - what the parts of the earshot command share: how it ends.
 * Runs in: earshot command.  Blocks: never. */
#ifndef EARSHOT_CLI_H
#define EARSHOT_CLI_H

enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1,     /* the server said no, or something else failed on the way */
    CLI_USAGE = 2,       /* the command line or its input is wrong */
    CLI_UNREACHABLE = 3, /* no server answered */
};

#endif
