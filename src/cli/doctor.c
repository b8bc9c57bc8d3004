#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "cli/checkup.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/field.h"
#include "cli/idle.h"
#include "cli/operator.h"
#include "cli/pacing.h"
#include "cli/patient.h"
#include "cli/reach.h"
#include "cli/terminal.h"

#define IDLE_MS 35000             /* two heartbeats, and a long-poll as clients use it */
#define IDLE_LONG_MS (13 * 60000) /* stream_age of 10 minutes and a fifth, and some */
#define IDLE_LEAST_MS 1500

/* Asks who we are. Returns the object, to be put, or NULL; *status is HTTP's. */
static struct json_object *ask_me(struct patient *patient, long *status)
{
    struct probe probe = {0};
    struct json_object *me = NULL;

    patient_ask(patient, &probe, "auth/me");
    probe_ask(patient->prober, &probe);
    *status = probe.status;
    if (probe.status == 200 && probe.body.len > 0)
        me = field_parse(probe.body.data, probe.body.len);
    probe_free(&probe);
    return me;
}

/* Finds out what we may do there. */
static void identify(struct patient *patient, bool token)
{
    struct json_object *me, *rights = NULL;
    const char *role;
    long status;

    me = ask_me(patient, &status);
    if (token && status == 401) {
        report_say(&patient->report, REPORT_WRONG, "token",
                   "the token is refused; going on without one");
        probe_authorize(patient->prober, NULL);
        me = ask_me(patient, &status);
    }
    role = field_text(me, "role");
    patient->admin = role != NULL && strcmp(role, "admin") == 0;
    json_object_object_get_ex(me, "rooms", &rights);
    patient_choose(patient, rights);
    json_object_put(me);
}

static int64_t idle_time(const struct options *options)
{
    int64_t ms = options->whole ? IDLE_LONG_MS : options->idle_ms > 0 ? options->idle_ms : IDLE_MS;

    return options->quick ? 0 : ms < IDLE_LEAST_MS ? IDLE_LEAST_MS : ms;
}

static void examine(struct patient *patient)
{
    int64_t idle_ms = patient->may_read ? idle_time(patient->options) : 0;
    struct idle *idle = idle_ms > 0 ? idle_start(patient, idle_ms) : NULL;

    if (idle_ms > 60000)
        terminal_notice("this takes up to %lld minutes", (long long)(idle_ms / 60000));
    checkup_run(patient);
    if (patient->may_read)
        pacing_run(patient);
    else
        report_say(&patient->report, REPORT_ADVICE, "token",
                   "without a token no room may be read here: streams were not looked at");
    if (patient->may_read)
        checkup_redis(patient);
    if (idle != NULL)
        idle_finish(idle);
}

/* Gives the token to the prober, unless it is one that nobody asked us to send in clear. */
static bool authorize(struct patient *patient, const struct operator* operator,
                      const struct client * client)
{
    if (client_authorization(client) == NULL)
        return false;
    if (operator->minted && !patient->secure && !patient->local) {
        report_say(&patient->report, REPORT_NOTE, "token",
                   "over plain http no admin's token is made and sent; give one with --token-file");
        return false;
    }
    probe_authorize(patient->prober, client_authorization(client));
    return true;
}

static int run(struct patient *patient, const struct operator* operator,
               const struct client * client)
{
    int status;

    buf_str(&patient->base, client_base(client));
    report_open(&patient->report, patient->options->json);
    patient->prober = probe_begin(NULL);
    if (patient->prober == NULL)
        return CLI_REFUSED;
    status = reach_run(patient);
    if (status == CLI_DONE) {
        report_say(&patient->report, REPORT_OK, "reach", "earshot %s at %s, behind %s",
                   patient->version, patient->base.data,
                   patient->server[0] != '\0' ? patient->server : remedy_webs[patient->report.web]);
        identify(patient, authorize(patient, operator, client));
        examine(patient);
    }
    if (status == CLI_DONE && patient->report.counts[REPORT_WRONG] > 0)
        status = CLI_REFUSED;
    report_close(&patient->report, patient->base.data, patient->server);
    probe_end(patient->prober);
    buf_free(&patient->base);
    return status;
}

int doctor_run(const struct options *options, const char *url)
{
    struct patient patient = {0};
    struct options given = *options;
    struct operator operator;
    struct client *client = NULL;
    int status;

    if (url != NULL)
        given.url = url;
    status = operator_complete(&operator, & given);
    if (status == CLI_DONE && (client = client_open(&operator.options)) == NULL)
        status = CLI_USAGE;
    if (status == CLI_DONE) {
        patient.options = &operator.options;
        status = run(&patient, &operator, client);
    }
    client_close(client);
    operator_free(&operator);
    return status;
}
