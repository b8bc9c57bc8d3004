#include "supervisor/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "supervisor/handover.h"
#include "supervisor/privilege.h"

#define BACKLOG 4096
#define SYSTEMD_FIRST_FD 3
#define LIVE_TRIES 10
#define LIVE_PAUSE_US 200000

/* --- handed over --- */

static bool is_listening(int fd)
{
    int on = 0, type = 0;
    socklen_t len = sizeof(on), type_len = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM;
}

static void set_flags(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Returns 1 = taken, 0 = systemd gave none, -1. */
static int take_from_systemd(struct listener *listener, char error[512])
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

    if (pid == NULL || count == NULL || atol(pid) != (long)getpid())
        return 0;
    if (strcmp(count, "1") != 0 || !is_listening(SYSTEMD_FIRST_FD)) {
        snprintf(error, 512, "LISTEN_FDS: allowed is one listening stream socket");
        return -1;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    listener->fd = SYSTEMD_FIRST_FD;
    set_flags(listener->fd);
    return 1;
}

bool listener_is_spawned(void)
{
    return is_listening(STDIN_FILENO);
}

/* Where a child that only reads its input must not find it. */
int listener_take_spawned(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, SYSTEMD_FIRST_FD);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0)
        return -1;
    close(null);
    set_flags(fd);
    return fd;
}

static int take_from_spawner(struct listener *listener, char error[512])
{
    if (!listener_is_spawned())
        return 0;
    listener->fd = listener_take_spawned();
    if (listener->fd >= 0)
        return 1;
    snprintf(error, 512, "the socket on descriptor 0: %s", strerror(errno));
    return -1;
}

/* --- a unix socket --- */

/* Is the process gone that listens at the other end of a connection? A unix socket keeps the pid of
 * whoever called listen(2), a supervisor; gates that outlive it, since they are stopped, hold the
 * socket open and answer nobody. One of another pid namespace has pid 0 here. */
static bool is_orphaned(int fd)
{
    struct ucred peer = {.pid = 0};
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid > 0 &&
           kill(peer.pid, 0) < 0 && errno == ESRCH;
}

/* Does a daemon listen there? 1 = yes, 0 = certainly not: a refused connection proves that, or that
 * its supervisor is gone. -1 with errno. */
static int is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    int saved = errno;
    bool orphaned = rc == 0 && is_orphaned(fd);

    if (fd >= 0)
        close(fd);
    errno = saved;
    if (orphaned)
        return 0;
    if (rc == 0 || saved == EAGAIN)
        return 1;
    return saved == ECONNREFUSED || saved == ENOENT ? 0 : -1;
}

/* Removes the file of a daemon that is gone. The gates of one that was killed may take a moment to
 * answer what they have, so a socket is only called live when it stays so. */
static int remove_stale(const struct sockaddr_un *address, char error[512])
{
    const char *path = address->sun_path;
    struct stat st;
    int answered = 1;

    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(error, 512, "listen: %s is there already and no socket", path);
        return -1;
    }
    for (int i = 0; i < LIVE_TRIES && answered == 1; i++) {
        if (i > 0)
            usleep(LIVE_PAUSE_US);
        answered = is_answered(address);
    }
    if (answered == 1)
        snprintf(error, 512, "listen: another daemon listens on %s", path);
    else if (answered < 0 || (unlink(path) < 0 && errno != ENOENT))
        snprintf(error, 512, "listen: cannot replace %s: %s", path, strerror(errno));
    else
        return 0;
    return -1;
}

/* Binds and listens with the mode in place from the start: 0600 until chmod. */
static int bind_path(struct listener *listener, const struct conf *conf,
                     const struct sockaddr_un *address, char error[512])
{
    const char *path = address->sun_path;
    mode_t mask = umask(0177);
    uid_t uid;
    gid_t gid;
    struct stat st;
    int rc = bind(listener->fd, (const struct sockaddr *)address, sizeof(*address));

    umask(mask);
    if (rc < 0) {
        snprintf(error, 512, "listen: cannot make %s: %s", path, strerror(errno));
        return -1;
    }
    listener->path = mem_strdup(path);
    if (lstat(path, &st) == 0) {
        listener->device = st.st_dev;
        listener->inode = st.st_ino;
    }
    if (geteuid() == 0 && conf->user[0] != '\0' &&
        privilege_find(conf->user, &uid, &gid, error) < 0)
        return -1;
    if ((geteuid() == 0 && conf->user[0] != '\0' && lchown(path, uid, gid) < 0) ||
        chmod(path, (mode_t)conf->listen_mode) < 0 || listen(listener->fd, BACKLOG) < 0) {
        snprintf(error, 512, "listen: %s: %s", path, strerror(errno));
        return -1;
    }
    return 0;
}

