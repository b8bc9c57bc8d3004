#include "direct/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define DIRECTORY "/tmp/earshot-%u"
#define LEAST_PART 5 /* of its age that a receive keeps */

/* Makes the directory, unless it is there: ours alone, since anybody may write to /tmp. */
static int open_directory(void)
{
    char path[64];
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), DIRECTORY, (unsigned)geteuid());
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -1;
    fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0022) == 0)
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

/* A site's file: sites of one user do not take each other's places. */
static int open_file(const char *site)
{
    int directory = open_directory(), fd, saved;
    unsigned char hash[16];
    char name[2 * sizeof(hash) + 1];

    if (directory < 0)
        return -1;
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)site, strlen(site), NULL, 0);
    sodium_bin2hex(name, sizeof(name), hash, sizeof(hash));
    fd = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    saved = errno;
    close(directory);
    errno = saved;
    return fd;
}

/* One byte each. Open file description locks: closing another descriptor of the file, which drops a
 * process's other locks, does nothing to them. */
static struct flock lock_of(int first, int count)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
}

static int count_held(int fd, int most)
{
    int held = 0;

    for (int next = 0; next < most;) {
        struct flock lock = lock_of(next, most - next);

        if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
            break;
        held++;
        next = (int)lock.l_start + 1;
    }
    return held;
}

int quota_take(const char *site, int most, int *held)
{
    int fd = open_file(site);

    *held = 0;
    if (fd < 0) {
        log_error("cannot count streams in " DIRECTORY ": %s", (unsigned)geteuid(),
                  strerror(errno));
        return -1;
    }
    *held = count_held(fd, most);
    for (int place = 0; place < most; place++) {
        struct flock lock = lock_of(place, 1);

        if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
            return fd;
    }
    *held = most;
    close(fd);
    return -1;
}

int64_t quota_life_ms(int64_t age_ms, int held, int most)
{
    int half = most / 2;

    if (held >= most)
        return 0;
    if (held < half)
        return age_ms;
    return age_ms - age_ms * (LEAST_PART - 1) * (held - half + 1) / (LEAST_PART * (most - half));
}
