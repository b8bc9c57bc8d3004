/* gate.h - the whole of a request, on one screen.
 * Runs in: gate, direct.  Blocks: yes.
 * Where requests come from is its place's business: the daemon's prefork pool (gate/prefork.h), or
 * a process of the web server (direct/direct.h). */
#ifndef EARSHOT_GATE_H
#define EARSHOT_GATE_H

#include <stdbool.h>

#include "gate/source.h"

struct api;
struct gate;
struct heritage;
struct parking;

struct gate_place {
    const struct heritage *heritage;
    const struct source *source;
    void *from; /* what the source's functions get */

    /* readyz?deep=1: makes the reply. */
    void (*deep)(struct api *api, const struct heritage *heritage);

    /* GET metrics: likewise. NULL: the reply stays, that nobody counts here. */
    void (*metrics)(struct api *api, const struct heritage *heritage);

    /* Is there room for this receive? May shorten it. Returns 0, or -1: it is refused. NULL: hubs
     * decide. */
    int (*admit)(void *context, struct parking *parking);
    void *context;
};

/* NULL when the configuration cannot be used (logged). */
struct gate *gate_open(const struct gate_place *place);
void gate_close(struct gate *gate);

/* Answers the source's current request, of this environment. Returns true when it was not answered
 * but handed to a hub. */
bool gate_serve(struct gate *gate, char **envp);

#endif
