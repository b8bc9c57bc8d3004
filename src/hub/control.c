#include "hub/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/event.h"
#include "hub/connection.h"
#include "hub/outgoing.h"
#include "hub/state.h"
#include "hub/who.h"
#include "store/keys.h"

#define MARKS_MAX 250000
#define PAGE_MARKS 4096
#define LINGER_MS 60000
#define SWEEP_EVERY_MS 60000
#define READ_EVERY_MS 3600000
/* A word does not say when its token would have ended; the next reading of the list does. */
#define UNTIL_READ_MS (2 * READ_EVERY_MS)
#define WORDS_MAX 5
#define WORD_BYTES 1024

/* A token and when it would have ended, ms; or a user and the second up to which his tokens are
 * revoked. */
struct mark {
    UT_hash_handle hh;
    int64_t value;
    char name[];
};

enum list { LIST_REVOKED, LIST_BEFORE, LISTS };

static const char *const list_keys[LISTS] = {"revoked", "before"};

struct site {
    UT_hash_handle hh;
    struct hub *hub;
    char *channel;
    struct mark *marks[LISTS];
    LIST_HEAD(, who) whos;
    bool subscribed;
    bool ready;   /* the lists were read once */
    bool reading; /* a page is asked for */
    bool again;   /* subscribed anew meanwhile: what is being read may be from before */
    bool dirty;   /* something was revoked: the connections are to be looked at */
    enum list list;
    unsigned offset; /* of the page that is asked for */
    int64_t read_ms, swept_ms, empty_ms;
    char name[];
};

static struct mark *find_mark(const struct site *site, enum list list, const char *name)
{
    struct mark *mark;

    HASH_FIND_STR(site->marks[list], name, mark);
    return mark;
}

/* Returns false when the list is full. */
static bool put_mark(struct site *site, enum list list, const char *name, int64_t value)
{
    static int64_t next_line_ms;
    struct mark *mark = find_mark(site, list, name);

    if (mark == NULL && HASH_COUNT(site->marks[list]) >= MARKS_MAX) {
        if (log_may(&next_line_ms))
            log_error("too much is revoked: not all is remembered namespace=%s entries=%d",
                      site->name, MARKS_MAX);
        return false;
    }
    if (mark == NULL) {
        mark = mem_zero(sizeof(*mark) + strlen(name) + 1);
        strcpy(mark->name, name);
        HASH_ADD_STR(site->marks[list], name, mark);
    }
    /* The last second counts; but a token's end is known better by the list than by a word. */
    if (list == LIST_REVOKED || value > mark->value)
        mark->value = value;
    return true;
}

static void drop_marks(struct site *site, enum list list, int64_t up_to)
{
    struct mark *mark, *next;

    HASH_ITER (hh, site->marks[list], mark, next) {
        if (mark->value > up_to)
            continue;
        HASH_DEL(site->marks[list], mark);
        free(mark);
    }
}

static void free_site(struct site *site)
{
    for (int list = 0; list < LISTS; list++)
        drop_marks(site, (enum list)list, INT64_MAX);
    HASH_DEL(site->hub->sites, site);
    free(site->channel);
    free(site);
}

static struct site *make_site(struct hub *hub, const char *namespace)
{
    struct site *site = mem_zero(sizeof(*site) + strlen(namespace) + 1);
    char channel[KEY_MAX];

    site->hub = hub;
    strcpy(site->name, namespace);
    key_site(channel, namespace, "control");
    site->channel = mem_strdup(channel);
    site->swept_ms = clock_mono_ms();
    LIST_INIT(&site->whos);
    HASH_ADD_STR(hub->sites, name, site);
    feed_subscribe(&hub->feed, site->channel);
    return site;
}

void control_join(struct hub *hub, const char *namespace, struct who *who)
{
    struct site *site;

    HASH_FIND_STR(hub->sites, namespace, site);
    who->site = site != NULL ? site : make_site(hub, namespace);
    LIST_INSERT_HEAD(&who->site->whos, who, in_site);
}

void control_leave(struct who *who)
{
    if (who->site == NULL)
        return;
    LIST_REMOVE(who, in_site);
    who->site->empty_ms = clock_mono_ms();
    who->site = NULL;
}

