#include "api/page.h"

#include <sodium.h>
#include <string.h>

#include "api/session.h"
#include "auth/csrf.h"
#include "base/html.h"
#include "event/parsed.h"
#include "http/negotiate.h"

#include "api/page.inc"

#define ONCE_BYTES 12
#define STYLE_AGE "public, max-age=3600"

static const struct identity nobody = {.name = "anonymous"};

/* --- who gets a page --- */

enum page_kind page_kind(const struct request *request)
{
    const char *as = request_query(request, "as");

    if (as != NULL)
        return strcmp(as, "html") == 0    ? PAGE_HTML
               : strcmp(as, "plain") == 0 ? PAGE_PLAIN
                                          : PAGE_NONE;
    return negotiate_page(request->accept) ? PAGE_HTML : PAGE_NONE;
}

bool page_form(const struct request *request)
{
    return request->method == METHOD_POST && request->media_type != NULL &&
           strcmp(request->media_type, "application/x-www-form-urlencoded") == 0 &&
           page_kind(request) != PAGE_NONE;
}

void page_vary(struct api *api)
{
    reply_header(api->reply, "Vary", "Accept, Cookie");
}

const char *page_as(const struct api *api)
{
    return page_kind(api->request) == PAGE_PLAIN ? "plain" : "html";
}

static bool is_path(const struct request *request, size_t count, const char *first,
                    const char *last)
{
    return request->segments_count == count && count > 0 &&
           (first == NULL || strcmp(request->segments[0], first) == 0) &&
           strcmp(request->segments[count - 1], last) == 0;
}

/* --- the frame of a page --- */

/* The way from the request's path up to where earshot is mounted. */
static const char *way_up(const struct api *api)
{
    const char *path = api->request->path, *up = "";

    for (path = path != NULL && path[0] == '/' ? path + 1 : ""; *path != '\0'; path++)
        if (*path == '/')
            up = arena_printf(api->arena, "../%s", up);
    return up;
}

struct buf *page_open(struct api *api, int status, const char *title)
{
    struct buf *body = &api->reply->body;
    bool framed =
        is_path(api->request, 3, "rooms", "events") || is_path(api->request, 1, NULL, "events");
    const char *up = way_up(api);

    buf_clear(body);
    api->reply->status = status;
    api->reply->content_type = frame_content_types[FRAME_HTML];
    api->reply->cache_control = NULL;
    reply_header(api->reply, "Content-Security-Policy",
                 "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
                 "base-uri 'self'; frame-ancestors 'self'");
    /* With no-referrer a browser would send its forms with the origin null. */
    reply_header(api->reply, "Referrer-Policy", "same-origin");
    html_print(body,
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<title>%s</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n"
               "<base href=\"%s\"",
               title, up[0] != '\0' ? up : "./");
    html_raw(body, framed ? " target=\"_top\">\n" : ">\n");
    if (page_kind(api->request) != PAGE_PLAIN)
        html_raw(body, "<link rel=\"stylesheet\" href=\"page.css\">\n");
    html_raw(body, "</head>\n");
    return body;
}

void page_close(struct api *api)
{
    html_raw(&api->reply->body, "</body>\n</html>\n");
}

/* GET page.css - the style of the pages. 200, ETag. 304. */
void page_get_style(struct api *api)
{
    api->reply->status = 200;
    api->reply->content_type = "text/css; charset=utf-8";
    buf_str(&api->reply->body, style);
    api_etag(api);
    api->reply->cache_control = STYLE_AGE;
}

/* --- forms --- */

/* The field by which the gate knows a form of ours, where a cookie says who sends it. */
static void append_csrf(struct api *api, struct buf *body)
{
    char csrf[CSRF_TEXT];

    if (api->identity->by_cookie && csrf_make(csrf, api->conf->jwt_secret, api->identity) == 0)
        html_print(body, "<input type=\"hidden\" name=\"csrf\" value=\"%s\">\n", csrf);
}

