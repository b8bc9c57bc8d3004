#include "cli/checkup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/address.h"
#include "cli/cli.h"
#include "cli/field.h"

#define CONTENT_BYTES 8192
#define CODE 64
#define ALL_MS 10000
#define SKEW_MS 10000      /* more is wrong: tokens are too old or not good yet */
#define SKEW_NOTE_MS 2000  /* Date counts seconds */
#define REDIS_SKEW_MS 2000 /* the same for the clock of Redis, which leases and bans go by */

enum question {
    ABOUT,
    DEEP,
    BAD_TOKEN,
    MISSING,
    PUT,
    DELETE,
    OPTIONS,
    LARGE,
    PLAIN,
    ENCODED,
    SLASH,
    TAGGED,
    RESUME,
    SECRETS,
    QUESTIONS = SECRETS + 4
};

struct checkup {
    struct patient *patient;
    struct report *report;
    struct probe probes[QUESTIONS];
    char codes[QUESTIONS][CODE]; /* of the problems that they state, or "" */
    struct buf large;
};

/* --- the questions --- */

/* A message of 8 KiB, in the longest form that JSON has for it. Nobody is there to see it. */
static void write_large(struct buf *body)
{
    buf_str(body, "{\"ephemeral\":true,\"content\":\"");
    for (int i = 0; i < CONTENT_BYTES; i++)
        buf_str(body, "\\u0064");
    buf_str(body, "\"}");
}

static void ask_secrets(struct checkup *c)
{
    static const char *const files[] = {"/earshot.conf", "/.htearshot.conf"};
    const struct patient *patient = c->patient;
    const char *slash = strrchr(patient->base.data, '/');
    struct buf origin = BUF_INIT;

    address_origin(patient->base.data, &origin);
    for (int i = 0; i < 4; i++) {
        struct probe *probe = &c->probes[SECRETS + i];

        if (i < 2)
            buf_printf(&probe->url, "%s%s", origin.data, files[i]);
        else
            buf_printf(&probe->url, "%.*s%s", (int)(slash - patient->base.data), patient->base.data,
                       files[i - 2]);
        probe->alone = true;
    }
    buf_free(&origin);
}

static void ask_rooms(struct checkup *c)
{
    const struct patient *patient = c->patient;
    const char *room = patient->quiet[0] != '\0' ? patient->quiet : "doctor-looks-in";
    const char *own = patient->may_send ? patient->room : "doctor-looks-in";

    patient_ask(patient, &c->probes[PLAIN], "rooms/%s/messages?limit=1", room);
    patient_ask(patient, &c->probes[ENCODED], "rooms/%%%02X%s/messages?limit=1",
                (unsigned char)room[0], room + 1);
    patient_ask(patient, &c->probes[RESUME], "rooms/%s/events?as=sse&wait=1", room);
    c->probes[RESUME].headers[0] = "Last-Event-ID: no cursor";
    patient_ask(patient, &c->probes[LARGE], "rooms/%s/messages", own);
    write_large(&c->large);
    c->probes[LARGE].method = "POST";
    c->probes[LARGE].headers[0] = "Content-Type: application/json";
    c->probes[LARGE].text = c->large.data;
    c->probes[LARGE].text_len = c->large.len;
    c->probes[LARGE].alone = !patient->may_send;
}

