/* main.c - earshotd: which mode; options, then the supervisor, or direct. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/policy.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "direct/direct.h"
#include "gate/prefork.h"
#include "hub/hub.h"
#include "setting.h"
#include "store/topology.h"
#include "supervisor/privilege.h"
#include "supervisor/supervisor.h"

#define FLAGS_MAX 256

enum option_value {
    OPTION_CONFIG = 256,
    OPTION_CHECK,
    OPTION_PRINT,
    OPTION_FOREGROUND,
    OPTION_VERSION,
    OPTION_HELP,
    OPTION_KEYS
};

enum action { ACTION_RUN, ACTION_CHECK, ACTION_PRINT };

struct invocation {
    enum action action;
    const char *path; /* of the configuration, or NULL */
    struct conf_flag flags[FLAGS_MAX];
    int flags_count;
};

static const char help[] =
    "usage: earshotd [--config FILE] [--KEY VALUE]...\n"
    "\n"
    "  --config FILE     read this file (default: EARSHOT_CONFIG, else " EARSHOT_CONFIG_PATH ")\n"
    "  --listen ADDRESS  unix:/PATH or HOST:PORT\n"
    "  --gates N         processes that answer requests; 0 = 4 a core, at least 8\n"
    "  --hubs N          processes that hold streams; 0 = one a core\n"
    "  --KEY VALUE       any key of the file, with - for _; earshot.conf(5) has all\n"
    "  --check-config    check the configuration and its keys, then exit\n"
    "  --print-config    print the configuration, secrets masked, then exit\n"
    "  --foreground      the default: earshotd never puts itself in the background\n"
    "  --version         print the version\n"
    "  --help            print this\n"
    "\n"
    "Signals: SIGHUP reloads the configuration, SIGUSR2 goes over to the binary that now is where\n"
    "this one was, SIGTERM ends after the streams have ended.\n"
    "Exit status: 0, 64 for a bad option, 78 for a bad configuration; earshotd(8) has all.\n";

/* --- options --- */

/* The long option of a key: - for _. To be freed. */
static char *option_name(const char *key)
{
    char *name = mem_strdup(key);

    for (char *p = name; *p != '\0'; p++)
        if (*p == '_')
            *p = '-';
    return name;
}

/* Makes the options of getopt_long: our own, then each key of the configuration with - for _. */
static struct option *make_options(void)
{
    static const struct option own[] = {{"config", required_argument, NULL, OPTION_CONFIG},
                                        {"check-config", no_argument, NULL, OPTION_CHECK},
                                        {"print-config", no_argument, NULL, OPTION_PRINT},
                                        {"foreground", no_argument, NULL, OPTION_FOREGROUND},
                                        {"version", no_argument, NULL, OPTION_VERSION},
                                        {"help", no_argument, NULL, OPTION_HELP}};
    const size_t own_count = sizeof(own) / sizeof(*own);
    struct option *options = mem_zero((own_count + SETTING_ROWS_MAX + 1) * sizeof(*options));

    memcpy(options, own, sizeof(own));
    for (int i = 0; setting_table[i].key != NULL; i++)
        options[own_count + (size_t)i] = (struct option){option_name(setting_table[i].key),
                                                         required_argument, NULL, OPTION_KEYS + i};
    return options;
}

static void free_options(struct option *options)
{
    for (struct option *o = options; o->name != NULL; o++)
        if (o->val >= OPTION_KEYS)
            free((char *)(uintptr_t)o->name);
    free(options);
}

static void add_flag(struct invocation *in, const char *key, const char *value)
{
    if (in->flags_count == FLAGS_MAX) {
        fprintf(stderr, "earshotd: more than %d options\n", FLAGS_MAX);
        exit(EX_USAGE);
    }
    in->flags[in->flags_count++] = (struct conf_flag){key, value};
}

/* Takes one option; what only prints ends here. */
static void take_option(struct invocation *in, int value)
{
    switch (value) {
    case OPTION_CONFIG:
        in->path = optarg;
        break;
    case OPTION_CHECK:
        in->action = ACTION_CHECK;
        break;
    case OPTION_PRINT:
        in->action = ACTION_PRINT;
        break;
    case OPTION_FOREGROUND:
        break;
    case OPTION_VERSION:
        puts("earshotd " PACKAGE_VERSION);
        exit(EXIT_SUCCESS);
    case OPTION_HELP:
        fputs(help, stdout);
        exit(EXIT_SUCCESS);
    default:
        add_flag(in, setting_table[value - OPTION_KEYS].key, optarg);
    }
}

/* getopt_long says less: what was meant. It has moved past the argument that it did not like. */
static void refuse(const char *argument, int value)
{
    char key[64];
    const struct setting *near;

    snprintf(key, sizeof(key), "%s", argument + strspn(argument, "-"));
    key[strcspn(key, "=")] = '\0';
    for (char *p = key; *p != '\0'; p++)
        if (*p == '-')
            *p = '_';
    near = setting_nearest(key);
    if (value == ':')
        fprintf(stderr, "earshotd: %.60s needs a value\n", argument);
    else if (near != NULL && setting_find(key) == NULL)
        fprintf(stderr, "earshotd: there is no option %.60s; is --%s meant?\n", argument,
                option_name(near->key));
    else
        fprintf(stderr, "earshotd: %.60s is not understood; --help lists the options\n", argument);
    exit(EX_USAGE);
}

