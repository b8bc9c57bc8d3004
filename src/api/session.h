/* session.h - tokens given, renewed and told about: POST auth/renew, auth/logout, GET auth/me.
 * Runs in: gate.  Blocks: as the store does. */
#ifndef EARSHOT_SESSION_H
#define EARSHOT_SESSION_H

#include "api/api.h"
#include "auth/token.h"

/* A token for somebody, and what is said of it. */
struct session {
    struct token_claims claims;
    bool cookie; /* it goes into the cookie, and not into the reply */
    struct buf token;
    char id[TOKEN_ID_BYTES];
    int64_t expires_ms;
};

/* May this server make tokens, and may this page take one as its cookie? Returns 0, or -1 with the
 * reply: 409, or 403 for another site's page. */
int session_possible(struct api *api, bool cookie);

/* The same of the server alone, without a reply. */
bool session_available(const struct api *api);

/* Takes the cookie back. */
void session_forget(struct api *api);

/* Makes the token: the claims' lifetime is set here, their namespace unless they have one. Returns
 * 0, or -1 with the reply 400. */
int session_make(struct api *api, struct session *session);

/* Answers with it: {"token", "userId", "name", "expires"}. Frees the session's token. */
void session_reply(struct api *api, int status, struct session *session);

api_handler session_renew;
api_handler session_logout;
api_handler session_me;

#endif