static void ask_all(struct checkup *c)
{
    const struct patient *patient = c->patient;
    struct probe *all[QUESTIONS];

    patient_ask(patient, &c->probes[ABOUT], "%s", "");
    patient_ask(patient, &c->probes[DEEP], "readyz?deep=1");
    /* By a name of its own: an answer that is kept by something between is another check's. */
    patient_ask(patient, &c->probes[BAD_TOKEN], "auth/me?as=no-token");
    c->probes[BAD_TOKEN].headers[0] = "Authorization: Bearer no.token.at-all";
    c->probes[BAD_TOKEN].alone = true;
    patient_ask(patient, &c->probes[MISSING], "nothing-is-here");
    patient_ask(patient, &c->probes[PUT], "auth/me");
    c->probes[PUT].method = "PUT";
    patient_ask(patient, &c->probes[DELETE], "auth/me");
    c->probes[DELETE].method = "DELETE";
    patient_ask(patient, &c->probes[OPTIONS], "auth/me");
    c->probes[OPTIONS].method = "OPTIONS";
    patient_ask(patient, &c->probes[SLASH], "nothing%%2Fis%%2Fhere");
    patient_ask(patient, &c->probes[TAGGED], "openapi.json");
    ask_rooms(c);
    ask_secrets(c);
    for (int i = 0; i < QUESTIONS; i++) {
        if (i == ABOUT || i == SECRETS || i == PLAIN) /* a few at a time, as a browser would */
            probe_wait(patient->prober, all, (size_t)i, i > 0 ? ALL_MS : 0);
        all[i] = &c->probes[i];
        probe_start(patient->prober, all[i]);
    }
    probe_wait(patient->prober, all, QUESTIONS, ALL_MS);
    for (int i = 0; i < QUESTIONS; i++) {
        probe_stop(patient->prober, all[i]);
        probe_problem(all[i], c->codes[i], CODE);
    }
}

/* --- what the answers say --- */

static void check_transport(struct checkup *c)
{
    const struct patient *p = c->patient;

    if (!p->secure && p->local)
        report_say(c->report, REPORT_NOTE, "tls", "plain http, on this machine alone");
    else if (!p->secure)
        report_say(c->report, REPORT_WRONG, "tls",
                   "plain http: tokens and messages cross the network readable");
    else
        report_say(c->report, REPORT_OK, "tls", "https, and the certificate is trusted here");
    if (c->probes[ABOUT].version >= 2)
        report_say(c->report, REPORT_OK, "http2", "HTTP/2: any number of streams a browser");
    else
        report_say(c->report, p->secure ? REPORT_WRONG : REPORT_NOTE, "http2",
                   "HTTP/1.1: a browser opens six connections to a site, so six tabs that listen "
                   "by themselves block the rest (tabs of the page here share one)%s",
                   p->secure ? "" : "; HTTP/2 needs https");
}

static void check_clock(struct checkup *c)
{
    const struct probe *probe = &c->probes[ABOUT];
    struct tm parts = {0};
    char date[64];
    int64_t here_ms = clock_wall_ms() - (clock_mono_ms() - probe->head_ms), ahead_ms;
    const char *end = probe_header(probe, "date", date, sizeof(date))
                          ? strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &parts)
                          : NULL;

    if (end == NULL) {
        report_say(c->report, REPORT_NOTE, "clock", "no readable Date: the clock is not known");
        return;
    }
    ahead_ms = (int64_t)timegm(&parts) * 1000 + 500 - here_ms;
    report_say(c->report,
               llabs(ahead_ms) > SKEW_MS        ? REPORT_WRONG
               : llabs(ahead_ms) > SKEW_NOTE_MS ? REPORT_ADVICE
                                                : REPORT_OK,
               "clock", "the web server's clock is %.1f s %s this machine's%s",
               (double)llabs(ahead_ms) / 1000, ahead_ms < 0 ? "behind" : "ahead of",
               llabs(ahead_ms) > SKEW_MS
                   ? ": tokens end too early or too late; one of both is wrong"
                   : "");
}

static void check_deep(struct checkup *c)
{
    const struct probe *probe = &c->probes[DEEP];
    const char *code = c->codes[DEEP];

    if (probe->status == 200 && probe->body.len > 0)
        report_say(c->report, REPORT_OK, "redis", "answers, and a message goes through it: %.*s",
                   (int)strcspn(probe->body.data, "\r\n"), probe->body.data);
    else if (strcmp(code, "check_running") == 0)
        report_say(c->report, REPORT_NOTE, "redis", "somebody else looks at this moment");
    else if (strcmp(code, "redis_full") == 0)
        report_say(c->report, REPORT_WRONG, "redis-memory", "Redis is full: sends are refused");
    else
        report_say(c->report, REPORT_WRONG, "redis", "readyz?deep=1 answers %ld %s", probe->status,
                   code[0] != '\0' ? code : probe->error);
}

