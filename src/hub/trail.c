#include "hub/trail.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf.h"
#include "hub/outgoing.h"
#include "hub/state.h"
#include "hub/tally.h"
#include "hub/who.h"

struct trail {
    const char *reason;
    int64_t begun_ms; /* clock_mono_ms() */
    const char *trace;
    char request[]; /* and the trace behind it */
};

static enum log_level level_of(const struct hub *hub)
{
    return hub->conf->access_log ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
}

struct trail *trail_keep(const struct hub *hub, const struct parking *p)
{
    size_t request_bytes = strlen(p->request_ref) + 1, trace_bytes = strlen(p->trace) + 1;
    struct trail *trail;

    /* One without an address is the canary. */
    if (!log_takes(level_of(hub)) || p->address[0] == '\0')
        return NULL;
    trail = mem_zero(sizeof(*trail) + request_bytes + trace_bytes);
    trail->begun_ms = clock_mono_ms();
    memcpy(trail->request, p->request_ref, request_bytes);
    memcpy(trail->request + request_bytes, p->trace, trace_bytes);
    if (trace_bytes > 1)
        trail->trace = trail->request + request_bytes;
    return trail;
}

void trail_because(struct trail *trail, const char *reason)
{
    if (trail != NULL && trail->reason == NULL)
        trail->reason = reason;
}

void trail_end(struct connection *c)
{
    const struct hub *hub = c->poll.loop->data;
    struct trail *trail = c->trail;
    char address[IP_TEXT];

    if (trail == NULL)
        return;
    ip_text(address, c->address);
    trail_because(trail, "client_gone");
    log_request(trail->request, trail->trace);
    log_write(level_of(hub),
              "ended client=%s form=%s rooms=%u ms=%lld events=%u bytes=%llu reason=%s user=%s "
              "namespace=%s",
              address[0] != '\0' ? address : "-", frame_names[c->form], (unsigned)c->members_count,
              (long long)(clock_mono_ms() - trail->begun_ms), c->delivered,
              (unsigned long long)c->bytes, trail->reason, c->who != NULL ? c->who->user : "-",
              c->tally->name);
    log_request(NULL, NULL);
    free(trail);
    c->trail = NULL;
}
