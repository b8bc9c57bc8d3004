#include "store/trips.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const char *const trips_names[TRIPS_ERRORS] = {"lost", "late",  "refused",
                                               "full", "wrong", "spared"};

static const struct {
    const char *word;
    enum trips_error error;
} known[] = {
    {"LOADING", TRIPS_REFUSED},    {"READONLY", TRIPS_REFUSED},
    {"MASTERDOWN", TRIPS_REFUSED}, {"CLUSTERDOWN", TRIPS_REFUSED},
    {"TRYAGAIN", TRIPS_REFUSED},   {"BUSY", TRIPS_REFUSED},
    {"OOM", TRIPS_FULL},           {"MISCONF", TRIPS_FULL},
};

static bool begins_with(const char *words, const char *word)
{
    return strncmp(words, word, strlen(word)) == 0;
}

enum trips_error trips_error(const char *words, enum trips_error otherwise)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (begins_with(words, known[i].word))
            return known[i].error;
    return otherwise;
}

void trips_answered(struct trips *trips, const char *words)
{
    if (!begins_with(words, "REFUSED ") && !begins_with(words, "NOSCRIPT"))
        meter_add(&trips->errors[trips_error(words, TRIPS_WRONG)], 1);
}
