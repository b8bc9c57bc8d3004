#include "cli/dashboard.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/field.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "event/frame.h"

#define NOTICE_MAX 240
#define PAGE 10
#define OLD_MS 7000 /* figures come every two seconds */

#define BOLD "\033[1m"
#define REVERSE "\033[7m"
#define RED "\033[1;31m"

enum view { VIEW_ROOMS, VIEW_CONNECTIONS, VIEW_HUBS, VIEWS };

static const struct table_column room_columns[] = {
    {"ROOM", TABLE_TEXTS, 0},   {"STREAMS", TABLE_COUNT, 9}, {"EVENTS/S", TABLE_RATE, 10},
    {"EVENTS", TABLE_COUNT, 9}, {"BYTES", TABLE_SIZE, 10},   {NULL, TABLE_TEXTS, 0},
};

static const struct table_column connection_columns[] = {
    {"USER", TABLE_TEXTS, 14},  {"ADDRESS", TABLE_TEXTS, 15}, {"FORM", TABLE_TEXTS, 6},
    {"ROOMS", TABLE_TEXTS, 0},  {"AGE", TABLE_AGE, 5},        {"EV/S", TABLE_RATE, 7},
    {"EVENTS", TABLE_COUNT, 8}, {"BYTES", TABLE_SIZE, 9},     {"WAITS", TABLE_SIZE, 9},
    {"NAME", TABLE_TEXTS, 20},  {NULL, TABLE_TEXTS, 0},
};

static const struct table_column hub_columns[] = {
    {"HUB", TABLE_TEXTS, 0},    {"STREAMS", TABLE_COUNT, 9}, {"EVENTS/S", TABLE_RATE, 10},
    {"EVENTS", TABLE_COUNT, 9}, {"BYTES", TABLE_SIZE, 10},   {"WAITS", TABLE_SIZE, 10},
    {NULL, TABLE_TEXTS, 0},
};

struct dashboard {
    char *url;
    char notice[NOTICE_MAX];
    struct json_object *figures; /* or NULL */
    int64_t heard_ms;
    struct table tables[VIEWS];
    size_t sorted[VIEWS]; /* the column */
    enum view view;
    size_t first;               /* row that is shown */
    int64_t total;              /* connections, told or not */
    struct json_object *events; /* connection -> events that it had */
    int64_t told_ms;            /* when; 0 = not yet */
};

struct dashboard *dashboard_create(const char *url)
{
    struct dashboard *d = mem_zero(sizeof(*d));

    d->url = mem_strdup(url);
    d->tables[VIEW_ROOMS].columns = room_columns;
    d->tables[VIEW_CONNECTIONS].columns = connection_columns;
    d->tables[VIEW_HUBS].columns = hub_columns;
    d->sorted[VIEW_ROOMS] = 1;
    d->sorted[VIEW_CONNECTIONS] = 5;
    d->events = json_object_new_object();
    return d;
}

void dashboard_free(struct dashboard *d)
{
    for (int i = 0; i < VIEWS; i++)
        table_free(&d->tables[i]);
    json_object_put(d->figures);
    json_object_put(d->events);
    free(d->url);
    free(d);
}

/* --- reading --- */

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;

    return json_object_object_get_ex(object, name, &found) ? found : NULL;
}

/* A number, NAN where there is none. */
static double number(struct json_object *object, const char *name)
{
    struct json_object *found = member(object, name);

    return json_object_is_type(found, json_type_int) || json_object_is_type(found, json_type_double)
               ? json_object_get_double(found)
               : NAN;
}

static double number_or_0(struct json_object *object, const char *name)
{
    double value = number(object, name);

    return isnan(value) ? 0 : value;
}

static const char *text_or(struct json_object *object, const char *name, const char *other)
{
    const char *text = field_text(object, name);

    return text != NULL ? text : other;
}

void dashboard_figures(struct dashboard *d, const char *json, size_t len, int64_t now_ms)
{
    struct json_object *object = field_parse(json, len);

    if (member(object, "streams") == NULL) {
        json_object_put(object);
        return;
    }
    json_object_put(d->figures);
    d->figures = object;
    d->heard_ms = now_ms;
}

bool dashboard_knows(const struct dashboard *d)
{
    return d->figures != NULL;
}

