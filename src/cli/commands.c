#include "cli/commands.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/address.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/field.h"
#include "cli/terminal.h"
#include "conf.h"
#include "event/frame.h"

#define CALL_LIMIT_MS 60000
#define RETRY_FOR_MS 10000
#define HISTORY_LIMIT 50
#define PAGE_MAX 200 /* what the server gives at once, at most */

/* Gets a URL. Returns 0 when an answer of this type came with status 200, else -1 after an error,
 * *status set. */
static int get(struct client *client, const struct options *options, const char *url,
               const char *type, struct client_answer *answer, int *status)
{
    struct client_call call = {.method = "GET", .url = url, .timeout_ms = CALL_LIMIT_MS};
    int64_t retry_for_ms = options->retry_for_ms >= 0 ? options->retry_for_ms : RETRY_FOR_MS;

    if (client_persist(client, &call, retry_for_ms, answer) == 0 && answer->status == 200 &&
        strcmp(answer->type, type) == 0)
        return 0;
    *status = client_explain(client, answer);
    return -1;
}

/* --- history --- */

/* The pages, each a line an event, oldest first. Without --after they come newest first. */
struct history {
    struct buf *pages;
    size_t count;
};

/* Where the line after `count` lines starts. */
static size_t after_lines(const struct buf *page, int64_t count)
{
    size_t at = 0;

    while (count-- > 0)
        at = (size_t)((char *)memchr(page->data + at, '\n', page->len - at) - page->data) + 1;
    return at;
}

/* Takes over the page, but for lines over `most`: of a page further back those at its start, else
 * those at its end. Returns how many are left. */
static int64_t keep_page(struct history *history, struct buf *page, int64_t most, bool forward)
{
    int64_t lines = 0;

    for (size_t i = 0; i < page->len; i++)
        lines += page->data[i] == '\n';
    if (lines > most && forward)
        page->len = after_lines(page, most);
    else if (lines > most)
        buf_consume(page, after_lines(page, lines - most));
    history->pages = mem_resize(history->pages, (history->count + 1) * sizeof(*page));
    history->pages[history->count++] = *page;
    *page = (struct buf)BUF_INIT;
    return lines < most ? lines : most;
}

static void print_page(const struct options *options, const struct buf *page)
{
    const char *line = page->data, *end = page->data + page->len, *feed;
    struct buf out = BUF_INIT;

    if (options->ndjson) {
        terminal_write(page->data, page->len);
        return;
    }
    for (; line < end && (feed = memchr(line, '\n', (size_t)(end - line))) != NULL;
         line = feed + 1) {
        struct event event = {.json = line, .json_len = (size_t)(feed - line)};

        if (options->feed != NULL)
            field_time(&out, event.json, event.json_len);
        frame_event(&out, FRAME_TEXT, &event);
    }
    terminal_write(out.data, out.len);
    buf_free(&out);
}

/* Follows the pages until there are as many events as wanted. Returns the exit status. */
static int fetch_history(struct client *client, const struct options *options, struct buf *url,
                         struct history *history)
{
    int64_t left = options->limit > 0 ? options->limit : HISTORY_LIMIT;
    struct client_answer answer = {0};
    int status = CLI_DONE;

    while (get(client, options, url->data, "application/x-ndjson", &answer, &status) == 0) {
        left -= keep_page(history, &answer.body, left, options->after != NULL);
        if (left <= 0 || answer.next[0] == '\0')
            break;
        if (address_follow(url->data, answer.next, url) != 0) {
            terminal_error("the server's link to the next page leads elsewhere: %s", answer.next);
            status = CLI_REFUSED;
            break;
        }
    }
    client_answer_free(&answer);
    return status;
}

/* What came before a failure is whole, and of use. */
static void print_history(const struct options *options, struct history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        size_t at = options->after != NULL ? i : history->count - 1 - i;

        print_page(options, &history->pages[at]);
        buf_free(&history->pages[at]);
    }
    free(history->pages);
}

/* The id of the newest event: it is at the end of the first page, where pages go back. */
static void find_last(const struct history *history, struct buf *last)
{
    const struct buf *page = history->count > 0 ? &history->pages[0] : NULL;
    size_t start = page != NULL && page->len > 0 ? page->len - 1 : 0;
    struct json_object *object;

    if (start == 0)
        return;
    while (start > 0 && page->data[start - 1] != '\n')
        start--;
    object = field_parse(page->data + start, page->len - start);
    if (field_text(object, "id") != NULL)
        buf_str(last, field_text(object, "id"));
    json_object_put(object);
}

int commands_history(const struct options *options, const char *room)
{
    return commands_pages(options, (const char *[]){"rooms", room, "messages", NULL}, NULL);
}