static void check_authorization(struct checkup *c)
{
    const struct probe *probe = &c->probes[BAD_TOKEN];

    if (probe->status == 401)
        report_say(c->report, REPORT_OK, "authorization",
                   "the header Authorization reaches earshot");
    else if (probe->status == 200)
        report_say(c->report, REPORT_WRONG, "authorization",
                   "a token that is none is taken for no token: Authorization is lost on the way, "
                   "and nobody can sign in by token");
    else
        report_say(c->report, REPORT_NOTE, "authorization",
                   "a token that is none is answered %ld: it is not known whether it arrives",
                   probe->status);
}

/* Are the errors that earshot states handed on? */
static bool check_errors(struct checkup *c)
{
    static const struct {
        enum question question;
        long status;
    } expected[] = {{MISSING, 404}, {BAD_TOKEN, 401}, {RESUME, 400}};
    char type[96];

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct probe *probe = &c->probes[expected[i].question];

        if (c->codes[expected[i].question][0] != '\0' ||
            (i > 0 && probe->status != expected[i].status)) /* said by another check */
            continue;
        probe_header(probe, "content-type", type, sizeof(type));
        report_say(c->report, REPORT_WRONG, "errors",
                   "in place of our %ld application/problem+json comes %ld %s: clients do not "
                   "learn what went wrong",
                   expected[i].status, probe->status, type);
        return false;
    }
    report_say(c->report, REPORT_OK, "errors", "come as earshot states them");
    return true;
}

static void check_methods(struct checkup *c, bool errors_pass)
{
    static const char *const names[] = {"PUT", "DELETE", "OPTIONS"};
    char allow[96];

    for (int i = PUT; i <= OPTIONS; i++) {
        const struct probe *probe = &c->probes[i];
        bool passes = i == OPTIONS ? probe->status == 204 &&
                                         probe_header(probe, "allow", allow, sizeof(allow))
                      : errors_pass ? c->codes[i][0] != '\0'
                                    : probe->status == 405;

        if (passes)
            continue;
        report_say(c->report, REPORT_WRONG, "methods",
                   "%s is answered %ld before it reaches "
                   "earshot: editing, reacting or asking from other sites does not work",
                   names[i - PUT], probe->status);
        return;
    }
    report_say(c->report, REPORT_OK, "methods", "PUT, DELETE and OPTIONS reach earshot");
}

static void check_body(struct checkup *c)
{
    const struct probe *probe = &c->probes[LARGE];
    const char *code = c->codes[LARGE];

    if (probe->status == 201 ||
        (probe->status >= 400 && probe->status < 500 && code[0] != '\0' && probe->status != 413))
        report_say(c->report, REPORT_OK, "body", "a message of 8 KiB, written as %zu, gets through",
                   c->large.len);
    else if (probe->status == 413 && code[0] != '\0')
        report_say(c->report, REPORT_NOTE, "body", "earshot itself takes less than 8 KiB: %s",
                   code);
    else if (probe->status == 413 || probe->status == 0)
        report_say(c->report, REPORT_WRONG, "body",
                   "a message of 8 KiB, a body of %zu bytes, is answered %ld by the web server%s%s",
                   c->large.len, probe->status, probe->status == 0 ? ": " : "",
                   probe->status == 0 ? probe->error : "");
    else
        report_say(c->report, REPORT_NOTE, "body", "a message of 8 KiB is answered %ld",
                   probe->status);
}