void dashboard_notice(struct dashboard *d, const char *text)
{
    snprintf(d->notice, sizeof(d->notice), "%s", text);
}

const char *dashboard_said(const struct dashboard *d)
{
    return d->notice;
}

/* Seconds since a time as RFC 3339 has it; 0 where it is none. */
static double age_of(const char *since)
{
    struct tm tm = {0};
    double s;

    if (since == NULL || strptime(since, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
        return 0;
    s = (double)clock_wall_ms() / 1000 - (double)timegm(&tm);
    return s > 0 ? s : 0;
}

/* Events a second since the last time; of a connection that is new, since it is there. */
static double rate_of(const struct dashboard *d, const char *id, double events, double age_s,
                      int64_t now_ms)
{
    struct json_object *before;
    double s = (double)(now_ms - d->told_ms) / 1000;

    if (json_object_object_get_ex(d->events, id, &before))
        return s > 0 ? (events - json_object_get_double(before)) / s : 0;
    return d->told_ms > 0 ? events / (age_s > 1 ? age_s : 1) : 0;
}

/* What a row of rooms or hubs gets of a connection. */
struct share {
    double rate, events, bytes, waits;
};

static void add_share(struct table *table, const char *name, const struct share *share)
{
    struct table_row *row = table_row_of(table, name);

    row->cells[1].value++;
    row->cells[2].value += share->rate;
    row->cells[3].value += share->events;
    row->cells[4].value += share->bytes;
    row->cells[5].value += share->waits;
}

static void add_rooms(struct dashboard *d, struct json_object *c, const struct share *share,
                      char names[TABLE_TEXT])
{
    struct json_object *rooms = member(c, "rooms");
    size_t count =
               json_object_is_type(rooms, json_type_array) ? json_object_array_length(rooms) : 0,
           len = 0;

    for (size_t i = 0; i < count; i++) {
        struct json_object *room = json_object_array_get_idx(rooms, i);
        const char *name =
            json_object_is_type(room, json_type_string) ? json_object_get_string(room) : "";

        if (strncmp(name, "@!", 2) != 0) /* what is watched, and no room */
            add_share(&d->tables[VIEW_ROOMS], name, share);
        if (len < TABLE_TEXT - 1)
            len += (size_t)snprintf(names + len, TABLE_TEXT - len, "%s%s", i > 0 ? "," : "", name);
    }
}

static void add_connection(struct dashboard *d, struct json_object *c, struct json_object *events,
                           int64_t now_ms)
{
    const char *id = text_or(c, "id", "");
    double age_s = age_of(field_text(c, "since"));
    struct share share = {.events = number_or_0(c, "events"),
                          .bytes = number_or_0(c, "bytes"),
                          .waits = number_or_0(c, "waiting")};
    struct table_row row = {0};
    struct table_cell *cells = row.cells;

    share.rate = rate_of(d, id, share.events, age_s, now_ms);
    json_object_object_add(events, id, json_object_new_double(share.events));
    snprintf(cells[0].text, TABLE_TEXT, "%s", text_or(c, "userId", "-"));
    snprintf(cells[1].text, TABLE_TEXT, "%s", text_or(c, "address", "-"));
    snprintf(cells[2].text, TABLE_TEXT, "%s", text_or(c, "form", "-"));
    add_rooms(d, c, &share, cells[3].text);
    cells[4].value = age_s;
    cells[5].value = share.rate;
    cells[6].value = share.events;
    cells[7].value = share.bytes;
    cells[8].value = share.waits;
    snprintf(cells[9].text, TABLE_TEXT, "%s", text_or(c, "name", ""));
    *table_add(&d->tables[VIEW_CONNECTIONS]) = row;
    add_share(&d->tables[VIEW_HUBS], text_or(c, "hub", "?"), &share);
}

void dashboard_connections(struct dashboard *d, const char *json, size_t len, int64_t now_ms)
{
    struct json_object *object = field_parse(json, len), *all = member(object, "connections");
    struct json_object *events = json_object_new_object();

    if (json_object_is_type(all, json_type_array)) {
        for (int i = 0; i < VIEWS; i++)
            table_free(&d->tables[i]);
        for (size_t i = 0; i < json_object_array_length(all); i++)
            add_connection(d, json_object_array_get_idx(all, i), events, now_ms);
        d->total = (int64_t)number_or_0(object, "total");
        d->told_ms = now_ms;
        json_object_put(d->events);
        d->events = json_object_get(events);
    }
    json_object_put(events);
    json_object_put(object);
}

bool dashboard_key(struct dashboard *d, int key)
{
    size_t *sorted = &d->sorted[d->view], columns = table_columns(&d->tables[d->view]);
    static const char views[VIEWS] = {'r', 'c', 'h'};

    for (int i = 0; i < VIEWS; i++)
        if (key == views[i]) {
            d->view = (enum view)i;
            d->first = 0;
        }
    if (key == SCREEN_LEFT || key == '<')
        *sorted = (*sorted + columns - 1) % columns;
    if (key == SCREEN_RIGHT || key == '>')
        *sorted = (*sorted + 1) % columns;
    if (key == SCREEN_DOWN)
        d->first++;
    if (key == SCREEN_PAGE_DOWN)
        d->first += PAGE;
    if (key == SCREEN_UP)
        d->first -= d->first > 0;
    if (key == SCREEN_PAGE_UP)
        d->first -= d->first < PAGE ? d->first : PAGE;
    return key != 'q';
}

/* --- showing --- */

struct drawing {
    struct buf *out;
    int columns, left; /* lines that may still come */
    bool styled;
};

/* One line, cut and cleaned, in a style or NULL. */
static void put_line(struct drawing *g, const char *style, const char *text)
{
    if (g->left-- <= 0)
        return;
    if (g->styled && style != NULL)
        buf_str(g->out, style);
    terminal_cell(g->out, text, g->columns);
    buf_char(g->out, '\n');
}

/* A number as words have it: "-" where it is not known. */
static void say(struct buf *line, const char *before, enum table_kind kind, double value)
{
    char text[32] = "-";

    if (!isnan(value))
        table_value(text, kind, value);
    buf_printf(line, "%s%s", before, text);
}

static void draw_streams(struct drawing *g, struct json_object *f)
{
    struct json_object *streams = member(f, "streams");
    struct buf line = BUF_INIT;

    say(&line, "streams  ", TABLE_COUNT, number(streams, "total"));
    for (int i = 0; i < FRAME_FORMS; i++) {
        buf_printf(&line, "  %s", frame_names[i]);
        say(&line, " ", TABLE_COUNT, number(streams, frame_names[i]));
    }
    say(&line, "  blocked ", TABLE_COUNT, number(streams, "blocked"));
    say(&line, "  cuts ", TABLE_COUNT, number(f, "cuts"));
    say(&line, "  gaps ", TABLE_COUNT, number(f, "gaps"));
    put_line(g, NULL, line.data);
    buf_free(&line);
}

static void draw_traffic(struct drawing *g, struct json_object *f)
{
    struct json_object *sends = member(f, "messages"), *deliveries = member(f, "deliveries");
    struct buf line = BUF_INIT;

    say(&line, "sends    ", TABLE_RATE, number(sends, "perSecond"));
    say(&line, "/s  today ", TABLE_COUNT, number(sends, "today"));
    say(&line, "  deliveries ", TABLE_RATE, number(deliveries, "perSecond"));
    say(&line, "/s  ", TABLE_SIZE, number(member(f, "bytes"), "perSecond"));
    say(&line, "/s  total ", TABLE_COUNT, number(deliveries, "total"));
    put_line(g, NULL, line.data);
    buf_free(&line);
}

static void draw_people(struct drawing *g, struct json_object *f)
{
    struct json_object *hubs = member(f, "hubs"), *gates = member(f, "gates");
    struct buf line = BUF_INIT;
    bool silent = number_or_0(hubs, "answered") < number_or_0(hubs, "asked");

    say(&line, "people   ", TABLE_COUNT, number(f, "people"));
    say(&line, "  rooms ", TABLE_COUNT, number(f, "rooms"));
    say(&line, "  machines ", TABLE_COUNT, number(f, "daemons"));
    say(&line, "  hubs ", TABLE_COUNT, number(hubs, "answered"));
    say(&line, " of ", TABLE_COUNT, number(hubs, "asked"));
    say(&line, " answered  gates ", TABLE_COUNT, number(gates, "busy"));
    say(&line, " of ", TABLE_COUNT, number(gates, "total"));
    buf_str(&line, " busy");
    put_line(g, silent ? RED : NULL, line.data);
    buf_free(&line);
}

static void draw_redis(struct drawing *g, struct json_object *f)
{
    struct json_object *redis = member(f, "redis"), *canary = member(f, "canary");
    struct buf line = BUF_INIT;
    bool there = json_object_get_boolean(member(redis, "reachable"));
    double ms = number(redis, "roundTrip"), canary_ms = number(canary, "ms");

    if (!there)
        buf_str(&line, "redis    does not answer");
    else if (isnan(ms))
        buf_str(&line, "redis    -");
    else
        buf_printf(&line, "redis    %.2f ms", ms);
    say(&line, "  memory ", TABLE_SIZE, number(redis, "usedMemory"));
    say(&line, "  clients ", TABLE_COUNT, number(redis, "clients"));
    say(&line, "  ops ", TABLE_COUNT, number(redis, "opsPerSecond"));
    say(&line, "/s  evicted ", TABLE_COUNT, number(redis, "evicted"));
    buf_printf(&line, "  aof %s", text_or(redis, "aof", "-"));
    say(&line, "  up ", TABLE_AGE, number(redis, "uptime"));
    put_line(g, there ? NULL : RED, line.data);
    buf_clear(&line);
    if (isnan(canary_ms))
        buf_printf(&line, "canary   - %s", text_or(canary, "reason", ""));
    else
        buf_printf(&line, "canary   %.2f ms through Redis to the hubs", canary_ms);
    put_line(g, NULL, line.data);
    buf_free(&line);
}

/* Where it comes from, and what is wrong with that. */
static void draw_state(struct drawing *g, const struct dashboard *d)
{
    int64_t old_ms = clock_mono_ms() - d->heard_ms;
    struct buf line = BUF_INIT;
    const char *stamp = field_text(d->figures, "timestamp");

    buf_printf(&line, "earshot top  %s  %.19s", d->url, stamp != NULL ? stamp : "");
    put_line(g, BOLD, line.data);
    buf_clear(&line);
    if (d->figures != NULL && old_ms > OLD_MS)
        buf_printf(&line, "no figures for %lld s%s", (long long)old_ms / 1000,
                   d->notice[0] != '\0' ? ": " : "");
    buf_str(&line, d->notice);
    put_line(g, RED, line.data);
    buf_free(&line);
}

static void draw_table(struct drawing *g, struct dashboard *d)
{
    struct table *table = &d->tables[d->view];
    size_t rows = g->left > 2 ? (size_t)g->left - 2 : 0;

    if (rows == 0)
        return;
    if (d->first + rows > table->count)
        d->first = table->count > rows ? table->count - rows : 0;
    table_sort(table, d->sorted[d->view]);
    if (g->styled)
        buf_str(g->out, REVERSE);
    table_titles(g->out, table, d->sorted[d->view], g->columns);
    table_rows(g->out, table, d->first, rows, g->columns);
    g->left -= 1 + (int)(table->count - d->first < rows ? table->count - d->first : rows);
}

static void draw_keys(struct drawing *g, const struct dashboard *d)
{
    struct buf line = BUF_INIT;

    buf_str(&line, "q quits  r rooms  c connections  h hubs  <> sort  arrows scroll");
    if (d->total > DASHBOARD_CONNECTIONS)
        buf_printf(&line, "  (the newest %d of %lld streams)", DASHBOARD_CONNECTIONS,
                   (long long)d->total);
    put_line(g, BOLD, line.data);
    buf_free(&line);
}

void dashboard_draw(struct dashboard *d, struct buf *out, int rows, int columns, bool styled)
{
    struct drawing g = {.out = out, .columns = columns, .left = rows, .styled = styled};

    draw_state(&g, d);
    if (d->figures != NULL) {
        draw_streams(&g, d->figures);
        draw_traffic(&g, d->figures);
        draw_people(&g, d->figures);
        draw_redis(&g, d->figures);
        draw_table(&g, d);
    }
    draw_keys(&g, d);
}