int commands_pages(const struct options *options, const char *const *segments, struct buf *last)
{
    int64_t limit = options->limit > 0 ? options->limit : HISTORY_LIMIT;
    struct history history = {0};
    struct buf url = BUF_INIT;
    struct client *client;
    char page[16];
    int status;

    if (options->before != NULL && options->after != NULL) {
        terminal_error("--before and --after: give one of them");
        return CLI_USAGE;
    }
    client = client_open(options);
    if (client == NULL)
        return CLI_USAGE;
    snprintf(page, sizeof(page), "%d", (int)(limit < PAGE_MAX ? limit : PAGE_MAX));
    client_url(client, &url, segments);
    address_query(&url, "as", "ndjson");
    address_query(&url, "limit", page);
    address_query(&url, "before", options->before);
    address_query(&url, "after", options->after);
    status = fetch_history(client, options, &url, &history);
    if (last != NULL)
        find_last(&history, last);
    print_history(options, &history);
    buf_free(&url);
    client_close(client);
    return status;
}

/* --- rooms --- */

static void print_room(struct buf *out, struct json_object *room)
{
    const char *name = field_text(room, "name"), *topic = field_text(room, "topic");
    const char *last = field_text(room, "last");
    struct json_object *online = NULL;

    json_object_object_get_ex(room, "online", &online);
    buf_printf(out, "%-24s %7lld  %-24s  %s\n", name != NULL ? name : "?",
               (long long)json_object_get_int64(online), last != NULL ? last : "-",
               topic != NULL ? topic : "");
}

/* A topic may hold anything that is text; a table has one line a row. */
static void defuse(struct buf *out, size_t start)
{
    for (size_t i = start; i + 1 < out->len; i++)
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f)
            out->data[i] = '?';
}

/* Returns -1 when the answer is no list of rooms. */
static int print_rooms(const struct options *options, const struct buf *answer)
{
    struct json_object *object = field_parse(answer->data, answer->len), *rooms;
    struct buf out = BUF_INIT;

    if (!json_object_object_get_ex(object, "rooms", &rooms) ||
        !json_object_is_type(rooms, json_type_array)) {
        json_object_put(object);
        return -1;
    }
    if (!options->ndjson)
        buf_printf(&out, "%-24s %7s  %-24s  %s\n", "ROOM", "ONLINE", "LAST", "TOPIC");
    for (size_t i = 0; i < json_object_array_length(rooms); i++) {
        struct json_object *room = json_object_array_get_idx(rooms, i);
        size_t start = out.len;

        if (options->ndjson)
            buf_printf(&out, "%s\n",
                       json_object_to_json_string_ext(room, JSON_C_TO_STRING_PLAIN |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE));
        else
            print_room(&out, room);
        defuse(&out, start);
    }
    terminal_write(out.data, out.len);
    buf_free(&out);
    json_object_put(object);
    return 0;
}

int commands_rooms(const struct options *options)
{
    struct client_answer answer = {0};
    struct buf url = BUF_INIT;
    struct client *client = client_open(options);
    int status = CLI_DONE;

    if (client == NULL)
        return CLI_USAGE;
    client_url(client, &url, (const char *[]){"rooms", NULL});
    if (get(client, options, url.data, "application/json", &answer, &status) == 0 &&
        print_rooms(options, &answer.body) != 0) {
        terminal_error("the server's answer is no list of rooms; is the URL right?");
        status = CLI_REFUSED;
    }
    client_answer_free(&answer);
    buf_free(&url);
    client_close(client);
    return status;
}

/* --- token --- */

static int mint(const struct options *options, const struct conf *conf)
{
    struct token_claims claims = {.user_id = options->user,
                                  .name = options->name,
                                  .rooms = options->rooms,
                                  .namespace = options->ns,
                                  .role = options->role,
                                  .ttl_ms =
                                      options->ttl_ms > 0 ? options->ttl_ms : conf->token_ttl_ms};
    struct buf token = BUF_INIT;
    struct keyring *keyring;
    char error[512];
    int status = CLI_DONE;

    keyring = keyring_open(conf, error);
    if (keyring == NULL) {
        terminal_error("%s", error);
        return CLI_USAGE;
    }
    if (token_mint(keyring, &claims, clock_wall_ms(), &token, NULL, error) == 0) {
        buf_char(&token, '\n');
        terminal_write(token.data, token.len);
    } else {
        terminal_error("%s", error);
        status = CLI_USAGE;
    }
    buf_free(&token);
    keyring_close(keyring);
    return status;
}

int commands_token(const struct options *options)
{
    struct conf *conf;
    char error[512];
    int status;

    if (options->user == NULL) {
        terminal_error("token: --user is wanted: whom shall the token name?");
        return CLI_USAGE;
    }
    if (sodium_init() < 0) {
        terminal_error("libsodium cannot start");
        return CLI_REFUSED;
    }
    /* These are the client's, not keys of the configuration. */
    unsetenv("EARSHOT_URL");
    unsetenv("EARSHOT_TOKEN");
    conf = conf_load(conf_path(options->config), NULL, 0, error);
    if (conf == NULL) {
        terminal_error("%s", error);
        return CLI_USAGE;
    }
    status = mint(options, conf);
    conf_free(conf);
    return status;
}