void page_write_form(struct api *api, struct buf *body, const char *room, const char *text,
                     const char *reply, bool lines)
{
    unsigned char random[ONCE_BYTES];
    char once[ONCE_BYTES * 2 + 1];
    const char *as = page_as(api);

    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(once, sizeof(once), random, sizeof(random));
    lines = lines || strpbrk(text, "\r\n") != NULL;
    html_print(body, "<form class=\"say\" method=\"post\" action=\"rooms/%s/messages?as=%s\">\n",
               room, as);
    append_csrf(api, body);
    html_print(body, "<input type=\"hidden\" name=\"once\" value=\"%s\">\n", once);
    if (reply[0] != '\0')
        html_print(body,
                   "<input type=\"hidden\" name=\"replyTo\" value=\"%s\">\n"
                   "<p class=\"answer\">This replies to a message. "
                   "<a href=\"rooms/%s?as=%s\">Not a reply</a></p>\n",
                   reply, room, as);
    html_print(body, "<label><span>Message to %s</span> ", room);
    if (lines) /* the parser drops the first line feed */
        html_print(body,
                   "<textarea name=\"content\" rows=\"5\" cols=\"60\" dir=\"auto\" autofocus "
                   "required>\n%s</textarea></label>\n",
                   text);
    else
        html_print(
            body,
            "<input name=\"content\" size=\"60\" dir=\"auto\" autocomplete=\"off\" autofocus "
            "required value=\"%s\"></label>\n",
            text);
    html_raw(body, "<button>Send</button>\n");
    if (!lines)
        html_print(
            body, "<a class=\"lines\" href=\"rooms/%s?as=%s&amp;%s%s%s\">Several lines</a>\n", room,
            as, reply[0] != '\0' ? "reply=" : "", reply, reply[0] != '\0' ? "&lines=1" : "lines=1");
    html_raw(body, "</form>\n");
}

void page_room_form(struct api *api, struct buf *body, const char *name)
{
    html_print(body,
               "<form class=\"go\" method=\"get\" action=\"rooms\">\n"
               "<input type=\"hidden\" name=\"as\" value=\"%s\">\n"
               "<label>Room <input name=\"to\" required maxlength=\"512\" autocomplete=\"off\" "
               "value=\"%s\"></label>\n<button>Enter</button>\n"
               "<p class=\"hint\">A name that no room has yet makes a new one.</p>\n</form>\n",
               page_as(api), name);
}

/* A form to come in by: auth/<call>, which leads back to the room. */
static void open_enter(struct api *api, struct buf *body, const char *call, const char *room,
                       bool aside)
{
    html_print(body, "<form method=\"post\" action=\"auth/%s?as=%s%s%s\"", call, page_as(api),
               room[0] != '\0' ? "&to=" : "", room);
    html_raw(body, aside ? " target=\"_blank\">\n" : ">\n");
    html_raw(body, "<input type=\"hidden\" name=\"cookie\" value=\"true\">\n");
}

static void append_account_fields(struct buf *body, const char *user, bool is_new)
{
    html_print(body,
               "<label>User <input name=\"user\" required maxlength=\"64\" "
               "autocomplete=\"username\" value=\"%s\"></label>\n"
               "<label>Password <input type=\"password\" name=\"password\" required "
               "autocomplete=\"%s\"></label>\n",
               user, is_new ? "new-password" : "current-password");
}

