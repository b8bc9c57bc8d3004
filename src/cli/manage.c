#include "cli/manage.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/address.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/field.h"
#include "cli/listen.h"
#include "cli/operator.h"
#include "cli/terminal.h"
#include "event/name.h"

#define PASSWORD_MAX 1024
#define PAGE "1000"

/* --- calls --- */

/* One that answers with nothing. */
static int do_call(const struct options *options, const char *method, const char *path,
                   const struct buf *json, const char *condition)
{
    struct client_call what = {.method = method,
                               .url = path,
                               .headers = {condition},
                               .body = json->data,
                               .body_len = json->len};
    struct client_answer answer = {0};
    int status;

    if (json->len > 0)
        what.headers[condition != NULL] = "Content-Type: application/json";
    status = operator_call(options, &what, &answer);
    client_answer_free(&answer);
    return status;
}

/* Appends a member behind { or another one; nothing for NULL. */
static void append(struct buf *json, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_printf(json, "%s\"%s\":", json->len > 1 ? "," : "", name);
    buf_json(json, value, strlen(value));
}

/* --- user --- */

/* Reads a line, less its end. Returns 0, or -1 after an error. */
static int read_line(char line[PASSWORD_MAX + 2])
{
    size_t len;

    if (fgets(line, PASSWORD_MAX + 2, stdin) == NULL) {
        terminal_error("no password came on standard input");
        return -1;
    }
    len = strlen(line);
    if (len > PASSWORD_MAX && line[len - 1] != '\n') {
        terminal_error("a password has at most %d bytes", PASSWORD_MAX);
        return -1;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return 0;
}

/* Asks on the terminal, without echo. */
static int ask(const char *prompt, char line[PASSWORD_MAX + 2])
{
    struct termios before, silent;
    int rc;

    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        terminal_error("standard input is no terminal: use --password-stdin");
        return -1;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    /* What is typed before is dropped: so not after the prompt, which may be answered at once. */
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    fputs(prompt, stderr);
    rc = read_line(line);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return rc;
}

static int read_password(const struct options *options, char line[PASSWORD_MAX + 2])
{
    char again[PASSWORD_MAX + 2];
    int rc;

    if (options->password_stdin)
        return read_line(line);
    rc = ask("Password: ", line);
    if (rc == 0)
        rc = ask("Once more: ", again);
    if (rc == 0 && strcmp(line, again) != 0) {
        terminal_error("these are two different ones");
        rc = -1;
    }
    sodium_memzero(again, sizeof(again));
    return rc;
}

/* Makes an account, or changes one. */
static int put_user(const struct options *options, const char *user, bool add)
{
    char password[PASSWORD_MAX + 2];
    struct buf json = BUF_INIT, path = BUF_INIT;
    int status = CLI_USAGE;

    if (read_password(options, password) == 0) {
        buf_printf(&path, "/users/%s", user);
        buf_char(&json, '{');
        append(&json, "password", password);
        append(&json, "name", options->name);
        append(&json, "role", options->role);
        buf_char(&json, '}');
        status =
            do_call(options, "PUT", path.data, &json, add ? "If-None-Match: *" : "If-Match: *");
        sodium_memzero(json.data, json.len);
    }
    sodium_memzero(password, sizeof(password));
    buf_free(&json);
    buf_free(&path);
    return status;
}

static int delete_user(const struct options *options, const char *user)
{
    struct buf none = BUF_INIT, path = BUF_INIT;
    int status;

    buf_printf(&path, "/users/%s", user);
    status = do_call(options, "DELETE", path.data, &none, NULL);
    buf_free(&path);
    return status;
}

static void print_user(struct buf *out, const struct options *options, struct json_object *user)
{
    const char *id = field_text(user, "userId"), *role = field_text(user, "role");
    const char *made = field_text(user, "made"), *name = field_text(user, "name");
    size_t start = out->len;

    if (options->ndjson)
        buf_str(out, json_object_to_json_string_ext(user, JSON_C_TO_STRING_PLAIN |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE));
    else
        buf_printf(out, "%-24s %-6s %-24s  %s", id != NULL ? id : "?", role != NULL ? role : "-",
                   made != NULL ? made : "-", name != NULL ? name : "");
    for (size_t i = start; i < out->len; i++)
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f)
            out->data[i] = '?';
    buf_char(out, '\n');
}

