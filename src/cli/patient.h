/* patient.h - the server that earshot doctor examines, and what is known of it.
 * Runs in: earshot command.  Blocks: never. */
#ifndef EARSHOT_PATIENT_H
#define EARSHOT_PATIENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/options.h"
#include "cli/probe.h"
#include "cli/report.h"
#include "event/name.h"

struct patient {
    const struct options *options;
    struct prober *prober;
    struct report report;
    struct buf base;   /* its URL, without a slash at the end */
    char server[128];  /* what the web server calls itself, or "" */
    char version[32];  /* earshot's */
    char request[128]; /* the id of the first request */
    bool secure, local;

    /* Who we are there. */
    bool admin, may_read, may_send;
    char room[NAME_ROOM_MAX + 1];  /* one that we may read; ours alone where may_send */
    char quiet[NAME_ROOM_MAX + 1]; /* the same, where we say nothing */
};

/* Sets the URL of a question: the server's, a slash, and the text. */
void patient_ask(const struct patient *patient, struct probe *probe, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Picks rooms by the rights that auth/me tells ({pattern: letters}, or NULL). */
void patient_choose(struct patient *patient, struct json_object *rights);

#endif
