/* test_peer.c - whose address counts, and what can nobody make it look like? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "auth/peer.h"

static void expect(const char *trusted, const char *peer, const char *forwarded, const char *wanted)
{
    char address[PEER_TEXT];

    peer_address(address, trusted, peer, forwarded);
    assert_string_equal(address, wanted);
}

/* Is the header believed where a trusted proxy passed it on, and nowhere else? */
static void test_client(void **state)
{
    (void)state;
    expect("", "192.0.2.1", "198.51.100.7", "192.0.2.1");
    expect(NULL, "192.0.2.1", "198.51.100.7", "192.0.2.1");
    expect("10.0.0.0/8", "192.0.2.1", "198.51.100.7", "192.0.2.1");
    expect("10.0.0.0/8", "10.1.2.3", "198.51.100.7", "198.51.100.7");
    expect("10.0.0.0/8", "10.1.2.3", NULL, "10.1.2.3");
    expect("10.0.0.0/8", "10.1.2.3", "", "10.1.2.3");
    /* What the client wrote himself stands in front. */
    expect("10.0.0.0/8", "10.1.2.3", "203.0.113.9, 198.51.100.7", "198.51.100.7");
    expect("10.0.0.0/8, 203.0.113.9", "10.1.2.3", "198.51.100.7,203.0.113.9 , 10.9.9.9",
           "198.51.100.7");
    expect("10.0.0.0/8", "10.1.2.3", "10.0.0.1, 10.0.0.2", "10.0.0.1");
    expect("10.0.0.0/8", "10.1.2.3", "198.51.100.7, nonsense", "10.1.2.3");
    expect("10.0.0.0/8", "10.1.2.3", "198.51.100.7,", "10.1.2.3");
    expect("10.0.0.0/8", "10.1.2.3", ",,,", "10.1.2.3");
    expect("10.0.0.0/8", "10.1.2.3", "unix:", "10.1.2.3");
}

/* Are networks as long as they say, of IPv6 too? */
static void test_networks(void **state)
{
    (void)state;
    expect("10.0.0.0/8", "11.0.0.1", "1.2.3.4", "11.0.0.1");
    expect("192.0.2.128/25", "192.0.2.127", "1.2.3.4", "192.0.2.127");
    expect("192.0.2.128/25", "192.0.2.129", "1.2.3.4", "1.2.3.4");
    expect("192.0.2.1", "192.0.2.10", "1.2.3.4", "192.0.2.10");
    expect("0.0.0.0/0", "192.0.2.10", "2001:db8::1", "2001:db8::1");
    expect("2001:db8::/33", "2001:db8:7fff::1", "1.2.3.4", "1.2.3.4");
    expect("2001:db8::/33", "2001:db8:8000::1", "1.2.3.4", "2001:db8:8000::1");
    expect("::/0", "2001:db8::1", "1.2.3.4", "1.2.3.4");
    expect("127.0.0.1", "::ffff:127.0.0.1", "::ffff:1.2.3.4", "1.2.3.4");
}

/* A socket file, ports, and what is no address at all? */
static void test_forms(void **state)
{
    (void)state;
    expect("unix:", NULL, "1.2.3.4", "1.2.3.4");
    expect("unix:", "", "1.2.3.4", "1.2.3.4");
    expect("unix:", "unix:", "1.2.3.4", "1.2.3.4");
    expect("", "unix:", "1.2.3.4", "-");
    expect("::1", NULL, "1.2.3.4", "-");
    expect("unix:", "10.0.0.1", "1.2.3.4", "10.0.0.1");
    expect("::1", "::1", "1.2.3.4:5678", "1.2.3.4");
    expect("::1", "::1", "[2001:DB8:0::1]:80", "2001:db8::1");
    expect("::1", "::1", "[2001:db8::2]", "2001:db8::2");
    expect("::1", "not an address", "1.2.3.4", "-");
    expect("::1", "::1",
           "1111111111111111111111111111111111111111111111111111111111111111111111111", "::1");
}

/* Is a whole /64 one? */
static void test_group(void **state)
{
    static const char *const rows[][2] = {{"192.0.2.1", "192.0.2.1"},
                                          {"-", "-"},
                                          {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
                                          {"2001:db8:1:2::9", "2001:db8:1:2::/64"},
                                          {"::1", "::/64"}};
    char group[PEER_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer_group(group, rows[i][0]);
        assert_string_equal(group, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
