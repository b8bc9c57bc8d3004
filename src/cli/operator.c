#include "cli/operator.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "conf.h"

#define CALL_LIMIT_MS 60000
#define RETRY_FOR_MS 10000
#define TOKEN_TTL_MS (5 * 60 * 1000)
#define OPERATOR "operator" /* whom a token of our own names */

/* Makes an admin's token with the secret of the configuration. Returns it, to be freed, or NULL
 * where there is no configuration or no secret; *status is set where that is an error. */
static char *mint(const struct options *options, int *status)
{
    const char *path = conf_path(options->config);
    struct token_claims claims = {.user_id = OPERATOR, .role = "admin", .ttl_ms = TOKEN_TTL_MS};
    struct keyring *keyring = NULL;
    struct buf token = BUF_INIT;
    struct conf *conf;
    char error[512];

    if (path == NULL || (options->config == NULL && access(path, R_OK) != 0))
        return NULL;
    conf = conf_load(path, NULL, 0, error);
    if (conf != NULL && conf->jwt_secret[0] == '\0') {
        conf_free(conf);
        return NULL;
    }
    if (conf != NULL && (options->follow || options->whole))
        claims.ttl_ms = conf->token_ttl_ms;
    if (conf == NULL || (keyring = keyring_open(conf, error)) == NULL ||
        token_mint(keyring, &claims, clock_wall_ms(), &token, NULL, error) != 0) {
        terminal_error("%s", error);
        *status = CLI_USAGE;
    }
    if (keyring != NULL)
        keyring_close(keyring);
    conf_free(conf);
    return token.data;
}

static char *keep_environment(const char *name)
{
    const char *value = getenv(name);
    char *kept = value != NULL && value[0] != '\0' ? mem_strdup(value) : NULL;

    /* It is the client's, and no key of the configuration. */
    unsetenv(name);
    return kept;
}

void operator_free(struct operator* operator)
{
    free(operator->url);
    free(operator->token);
}

int operator_complete(struct operator* operator, const struct options * options)
{
    int status = CLI_DONE;

    operator->options = * options;
    operator->minted = false;
    operator->url = keep_environment("EARSHOT_URL");
    operator->token = keep_environment("EARSHOT_TOKEN");
    if (sodium_init() < 0) {
        terminal_error("libsodium cannot start");
        return CLI_REFUSED;
    }
    if (options->url == NULL)
        operator->options.url = operator->url;
    if (options->token != NULL || options->token_file != NULL)
        return CLI_DONE;
    if (operator->token == NULL) {
        operator->token = mint(options, &status);
        operator->minted = operator->token != NULL;
    }
    operator->options.token = operator->token;
    return status;
}

int operator_call(const struct options *options, struct client_call *what,
                  struct client_answer *answer)
{
    int64_t retry_for_ms = options->retry_for_ms >= 0 ? options->retry_for_ms : RETRY_FOR_MS;
    struct client *client = client_open(options);
    struct buf url = BUF_INIT;
    int status = CLI_DONE;

    if (client == NULL)
        return CLI_USAGE;
    client_url(client, &url, (const char *[]){"admin", NULL});
    buf_str(&url, what->url);
    what->url = url.data;
    what->timeout_ms = CALL_LIMIT_MS;
    if (client_persist(client, what, retry_for_ms, answer) != 0 || answer->status < 200 ||
        answer->status > 299)
        status = client_explain(client, answer);
    buf_free(&url);
    client_close(client);
    return status;
}
