#include "cli/patient.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void patient_ask(const struct patient *patient, struct probe *probe, const char *format, ...)
{
    char path[512];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    buf_clear(&probe->url);
    buf_printf(&probe->url, "%s/%s", patient->base.data, path);
}

/* Writes the pattern with a name of ours in place of its first *. Returns 0, or -1 when that is no
 * room. */
static int fill(char room[NAME_ROOM_MAX + 1], const char *pattern, const char *name)
{
    size_t before = strcspn(pattern, "*");
    int len = snprintf(room, NAME_ROOM_MAX + 1, "%.*s%s%s", (int)before, pattern, name,
                       pattern + before + 1);

    return len <= NAME_ROOM_MAX && name_room_valid(room) && room[0] != '@' ? 0 : -1;
}

/* Takes a pattern if it is better than what we have. */
static void consider(struct patient *patient, const char *pattern, const char *letters)
{
    char name[32], room[NAME_ROOM_MAX + 1];
    bool read = strchr(letters, 'r') != NULL, any = strchr(pattern, '*') != NULL;
    bool send = any && strchr(letters, 'w') != NULL;

    if (!read || patient->may_send || (patient->may_read && !send))
        return;
    if (!any) {
        if (!name_room_valid(pattern) || pattern[0] == '@')
            return;
        snprintf(patient->room, sizeof(patient->room), "%s", pattern);
        snprintf(patient->quiet, sizeof(patient->quiet), "%s", pattern);
        patient->may_read = true;
        return;
    }
    snprintf(name, sizeof(name), "doctor-%08x", randombytes_random());
    if (fill(room, pattern, name) != 0)
        return;
    snprintf(patient->room, sizeof(patient->room), "%s", room);
    strcat(name, "q");
    if (fill(patient->quiet, pattern, name) != 0)
        snprintf(patient->quiet, sizeof(patient->quiet), "%s", room);
    patient->may_read = true;
    patient->may_send = send;
}

void patient_choose(struct patient *patient, struct json_object *rights)
{
    if (patient->admin)
        consider(patient, "*", "rw");
    if (!json_object_is_type(rights, json_type_object))
        return;
    json_object_object_foreach(rights, pattern, letters)
    {
        if (json_object_is_type(letters, json_type_string))
            consider(patient, pattern, json_object_get_string(letters));
    }
}
