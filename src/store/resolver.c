#include "store/resolver.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define FRESH_MS 20

struct resolver {
    char *host;
    char service[16];
    struct addrinfo hints;
    struct gaicb lookup;
    bool looking;           /* `lookup` is the library's until gai_error() says that it is done */
    struct addrinfo *known; /* or NULL */
    bool numeric;           /* `known` is for good */
    int skip;               /* so many of `known`, which led nowhere */
};

struct resolver *resolver_open(const char *host, int port)
{
    struct resolver *r = mem_zero(sizeof(*r));

    r->host = mem_strdup(host);
    snprintf(r->service, sizeof(r->service), "%d", port);
    r->hints =
        (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    r->numeric = getaddrinfo(r->host, r->service, &r->hints, &r->known) == 0;
    r->hints.ai_flags = AI_NUMERICSERV;
    r->lookup =
        (struct gaicb){.ar_name = r->host, .ar_service = r->service, .ar_request = &r->hints};
    return r;
}

void resolver_close(struct resolver *r)
{
    if (r == NULL)
        return;
    if (r->known != NULL)
        freeaddrinfo(r->known);
    r->known = NULL;
    /* What a thread is at work on cannot be taken from it. */
    if (r->looking && gai_cancel(&r->lookup) == EAI_NOTCANCELED)
        return;
    if (r->looking && r->lookup.ar_result != NULL)
        freeaddrinfo(r->lookup.ar_result);
    free(r->host);
    free(r);
}

static void start(struct resolver *r, char error[128])
{
    struct gaicb *list[] = {&r->lookup};
    int rc;

    r->lookup.ar_result = NULL;
    rc = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
    r->looking = rc == 0;
    if (rc != 0)
        snprintf(error, 128, "cannot look up %.60s: %s", r->host, gai_strerror(rc));
}

/* Takes the answer, if there is one by now. */
static void harvest(struct resolver *r, char error[128])
{
    int rc = gai_error(&r->lookup);

    if (rc == EAI_INPROGRESS) {
        snprintf(error, 128, "%.60s: no name server has answered yet", r->host);
        return;
    }
    r->looking = false;
    if (rc != 0) {
        snprintf(error, 128, "%.60s: %s", r->host, gai_strerror(rc));
        return;
    }
    if (r->known != NULL)
        freeaddrinfo(r->known);
    r->known = r->lookup.ar_result;
    r->lookup.ar_result = NULL;
}

static void wait_for_answer(struct resolver *r, int64_t wait_ms)
{
    const struct gaicb *const list[] = {&r->lookup};
    int64_t end_ms = clock_mono_ms() + wait_ms, left_ms = wait_ms;
    int rc = EAI_INTR;

    while (rc == EAI_INTR && left_ms > 0) {
        struct timespec left = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};

        rc = gai_suspend(list, 1, &left);
        left_ms = end_ms - clock_mono_ms();
    }
}

void resolver_blame(struct resolver *r)
{
    r->skip++;
}

static const struct addrinfo *begin_at(struct resolver *r)
{
    const struct addrinfo *first = r->known;

    for (int i = 0; first != NULL && i < r->skip; i++)
        first = first->ai_next;
    if (first == NULL)
        r->skip = 0;
    return first != NULL ? first : r->known;
}

const struct addrinfo *resolver_find(struct resolver *r, int64_t wait_ms, char error[128])
{
    if (r->numeric)
        return begin_at(r);
    /* One that went on when the last call ended may have its answer long since: it is asked again,
     * but is better than none. */
    if (r->looking)
        harvest(r, error);
    if (!r->looking)
        start(r, error);
    if (r->looking) {
        wait_for_answer(r, r->known != NULL && wait_ms > FRESH_MS ? FRESH_MS : wait_ms);
        harvest(r, error);
    }
    return begin_at(r);
}
