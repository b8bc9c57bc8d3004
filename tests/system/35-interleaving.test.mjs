// 35-interleaving - eight people send, reply, edit, delete, react, trim and read at once: do who followed live, who came
// back again and again by his cursor, and who reads history at the end hold the same room?
// EARSHOT_SEED repeats the choices, though not how they meet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random, seed, sleep, until } from './harness.mjs';
import { Person, siteOf } from './site.mjs';

const PEOPLE = 8;
const STEPS = 60;
const servers = await siteOf(2);
const [e] = servers;
const next = random();
const pick = (list) => list[Math.floor(next() * list.length)];

/** A room as a client holds it that is told events: id -> message. */
class Copy {
  constructor() { this.messages = new Map(); this.last = '0-0'; }

  apply(event) {
    const target = this.messages.get(event.target);
    if (event.id) {
      assert.ok(!this.messages.has(event.id), `${event.id} was told twice`);
      this.last = event.id;
    }
    if (event.type === 'message') {
      this.messages.set(event.id, { content: event.content, metadata: event.metadata, reactions: {}, replies: 0 });
      const root = this.messages.get(event.replyTo);
      if (root) root.replies++;
    } else if (event.type === 'edit' && target) {
      Object.assign(target, { content: event.content, metadata: event.metadata });
    } else if (event.type === 'delete' && target) {
      Object.assign(target, { content: undefined, metadata: undefined, deleted: true, reactions: {} });
    } else if (event.type === 'reaction' && target) {
      const count = (target.reactions[event.content] ?? 0) + (event.action === 'add' ? 1 : -1);
      if (count > 0) target.reactions[event.content] = count;
      else delete target.reactions[event.content];
    }
  }
}

/** Follows the room into a copy until stop(); with `cuts` it comes back again and again by its cursor. */
function follow(server, person, cuts) {
  const copy = new Copy();
  const state = { copy, stopped: false };
  let cursor = null;
  state.done = (async () => {
    while (!state.stopped) {
      const stream = await server.listen(`rooms/mix/events?as=sse${cursor ? '' : '&since=all'}`, { ...person.headers, ...(cursor ? { 'last-event-id': cursor } : {}) });
      let at = 0;
      const end = Date.now() + (cuts ? 40 + next() * 200 : 1e9);
      while (stream.open && !state.stopped && Date.now() < end) {
        for (; at < stream.items.length; at++) {
          const item = stream.items[at];
          assert.notEqual(item.type, 'gap', 'nobody is so far behind');
          if (item.event && item.type !== 'hello') copy.apply(item.event);
          cursor = item.id ?? cursor;
        }
        await sleep(5);
      }
      stream.close();
    }
  })();
  return state;
}

const seen = []; // ids of messages, of all people
async function act(person, n) {
  const mine = seen.filter((m) => m.by === person.user);
  const dice = next();
  const any = seen.length > 0 ? pick(seen.slice(-30)) : null;
  const may = (answer, ...statuses) => assert.ok(statuses.includes(answer.status), `seed ${seed}: ${answer.status} ${answer.text}`);
  if (dice < 0.3 || any === null) {
    const body = { content: `${person.user} ${n}`, ...(next() < 0.3 ? { metadata: { n } } : {}), ...(any && next() < 0.3 ? { replyTo: any.id } : {}) };
    const answer = await person.ask('POST', 'rooms/mix/messages', body);
    may(answer, 201, 422);
    if (answer.status === 201) seen.push({ id: answer.json().id, by: person.user });
  } else if (dice < 0.45 && mine.length > 0) {
    may(await person.ask('PUT', `rooms/mix/messages/${pick(mine).id}`, { content: `${person.user} edits ${n}` }), 200, 404, 409);
  } else if (dice < 0.52 && mine.length > 0) {
    may(await person.ask('DELETE', `rooms/mix/messages/${pick(mine).id}`), 200, 404);
  } else if (dice < 0.8) {
    may(await person.ask(next() < 0.7 ? 'PUT' : 'DELETE', `rooms/mix/messages/${any.id}/reactions/${pick(['a', 'b', 'c'])}`), 200, 404, 409);
  } else if (dice < 0.83) {
    may(await person.ask('PUT', 'rooms/mix', { keep: 60 + Math.floor(next() * 60) }), 200);
  } else {
    const events = await person.history('mix', `?limit=${1 + Math.floor(next() * 40)}`);
    for (let i = 1; i < events.length; i++) assert.ok(Number(events[i - 1].id.split('-')[0]) <= Number(events[i].id.split('-')[0]), 'in order');
    for (const m of events) if (m.deleted) assert.equal(m.content, undefined);
  }
}

test('do they?', async () => {
  const people = Array.from({ length: PEOPLE }, (_, i) => new Person(servers, `p${i}`, { rooms: { mix: 'rwm' } }));
  await people[0].send('mix', 'first');
  const followers = [follow(servers[0], people[0], false), follow(servers[1], people[1], true), follow(servers[0], people[2], true)];
  await Promise.all(people.map(async (person) => { for (let n = 0; n < STEPS; n++) await act(person, n); }));
  const last = (await e.redisCli('--raw', 'xrevrange', 'earshot:{main/mix}:log', '+', '-', 'count', '1')).split('\n')[0];
  for (const follower of followers) await until(`all is told, seed ${seed}`, () => follower.copy.last === last);
  followers.forEach((f) => { f.stopped = true; });
  await Promise.all(followers.map((f) => f.done));

  const history = [];
  for (let where = '?limit=50'; where; ) {
    const answer = await people[3].ask('GET', `rooms/mix/messages${where}`);
    history.unshift(...answer.json().events.filter((m) => m.type === 'message'));
    where = answer.headers.link?.match(/<([^>]*)>; rel="next"/)?.[1];
  }
  assert.ok(history.length > 10, `something is left to compare: ${history.length}`);
  for (const { copy } of followers) {
    const kept = [...copy.messages.keys()].slice(-history.length);
    assert.deepEqual(history.map((m) => m.id), kept, `the newest messages, seed ${seed}`);
    for (const m of history) {
      const shown = { content: m.content, metadata: m.metadata, reactions: m.reactions ?? {}, replies: m.replies ?? 0, ...(m.deleted ? { deleted: true } : {}) };
      assert.deepEqual(shown, copy.messages.get(m.id), `message ${m.id}, seed ${seed}`);
    }
  }
  console.log(`# seed ${seed}: ${seen.length} messages, ${followers[0].copy.messages.size} told, ${history.length} kept`);
});
