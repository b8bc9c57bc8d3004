/* fuzz_peer.c - whatever a header says, an address comes out, and its group stays what it is. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(const char *address)
{
    unsigned char bytes[16];

    if (strcmp(address, "-") != 0 && inet_pton(AF_INET, address, bytes) != 1 &&
        inet_pton(AF_INET6, address, bytes) != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char trusted[] = "10.0.0.0/8, ::1, fd00::/9, unix:";
    char *forwarded = malloc(size + 1), address[PEER_TEXT], group[PEER_TEXT];

    if (forwarded == NULL)
        return 0;
    memcpy(forwarded, data, size);
    forwarded[size] = '\0';
    peer_address(address, trusted, "10.1.2.3", forwarded);
    check_address(address);
    peer_group(group, address);
    if (group[0] == '\0' || strlen(group) >= PEER_TEXT)
        abort();
    /* Who is not trusted says what he likes. */
    peer_address(address, trusted, "192.0.2.1", forwarded);
    if (strcmp(address, "192.0.2.1") != 0)
        abort();
    peer_address(address, trusted, forwarded, "10.0.0.1, 198.51.100.7");
    check_address(address);
    free(forwarded);
    return 0;
}