static void check_names(struct checkup *c, bool errors_pass)
{
    const struct probe *plain = &c->probes[PLAIN], *encoded = &c->probes[ENCODED];

    if (plain->status != encoded->status || strcmp(c->codes[PLAIN], c->codes[ENCODED]) != 0) {
        report_say(c->report, REPORT_WRONG, "names",
                   "a name in %%-encoding is answered %ld %s, the same name plain %ld %s",
                   encoded->status, c->codes[ENCODED], plain->status, c->codes[PLAIN]);
        return;
    }
    report_say(c->report, REPORT_OK, "names", "in %%-encoding arrive as they are");
    if (errors_pass && c->codes[SLASH][0] == '\0')
        report_say(c->report, REPORT_ADVICE, "slashes",
                   "%%2F in a path is answered %ld by the web server; earshot has no name with a "
                   "slash, clients just get another error page",
                   c->probes[SLASH].status);
}

static void check_secrets(struct checkup *c)
{
    for (int i = SECRETS; i < QUESTIONS; i++) {
        const struct probe *probe = &c->probes[i];

        if (probe->status != 200 || probe->body.len == 0 ||
            strstr(probe->body.data, "jwt_secret") == NULL)
            continue;
        report_say(c->report, REPORT_WRONG, "config",
                   "%s hands out the configuration to anyone, with the secret", probe->url.data);
        report_say(c->report, REPORT_ADVICE, "secret", "the secret has to be taken for known");
        return;
    }
    report_say(c->report, REPORT_OK, "config", "the configuration is not handed out");
}

static void check_cache(struct checkup *c)
{
    const struct probe *probe = &c->probes[ABOUT];
    char age[32], id[128], control[128];
    bool aged = probe_header(probe, "age", age, sizeof(age));
    bool same =
        probe_header(probe, "x-request-id", id, sizeof(id)) && strcmp(id, c->patient->request) == 0;

    probe_header(probe, "cache-control", control, sizeof(control));
    if (same || (aged && strcmp(age, "0") != 0))
        report_say(c->report, REPORT_WRONG, "cache",
                   "%s: something between keeps answers that say no-store",
                   same ? "two requests got one answer" : "the answer has an Age");
    else if (strcasestr(control, "no-store") == NULL || strcasestr(control, "max-age=") != NULL)
        report_say(c->report, REPORT_WRONG, "cache-control",
                   "no-store became \"%s\": browsers keep what they should ask for", control);
    else
        report_say(c->report, REPORT_OK, "cache", "nothing between keeps answers");
}

/* ETag, and 304 for who has it already. */
static void check_tags(struct checkup *c)
{
    struct probe again = {0};
    char tag[96], header[128];

    if (c->probes[TAGGED].status != 200)
        return;
    if (!probe_header(&c->probes[TAGGED], "etag", tag, sizeof(tag))) {
        report_say(c->report, REPORT_WRONG, "etag", "the header ETag is lost on the way");
        return;
    }
    snprintf(header, sizeof(header), "If-None-Match: %s", tag);
    patient_ask(c->patient, &again, "openapi.json");
    again.headers[0] = header;
    probe_ask(c->patient->prober, &again);
    if (again.status == 304)
        report_say(c->report, REPORT_OK, "etag", "what one has already is answered 304");
    else
        report_say(c->report, REPORT_WRONG, "etag",
                   "what one has already (If-None-Match) is answered %ld instead of 304",
                   again.status);
    probe_free(&again);
}

static void check_resume(struct checkup *c)
{
    const struct probe *probe = &c->probes[RESUME];

    if (!c->patient->may_read)
        return;
    if (probe->status == 200)
        report_say(c->report, REPORT_WRONG, "resume",
                   "Last-Event-ID is lost on the way: after a cut an EventSource misses messages");
    else if (probe->status == 400)
        report_say(c->report, REPORT_OK, "resume", "Last-Event-ID reaches earshot");
}

