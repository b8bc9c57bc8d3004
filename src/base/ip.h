/* ip.h - an address of the Internet in 16 bytes.
 * Runs in: hub.  Blocks: never.  No I/O. */
#ifndef EARSHOT_IP_H
#define EARSHOT_IP_H

#define IP_BYTES 16
#define IP_TEXT 46

/* Reads an address, IPv4 as IPv6 has it (RFC 4291, 2.5.5.2). All zero: it is none. */
void ip_pack(unsigned char out[IP_BYTES], const char *text);

/* Writes it as people do; "" for none. */
void ip_text(char out[IP_TEXT], const unsigned char ip[IP_BYTES]);

#endif
