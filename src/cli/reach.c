#include "cli/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/address.h"
#include "cli/cli.h"
#include "cli/field.h"

#define REDIRECTS_MAX 5

/* Is it the answer of GET /? Takes the version from it. */
static bool is_earshot(struct patient *patient, const struct probe *probe)
{
    struct json_object *object = probe->status == 200 && probe->body.len > 0
                                     ? field_parse(probe->body.data, probe->body.len)
                                     : NULL;
    const char *name = object != NULL ? field_text(object, "name") : NULL;
    const char *version = object != NULL ? field_text(object, "version") : NULL;
    bool is = name != NULL && strcmp(name, "earshot") == 0;

    if (is)
        snprintf(patient->version, sizeof(patient->version), "%s", version != NULL ? version : "?");
    json_object_put(object);
    return is;
}

static void ask(struct patient *patient, struct probe *probe, const char *url)
{
    probe_free(probe);
    probe->headers[0] = "Accept: application/json";
    probe->alone = true;
    buf_str(&probe->url, url);
    probe_ask(patient->prober, probe);
}

static void ask_base(struct patient *patient, struct probe *probe)
{
    struct buf url = BUF_INIT;

    buf_printf(&url, "%s/", patient->base.data);
    ask(patient, probe, url.data);
    buf_free(&url);
}

/* --- where it is --- */

static void set_base(struct patient *patient, const char *url)
{
    struct buf base = BUF_INIT;

    buf_str(&base, url);
    base.len = strcspn(base.data, "?#");
    while (base.len > 0 && base.data[base.len - 1] == '/')
        base.len--;
    base.data[base.len] = '\0';
    buf_free(&patient->base);
    patient->base = base;
}

static bool looks_like_login(const char *text)
{
    static const char *const words[] = {"login",        "log-in", "signin",    "sign-in",
                                        "sso",          "oauth",  "authorize", "type=\"password\"",
                                        "type=password"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasestr(text, words[i]) != NULL)
            return true;
    return false;
}

/* Follows redirects by hand. Returns CLI_DONE, also where there was none, or the exit status. */
static int follow(struct patient *patient, struct probe *probe)
{
    char location[512];
    struct buf asked = BUF_INIT;
    int count = 0, status = CLI_DONE;

    while (status == CLI_DONE && probe->status >= 300 && probe->status < 400 &&
           probe_header(probe, "location", location, sizeof(location))) {
        buf_clear(&asked);
        buf_str(&asked, probe->url.data);
        if (looks_like_login(location)) {
            report_say(&patient->report, REPORT_WRONG, "login",
                       "%s answers %ld to %s: a login stands in front of the API", asked.data,
                       probe->status, location);
            status = CLI_USAGE;
        } else if (++count > REDIRECTS_MAX) {
            report_say(&patient->report, REPORT_WRONG, "redirect",
                       "%d redirects, the last to %s: a loop", count, location);
            status = CLI_REFUSED;
        } else if (address_resolve(asked.data, location, &asked) != 0 ||
                   !address_same_trust(patient->base.data, asked.data)) {
            report_say(&patient->report, REPORT_WRONG, "redirect",
                       "answers %ld to another server, or without TLS: if that is right, ask it: "
                       "earshot doctor %s",
                       probe->status, location);
            status = CLI_USAGE;
        } else {
            ask(patient, probe, asked.data);
        }
    }
    if (status == CLI_DONE && count > 0 && is_earshot(patient, probe)) {
        set_base(patient, probe->url.data);
        report_say(&patient->report, REPORT_NOTE, "redirect",
                   "this URL redirects to %s: give that one to clients, which do not follow",
                   patient->base.data);
    }
    buf_free(&asked);
    return status;
}

