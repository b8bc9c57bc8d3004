// Do the parts of the client library that need no browser do what they say?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createParser } from 'eventsource-parser';
import { EarshotError } from '../../www/client/api.js';
import { Backoff, pause } from '../../www/client/backoff.js';
import { compareIds, laterId, parseCursor, randomKey, writeCursor } from '../../www/client/ids.js';
import { MessageList, OWN_TYPES, isMessage } from '../../www/client/messages.js';
import { Sequence } from '../../www/client/sequence.js';
import { sseParser } from '../../www/client/sse.js';
import { random, root, seed } from '../system/harness.mjs';

test('ids: are they ordered as numbers, not as text?', () => {
  const sorted = ['0-0', '9-0', '10-0', '10-2', '10-10', '1795556522831-0', '1795556522831-1'];
  assert.deepEqual([...sorted].reverse().sort(compareIds), sorted);
  assert.equal(laterId('9-0', '10-0'), '10-0');
  assert.equal(laterId(null, '9-0'), '9-0');
  assert.equal(laterId('9-0', null), '9-0');
  assert.equal(laterId('9-0', '9-0'), '9-0');
});

test('cursors: do rooms with commas in their names survive?', () => {
  const cursors = new Map([['lobby', '1-0'], ['@alice,bob', '22-3'], ['@a,b,c', '4-0'], ['x.y_z-1', '0-0']]);
  assert.deepEqual(parseCursor(writeCursor(cursors)), cursors);
  assert.deepEqual(parseCursor(''), new Map());
});

test('keys: are they long, and never the same?', () => {
  const keys = new Set(Array.from({ length: 1000 }, randomKey));
  assert.equal(keys.size, 1000);
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
});

test('back-off: does it double up to its most, shortened by up to a half?', () => {
  const backoff = new Backoff(100, 1000);
  for (const full of [100, 200, 400, 800, 1000, 1000]) {
    const wait = backoff.next();
    assert.ok(wait > full / 2 && wait <= full, `${wait} of ${full}`);
  }
  backoff.reset();
  assert.ok(backoff.next() <= 100);
});

test('a pause: does it end at once when it is aborted, before or after it began?', async () => {
  const abort = new AbortController();
  const long = pause(1e6, abort.signal);
  abort.abort();
  await long;
  await pause(1e6, abort.signal);
});

test('errors: do they survive as JSON, and say what passes?', () => {
  const error = new EarshotError({ status: 429, code: 'rate_limited', detail: 'slowly', request_id: 'x' }, 3);
  const again = EarshotError.from(JSON.parse(JSON.stringify(error)));
  assert.ok(again instanceof EarshotError && again instanceof Error);
  for (const name of ['status', 'code', 'message', 'retryAfter', 'request_id', 'passing']) assert.equal(again[name], error[name], name);
  assert.equal(new EarshotError({ status: 403 }).passing, false);
  assert.equal(new EarshotError().passing, true);
  assert.equal(EarshotError.from(null), null);
});

// ---- server-sent events

function ours(pieces) {
  const all = [];
  const feed = sseParser({ event: ({ type, data, id }) => all.push({ type, data, id }), retry: (ms) => all.push(ms) });
  pieces.forEach(feed);
  return all;
}

function theirs(pieces) {
  const all = [];
  let last = '';
  const parser = createParser({
    onEvent: ({ event, data, id }) => { last = id ?? last; all.push({ type: event || 'message', data, id: last }); },
    onRetry: (ms) => all.push(ms),
  });
  pieces.forEach((piece) => parser.feed(piece));
  return all;
}

