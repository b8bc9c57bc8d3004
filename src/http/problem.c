#include "http/problem.h"

#include <string.h>

static const struct {
    int status;
    const char *title;
} titles[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {207, "Multi-Status"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
};

const char *problem_title(int status)
{
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void problem_write(struct buf *out, const struct problem *problem, const char *request_id,
                   size_t line)
{
    buf_printf(
        out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",\"detail\":",
        problem_title(problem->status), problem->status, problem->code);
    buf_json(out, problem->detail, strlen(problem->detail));
    if (request_id != NULL) {
        buf_str(out, ",\"request_id\":");
        buf_json(out, request_id, strlen(request_id));
    }
    if (line != 0)
        buf_printf(out, ",\"line\":%zu", line);
    buf_char(out, '}');
}