static void append_enter(struct api *api, struct buf *body, const char *room, const char *user,
                         const char *name, bool aside)
{
    html_raw(body,
             "<section class=\"enter\" aria-label=\"Sign in\">\n<p>You are not signed in.</p>\n");
    if (!session_available(api)) {
        html_raw(body, "</section>\n");
        return;
    }
    if (api->conf->guests) {
        open_enter(api, body, "guest", room, aside);
        html_print(body,
                   "<label>Name <input name=\"name\" maxlength=\"64\" autocomplete=\"nickname\" "
                   "value=\"%s\"></label>\n<button>Come in as a guest</button>\n</form>\n",
                   name);
    }
    html_raw(body, user[0] != '\0' ? "<details open>" : "<details>");
    html_raw(body, "<summary>Log in</summary>\n");
    open_enter(api, body, "login", room, aside);
    append_account_fields(body, user, false);
    html_raw(body, "<button>Log in</button>\n</form>\n</details>\n");
    if (api->conf->registration) {
        html_raw(body, "<details><summary>Make an account</summary>\n");
        open_enter(api, body, "register", room, aside);
        append_account_fields(body, user, true);
        html_print(body,
                   "<label>Name that others see <input name=\"name\" maxlength=\"64\" "
                   "autocomplete=\"nickname\" value=\"%s\"></label>\n"
                   "<button>Make an account</button>\n</form>\n</details>\n",
                   name);
    }
    html_raw(body, "</section>\n");
}

void page_who(struct api *api, struct buf *body, const char *room)
{
    const struct identity *who = api->identity;

    if (who->user_id == NULL) {
        append_enter(api, body, room, "", "", false);
        return;
    }
    html_raw(body, "<form class=\"who\" method=\"post\" action=\"auth/logout?as=");
    html_print(body, "%s\">\n<p>You are <b><bdi>%s</bdi></b>%s</p>\n", page_as(api), who->name,
               who->guest   ? ", a guest."
               : who->admin ? ", an admin."
                            : ".");
    append_csrf(api, body);
    if (who->by_cookie)
        html_raw(body, "<button>Log out</button>\n");
    html_raw(body, "</form>\n");
}

/* --- answers --- */

/* The room that a request is about, as far as it can be told; "" = none. */
static const char *room_of(const struct api *api)
{
    const struct request *request = api->request;
    const char *to = request_query(request, "to");

    if (api->room[0] != '\0')
        return api->room;
    if (request->segments_count >= 2 && strcmp(request->segments[0], "rooms") == 0 &&
        name_room_valid(request->segments[1]))
        return request->segments[1];
    return to != NULL && name_room_valid(to) ? to : "";
}

static const char *heading(int status)
{
    return status == 401   ? "You are not signed in"
           : status == 403 ? "That is not allowed"
           : status == 404 ? "There is nothing here"
           : status == 429 ? "That was too fast"
           : status == 503 ? "It does not work just now"
                           : "That did not work";
}

/* One sentence: problems begin small and have no full stop. */
static void append_detail(struct buf *body, const char *detail)
{
    char first[2] = {detail[0], '\0'};

    /* But the name of a parameter stays as it is. */
    if (first[0] >= 'a' && first[0] <= 'z' && detail[strcspn(detail, " =")] != '=')
        first[0] = (char)(first[0] - 'a' + 'A');
    html_print(body, "<p class=\"problem\" role=\"alert\">%s%s%s</p>\n", first,
               detail[0] != '\0' ? detail + 1 : "",
               detail[0] != '\0' && detail[strlen(detail) - 1] == '.' ? "" : ".");
}

/* What was typed into the form that failed, or "". */
static const char *typed(const struct form *form, const char *name)
{
    const char *value = form_value(form, name);

    return value != NULL ? value : "";
}

/* What was written is not lost: it stands in the form again. Not where it may be another site's,
 * which one click must not send: then it can only be read. */
static void append_typed(struct api *api, struct buf *body, const char *room,
                         const struct form *form, bool strange)
{
    const char *text = typed(form, "content"), *reply = typed(form, "replyTo");
    struct event_id id;

    if (event_id_parse(&id, reply, strlen(reply)) < 0)
        reply = "";
    if (text[0] == '\0' || room[0] == '\0')
        return;
    if (!strange) {
        html_raw(body, "<p>It was not sent. What you wrote is still here:</p>\n");
        page_write_form(api, body, room, text, reply, false);
        return;
    }
    html_print(body,
               "<p><label>This was not sent: <textarea rows=\"5\" cols=\"60\" dir=\"auto\" "
               "readonly>\n%s</textarea></label></p>\n",
               text);
}

