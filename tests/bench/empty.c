/* empty.c - answers every FastCGI request with nothing: what the web server itself costs.
 * usage: empty SOCKET PROCESSES
 * One process a worker of the web server, since each keeps a connection open and a process of
 * libfcgi serves one connection at a time. */
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void serve(int listener)
{
    FCGX_Request request;
    char rest[4096];

    FCGX_InitRequest(&request, listener, 0);
    while (FCGX_Accept_r(&request) == 0) {
        /* What stays unread of a body would stand before the next request. */
        while (FCGX_GetStr(rest, sizeof rest, request.in) > 0)
            ;
        FCGX_PutS("Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n", request.out);
        FCGX_Finish_r(&request);
    }
}

int main(int argc, char **argv)
{
    int processes = argc == 3 ? atoi(argv[2]) : 0;
    int listener;

    if (processes < 1) {
        fprintf(stderr, "usage: empty SOCKET PROCESSES\n");
        return 64;
    }
    FCGX_Init();
    listener = FCGX_OpenSocket(argv[1], 64);
    if (listener < 0) {
        fprintf(stderr, "empty: cannot listen on %s\n", argv[1]);
        return 1;
    }
    /* libfcgi's own handler only takes effect at the next accept. */
    signal(SIGTERM, SIG_DFL);
    for (int i = 1; i < processes; i++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            break;
        }
    }
    serve(listener);
    return 1;
}
