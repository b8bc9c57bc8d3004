#include "cli/options.h"

#include <stddef.h>
#include <string.h>

#include "base/units.h"
#include "cli/terminal.h"

#define ADMINS (COMMAND_USER | COMMAND_REVOKE | COMMAND_AUDIT | COMMAND_TOP)
#define TALKERS (COMMAND_SEND | COMMAND_LISTEN | COMMAND_HISTORY | COMMAND_ROOMS | ADMINS)
#define SERVER (TALKERS | COMMAND_DOCTOR)
#define NUMBER_MAX 1000000000
#define TIME_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)

enum kind { KIND_FLAG, KIND_TEXT, KIND_NUMBER, KIND_TIME, KIND_AS };

struct row {
    const char *name;
    const char *value; /* how the help calls it */
    enum kind kind;
    size_t offset;
    unsigned commands; /* 0 = all */
    const char *help;
};

#define FIELD(name) offsetof(struct options, name)

static const struct row rows[] = {
    {"type", "TYPE", KIND_TEXT, FIELD(type), COMMAND_SEND, "the message's type (message)"},
    {"metadata", "JSON", KIND_TEXT, FIELD(metadata), COMMAND_SEND, "a JSON object to go with it"},
    {"reply-to", "ID", KIND_TEXT, FIELD(reply_to), COMMAND_SEND, "the message that it answers"},
    {"ephemeral", NULL, KIND_FLAG, FIELD(ephemeral), COMMAND_SEND,
     "only for those who listen now; not stored"},
    {"batch", NULL, KIND_FLAG, FIELD(batch), COMMAND_SEND,
     "standard input is NDJSON, a message a line"},
    {"idempotency-key", "KEY", KIND_TEXT, FIELD(idempotency_key), COMMAND_SEND,
     "send once under this key, however often (a random one)"},
    {"since", "WHEN", KIND_TEXT, FIELD(since), COMMAND_LISTEN,
     "a cursor, all, latest, or so far back: 90, 10m, 2h, 1d (latest)"},
    {"count", "N", KIND_NUMBER, FIELD(count), COMMAND_LISTEN, "end after so many lines"},
    {"types", "TYPE,...", KIND_TEXT, FIELD(types), COMMAND_LISTEN, "only events of these types"},
    {"limit", "N", KIND_NUMBER, FIELD(limit), COMMAND_HISTORY | COMMAND_AUDIT,
     "so many messages (50)"},
    {"before", "ID", KIND_TEXT, FIELD(before), COMMAND_HISTORY, "the last ones before this"},
    {"after", "ID", KIND_TEXT, FIELD(after), COMMAND_HISTORY, "the first ones after this"},
    {"as", "FORM", KIND_AS, FIELD(ndjson), TALKERS, "text (the default) or ndjson"},
    {"user", "ID", KIND_TEXT, FIELD(user), COMMAND_TOKEN | COMMAND_REVOKE,
     "whom the token names, or whose tokens it is about"},
    {"jti", "JTI", KIND_TEXT, FIELD(jti), COMMAND_REVOKE, "the one token with this claim jti"},
    {"name", "NAME", KIND_TEXT, FIELD(name), COMMAND_TOKEN | COMMAND_USER, "the name to show"},
    {"password-stdin", NULL, KIND_FLAG, FIELD(password_stdin), COMMAND_USER,
     "the password is the first line of standard input"},
    {"follow", NULL, KIND_FLAG, FIELD(follow), COMMAND_AUDIT, "go on as it is done"},
    {"once", NULL, KIND_FLAG, FIELD(once), COMMAND_TOP, "print how all is now, and end"},
    {"rooms", "ROOM=RIGHTS,...", KIND_TEXT, FIELD(rooms), COMMAND_TOKEN,
     "rights by room: r read, w write, m moderate; * for any"},
    {"role", "ROLE", KIND_TEXT, FIELD(role), COMMAND_TOKEN | COMMAND_USER,
     "admin: every right in every room; of a user also none"},
    {"namespace", "NAME", KIND_TEXT, FIELD(ns), COMMAND_TOKEN, "good in this namespace only"},
    {"ttl", "TIME", KIND_TIME, FIELD(ttl_ms), COMMAND_TOKEN,
     "how long it is good: 90s, 30m, 12h, 7d (token_ttl)"},
    {"quick", NULL, KIND_FLAG, FIELD(quick), COMMAND_DOCTOR, "no look at idle streams: 10 s"},
    {"idle", "TIME", KIND_TIME, FIELD(idle_ms), COMMAND_DOCTOR,
     "how long to look at idle streams (35s)"},
    {"long", NULL, KIND_FLAG, FIELD(whole), COMMAND_DOCTOR,
     "look at idle streams until the server ends them: up to 13 minutes"},
    {"json", NULL, KIND_FLAG, FIELD(json), COMMAND_DOCTOR, "print one JSON object at the end"},
    {"config", "FILE", KIND_TEXT, FIELD(config), COMMAND_TOKEN | ADMINS | COMMAND_DOCTOR,
     "where jwt_secret is ($EARSHOT_CONFIG, " EARSHOT_CONFIG_PATH ")"},
    {"retry-for", "TIME", KIND_TIME, FIELD(retry_for_ms), TALKERS,
     "how long to try while no server answers (10s)"},
    {"url", "URL", KIND_TEXT, FIELD(url), SERVER,
     "the server ($EARSHOT_URL, http://127.0.0.1:8080/chat/v1)"},
    {"token", "TOKEN", KIND_TEXT, FIELD(token), SERVER,
     "who you are ($EARSHOT_TOKEN); others on the machine can see it here"},
    {"token-file", "FILE", KIND_TEXT, FIELD(token_file), SERVER, "a file that holds the token"},
    {"verbose", NULL, KIND_FLAG, FIELD(verbose), 0, "say what happens, on standard error"},
    {"help", NULL, KIND_FLAG, FIELD(help), 0, "this text"},
    {"version", NULL, KIND_FLAG, FIELD(version), 0, "the version"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

_Static_assert(ROWS <= 64, "options.given has a bit a row");

static const struct row *find(const char *name, size_t len)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

/* Puts a value where its row says. */
static int set(struct options *options, const struct row *row, const char *value)
{
    void *field = (char *)options + row->offset;
    int64_t n;

    switch (row->kind) {
    case KIND_FLAG:
        *(bool *)field = true;
        return 0;
    case KIND_TEXT:
        *(const char **)field = value;
        return 0;
    case KIND_NUMBER:
        if (units_number(value, &n) != 0 || n < 1 || n > NUMBER_MAX) {
            terminal_error("--%s %s: a number from 1 to %d is wanted", row->name, value,
                           NUMBER_MAX);
            return -1;
        }
        *(int64_t *)field = n;
        return 0;
    case KIND_TIME:
        if (units_duration(value, &n) != 0 || n > TIME_MAX_MS) {
            terminal_error("--%s %s: a time like 500ms, 10s, 30m, 12h or 7d is wanted", row->name,
                           value);
            return -1;
        }
        *(int64_t *)field = n;
        return 0;
    case KIND_AS:
        *(bool *)field = strcmp(value, "ndjson") == 0;
        if (!*(bool *)field && strcmp(value, "text") != 0) {
            terminal_error("--as %s: text or ndjson is wanted", value);
            return -1;
        }
        return 0;
    }
    return -1;
}

/* Reads the option at argv[i]; returns how many words it took, or -1. */
static int take(struct options *options, const char *word, const char *following)
{
    const char *name = word + 2;
    const char *equals;
    const struct row *row;

    if (strcmp(word, "-h") == 0)
        name = "help";
    else if (strcmp(word, "-v") == 0)
        name = "verbose";
    else if (strncmp(word, "--", 2) != 0)
        name = "";
    equals = strchrnul(name, '=');
    row = find(name, (size_t)(equals - name));
    if (row == NULL) {
        terminal_error("%s is no option; see earshot help", word);
        return -1;
    }
    options->given |= UINT64_C(1) << (row - rows);
    if (row->kind == KIND_FLAG && *equals == '=') {
        terminal_error("--%s takes no value", row->name);
        return -1;
    }
    if (row->kind == KIND_FLAG || *equals == '=')
        return set(options, row, *equals == '=' ? equals + 1 : NULL) == 0 ? 1 : -1;
    if (following == NULL) {
        terminal_error("--%s wants a value: --%s %s", row->name, row->name, row->value);
        return -1;
    }
    return set(options, row, following) == 0 ? 2 : -1;
}

int options_parse(struct options *options, int argc, char **argv)
{
    int words = 0;

    memset(options, 0, sizeof(*options));
    options->retry_for_ms = -1;
    for (int i = 1; i < argc;) {
        int took;

        if (strcmp(argv[i], "--") == 0) {
            while (++i < argc)
                argv[1 + words++] = argv[i];
            break;
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[1 + words++] = argv[i++];
            continue;
        }
        took = take(options, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (took < 0)
            return -1;
        i += took;
    }
    return words;
}

int options_check(const struct options *options, unsigned command, const char *command_name)
{
    for (size_t i = 0; i < ROWS; i++)
        if ((options->given >> i & 1) != 0 && rows[i].commands != 0 &&
            (rows[i].commands & command) == 0) {
            terminal_error("%s takes no --%s; see earshot help %s", command_name, rows[i].name,
                           command_name);
            return -1;
        }
    return 0;
}

void options_help(FILE *out, unsigned command)
{
    for (size_t i = 0; i < ROWS; i++) {
        char left[64];

        if (rows[i].commands != 0 && (rows[i].commands & command) == 0)
            continue;
        snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].value != NULL ? " " : "",
                 rows[i].value != NULL ? rows[i].value : "");
        fprintf(out, "  %-24s %s\n", left, rows[i].help);
    }
}
