/* test_record.c - do the FastCGI records of a response stand as the specification has them? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "event/record.h"

/* Is a header version 1, FCGI_STDOUT, id and length big-endian, no padding (section 3.3)? */
static void test_stdout(void **state)
{
    static const unsigned char small[] = {1, 6, 0, 1, 0, 5, 0, 0};
    static const unsigned char large[] = {1, 6, 0xab, 0xcd, 0xff, 0xff, 0, 0};
    unsigned char out[RECORD_HEADER_BYTES];

    (void)state;
    memset(out, 0xee, sizeof(out));
    record_stdout(out, 1, 5);
    assert_memory_equal(out, small, sizeof(small));
    record_stdout(out, 0xabcd, RECORD_CONTENT_MAX);
    assert_memory_equal(out, large, sizeof(large));
}

/* Is the end an empty FCGI_STDOUT and FCGI_END_REQUEST, all zero (section 5.5)? */
static void test_end(void **state)
{
    static const unsigned char want[] = {1, 6, 0x01, 0x02, 0, 0, 0, 0, 1, 3, 0x01, 0x02,
                                         0, 8, 0,    0,    0, 0, 0, 0, 0, 0, 0,    0};
    unsigned char out[RECORD_END_BYTES + 1];

    (void)state;
    memset(out, 0xee, sizeof(out));
    record_end(out, 0x0102);
    assert_int_equal(sizeof(want), RECORD_END_BYTES);
    assert_memory_equal(out, want, sizeof(want));
    assert_int_equal(out[RECORD_END_BYTES], 0xee);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stdout),
        cmocka_unit_test(test_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