bool control_ready(const struct who *who)
{
    return who->site == NULL || who->site->ready;
}

bool control_revoked(const struct who *who)
{
    const struct mark *before;

    if (who->site == NULL)
        return false;
    if (who->token_id[0] != '\0' && find_mark(who->site, LIST_REVOKED, who->token_id) != NULL)
        return true;
    before = find_mark(who->site, LIST_BEFORE, who->user);
    return before != NULL && who->issued_s <= before->value;
}

/* --- the lists --- */

static void on_page(void *arg, const redisReply *reply);

/* From the greatest score down: what comes meanwhile pushes others back, so that nothing is passed
 * over, and what is forgotten meanwhile stands at the end. */
static void ask_page(struct site *site)
{
    char key[KEY_MAX], least[32] = "-inf", offset[16], count[16];

    if (site->list == LIST_REVOKED)
        snprintf(least, sizeof(least), "(%lld", (long long)clock_wall_ms());
    snprintf(offset, sizeof(offset), "%u", site->offset);
    snprintf(count, sizeof(count), "%d", PAGE_MARKS);
    key_site(key, site->name, list_keys[site->list]);
    site->reading = true;
    ask_command(&site->hub->ask, 8,
                (const char *[]){"ZREVRANGEBYSCORE", key, "+inf", least, "WITHSCORES", "LIMIT",
                                 offset, count},
                on_page, site);
}

static void read_lists(struct site *site)
{
    site->again = false;
    site->list = LIST_REVOKED;
    site->offset = 0;
    ask_page(site);
}

static void take_page(struct site *site, const redisReply *reply)
{
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const redisReply *name = reply->element[i], *score = reply->element[i + 1];

        if (name->type == REDIS_REPLY_STRING && score->type == REDIS_REPLY_STRING)
            put_mark(site, site->list, name->str, (int64_t)strtod(score->str, NULL));
    }
}

/* The lists are known: ends what they revoke, and lets the others in. */
static void have_read(struct site *site)
{
    struct who *who, *next;

    site->ready = true;
    site->read_ms = clock_mono_ms();
    for (who = LIST_FIRST(&site->whos); who != NULL; who = next) {
        next = LIST_NEXT(who, in_site);
        if (connection_judge(who->connection))
            connection_started(who->connection);
    }
}

static void on_page(void *arg, const redisReply *reply)
{
    struct site *site = arg;

    site->reading = false;
    if (reply->type != REDIS_REPLY_ARRAY) {
        log_error("what is revoked cannot be read namespace=%s reply=\"%.200s\"", site->name,
                  reply->type == REDIS_REPLY_ERROR ? reply->str : "");
        return; /* control_tick() tries again */
    }
    take_page(site, reply);
    if (site->again) {
        read_lists(site);
    } else if (reply->elements == 2 * PAGE_MARKS) {
        site->offset += PAGE_MARKS;
        ask_page(site);
    } else if (site->list == LIST_REVOKED) {
        site->list = LIST_BEFORE;
        site->offset = 0;
        ask_page(site);
    } else {
        have_read(site);
    }
}

/* --- the words --- */

/* Ends the streams of a token, or of all tokens of a user. */
static void end_now(struct site *site, const char *token_id, const char *user)
{
    struct who *who, *next;

    for (who = LIST_FIRST(&site->whos); who != NULL; who = next) {
        next = LIST_NEXT(who, in_site);
        if (token_id != NULL && strcmp(who->token_id, token_id) == 0)
            connection_revoke(who->connection);
        else if (user != NULL && strcmp(who->user, user) == 0)
            connection_kick(who->connection);
    }
}

static void revoke_token(struct site *site, const char *token_id)
{
    if (find_mark(site, LIST_REVOKED, token_id) == NULL &&
        !put_mark(site, LIST_REVOKED, token_id, clock_wall_ms() + UNTIL_READ_MS))
        end_now(site, token_id, NULL);
    site->dirty = true;
}