test(`server-sent events: does it parse what another parser does, however it is cut (seed ${seed})?`, () => {
  const next = random(), pick = (list) => list[Math.floor(next() * list.length)];
  for (let round = 0; round < 500; round++) {
    let text = '';
    const end = pick(['\n', '\r\n', '\n', '\r\n']);
    for (let i = 0; i < 30; i++) {
      // An id goes with an event: what an id line without data does, that parser tells otherwise.
      text += pick(['data: a', 'data:b', 'data', 'data:  c', 'event: edit', ': a comment', ':', 'retry: 250', 'retry: x', 'unknown: 1', 'id: 5-0\ndata: with', 'data: é☃😀', 'dataset: no', '']) .replaceAll('\n', end) + end;
    }
    text += `${end}data: last${end}${end}`;
    const pieces = [];
    for (let at = 0; at < text.length;) {
      const to = at + 1 + Math.floor(next() * 12);
      pieces.push(text.slice(at, to));
      at = to;
    }
    assert.deepEqual(ours(pieces), theirs([text]), JSON.stringify(pieces));
    assert.deepEqual(ours([text]), ours(pieces));
  }
});

test('server-sent events: are a lone CR, a BOM, a NUL in an id and a last half event taken as the specification says?', () => {
  assert.deepEqual(ours(['\ufeffdata: a\r\rdata: b\r\n\r', '\ndata: half\n']), [{ type: 'message', data: 'a', id: '' }, { type: 'message', data: 'b', id: '' }]);
  assert.deepEqual(ours(['id: 1\ndata: a\n\nid: x\0\ndata: b\n\nid\ndata: c\n\n']).map(({ id }) => id), ['1', '1', '']);
  assert.deepEqual(ours(['event: e\n\ndata: x\n\n']), [{ type: 'message', data: 'x', id: '' }]);
});

test('server-sent events: is each line a sign of life, a comment too?', () => {
  let beats = 0;
  sseParser({ event: () => {}, beat: () => beats++ })(': one\n\n: two\n');
  assert.equal(beats, 3);
});

// ---- messages

const message = (number, more = {}) => ({ id: `${number}-0`, type: 'message', room: 'r', userId: 'bob', timestamp: '2026-01-01T00:00:00.000Z', content: `m${number}`, ...more });
const change = (number, type, target, more = {}) => ({ id: `${number}-0`, type, target: `${target}-0`, userId: 'bob', timestamp: '2026-01-01T00:00:00.000Z', ...more });

test('messages: are they in order and once, whichever way they come?', () => {
  const list = new MessageList();
  for (const number of [5, 1, 10, 9, 5, 2, 10]) list.add(message(number));
  assert.deepEqual(list.all.map(({ id }) => id), ['1-0', '2-0', '5-0', '9-0', '10-0']);
  assert.equal(list.trim(2), 3);
  assert.deepEqual(list.all.map(({ id }) => id), ['9-0', '10-0']);
});

test('messages: is a change that a page knows already not laid over it twice?', () => {
  const list = new MessageList();
  list.add(message(1, { reactions: { x: 1 }, replies: 1 }), '8-0');
  list.change(change(7, 'reaction', 1, { content: 'x' }));
  list.change({ ...message(6), replyTo: '1-0' });
  assert.deepEqual([list.get('1-0').reactions, list.get('1-0').replies], [{ x: 1 }, 1]);
  list.change(change(9, 'reaction', 1, { content: 'x' }));
  list.change(change(9, 'reaction', 1, { content: 'x' }));
  assert.deepEqual(list.get('1-0').reactions, { x: 2 });
});

test('messages: does an answer that is older than what the stream told change nothing?', () => {
  const list = new MessageList();
  list.add(message(1));
  list.change(change(12, 'reaction', 1, { content: 'x' }));
  list.settle(message(1, { reactions: { y: 1 } }), '11-0');
  assert.deepEqual(list.get('1-0').reactions, { x: 1 });
  list.settle(message(1, { reactions: { x: 1, y: 1 } }), '13-0');
  assert.deepEqual(list.get('1-0').reactions, { x: 1, y: 1 });
});

