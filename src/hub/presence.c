#include "hub/presence.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#include "base/mem.h"

struct person {
    UT_hash_handle hh;
    TAILQ_ENTRY(person) link; /* in coming or going; else nowhere */
    unsigned connections;
    bool told;       /* to Redis, that he is here; until then he stands in coming */
    int64_t left_ms; /* when the last connection left; of those without one that are told */
    char *name;
    char user[];
};

TAILQ_HEAD(person_list, person);

struct presence {
    struct person *all;
    struct person_list coming; /* to be told */
    struct person_list going;  /* by left_ms */
    struct person *taken;      /* that presence_take() gave last and that is to be freed */
};

static struct presence *make_presence(void)
{
    struct presence *people = mem_zero(sizeof(*people));

    TAILQ_INIT(&people->coming);
    TAILQ_INIT(&people->going);
    return people;
}

static struct person *find(const struct presence *people, const char *user)
{
    struct person *person;

    HASH_FIND_STR(people->all, user, person);
    return person;
}

static struct person *make_person(struct presence *people, const char *user, const char *name)
{
    struct person *person = mem_zero(sizeof(*person) + strlen(user) + 1);

    strcpy(person->user, user);
    person->name = mem_strdup(name);
    HASH_ADD_STR(people->all, user, person);
    TAILQ_INSERT_TAIL(&people->coming, person, link);
    return person;
}

static void free_person(struct person *person)
{
    if (person == NULL)
        return;
    free(person->name);
    free(person);
}

void presence_enter(struct presence **people, const char *user, const char *name)
{
    struct person *person;

    if (*people == NULL)
        *people = make_presence();
    person = find(*people, user);
    if (person == NULL)
        person = make_person(*people, user, name);
    else if (person->connections == 0 && person->told)
        TAILQ_REMOVE(&(*people)->going, person, link);
    person->connections++;
}

/* Nearly all leave later than those before: only who was thrown out goes to the front. */
static void start_going(struct presence *people, struct person *person)
{
    struct person *first = TAILQ_FIRST(&people->going);

    if (first != NULL && first->left_ms > person->left_ms)
        TAILQ_INSERT_HEAD(&people->going, person, link);
    else
        TAILQ_INSERT_TAIL(&people->going, person, link);
}

void presence_leave(struct presence *people, const char *user, bool at_once, int64_t now_ms)
{
    struct person *person = find(people, user);

    if (person == NULL || person->connections == 0 || --person->connections > 0)
        return;
    person->left_ms = at_once ? 0 : now_ms;
    if (person->told)
        start_going(people, person);
}

static bool is_over(const struct person *person, int64_t now_ms)
{
    return person != NULL && now_ms - person->left_ms >= PRESENCE_GRACE_MS;
}

bool presence_due(const struct presence *people, int64_t now_ms)
{
    return people != NULL &&
           (!TAILQ_EMPTY(&people->coming) || is_over(TAILQ_FIRST(&people->going), now_ms));
}

static void forget_taken(struct presence *people)
{
    free_person(people->taken);
    people->taken = NULL;
}

char presence_take(struct presence *people, int64_t now_ms, const char **user, const char **name)
{
    struct person *person = TAILQ_FIRST(&people->coming);
    char what = '+';

    forget_taken(people);
    if (person != NULL) {
        TAILQ_REMOVE(&people->coming, person, link);
        person->told = true;
        if (person->connections == 0)
            start_going(people, person);
    } else {
        person = TAILQ_FIRST(&people->going);
        if (!is_over(person, now_ms))
            return 0;
        TAILQ_REMOVE(&people->going, person, link);
        HASH_DEL(people->all, person);
        people->taken = person;
        what = '-';
    }
    *user = person->user;
    *name = what == '+' ? person->name : "";
    return what;
}

void presence_retell(struct presence *people)
{
    struct person *person, *next;

    HASH_ITER (hh, people->all, person, next) {
        if (!person->told)
            continue;
        if (person->connections == 0)
            TAILQ_REMOVE(&people->going, person, link);
        person->told = false;
        TAILQ_INSERT_TAIL(&people->coming, person, link);
    }
}

bool presence_gone(const struct presence *people)
{
    return people->all == NULL;
}

void presence_free(struct presence *people)
{
    struct person *person, *next;

    if (people == NULL)
        return;
    HASH_ITER (hh, people->all, person, next) {
        HASH_DEL(people->all, person);
        free_person(person);
    }
    forget_taken(people);
    free(people);
}
