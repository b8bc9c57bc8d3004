#include "http/negotiate.h"

#include <string.h>
#include <strings.h>

/* A media range of an Accept header. */
struct range {
    const char *type; /* not terminated */
    size_t len;
    int quality; /* in thousandths */
    bool parameters;
};

/* Other names by which a form is asked for; NULL at the end. The first is what frame.h sends. */
static const char *const aliases[FRAME_FORMS][4] = {
    [FRAME_SSE] = {"text/event-stream"},
    [FRAME_NDJSON] = {"application/x-ndjson", "application/ndjson", "application/jsonl"},
    [FRAME_TEXT] = {"text/plain"},
    [FRAME_HTML] = {"text/html"},
    [FRAME_JSON] = {"application/json"},
};

/* What goes first where a client wants several alike. */
static const enum frame_form preference[FRAME_FORMS] = {FRAME_JSON, FRAME_TEXT, FRAME_NDJSON,
                                                        FRAME_SSE, FRAME_HTML};

/* "0.8", "1", ".2": thousandths; what is no number is 1. */
static int read_quality(const char *s, size_t len)
{
    int quality = 0, unit = 100;
    size_t i = 0;

    if (len == 0 || (*s != '0' && *s != '1' && *s != '.'))
        return 1000;
    if (s[i] != '.')
        quality = (s[i++] - '0') * 1000;
    if (i < len && s[i] == '.')
        for (i++; i < len && s[i] >= '0' && s[i] <= '9'; i++, unit /= 10)
            quality += (s[i] - '0') * unit;
    return quality > 1000 ? 1000 : quality;
}

/* Where the parameter or range at `s` ends; a quoted string may hold the separators. */
static size_t part_len(const char *s, const char *separators)
{
    bool quoted = false;
    size_t i;

    for (i = 0; s[i] != '\0' && (quoted || strchr(separators, s[i]) == NULL); i++) {
        if (quoted && s[i] == '\\' && s[i + 1] != '\0')
            i++;
        else if (s[i] == '"')
            quoted = !quoted;
    }
    return i;
}

static size_t trimmed(const char *s, size_t len)
{
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
        len--;
    return len;
}

/* Reads the range at `s` and returns where it ends. */
static const char *read_range(struct range *range, const char *s)
{
    s += strspn(s, ", \t");
    *range = (struct range){s, part_len(s, ",;"), 1000, false};
    s += range->len;
    range->len = trimmed(range->type, range->len);
    while (*s == ';') {
        size_t len;

        s++;
        s += strspn(s, " \t");
        len = part_len(s, ",;");
        if (trimmed(s, len) >= 2 && strncasecmp(s, "q=", 2) == 0)
            range->quality = read_quality(s + 2, trimmed(s, len) - 2);
        else if (trimmed(s, len) > 0 && strncasecmp(s, "charset=utf-8", 13) != 0 &&
                 strncasecmp(s, "charset=\"utf-8\"", 15) != 0)
            range->parameters = true;
        s += len;
    }
    return s;
}

/* 0 = no match; 1 for a range of everything, 2 for one of a type, 3 for the type itself. */
static int specificity(const struct range *range, const char *type)
{
    size_t major = strcspn(type, "/") + 1;

    if (range->parameters)
        return 0;
    if (range->len == 3 && memcmp(range->type, "*/*", 3) == 0)
        return 1;
    if (range->len == major + 1 && strncasecmp(range->type, type, major) == 0 &&
        range->type[major] == '*')
        return 2;
    return range->len == strlen(type) && strncasecmp(range->type, type, range->len) == 0 ? 3 : 0;
}

/* The quality, and how specific the range is that says it. */
static int find_quality(const char *accept, const char *type, int *specificity_found)
{
    int best = 0, quality = 0;
    struct range range;

    while (*accept != '\0') {
        int specific;

        accept = read_range(&range, accept);
        specific = specificity(&range, type);
        if (specific > best || (specific == best && range.quality > quality && specific > 0)) {
            best = specific;
            quality = range.quality;
        }
    }
    *specificity_found = best;
    return quality;
}

int negotiate_quality(const char *accept, const char *type)
{
    int specific;

    return accept != NULL ? find_quality(accept, type, &specific) : 1000;
}

bool negotiate_page(const char *accept)
{
    int html_specific, json_specific, html, json;

    if (accept == NULL)
        return false;
    /* What Java's URLConnection sends for a program that names nothing. */
    if (negotiate_quality(accept, "image/gif") == 1000 &&
        find_quality(accept, "application/xhtml+xml", &html_specific) < 1000)
        return false;
    html = find_quality(accept, "text/html", &html_specific);
    json = find_quality(accept, "application/json", &json_specific);
    return html_specific == 3 && (html > json || (html == json && json_specific < 3 && html > 0));
}

static int form_quality(const char *accept, enum frame_form form)
{
    int best = 0;

    for (size_t i = 0; i < 4 && aliases[form][i] != NULL; i++) {
        int quality = negotiate_quality(accept, aliases[form][i]);

        best = quality > best ? quality : best;
    }
    return best;
}

/* "json, text, ndjson" */
static const char *offered_names(unsigned offered, struct arena *arena)
{
    const char *names = "";

    for (int i = 0; i < FRAME_FORMS; i++)
        if (offered & NEGOTIATE_FORM(preference[i]))
            names = arena_printf(arena, "%s%s%s", names, names[0] != '\0' ? ", " : "",
                                 frame_names[preference[i]]);
    return names;
}

int negotiate_form(enum frame_form *form, const char *as, const char *accept, unsigned offered,
                   struct arena *arena, struct problem *problem)
{
    int best = 0;

    for (int i = 0; i < FRAME_FORMS; i++) {
        int quality;

        if (!(offered & NEGOTIATE_FORM(preference[i])))
            continue;
        if (as != NULL)
            quality = strcmp(as, frame_names[preference[i]]) == 0;
        else if (preference[i] == FRAME_HTML && !negotiate_page(accept))
            quality = 0;
        else
            quality = form_quality(accept, preference[i]);
        if (quality > best) {
            best = quality;
            *form = preference[i];
        }
    }
    if (best > 0)
        return 0;
    if (as != NULL)
        *problem = (struct problem){
            400, "as_unknown",
            arena_printf(arena, "as= must be one of %s", offered_names(offered, arena))};
    else
        *problem = (struct problem){
            406, "not_acceptable",
            arena_printf(arena, "nothing that Accept allows can be had here; as= may be one of %s",
                         offered_names(offered, arena))};
    return -1;
}
