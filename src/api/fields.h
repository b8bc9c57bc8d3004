/* fields.h - the named values of a small request, from its body or its query.
 * Runs in: gate.  Blocks: never.  No I/O. */
#ifndef EARSHOT_FIELDS_H
#define EARSHOT_FIELDS_H

#include "api/api.h"

#define FIELDS_MAX 12

/* Reads the values of `names` (NULL at the end, at most FIELDS_MAX) into values[]: from a form, as
 * curl -d sends it, or a JSON object of texts, numbers, true and false, and from the query; NULL =
 * it is not there. Returns 0, or -1 with the reply: 400 for a name that is unknown or stands twice,
 * or text that is malformed, 415. A form's field csrf is passed over; the gate has seen it.
 * Of a page's form (api/page.h) as= and to= in the query are too, and fields that are empty are not
 * there. */
int fields_read(struct api *api, const char *const *names, const char **values);

/* A duration: seconds, or 10m, 2h, 1d, up to ten years. *ms stays as it is for NULL. Returns 0, or
 * -1 with the reply 400. */
int fields_duration(struct api *api, const char *name, const char *value, int64_t *ms);

/* A whole number, likewise. */
int fields_number(struct api *api, const char *name, const char *value, int64_t least, int64_t most,
                  int64_t *number);

/* true or false, 1 or 0, likewise. */
int fields_flag(struct api *api, const char *name, const char *value, bool *flag);

#endif
