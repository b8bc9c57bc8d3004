#include "direct/setup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

extern char **environ;

static char **initial; /* the environment that the process was started with */

/* Does the web server configure us with this variable? */
static bool is_ours(const char *variable)
{
    return strncmp(variable, "EARSHOT_", 8) == 0 || strncmp(variable, "REDIS_URL=", 10) == 0;
}

static const char *variable(char *const *envp, const char *name)
{
    size_t len = strlen(name);

    for (; *envp != NULL; envp++)
        if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
            return *envp + len + 1;
    return NULL;
}

/* Beside the program as it was called, which may be a link: those who share one binary have a
 * configuration each. Without a directory in its name it was called in its own (RFC 3875, 7.2). */
static void beside(const char *program, struct buf *path)
{
    const char *slash = strrchr(program, '/');
    char *here = slash == NULL || program[0] != '/' ? getcwd(NULL, 0) : NULL;

    if (here != NULL)
        buf_printf(path, "%s/", here);
    if (slash != NULL)
        buf_append(path, program, (size_t)(slash - program) + 1);
    buf_str(path, SETUP_FILE);
    free(here);
}

/* Finds its file, which need not be there. Returns whether it was named. */
static bool find_file(const struct setup *setup, char *const *envp, struct buf *path)
{
    const char *named = variable(envp, "EARSHOT_CONFIG");

    if (named == NULL)
        named = variable(initial, "EARSHOT_CONFIG");
    if (named != NULL && named[0] != '\0') {
        buf_str(path, named);
        return true;
    }
    beside(setup->program, path);
    return false;
}

/* Says what the configuration is made of: the file, at its last change, and the variables. */
static void describe(const struct setup *setup, char *const *envp, struct buf *source)
{
    struct buf path = BUF_INIT;
    struct stat st = {0};

    find_file(setup, envp, &path);
    if (stat(path.data, &st) < 0)
        st.st_mtim = (struct timespec){0, -1};
    buf_printf(source, "%s %llu %lld %lld.%ld", path.data, (unsigned long long)st.st_ino,
               (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    for (; *envp != NULL; envp++)
        if (is_ours(*envp))
            buf_append(source, *envp, strlen(*envp) + 1);
    buf_free(&path);
}

bool setup_differs(struct setup *setup, char *const *envp)
{
    struct buf source = BUF_INIT;
    bool same;

    if (initial == NULL)
        initial = environ;
    describe(setup, envp, &source);
    same = setup->conf != NULL && source.len == setup->source.len &&
           memcmp(source.data, setup->source.data, source.len) == 0;
    buf_free(&source);
    return !same;
}

/* Makes the environment what it was at the start, with the request's variables over it. */
static void take_variables(char *const *envp)
{
    static char **mixed;
    size_t count = 0, at = 0;

    if (envp == environ)
        return;
    for (char **v = initial; *v != NULL; v++)
        count++;
    for (char *const *v = envp; *v != NULL; v++)
        count += is_ours(*v);
    environ = initial;
    if (mixed != NULL)
        for (char **v = mixed; *v != NULL; v++)
            free(*v);
    free(mixed);
    mixed = mem_alloc((count + 1) * sizeof(*mixed));
    /* getenv() takes the first of a name. */
    for (char *const *v = envp; *v != NULL; v++)
        if (is_ours(*v))
            mixed[at++] = mem_strdup(*v);
    for (char **v = initial; *v != NULL; v++)
        mixed[at++] = mem_strdup(*v);
    mixed[at] = NULL;
    environ = mixed;
}

int setup_read(struct setup *setup, char *const *envp)
{
    char error[512];
    bool there;

    conf_free(setup->conf);
    buf_clear(&setup->source);
    buf_clear(&setup->path);
    describe(setup, envp, &setup->source);
    there = find_file(setup, envp, &setup->path) || access(setup->path.data, F_OK) == 0;
    take_variables(envp);
    log_hold();
    setup->conf = conf_load(there ? setup->path.data : NULL, NULL, 0, error);
    log_release(setup->conf != NULL ? &setup->conf->log_form : NULL);
    if (setup->conf == NULL)
        log_error("%s", error);
    return setup->conf != NULL ? 0 : -1;
}
