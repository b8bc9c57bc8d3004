/* table.h - rows and columns, sorted by one of them.
 * Runs in: earshot command.  Blocks: never.  No I/O. */
#ifndef EARSHOT_TABLE_H
#define EARSHOT_TABLE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define TABLE_COLUMNS 10
#define TABLE_TEXT 96

/* How a column's value is shown; of TEXTS a width of 0 takes what the others leave. */
enum table_kind { TABLE_TEXTS, TABLE_COUNT, TABLE_RATE, TABLE_SIZE, TABLE_AGE };

struct table_column {
    const char *title; /* NULL behind the last */
    enum table_kind kind;
    int width;
};

struct table_cell {
    char text[TABLE_TEXT]; /* of TABLE_TEXTS */
    double value;          /* of the others */
};

struct table_row {
    struct table_cell cells[TABLE_COLUMNS];
};

struct table {
    const struct table_column *columns;
    struct table_row *rows;
    size_t count;
    struct json_object *index; /* first cell -> row, until they are sorted */
};

/* The empty row that is added at the end. */
struct table_row *table_add(struct table *table);

/* The row whose first cell is this text, or a new one; not once they are sorted. */
struct table_row *table_row_of(struct table *table, const char *text);
void table_free(struct table *table);

size_t table_columns(const struct table *table);

/* The greatest first; texts in their order. */
void table_sort(struct table *table, size_t column);

/* Appends the titles, that of the column in brackets, and the rows from `first` on, each a line of
 * `width` columns at most. */
void table_titles(struct buf *out, const struct table *table, size_t sorted, int width);
void table_rows(struct buf *out, const struct table *table, size_t first, size_t most, int width);

/* Writes a value as such a column has it. */
void table_value(char out[32], enum table_kind kind, double value);

#endif