static void renew(struct site *site, const char *old, const char *new, const char *expires_ms,
                  const char *issued_s)
{
    uint32_t hash = who_hash(old);
    struct who *who;

    LIST_FOREACH (who, &site->whos, in_site) {
        if (who->token_hash != hash || strcmp(who->token_id, old) != 0)
            continue;
        who_renew(who, new, strtoll(issued_s, NULL, 10));
        connection_renew(who->connection, strtoll(expires_ms, NULL, 10));
    }
    site->dirty = true;
}

/* Parts the text at its blanks. Returns the number of words, or WORDS_MAX + 1 when it has more. */
static int part(char *text, char *words[WORDS_MAX])
{
    int count = 0;

    while (text != NULL && count < WORDS_MAX)
        words[count++] = strsep(&text, " ");
    return text == NULL ? count : WORDS_MAX + 1;
}

static void take_word(struct site *site, const char *payload)
{
    static const char token[] = "revoke token ";
    char text[WORD_BYTES], *words[WORDS_MAX];
    int count;

    /* An id of somebody else's making may have blanks in it. */
    if (strncmp(payload, token, sizeof(token) - 1) == 0) {
        revoke_token(site, payload + sizeof(token) - 1);
        return;
    }
    snprintf(text, sizeof(text), "%s", payload);
    count = part(text, words);
    if (count == 4 && strcmp(words[0], "revoke") == 0 && strcmp(words[1], "user") == 0) {
        put_mark(site, LIST_BEFORE, words[2], strtoll(words[3], NULL, 10));
        site->dirty = true;
    } else if (count == 5 && strcmp(words[0], "renew") == 0) {
        renew(site, words[1], words[2], words[3], words[4]);
    } else if (count == 2 && strcmp(words[0], "kick") == 0) {
        end_now(site, NULL, words[1]);
    } else {
        log_warn("not a word of control namespace=%s bytes=%zu", site->name, strlen(payload));
    }
}

/* --- the feed --- */

void control_up(struct hub *hub)
{
    for (struct site *site = hub->sites; site != NULL; site = site->hh.next)
        feed_subscribe(&hub->feed, site->channel);
}

void control_down(struct hub *hub)
{
    for (struct site *site = hub->sites; site != NULL; site = site->hh.next)
        site->subscribed = false;
}

static void on_subscribed(struct site *site)
{
    site->subscribed = true;
    if (site->reading)
        site->again = true;
    else
        read_lists(site);
}

void control_heard(struct hub *hub, const char *channel, const char *what,
                   const redisReply *payload)
{
    for (struct site *site = hub->sites; site != NULL; site = site->hh.next) {
        if (strcmp(site->channel, channel) != 0)
            continue;
        if (strcmp(what, "subscribe") == 0)
            on_subscribed(site);
        else if (strcmp(what, "message") == 0 && payload->type == REDIS_REPLY_STRING)
            take_word(site, payload->str);
        return;
    }
}

/* --- the times --- */

void control_flush(struct hub *hub)
{
    for (struct site *site = hub->sites; site != NULL; site = site->hh.next) {
        struct who *who, *next;

        if (!site->dirty)
            continue;
        site->dirty = false;
        for (who = LIST_FIRST(&site->whos); who != NULL; who = next) {
            next = LIST_NEXT(who, in_site);
            connection_judge(who->connection);
        }
    }
}

static void tick_site(struct site *site, int64_t now_ms)
{
    if (LIST_EMPTY(&site->whos) && !site->reading && now_ms - site->empty_ms > LINGER_MS) {
        feed_unsubscribe(&site->hub->feed, site->channel);
        free_site(site);
        return;
    }
    if (site->subscribed && !site->reading &&
        (!site->ready || now_ms - site->read_ms > READ_EVERY_MS))
        read_lists(site);
    if (now_ms - site->swept_ms > SWEEP_EVERY_MS) {
        site->swept_ms = now_ms;
        drop_marks(site, LIST_REVOKED, clock_wall_ms());
    }
}

void control_tick(struct hub *hub, int64_t now_ms)
{
    struct site *site, *next;

    HASH_ITER (hh, hub->sites, site, next)
        tick_site(site, now_ms);
}

void control_free_all(struct hub *hub)
{
    struct site *site, *next;

    HASH_ITER (hh, hub->sites, site, next)
        free_site(site);
}