test('messages: does one\'s own reaction count once, whoever tells of it first?', () => {
  for (const order of ['event', 'answer']) {
    const list = new MessageList();
    list.add(message(1));
    list.change(change(2, 'reaction', 1, { content: 'x', userId: 'carol' }), 'alice');
    assert.ok(list.guess('1-0', 'x', true));
    assert.ok(!list.guess('1-0', 'x', true));
    const event = change(3, 'reaction', 1, { content: 'x', userId: 'alice' });
    if (order === 'event') list.change(event, 'alice');
    list.settle(message(1, { reactions: { x: 2 }, reacted: ['x'] }), '3-0');
    if (order === 'answer') list.change(event, 'alice');
    assert.deepEqual([list.get('1-0').reactions, list.get('1-0').reacted], [{ x: 2 }, ['x']], order);
    list.change(change(4, 'reaction', 1, { content: 'x', userId: 'alice', action: 'remove' }), 'alice');
    assert.deepEqual([list.get('1-0').reactions, list.get('1-0').reacted], [{ x: 1 }, []], order);
  }
});

test('messages: does a deleted one stay deleted, and is none of them changed in place?', () => {
  const list = new MessageList();
  list.add(message(1));
  const before = list.get('1-0');
  list.change(change(2, 'delete', 1));
  list.change(change(3, 'edit', 1, { content: 'again' }));
  assert.equal(list.get('1-0').content, undefined);
  assert.ok(list.get('1-0').deleted);
  assert.equal(before.content, 'm1');
  assert.ok(Object.isFrozen(list.get('1-0')));
});

test('messages: has each a key of its own, though a stranger copied one?', () => {
  const list = new MessageList();
  list.add(message(1, { clientId: 'k' }));
  list.add(message(2, { clientId: 'k', userId: 'eve' }));
  assert.deepEqual(list.all.map(({ key }) => key), ['k', '2-0']);
});

test('messages: is a type of the sender\'s own one, and a change none?', () => {
  assert.ok(isMessage({ type: 'poll', id: '1-0' }));
  assert.ok(!isMessage({ type: 'poll' }));
  assert.ok(!isMessage({ type: 'reaction', id: '1-0' }));
});

// ---- a sequence

test(`a sequence: is each told once and in order, though the leader changes and repeats (seed ${seed})?`, async () => {
  const next = random();
  for (let round = 0; round < 200; round++) {
    const total = 40, told = [], log = Array.from({ length: total }, (_, i) => message(i + 1));
    let stored = 0;
    const api = { json: async (method, where, { query }) => {
      await null;
      const events = log.slice(0, stored).filter(({ id }) => compareIds(id, query.since) > 0).slice(0, 3);
      return { events, cursor: events.at(-1)?.id ?? query.since };
    } };
    const sequence = new Sequence({ api, emit: (events) => told.push(...events) });
    sequence.follow(new Map([['r', '0-0']]), true);
    let leader = 0;
    while (stored < total) {
      stored++;
      const what = next();
      if (what < 0.2) {
        sequence.hold();
        leader = Math.floor(next() * stored); // another one, who is further or not
        sequence.known(new Map([['r', `${leader}-0`]]));
      }
      if (what > 0.4) sequence.take(log.slice(leader, leader = stored));
      if (next() < 0.3) await new Promise((resolve) => setImmediate(resolve));
    }
    sequence.known(new Map([['r', `${leader}-0`]]));
    sequence.take(log.slice(leader));
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(told.map(({ id }) => id), log.map(({ id }) => id), `round ${round}`);
  }
});

test('types: are those that are the server\'s own the same in the library as in the server, and those that its pages pass over?', () => {
  const listIn = (file, name) => {
    const text = fs.readFileSync(path.join(root, 'src/event', file), 'utf8');
    return [...new RegExp(`${name}\\[\\] = \\{([^}]+)\\}`).exec(text)[1].matchAll(/"(\w+)"/g)].map(([, type]) => type);
  };
  const own = listIn('event.c', 'own');
  // Those two are events of an EventSource itself.
  assert.deepEqual([...OWN_TYPES].sort(), own.filter((type) => type !== 'error' && type !== 'open').sort());
  for (const type of listIn('markup.c', 'silent')) assert.ok(own.includes(type), type);
});
