#include "supervisor/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

int privilege_find(const char *user, uid_t *uid, gid_t *gid, char error[512])
{
    struct passwd *entry = getpwnam(user);

    if (entry == NULL) {
        snprintf(error, 512,
                 "user = %s: there is no such user on this machine; allowed are those of "
                 "getent passwd",
                 user);
        return -1;
    }
    *uid = entry->pw_uid;
    *gid = entry->pw_gid;
    return 0;
}

int privilege_drop(const char *user, char error[512])
{
    uid_t uid;
    gid_t gid;

    if (user[0] == '\0')
        return 0;
    if (privilege_find(user, &uid, &gid, error) < 0)
        return -1;
    if (uid == 0 && geteuid() == 0)
        log_warn("stays root, as user=%s says: whoever breaks in has all of the machine", user);
    if (geteuid() != 0) {
        if (geteuid() != uid)
            log_warn("only root can become user=%s; stays uid=%d", user, (int)geteuid());
        return 0;
    }
    if (initgroups(user, gid) < 0 || setgid(gid) < 0 || setuid(uid) < 0) {
        snprintf(error, 512, "user = %s: cannot become it: %s", user, strerror(errno));
        return -1;
    }
    /* A saved uid of 0 would let it come back. */
    if (uid != 0 && setuid(0) == 0) {
        snprintf(error, 512, "user = %s: root was not given up", user);
        return -1;
    }
    return 0;
}
