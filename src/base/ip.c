#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

void ip_pack(unsigned char out[IP_BYTES], const char *text)
{
    memset(out, 0, IP_BYTES);
    if (inet_pton(AF_INET, text, out + sizeof(mapped)) == 1)
        memcpy(out, mapped, sizeof(mapped));
    else if (inet_pton(AF_INET6, text, out) != 1)
        memset(out, 0, IP_BYTES);
}

void ip_text(char out[IP_TEXT], const unsigned char ip[IP_BYTES])
{
    static const unsigned char none[IP_BYTES];

    out[0] = '\0';
    if (memcmp(ip, none, IP_BYTES) == 0)
        return;
    if (memcmp(ip, mapped, sizeof(mapped)) == 0)
        inet_ntop(AF_INET, ip + sizeof(mapped), out, IP_TEXT);
    else
        inet_ntop(AF_INET6, ip, out, IP_TEXT);
}
