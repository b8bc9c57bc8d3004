#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/terminal.h"

#define REST_MIN 8

struct table_row *table_add(struct table *table)
{
    /* Doubled at powers of two. */
    if ((table->count & (table->count - 1)) == 0)
        table->rows = mem_resize(table->rows,
                                 (table->count > 0 ? table->count * 2 : 1) * sizeof(*table->rows));
    memset(&table->rows[table->count], 0, sizeof(*table->rows));
    return &table->rows[table->count++];
}

struct table_row *table_row_of(struct table *table, const char *text)
{
    struct json_object *found;
    struct table_row *row;

    if (table->index == NULL)
        table->index = json_object_new_object();
    if (json_object_object_get_ex(table->index, text, &found))
        return &table->rows[json_object_get_int64(found)];
    json_object_object_add(table->index, text, json_object_new_int64((int64_t)table->count));
    row = table_add(table);
    snprintf(row->cells[0].text, TABLE_TEXT, "%s", text);
    return row;
}

void table_free(struct table *table)
{
    free(table->rows);
    json_object_put(table->index);
    table->rows = NULL;
    table->index = NULL;
    table->count = 0;
}

size_t table_columns(const struct table *table)
{
    size_t n = 0;

    while (table->columns[n].title != NULL)
        n++;
    return n;
}

struct order {
    size_t column;
    bool text;
};

static int compare(const void *a, const void *b, void *context)
{
    const struct order *order = context;
    const struct table_row *x = a, *y = b;
    const struct table_cell *p = &x->cells[order->column], *q = &y->cells[order->column];

    if (!order->text && p->value != q->value)
        return p->value < q->value ? 1 : -1;
    if (order->text && strcmp(p->text, q->text) != 0)
        return strcmp(p->text, q->text);
    return strcmp(x->cells[0].text, y->cells[0].text); /* so that equal ones do not jump */
}

void table_sort(struct table *table, size_t column)
{
    struct order order = {column, table->columns[column].kind == TABLE_TEXTS};

    if (table->count > 0)
        qsort_r(table->rows, table->count, sizeof(*table->rows), compare, &order);
}

static void format_size(char out[32], double value)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    snprintf(out, 32, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void format_age(char out[32], double s)
{
    if (s < 60)
        snprintf(out, 32, "%.0fs", s);
    else if (s < 3600)
        snprintf(out, 32, "%.0fm", s / 60);
    else if (s < 2 * 86400)
        snprintf(out, 32, "%.0fh", s / 3600);
    else
        snprintf(out, 32, "%.0fd", s / 86400);
}

void table_value(char out[32], enum table_kind kind, double value)
{
    if (kind == TABLE_SIZE)
        format_size(out, value);
    else if (kind == TABLE_AGE)
        format_age(out, value);
    else
        snprintf(out, 32, kind == TABLE_RATE ? "%.1f" : "%.0f", value);
}

/* What is left for the column without a width. */
static int rest_of(const struct table *table, int width)
{
    for (const struct table_column *c = table->columns; c->title != NULL; c++)
        width -= c->width + (c != table->columns);
    return width > REST_MIN ? width : REST_MIN;
}

/* Places a cell. Returns how many columns it took; what does not fit the line whole is left out. */
static int put_cell(struct buf *out, const char *text, const struct table_column *c, int rest,
                    int room)
{
    int width = c->width > 0 ? c->width : rest;

    if (width > room)
        width = c->kind == TABLE_TEXTS ? room : 0;
    if (width > 0)
        terminal_cell(out, text, c->kind == TABLE_TEXTS ? width : -width);
    return width;
}

void table_titles(struct buf *out, const struct table *table, size_t sorted, int width)
{
    int rest = rest_of(table, width), at = 0;

    for (size_t i = 0; table->columns[i].title != NULL && at < width; i++) {
        const struct table_column *c = &table->columns[i];
        char title[TABLE_TEXT];

        snprintf(title, sizeof(title), i == sorted ? "[%s]" : "%s", c->title);
        if (i > 0)
            buf_char(out, ' ');
        at += (i > 0);
        at += put_cell(out, title, c, rest, width - at);
    }
    buf_char(out, '\n');
}

void table_rows(struct buf *out, const struct table *table, size_t first, size_t most, int width)
{
    int rest = rest_of(table, width);

    for (size_t n = first; n < table->count && n - first < most; n++) {
        int at = 0;

        for (size_t i = 0; table->columns[i].title != NULL && at < width; i++) {
            const struct table_column *c = &table->columns[i];
            const struct table_cell *cell = &table->rows[n].cells[i];
            char text[32];

            table_value(text, c->kind, cell->value);
            if (i > 0)
                buf_char(out, ' ');
            at += (i > 0);
            at += put_cell(out, c->kind == TABLE_TEXTS ? cell->text : text, c, rest, width - at);
        }
        buf_char(out, '\n');
    }
}
