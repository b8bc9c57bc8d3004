#include "base/machine.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void machine_boot(char out[MACHINE_TEXT])
{
    FILE *boot = fopen("/proc/sys/kernel/random/boot_id", "r");

    if (boot == NULL || fgets(out, MACHINE_TEXT, boot) == NULL)
        snprintf(out, MACHINE_TEXT, "%u", randombytes_random());
    if (boot != NULL)
        fclose(boot);
    out[strcspn(out, " \n")] = '\0';
}

void machine_name(char out[MACHINE_TEXT])
{
    if (gethostname(out, MACHINE_TEXT) < 0)
        strcpy(out, "?");
    out[MACHINE_TEXT - 1] = '\0';
    out[strcspn(out, " \n")] = '\0';
}
