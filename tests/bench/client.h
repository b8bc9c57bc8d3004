/* client.h - one connection of the load program, and the pool of all of them.
 * Runs in: load.  Blocks: never, but in client_poll().
 * Nothing is allocated for what arrives: all connections read into one buffer, and carry over only
 * a head or a mark that has not come whole. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing.h"

#define CLIENT_CARRY 2048
#define CLIENT_VALUE 160

enum client_kind { CLIENT_FREE, CLIENT_LISTENER, CLIENT_PUBLISHER };
enum client_form { CLIENT_SSE, CLIENT_POLL, CLIENT_WS };

struct client {
    int fd; /* -1: closed */
    uint8_t kind, form;
    uint8_t step;    /* of the dialect's greeting */
    bool connecting; /* not yet connected */
    bool ready;   /* a listener that would get what is published now; a publisher that may send */
    bool busy;    /* a publisher whose answer is due */
    bool quiet;   /* a listener that reads, but whose deliveries do not count */
    bool stalled; /* a listener that does not read */
    bool follows; /* takes its cursor from what it reads */
    bool browser; /* asks with the headers of a browser */
    bool missed;  /* waits for what was sent while it was away */
    bool counted; /* among the listeners that are ready */
    uint32_t number, room;
    int64_t asked_ns;          /* when it began to connect, or to send */
    char cursor[CLIENT_VALUE]; /* ETag, the id of the last event, or engine.io's session */
    char since[40];            /* Nchan's other half of a cursor: Last-Modified */
    struct framing framing;
    uint16_t carry_len;
    char carry[CLIENT_CARRY];
};

/* What the pool's owner is told. */
struct client_handlers {
    void (*connected)(struct client *c);
    void (*headed)(struct client *c, const char *head);
    /* Payload came. Returns how many bytes of its end must be seen again together with the next. */
    size_t (*payload)(struct client *c, const char *data, size_t len);
    void (*replied)(struct client *c); /* a whole reply has come; the next may be asked for */
    void (*closed)(struct client *c);  /* by the other side; the client is closed already */
};

/* Prints and ends the program: a bench that limps measures nothing. */
void client_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* `ports` of 127.0.0.1, taken in turn by the connections' numbers. */
void client_init(const uint16_t *ports, unsigned count, const struct client_handlers *handlers);

/* Begins to connect. A stalled one has a small receive buffer. */
void client_open(struct client *c);

/* Closes at once, by a reset, so that no port stays in TIME_WAIT. */
void client_close(struct client *c);

/* Writes all of it; small enough for an empty socket buffer. A write that fails closes `c` and
 * tells closed(). */
void client_write(struct client *c, const char *data, size_t len);

/* From now on `c` is not read (true) or read again (false). */
void client_stall(struct client *c, bool stalled);

/* Waits up to `wait_ns` for something to happen, and handles what has. */
void client_poll(int64_t wait_ns);

#endif
