#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf.h"
#include "hub/outgoing.h"

struct conf conf = {.retry_ms = 2000};
struct hub hub = {.conf = &conf};
struct room rooms[2] = {{.name = "lobby"}, {.name = "@alice,bob"}};
struct connection *c;
struct buf out, line;

void use(enum frame_form form, bool many)
{
    if (c != NULL)
        free(c->kept);
    free(c);
    c = mem_zero(sizeof(*c) + 2 * sizeof(c->members[0]));
    hub.loop.data = &hub;
    c->poll.loop = &hub.loop;
    c->form = (unsigned char)form;
    c->many = many;
    c->fastcgi = true;
    c->members_count = many ? 2 : 1;
    for (unsigned i = 0; i < 2; i++) {
        c->members[i].connection = c;
        c->members[i].room = &rooms[i];
    }
    c->members[0].cursor = (struct event_id){5, 0};
    c->members[1].cursor = (struct event_id){9, 1};
    buf_clear(&out);
}

void keep(struct parking parking)
{
    free(c->kept);
    c->kept = outgoing_keep(&parking);
}

void said(const char *wanted)
{
    assert_int_equal(line.len, 0);
    assert_string_equal(out.len > 0 ? out.data : "", wanted);
    assert_int_equal(out.len, strlen(wanted));
    buf_clear(&out);
}

struct entry *entry_of(bool durable, const char *json)
{
    struct event event = {durable, {7, 0}, 7, json, strlen(json)};

    return entry_create(&event);
}

bool say(unsigned number, bool durable, const char *json)
{
    struct entry *entry = entry_of(durable, json);
    bool something;

    if (durable)
        c->members[number].cursor = entry->event.id;
    something = outgoing_event(&out, c, &c->members[number], entry);
    entry_release(entry);
    return something;
}

int unmake(void **state)
{
    (void)state;
    free(c->kept);
    free(c);
    c = NULL;
    buf_free(&out);
    buf_free(&line);
    return 0;
}