/* Prints a page. Returns the path of the next one, to be freed, or NULL; *status is set where it is
 * none. */
static char *print_users(const struct options *options, const struct buf *page, int *status)
{
    struct json_object *object = field_parse(page->data, page->len), *users;
    struct buf out = BUF_INIT, path = BUF_INIT;
    const char *next;

    if (!json_object_object_get_ex(object, "users", &users) ||
        !json_object_is_type(users, json_type_array)) {
        terminal_error("the server's answer is no list of users; is the URL right?");
        *status = CLI_REFUSED;
        json_object_put(object);
        return NULL;
    }
    for (size_t i = 0; i < json_object_array_length(users); i++)
        print_user(&out, options, json_object_array_get_idx(users, i));
    terminal_write(out.data, out.len);
    next = field_text(object, "next");
    if (next != NULL && name_user_valid(next))
        buf_printf(&path, "/users?limit=" PAGE "&after=%s", next);
    json_object_put(object);
    buf_free(&out);
    return path.data;
}

static int list_users(const struct options *options)
{
    char *path = mem_strdup("/users?limit=" PAGE);
    int status = CLI_DONE;

    while (path != NULL && status == CLI_DONE) {
        struct client_call what = {.method = "GET", .url = path};
        struct client_answer answer = {0};
        char *next = NULL;

        status = operator_call(options, &what, &answer);
        if (status == CLI_DONE)
            next = print_users(options, &answer.body, &status);
        client_answer_free(&answer);
        free(path);
        path = next;
    }
    free(path);
    return status;
}

int manage_user(const struct options *options, const char *what, const char *user)
{
    struct operator operator;
    bool list = strcmp(what, "list") == 0, del = strcmp(what, "del") == 0,
         add = strcmp(what, "add") == 0;
    int status;

    if ((!list && !del && !add && strcmp(what, "passwd") != 0) || list != (user == NULL)) {
        terminal_error("usage: earshot user add|passwd|del USER, or earshot user list");
        return CLI_USAGE;
    }
    if (user != NULL && !name_user_valid(user)) {
        terminal_error("%s is no user id: 1 to 64 letters, digits, '.', '_' or '-'", user);
        return CLI_USAGE;
    }
    status = operator_complete(&operator, options);
    if (status == CLI_DONE)
        status = list  ? list_users(&operator.options)
                 : del ? delete_user(&operator.options, user)
                       : put_user(&operator.options, user, add);
    operator_free(&operator);
    return status;
}

/* --- revoke, audit --- */

int manage_revoke(const struct options *options)
{
    struct buf json = BUF_INIT;
    struct operator operator;
    int status;

    if ((options->user == NULL) == (options->jti == NULL)) {
        terminal_error("revoke: give --user, or --jti");
        return CLI_USAGE;
    }
    buf_char(&json, '{');
    append(&json, "user", options->user);
    append(&json, "token", options->jti);
    buf_char(&json, '}');
    status = operator_complete(&operator, options);
    if (status == CLI_DONE)
        status = do_call(&operator.options, "POST", "/revoke", &json, NULL);
    operator_free(&operator);
    buf_free(&json);
    return status;
}

int manage_audit(const struct options *options)
{
    struct buf last = BUF_INIT;
    struct operator operator;
    char room[] = "audit";
    int status = operator_complete(&operator, options);

    operator.options.feed = "audit";
    if (status == CLI_DONE)
        status = commands_pages(&operator.options, (const char *[]){"admin", "audit", NULL}, &last);
    if (status == CLI_DONE && options->follow) {
        operator.options.since = last.len> 0 ? last.data : "all";
        status = listen_run(&operator.options, &(char *){room}, 1);
    }
    operator_free(&operator);
    buf_free(&last);
    return status;
}
