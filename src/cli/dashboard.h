/* dashboard.h - what earshot top knows, and how it shows it.
 * Runs in: earshot command.  Blocks: never.  No I/O: feed it lines, take lines. */
#ifndef EARSHOT_DASHBOARD_H
#define EARSHOT_DASHBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define DASHBOARD_CONNECTIONS 1000 /* of which it is told at most */

struct dashboard;

struct dashboard *dashboard_create(const char *url);
void dashboard_free(struct dashboard *d);

/* Take what admin/figures says, and what admin/connections does; what is neither is left out. */
void dashboard_figures(struct dashboard *d, const char *json, size_t len, int64_t now_ms);
void dashboard_connections(struct dashboard *d, const char *json, size_t len, int64_t now_ms);

/* What is to be said of the connection to the server; "" = nothing. */
void dashboard_notice(struct dashboard *d, const char *text);

/* What was said last. */
const char *dashboard_said(const struct dashboard *d);

/* Has there been a figure? */
bool dashboard_knows(const struct dashboard *d);

/* A key (cli/screen.h). Returns false when it is to end. */
bool dashboard_key(struct dashboard *d, int key);

/* Appends `rows` lines at most, none wider than `columns`. */
void dashboard_draw(struct dashboard *d, struct buf *out, int rows, int columns, bool styled);

#endif
