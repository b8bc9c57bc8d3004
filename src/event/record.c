#include "event/record.h"

#include <string.h>

#define FCGI_VERSION 1
#define FCGI_END_REQUEST 3
#define FCGI_STDOUT 6

static void header(unsigned char *out, unsigned char type, uint16_t request_id, size_t len)
{
    out[0] = FCGI_VERSION;
    out[1] = type;
    out[2] = (unsigned char)(request_id >> 8);
    out[3] = (unsigned char)request_id;
    out[4] = (unsigned char)(len >> 8);
    out[5] = (unsigned char)len;
    out[6] = 0; /* padding */
    out[7] = 0; /* reserved */
}

void record_stdout(unsigned char out[RECORD_HEADER_BYTES], uint16_t request_id, size_t len)
{
    header(out, FCGI_STDOUT, request_id, len);
}

void record_end(unsigned char out[RECORD_END_BYTES], uint16_t request_id)
{
    header(out, FCGI_STDOUT, request_id, 0);
    header(out + RECORD_HEADER_BYTES, FCGI_END_REQUEST, request_id, RECORD_HEADER_BYTES);
    /* Application status 0, protocol status FCGI_REQUEST_COMPLETE (0), reserved. */
    memset(out + 2 * RECORD_HEADER_BYTES, 0, RECORD_HEADER_BYTES);
}
