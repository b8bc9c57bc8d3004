/* listener.h - the socket that the web server talks to.
 * Runs in: supervisor.  Blocks: only while another daemon starts on the same directory.
 * Our own, made as conf->listen says, or one handed over: by systemd (LISTEN_FDS) or as descriptor
 * 0 by a spawner. Always non-blocking and close-on-exec. */
#ifndef EARSHOT_LISTENER_H
#define EARSHOT_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

struct conf;
struct handover;

struct listener {
    int fd;
    char *path;   /* of our unix socket, or NULL */
    dev_t device; /* what the path was when we made it */
    ino_t inode;
};

#define LISTENER_INIT \
    {                 \
        .fd = -1      \
    }

/* Makes or takes over the socket. A unix socket that nobody answers on is replaced, a live one is
 * an error. Returns 0, or -1 with one line in `error`. */
int listener_open(struct listener *listener, const struct conf *conf, char error[512]);

/* Did a spawner hand a listening socket over, as descriptor 0? */
bool listener_is_spawned(void);

/* Takes it, away from 0. Returns the descriptor, or -1 with errno. */
int listener_take_spawned(void);

/* Takes over what the last binary listened on. */
void listener_adopt(struct listener *listener, const struct handover *handover);

/* Warns of a configuration that says otherwise. */
void listener_check(const struct listener *listener, const struct conf *conf);

void listener_hand_over(const struct listener *listener, struct handover *handover);

/* Removes the socket's file, if it is still ours, and closes: once the workers that have it too are
 * gone, who connects is refused. */
void listener_close(struct listener *listener);

#endif
