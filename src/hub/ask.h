/* ask.h - the hub's questions to Redis, asked until they are answered.
 * Runs in: hub.  Blocks: never.
 * One wire; answers come in the order of the questions. After a loss all that is unanswered is
 * asked again, so only what may be done twice is asked here. */
#ifndef EARSHOT_ASK_H
#define EARSHOT_ASK_H

#include <hiredis/hiredis.h>
#include <sys/queue.h>

#include "hub/wire.h"
#include "store/script.h"

struct question;

struct ask {
    struct wire wire;
    TAILQ_HEAD(question_list, question) sent, unsent;
};

/* Called once with the answer: an array for scripts, or an error that does not pass by itself. */
typedef void ask_answer(void *arg, const redisReply *reply);

void ask_open(struct ask *ask, uv_loop_t *loop, const struct topology *topology,
              int64_t timeout_ms);

/* Ends the wire and forgets all questions; no answer is called any more. */
void ask_close(struct ask *ask);

/* Asks. `answer` may be NULL. The question is ask's own, and lives until it is answered. */
struct question *ask_script(struct ask *ask, enum script script, const char *key, int argc,
                            const char **argv, ask_answer *answer, void *arg);

/* Nobody wants the answer any more: it is not called, and after a loss not asked for again. */
void ask_cancel(struct ask *ask, struct question *question);

/* Asks by a command that is no script. */
void ask_command(struct ask *ask, int argc, const char **argv, ask_answer *answer, void *arg);

void ask_tick(struct ask *ask, int64_t now_ms);
void ask_flush(struct ask *ask);

#endif
