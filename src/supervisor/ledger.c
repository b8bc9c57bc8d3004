#include "supervisor/ledger.h"

#include <stddef.h>

/* All statuses that gates and hubs answer; a test looks whether one is missing. */
static const struct {
    int status;
    const char *name;
} codes[LEDGER_CODES] = {
    {0, "parked"}, {200, "200"},  {201, "201"}, {202, "202"}, {204, "204"}, {207, "207"},
    {303, "303"},  {304, "304"},  {400, "400"}, {401, "401"}, {403, "403"}, {404, "404"},
    {405, "405"},  {406, "406"},  {409, "409"}, {412, "412"}, {413, "413"}, {415, "415"},
    {422, "422"},  {429, "429"},  {500, "500"}, {501, "501"}, {503, "503"}, {507, "507"},
    {504, "504"},  {-1, "other"},
};

int ledger_code(int status)
{
    for (int i = 0; i < LEDGER_CODES - 1; i++)
        if (codes[i].status == status)
            return i;
    return LEDGER_CODES - 1;
}

const char *ledger_code_name(int code)
{
    return codes[code].name;
}

/* A ledger is meters and nothing else. */
void ledger_sum(struct ledger *sum, const struct ledger *ledger)
{
    meter *to = (meter *)sum;
    const meter *from = (const meter *)ledger;

    for (size_t i = 0; i < sizeof(*sum) / sizeof(meter); i++)
        meter_add(&to[i], meter_read(&from[i]));
}
