/* client.h - a plain HTTP client of the bench, exact about time.
 * Runs in: load.  Blocks: only where it says so.
 * What fails ends the program with a line on standard error: a bench that limps measures nothing.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_BYTES 8192
#define CLIENT_WAIT_MS 10000
#define CLIENT_ASKS_MAX 800 /* nginx closes after `keepalive_requests`, 1000, at a bad time */

struct client {
    int fd;
    int asked; /* requests since it was connected */
    size_t len;
    char data[CLIENT_BYTES]; /* what has arrived; the oldest half goes when it is full */
};

/* Prints and exits with status 1. */
void client_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t client_now(void);

/* Connects to 127.0.0.1. Blocks. */
void client_connect(struct client *c, int port);

/* Writes a GET, or with `body` a POST of text/plain, in one piece. With BENCH_TOKEN in the
 * environment it carries that token. Forgets what has arrived before. */
void client_ask(struct client *c, const char *path, const char *body);

/* Takes what is there, without waiting. Returns false when the other side has closed. */
bool client_read(struct client *c);

/* Has a whole reply arrived? Dies unless its status is `status` and its length is known. */
bool client_replied(const struct client *c, int status);

/* Has this text arrived? */
bool client_has(const struct client *c, const char *text);

/* Waits until one of two descriptors can be read; dies after CLIENT_WAIT_MS. -1 = none. */
void client_wait(int a, int b, const char *what);

#endif