static void read_options(struct invocation *in, int argc, char **argv)
{
    struct option *options = make_options();
    int value;

    opterr = 0;
    while ((value = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (value == '?' || value == ':')
            refuse(argv[optind - 1], value);
        take_option(in, value);
    }
    free_options(options);
    if (optind < argc) {
        fprintf(stderr, "earshotd: \"%.60s\" is no option; --help lists them\n", argv[optind]);
        exit(EX_USAGE);
    }
    in->path = conf_path(in->path);
}

/* --- the configuration --- */

static int check_rights(const struct conf *conf, char error[512])
{
    struct arena arena = {NULL};
    struct identity identity = {.name = "anonymous"};
    char reason[256];
    int rc = policy_parse(&identity, &arena, conf->anonymous, reason);

    if (rc < 0)
        snprintf(error, 512, "%s: anonymous: %s", conf_where(conf, "anonymous", 0), reason);
    identity.grants_count = 0;
    if (rc == 0 && (rc = policy_parse(&identity, &arena, conf->members, reason)) < 0)
        snprintf(error, 512, "%s: members: %s", conf_where(conf, "members", 0), reason);
    arena_free(&arena);
    return rc;
}

static int check_redis(const struct conf *conf, char error[512])
{
    char reason[256];
    struct topology *topology = topology_parse(conf->redis, reason);

    if (topology == NULL)
        snprintf(error, 512, "%s: redis: %s", conf_where(conf, "redis", 0), reason);
    topology_free(topology);
    return topology != NULL ? 0 : -1;
}

static int check_user(const struct conf *conf, char error[512])
{
    uid_t uid;
    gid_t gid;
    char reason[512];

    if (conf->user[0] == '\0' || privilege_find(conf->user, &uid, &gid, reason) == 0)
        return 0;
    snprintf(error, 512, "%.200s: %.300s", conf_where(conf, "user", 0), reason);
    return -1;
}

static int check_keys(const struct conf *conf, char error[512])
{
    struct keyring *keyring = keyring_open(conf, error);

    keyring_close(keyring);
    return keyring != NULL ? 0 : -1;
}

static struct conf *load_held(const struct invocation *in, char error[512])
{
    struct conf *conf = conf_load(in->path, in->flags, in->flags_count, error);

    if (conf == NULL)
        return NULL;
    if (check_keys(conf, error) == 0 && check_redis(conf, error) == 0 &&
        check_rights(conf, error) == 0 && check_user(conf, error) == 0)
        return conf;
    conf_free(conf);
    return NULL;
}

/* Reads the configuration and tries all that workers will do with it (supervisor_jobs.load). What
 * it says of it is written as the configuration wants it. */
static struct conf *load(void *context, char error[512])
{
    struct conf *conf;

    log_hold();
    conf = load_held(context, error);
    log_release(conf != NULL ? &conf->log_form : NULL);
    return conf;
}

/* The form of the log until there is a configuration. */
static enum log_form early_form(const struct invocation *in)
{
    const char *form = getenv("EARSHOT_LOG_FORMAT");

    for (int i = 0; i < in->flags_count; i++)
        if (strcmp(in->flags[i].key, "log_format") == 0)
            form = in->flags[i].value;
    return form != NULL && strcmp(form, logline_forms[LOG_FORM_JSON]) == 0 ? LOG_FORM_JSON
                                                                           : LOG_FORM_TEXT;
}

static int fail(const char *error)
{
    log_fatal(error);
    return EX_CONFIG;
}

static int print(const struct invocation *in)
{
    char error[512];
    struct conf *conf = conf_load(in->path, in->flags, in->flags_count, error);

    if (conf == NULL)
        return fail(error);
    conf_print(conf, stdout);
    conf_free(conf);
    return EXIT_SUCCESS;
}

/* What is opened next must not become the standard output of whoever was started without one. */
static void open_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            exit(EX_OSERR);
}

int main(int argc, char **argv)
{
    static struct invocation in;
    const struct supervisor_jobs jobs = {.mains = {.gate = prefork_main, .hub = hub_main},
                                         .load = load,
                                         .context = &in,
                                         .argv = argv};
    const enum direct_mode mode = direct_mode(argc > 0 ? argv[0] : "");
    char error[512];
    struct conf *conf;

    open_standard_files();
    if (mode != DIRECT_NOT)
        return direct_main(argv[0], mode);
    read_options(&in, argc, argv);
    log_open(in.action == ACTION_RUN ? "supervisor" : "earshotd", LOG_LEVEL_INFO, early_form(&in));
    if (in.action == ACTION_PRINT)
        return print(&in);
    if (in.action == ACTION_RUN)
        return supervisor_run(&jobs);
    conf = load(&in, error);
    if (conf == NULL)
        return fail(error);
    printf("%s: ok\n", in.path != NULL ? in.path : "configuration");
    conf_free(conf);
    return EXIT_SUCCESS;
}