/* Looks for it nearby. Returns its URL in `found`, or "". */
static void search(struct patient *patient, struct probe *probe, struct buf *found)
{
    static const char *const places[] = {"/chat/v1", "/v1"};
    struct buf start = BUF_INIT;

    buf_clear(found);
    for (size_t i = 0; i < 2 * sizeof(places) / sizeof(places[0]) && found->len == 0; i++) {
        struct buf url = BUF_INIT;

        address_origin(patient->base.data, &start);
        if (i % 2 == 1) {
            buf_clear(&start);
            buf_str(&start, patient->base.data);
        }
        buf_printf(&url, "%s%s/", start.data, places[i / 2]);
        ask(patient, probe, url.data);
        if (is_earshot(patient, probe))
            buf_append(found, url.data, url.len - 1);
        buf_free(&url);
    }
    buf_free(&start);
}

/* --- what is there instead --- */

static int say_nothing(struct patient *patient, const struct probe *probe)
{
    report_say(&patient->report, REPORT_WRONG, probe->tls_refused ? "certificate" : "reach",
               "%s: %s", patient->base.data, probe->error);
    return CLI_UNREACHABLE;
}

static int say_other(struct patient *patient, struct probe *probe)
{
    char type[96], challenge[96];
    long status = probe->status;
    struct buf found = BUF_INIT;

    probe_header(probe, "content-type", type, sizeof(type));
    if (status == 502 || status == 503 || status == 504) {
        report_say(&patient->report, REPORT_WRONG, "daemon",
                   "the web server answers %ld: it does not reach earshotd", status);
        return CLI_REFUSED;
    }
    if ((status == 401 && probe_header(probe, "www-authenticate", challenge, sizeof(challenge))) ||
        (status == 200 && probe->body.len > 0 && strcasestr(type, "html") != NULL &&
         looks_like_login(probe->body.data))) {
        report_say(&patient->report, REPORT_WRONG, "login",
                   "%s answers %ld and asks for a login of its own", patient->base.data, status);
        return CLI_USAGE;
    }
    search(patient, probe, &found);
    if (found.len > 0)
        report_say(&patient->report, REPORT_WRONG, "reach",
                   "%s answers %ld (%s): it is not there but at %s", patient->base.data, status,
                   type, found.data);
    else
        report_say(&patient->report, REPORT_WRONG, "reach",
                   "%s answers %ld (%s), which is not what earshot says: is the URL right? It "
                   "reads like https://HOST/chat/v1",
                   patient->base.data, status, type);
    buf_free(&found);
    return CLI_USAGE;
}

/* By what it calls itself, else by an error page of its own. */
static void recognise(struct patient *patient, struct probe *probe)
{
    struct buf url = BUF_INIT;

    probe_header(probe, "server", patient->server, sizeof(patient->server));
    patient->report.web = remedy_recognise(patient->server);
    if (patient->report.web == WEB_UNKNOWN) {
        address_origin(patient->base.data, &url);
        buf_str(&url, "/%");
        ask(patient, probe, url.data);
        if (probe->body.len > 0 && probe->status >= 400)
            patient->report.web = remedy_recognise(probe->body.data);
    }
    buf_free(&url);
}

int reach_run(struct patient *patient)
{
    struct probe probe = {0};
    int status = CLI_DONE;

    ask_base(patient, &probe);
    if (probe.status != 0)
        status = follow(patient, &probe);
    patient->secure = strncasecmp(patient->base.data, "https:", 6) == 0;
    patient->local = address_local(patient->base.data);
    if (status == CLI_DONE && probe.status == 0) {
        status = say_nothing(patient, &probe);
    } else if (status == CLI_DONE && !is_earshot(patient, &probe)) {
        probe_header(&probe, "server", patient->server, sizeof(patient->server));
        patient->report.web = remedy_recognise(patient->server);
        status = say_other(patient, &probe);
    } else if (status == CLI_DONE) {
        probe_header(&probe, "x-request-id", patient->request, sizeof(patient->request));
        recognise(patient, &probe);
    }
    probe_free(&probe);
    return status;
}