void checkup_run(struct patient *patient)
{
    struct checkup *c = mem_zero(sizeof(*c));
    bool errors_pass;

    c->patient = patient;
    c->report = &patient->report;
    ask_all(c);
    check_transport(c);
    check_clock(c);
    check_deep(c);
    check_authorization(c);
    errors_pass = check_errors(c);
    check_methods(c, errors_pass);
    check_body(c);
    check_names(c, errors_pass);
    check_cache(c);
    check_tags(c);
    check_resume(c);
    check_secrets(c);
    for (int i = 0; i < QUESTIONS; i++)
        probe_free(&c->probes[i]);
    buf_free(&c->large);
    free(c);
}

/* --- Redis --- */

static int64_t number(struct json_object *object, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) ? json_object_get_int64(value) : -1;
}

static void check_durability(struct report *report, struct json_object *redis)
{
    const char *aof = field_text(redis, "aof");

    if (aof == NULL)
        report_say(report, REPORT_NOTE, "redis-aof", "whether Redis keeps a log is not known");
    else if (strcmp(aof, "off") == 0)
        report_say(report, REPORT_WRONG, "redis-aof",
                   "Redis keeps no append-only file: what was said since its last snapshot is lost "
                   "when it stops");
    else if (strcmp(aof, "on") != 0)
        report_say(report, REPORT_WRONG, "redis-aof",
                   "the append-only file of Redis cannot be written: is its disk full?");
    else
        report_say(report, REPORT_OK, "redis-aof", "Redis keeps an append-only file");
}

static void check_memory(struct report *report, struct json_object *redis)
{
    const char *policy = field_text(redis, "eviction");
    int64_t used = number(redis, "usedMemory"), most = number(redis, "maxMemory");
    int64_t evicted = number(redis, "evicted");

    if (policy != NULL && strcmp(policy, "noeviction") != 0)
        report_say(report, most > 0 ? REPORT_WRONG : REPORT_ADVICE, "redis-eviction",
                   "maxmemory-policy is %s: %s", policy,
                   most > 0 ? "when Redis is full it throws messages, bans and revocations away"
                            : "harmless only as long as maxmemory is not set");
    else if (evicted > 0)
        report_say(report, REPORT_WRONG, "redis-eviction",
                   "Redis has thrown %lld keys away since it started", (long long)evicted);
    else if (policy != NULL)
        report_say(report, REPORT_OK, "redis-eviction", "Redis throws nothing away");
    if (most > 0 && used > 0)
        report_say(report, used >= most / 10 * 9 ? REPORT_WRONG : REPORT_OK, "redis-memory",
                   "%lld of %lld MiB are used", (long long)(used >> 20), (long long)(most >> 20));
}

static void check_redis_clock(struct report *report, struct json_object *redis)
{
    struct json_object *ahead = NULL;
    int64_t ms;

    if (!json_object_object_get_ex(redis, "clockAhead", &ahead) || ahead == NULL)
        return;
    ms = json_object_get_int64(ahead);
    report_say(report, llabs(ms) > REDIS_SKEW_MS ? REPORT_WRONG : REPORT_OK, "redis-clock",
               "the clock of Redis is %.1f s %s earshotd's", (double)llabs(ms) / 1000,
               ms < 0 ? "behind" : "ahead of");
}

void checkup_redis(struct patient *patient)
{
    struct probe probe = {0};
    struct json_object *object = NULL, *redis;

    if (!patient->admin) {
        report_say(&patient->report, REPORT_ADVICE, "token",
                   "how Redis is set up (append-only file, eviction, memory, clock) only an admin "
                   "is told: not looked at");
        return;
    }
    patient_ask(patient, &probe, "admin/figures");
    probe_ask(patient->prober, &probe);
    if (probe.status == 200 && probe.body.len > 0)
        object = field_parse(probe.body.data, probe.body.len);
    if (json_object_object_get_ex(object, "redis", &redis)) {
        check_durability(&patient->report, redis);
        check_memory(&patient->report, redis);
        check_redis_clock(&patient->report, redis);
    } else {
        report_say(&patient->report, REPORT_NOTE, "redis-aof", "admin/figures answers %ld %s",
                   probe.status, probe.error);
    }
    json_object_put(object);
    probe_free(&probe);
}
