#include "auth/peer.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 16

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* An address, as IPv6; IPv4 is ::ffff:a.b.c.d; all zero for a local socket. */
struct address {
    unsigned char bytes[BYTES];
    bool local;
};

static bool is_four(const struct address *address)
{
    return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

/* Reads a.b.c.d, a.b.c.d:port, IPv6 or [IPv6]:port. */
static bool read_address(struct address *out, const char *text, size_t len)
{
    char copy[PEER_TEXT], *start = copy, *end;

    memset(out, 0, sizeof(*out));
    out->local = len == 0 || (len == 5 && memcmp(text, "unix:", 5) == 0);
    if (out->local)
        return true;
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (copy[0] == '[' && (end = strchr(copy, ']')) != NULL) {
        start++;
        *end = '\0';
    } else if ((end = strchr(copy, ':')) != NULL && strchr(end + 1, ':') == NULL) {
        *end = '\0';
    }
    if (inet_pton(AF_INET6, start, out->bytes) == 1)
        return true;
    memcpy(out->bytes, mapped, sizeof(mapped));
    return inet_pton(AF_INET, start, out->bytes + sizeof(mapped)) == 1;
}

static bool same_bits(const struct address *a, const struct address *b, int bits)
{
    int whole = bits / 8, rest = bits % 8;
    unsigned mask = 0xffU << (8 - rest);

    return memcmp(a->bytes, b->bytes, (size_t)whole) == 0 &&
           (rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask & 0xff) == 0);
}

/* Is it in this one entry of the list? */
static bool is_in(const struct address *address, const char *entry, size_t len)
{
    const char *slash = memchr(entry, '/', len);
    struct address network;
    int bits = 8 * BYTES;

    if (!read_address(&network, entry, slash != NULL ? (size_t)(slash - entry) : len))
        return false;
    if (network.local || address->local)
        return network.local && address->local;
    if (slash != NULL)
        bits = atoi(slash + 1) + (is_four(&network) ? 8 * (int)sizeof(mapped) : 0);
    return bits <= 8 * BYTES && same_bits(address, &network, bits);
}

static bool is_trusted(const struct address *address, const char *trusted)
{
    for (const char *s = trusted; s != NULL && *s != '\0';) {
        size_t len;

        s += strspn(s, ", ");
        len = strcspn(s, ", ");
        if (len > 0 && is_in(address, s, len))
            return true;
        s += len;
    }
    return false;
}

static void write_address(char out[PEER_TEXT], const struct address *address)
{
    if (address->local)
        strcpy(out, "-");
    else if (is_four(address))
        inet_ntop(AF_INET, address->bytes + sizeof(mapped), out, PEER_TEXT);
    else
        inet_ntop(AF_INET6, address->bytes, out, PEER_TEXT);
}

/* Takes the last entry of a list parted by commas off it: *len is what remains. */
static const char *take_last(const char *list, size_t *len, size_t *entry_len)
{
    size_t end = *len, start;

    while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
        end--;
    for (start = end; start > 0 && list[start - 1] != ',';)
        start--;
    *len = start > 0 ? start - 1 : 0;
    start += strspn(list + start, " \t");
    *entry_len = end > start ? end - start : 0;
    return list + start;
}

void peer_address(char out[PEER_TEXT], const char *trusted, const char *peer, const char *forwarded)
{
    size_t left = forwarded != NULL ? strlen(forwarded) : 0;
    struct address client, further;

    if (peer == NULL)
        peer = "";
    if (!read_address(&client, peer, strlen(peer))) {
        strcpy(out, "-");
        return;
    }
    while (left > 0 && is_trusted(&client, trusted)) {
        size_t len;
        const char *entry = take_last(forwarded, &left, &len);

        if (len == 0 || !read_address(&further, entry, len) || further.local)
            break;
        client = further;
    }
    write_address(out, &client);
}

void peer_group(char out[PEER_TEXT], const char *address)
{
    struct address read;
    size_t len;

    if (!read_address(&read, address, strlen(address)) || read.local || is_four(&read)) {
        snprintf(out, PEER_TEXT, "%s", address);
        return;
    }
    memset(read.bytes + 8, 0, 8);
    write_address(out, &read);
    len = strlen(out);
    snprintf(out + len, PEER_TEXT - len, "/64");
}
