/* record.h - the FastCGI records of a response.
 * Runs in: hub.  Blocks: never.  No I/O.
 * FastCGI 1.0, sections 3.3 and 5: a stream is records of at most 65,535 bytes,
 * an empty one ends it, FCGI_END_REQUEST ends the request. */
#ifndef EARSHOT_RECORD_H
#define EARSHOT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_HEADER_BYTES 8
#define RECORD_CONTENT_MAX 65535
#define RECORD_END_BYTES 24

/* The header of an FCGI_STDOUT record with `len` bytes of content and no padding. */
void record_stdout(unsigned char out[RECORD_HEADER_BYTES], uint16_t request_id, size_t len);

/* What ends a request: an empty FCGI_STDOUT and FCGI_END_REQUEST with status 0,
 * FCGI_REQUEST_COMPLETE. */
void record_end(unsigned char out[RECORD_END_BYTES], uint16_t request_id);

#endif
