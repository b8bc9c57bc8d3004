/* fuzz_request.c - no environment crashes a gate; each gets a request that can be answered. The
 * input is lines, each a variable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "gate/route.h"
#include "http/cors.h"
#include "http/negotiate.h"
#include "http/request.h"

#define VARIABLES_MAX 64

/* So that the fuzzer need not find the names. */
static const char *const names[] = {
    "REQUEST_METHOD=",       "PATH_INFO=",          "QUERY_STRING=", "CONTENT_LENGTH=",
    "CONTENT_TYPE=",         "HTTP_ACCEPT=",        "HTTP_COOKIE=",  "HTTP_AUTHORIZATION=",
    "HTTP_IDEMPOTENCY_KEY=", "HTTP_IF_NONE_MATCH=", "HTTP_ORIGIN=",  "HTTP_LAST_EVENT_ID=",
    "EARSHOT_NAMESPACE=",    "HTTP_X_REQUEST_ID=",  "HTTP_HOST=",    "HTTP_TRACEPARENT=",
};

static void read_lines(char *envp[VARIABLES_MAX + 1], struct arena *arena, const char *data,
                       size_t size)
{
    size_t count = 0;

    while (size > 0 && count < VARIABLES_MAX) {
        const char *end = memchr(data, '\n', size);
        size_t len = end != NULL ? (size_t)(end - data) : size;
        const char *name = "";

        if (len > 0 && (unsigned char)data[0] < sizeof(names) / sizeof(names[0]))
            name = names[(unsigned char)data[0]];
        envp[count++] =
            arena_printf(arena, "%s%s", name,
                         arena_strndup(arena, data + (*name != '\0'), len - (*name != '\0')));
        len += end != NULL;
        data += len;
        size -= len;
    }
    envp[count] = NULL;
}

static void check(struct request *request, struct arena *arena)
{
    const struct conf conf = {.origins_count = 0};
    struct buf out = BUF_INIT;
    const struct route *route;
    struct problem problem;
    enum frame_form form;
    bool differs;

    request_cookie(request, arena, "earshot", &differs);
    negotiate_form(&form, request_query(request, "as"), request->accept, NEGOTIATE_ALL, arena,
                   &problem);
    if (route_find(request, &route) == ROUTE_FOUND)
        route_param(route, request, 0);
    route_allow(request, &out);
    buf_clear(&out);
    cors_headers(&out, request, &conf);
    /* Two lines, whatever the request id was. */
    if (strspn(request->id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") !=
            strlen(request->id) ||
        !utf8_valid(out.data, out.len))
        abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {NULL};
    char *envp[VARIABLES_MAX + 1];
    struct request request;
    struct problem problem;

    read_lines(envp, &arena, (const char *)data, size);
    if (request_parse(&request, &arena, envp, &problem) < 0 &&
        (problem.status == 0 || problem.code == NULL || problem.detail == NULL))
        abort();
    if (request.id == NULL || request.namespace == NULL || request.path == NULL)
        abort();
    check(&request, &arena);
    arena_free(&arena);
    return 0;
}
