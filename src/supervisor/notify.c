#include "supervisor/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

static void send_text(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len;
    int fd;

    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
        return;
    len = strlen(path);
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract name space */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        log_debug("systemd cannot be told %s", text);
    if (fd >= 0)
        close(fd);
}

void notify_send(const char *format, ...)
{
    struct timespec now;
    char text[1024];
    va_list args;
    size_t len;

    va_start(args, format);
    vsnprintf(text, sizeof(text) - 64, format, args);
    va_end(args);
    len = strlen(text);
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (strncmp(text, "RELOADING=1", 11) == 0)
        snprintf(text + len, sizeof(text) - len, "\nMONOTONIC_USEC=%lld",
                 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    send_text(text);
}

/* A positive number, or 0. */
static int64_t number(const char *text)
{
    char *end;
    long long value;

    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    value = strtoll(text, &end, 10);
    return *end == '\0' ? value : 0;
}

int64_t notify_watchdog_ms(void)
{
    int64_t period_us = number(getenv("WATCHDOG_USEC"));
    const char *pid = getenv("WATCHDOG_PID");

    if (period_us == 0 || (pid != NULL && number(pid) != (int64_t)getpid()))
        return 0;
    return period_us < 4000 ? 1 : period_us / 2000;
}