static void append_ways(struct api *api, struct buf *body, const char *room)
{
    html_raw(body, "<nav aria-label=\"Back\"><p>");
    if (room[0] != '\0')
        html_print(body, "<a href=\"rooms/%s?as=%s\">To the room %s</a> ", room, page_as(api),
                   room);
    html_print(body, "<a href=\"rooms?as=%s\">Rooms</a></p></nav>\n", page_as(api));
}

/* Is the token no good that came by cookie? Then it goes, or every page would say so. */
static void forget_bad_cookie(struct api *api, const char *code)
{
    bool bad = strcmp(code, "token_invalid") == 0 || strcmp(code, "token_revoked") == 0;

    if (!bad || api->request->authorization != NULL || api->request->cookie == NULL)
        return;
    session_forget(api);
    api->identity = &nobody;
}

static void append_forms(struct api *api, struct buf *body, const char *code, const char *room)
{
    bool comes_in = is_path(api->request, 2, "auth", "guest") ||
                    is_path(api->request, 2, "auth", "login") ||
                    is_path(api->request, 2, "auth", "register");
    int status = api->reply->status;
    const char *reason;
    struct form form = {0, NULL};
    bool sends = api->request->method == METHOD_POST && is_path(api->request, 3, NULL, "messages");

    if (page_form(api->request) &&
        form_parse(&form, api->arena, api->request->body, api->request->body_len, &reason) < 0)
        form.count = 0;
    if (sends)
        append_typed(api, body, room, &form, strcmp(code, "origin_mismatch") == 0);
    if (comes_in || (api->identity->user_id == NULL && (status == 401 || status == 403)))
        append_enter(api, body, room, typed(&form, "user"), typed(&form, "name"),
                     sends && typed(&form, "content")[0] != '\0');
    if (is_path(api->request, 1, NULL, "rooms") && request_query(api->request, "to") != NULL)
        page_room_form(api, body, request_query(api->request, "to"));
}

static void show_problem(struct api *api)
{
    struct json_object *problem = parsed_object(api->reply->body.data, api->reply->body.len - 1);
    const char *detail = problem != NULL ? parsed_text(problem, "detail", NULL) : NULL;
    const char *code = problem != NULL ? parsed_text(problem, "code", NULL) : NULL;
    const char *room = room_of(api);
    int status = api->reply->status;
    struct buf *body;

    detail = arena_strdup(api->arena, detail != NULL ? detail : "");
    code = arena_strdup(api->arena, code != NULL ? code : "");
    json_object_put(problem);
    forget_bad_cookie(api, code);
    page_vary(api);
    body = page_open(api, status, heading(status));
    html_print(body, "<body class=\"page\">\n<main>\n<h1>%s</h1>\n", heading(status));
    append_detail(body, detail);
    append_forms(api, body, code, room);
    append_ways(api, body, room);
    html_raw(body, "</main>\n");
    page_close(api);
}

static void go_back(struct api *api)
{
    const char *room = room_of(api), *up = way_up(api), *as = page_as(api);
    bool plain = strcmp(as, "plain") == 0;

    buf_clear(&api->reply->body);
    api->reply->content_type = NULL;
    api->reply->status = 303;
    reply_header(api->reply, "Location",
                 room[0] != '\0' ? arena_printf(api->arena, "%srooms/%s?as=%s%s", up, room, as,
                                                plain ? "#newest" : "")
                                 : arena_printf(api->arena, "%srooms?as=%s", up, as));
}

void page_finish(struct api *api)
{
    const char *type = api->reply->content_type;

    if (page_kind(api->request) == PAGE_NONE)
        return;
    if (type != NULL && strcmp(type, PROBLEM_CONTENT_TYPE) == 0)
        show_problem(api);
    else if (api->returns && page_form(api->request))
        go_back(api);
}