/* Opens the socket's directory, made first when only it is missing (/run is empty after a boot). */
static int open_directory(const struct conf *conf, const char *path, char error[512])
{
    char *copy = mem_strdup(path), *name = dirname(copy);
    uid_t uid;
    gid_t gid;
    struct stat st;
    int fd;

    if (mkdir(name, 0755) == 0 && geteuid() == 0 && conf->user[0] != '\0' &&
        privilege_find(conf->user, &uid, &gid, error) == 0 && chown(name, uid, gid) < 0)
        log_warn("cannot give %s to user=%s: %s", name, conf->user, strerror(errno));
    fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        snprintf(error, 512, "listen: cannot open the directory %s: %s", name, strerror(errno));
    else if (fstat(fd, &st) == 0 && (st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
        log_warn("every user of this machine can put a socket of his own into %s: chmod o-w", name);
    free(copy);
    return fd;
}

static int open_unix(struct listener *listener, const struct conf *conf, char error[512])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int directory, rc = -1;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", conf->listen + strlen("unix:"));
    directory = open_directory(conf, address.sun_path, error);
    if (directory < 0)
        return -1;
    /* Two daemons that start at once must not both find the socket stale. */
    flock(directory, LOCK_EX);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        snprintf(error, 512, "listen: %s", strerror(errno));
    else if (remove_stale(&address, error) == 0)
        rc = bind_path(listener, conf, &address, error);
    close(directory);
    return rc;
}

/* --- a TCP socket --- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static int try_address(const struct addrinfo *info)
{
    const int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /* Accepted sockets inherit it. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

static int open_tcp(struct listener *listener, const struct conf *conf, char error[512])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    char *copy = mem_strdup(conf->listen), *port = strrchr(copy, ':'), *host = copy;
    int rc;

    *port++ = '\0';
    if (host[0] == '[') {
        host++;
        host[strlen(host) - 1] = '\0';
    }
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0)
        snprintf(error, 512, "listen: %s: %s", conf->listen, gai_strerror(rc));
    for (struct addrinfo *info = list; info != NULL && listener->fd < 0; info = info->ai_next) {
        listener->fd = try_address(info);
        if (listener->fd >= 0 && !is_loopback(info->ai_addr))
            log_warn("listen=%s is open to the network; FastCGI has no authentication, so whoever "
                     "reaches it is trusted like the web server",
                     conf->listen);
    }
    if (list != NULL && listener->fd < 0)
        snprintf(error, 512, "listen: %s: %s%s", conf->listen, strerror(errno),
                 errno == EADDRINUSE ? " (another daemon listens there)" : "");
    if (list != NULL)
        freeaddrinfo(list);
    free(copy);
    return listener->fd >= 0 ? 0 : -1;
}

/* --- the whole --- */

int listener_open(struct listener *listener, const struct conf *conf, char error[512])
{
    int rc = take_from_systemd(listener, error);

    if (rc == 0)
        rc = take_from_spawner(listener, error);
    if (rc == 0)
        rc = strncmp(conf->listen, "unix:", 5) == 0 ? open_unix(listener, conf, error)
                                                    : open_tcp(listener, conf, error);
    if (rc < 0) {
        listener_close(listener);
        return -1;
    }
    if (rc > 0)
        log_info("listens on the socket that was handed over");
    else
        log_info("listens: listen=%s", conf->listen);
    return 0;
}

void listener_adopt(struct listener *listener, const struct handover *handover)
{
    listener->fd = handover->listen_fd;
    if (handover->path[0] == '\0')
        return;
    listener->path = mem_strdup(handover->path);
    listener->device = handover->device;
    listener->inode = handover->inode;
}

void listener_check(const struct listener *listener, const struct conf *conf)
{
    if (listener->path != NULL &&
        (strncmp(conf->listen, "unix:", 5) != 0 || strcmp(conf->listen + 5, listener->path) != 0))
        log_warn("listen changes with a restart only: still unix:%s", listener->path);
}

void listener_hand_over(const struct listener *listener, struct handover *handover)
{
    handover->listen_fd = listener->fd;
    if (listener->path == NULL)
        return;
    snprintf(handover->path, sizeof(handover->path), "%s", listener->path);
    handover->device = listener->device;
    handover->inode = listener->inode;
}

static void unlink_path(struct listener *listener)
{
    struct stat st;

    if (listener->path == NULL)
        return;
    if (lstat(listener->path, &st) == 0 && st.st_dev == listener->device &&
        st.st_ino == listener->inode && unlink(listener->path) < 0)
        log_warn("cannot remove %s: %s", listener->path, strerror(errno));
    free(listener->path);
    listener->path = NULL;
}

void listener_close(struct listener *listener)
{
    unlink_path(listener);
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}
