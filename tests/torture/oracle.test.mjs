// Does the oracle find what it is there to find, and nothing where there is nothing?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, Ledger, Log, Reader } from './oracle.mjs';

const T = 1700000000000;
const id = (n) => `${T + n}-0`;
const json = (n) => JSON.stringify({ type: n % 5 === 4 ? 'note' : 'message', room: 'a', name: 'ann', content: `ann:${n} text` });
const given = (n) => ({ id: id(n), timestamp: new Date(T + n).toISOString(), ...JSON.parse(json(n)) });

/** A room of ten events, a ledger of their sends, a reader, and what is found. */
function scene({ wants, count = 10, start = { kind: 'all' } } = {}) {
  const found = [];
  const report = (kind, text) => found.push({ kind, text });
  const log = new Log('a');
  const ledger = new Ledger(report);
  const reader = new Reader('r', { logs: new Map([['a', log]]), rooms: ['a'], ledger, report, wants });
  for (let n = 0; n < count; n++) {
    ledger.send(`ann:${n}`, { room: 'a', content: `ann:${n} text`, who: 'ann' });
    ledger.acknowledge(`ann:${n}`, id(n));
    ledger.stored('a', log.append(id(n), json(n)));
  }
  reader.begin(start, T);
  reader.connect(T);
  return {
    found, log, ledger, reader,
    give: (...numbers) => numbers.forEach((n) => reader.event({ room: 'a', id: id(n), event: given(n) }, T + 100)),
    kinds: () => { reader.settle(true); ledger.settle(); return found.map((f) => f.kind); },
  };
}
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

test('ids: are they compared as numbers, beyond what a number holds?', () => {
  assert.ok(compare('9-0', '10-0') < 0);
  assert.ok(compare('10-2', '10-10') < 0);
  assert.ok(compare('10-18446744073709551615', '10-18446744073709551614') > 0);
  assert.equal(compare('10-1', '10-1'), 0);
});

test('all, once, in order: nothing?', () => {
  const s = scene();
  s.give(...range(0, 10));
  assert.deepEqual(s.kinds(), []);
  assert.deepEqual(s.reader.misses(), []);
});

test('a lost event, by a reader: a silent gap?', () => {
  const s = scene();
  s.give(0, 1, 2, 4, 5);
  assert.deepEqual(s.kinds(), ['silent gap']);
  assert.match(s.found[0].text, new RegExp(id(3)));
});

test('a doubled event, also over a reconnect: a duplicate?', () => {
  const s = scene();
  s.give(0, 1, 1);
  s.reader.connect(T);
  s.give(1, 2);
  assert.deepEqual(s.kinds(), ['duplicate', 'duplicate']);
});

test('two that are swapped: an inversion?', () => {
  const s = scene();
  s.give(0, 2, 1, 3);
  assert.deepEqual(s.kinds(), ['silent gap', 'inversion']);
});

test('another content, a member too many, a wrong time: each found?', () => {
  for (const change of [{ content: 'ann:0 texT' }, { more: 1 }, { timestamp: new Date(T + 1).toISOString() }]) {
    const s = scene();
    s.reader.event({ room: 'a', id: id(0), event: { ...given(0), ...change } }, T);
    assert.deepEqual(s.kinds(), ['content'], JSON.stringify(change));
  }
  const s = scene();
  s.reader.event({ room: 'a', id: id(0), name: 'bob', content: 'ann:0 text' }, T);
  assert.deepEqual(s.kinds(), ['content']);
});

test('what is not in the log: a ghost, and not before the log is known?', () => {
  const s = scene();
  s.give(...range(0, 10), 10);
  assert.equal(s.reader.settle(), 1);
  assert.deepEqual(s.found, []);
  assert.deepEqual(s.kinds(), ['ghost']);
});

test('what comes before the log is read: judged when it is?', () => {
  const s = scene();
  s.give(...range(0, 10), 11);
  assert.equal(s.reader.settle(), 1);
  s.log.append(id(10), json(10));
  s.log.append(id(11), json(11));
  assert.equal(s.reader.settle(), 0);
  assert.deepEqual(s.kinds(), ['silent gap']);
});

test('the end of the log not given: is it missed?', () => {
  const s = scene();
  s.give(...range(0, 7));
  assert.deepEqual(s.kinds(), []);
  assert.match(s.reader.misses().join(), /3 events/);
});

test('a trimmed room with the right gap: nothing? Without it, or with a wrong one: found?', () => {
  const gap = (more, sample = id(5)) => {
    const s = scene({ start: { kind: 'after', ids: { a: id(1) } } });
    s.log.sample(T + 50, id(5));
    s.log.sample(T + 200, sample);
    if (more) s.reader.gap({ room: 'a', requested: id(1), oldest: id(5), ...more }, T + 100);
    s.give(...range(5, 10));
    return s.kinds();
  };
  assert.deepEqual(gap({}), []);
  assert.deepEqual(gap(null), ['silent gap']);
  assert.deepEqual(gap({ oldest: id(4) }), ['silent gap']);
  assert.deepEqual(gap({ oldest: id(6) }), ['false gap', 'false gap']);
  assert.deepEqual(gap({ requested: id(0) }), ['gap']);
  assert.deepEqual(gap({ requested: id(2) }), ['silent gap']);
  assert.deepEqual(gap({}, id(3)), ['false gap']);
});

test('a gap where nothing is lost, and one told twice: found?', () => {
  const s = scene();
  s.log.sample(T + 200, id(3));
  s.give(0, 1, 2);
  s.reader.gap({ room: 'a', requested: id(2), oldest: id(3) }, T + 100);
  s.give(...range(3, 10));
  assert.deepEqual(s.kinds(), ['false gap']);
  const twice = scene({ start: { kind: 'after', ids: { a: id(1) } } });
  twice.log.sample(T + 200, id(5));
  for (let i = 0; i < 2; i++) twice.reader.gap({ room: 'a', requested: id(1), oldest: id(5) }, T + 100);
  assert.deepEqual(twice.kinds(), ['gap']);
});

test('a gap told again on the next connection, before anything came: no finding?', () => {
  const s = scene({ start: { kind: 'after', ids: { a: id(1) } } });
  s.log.sample(T + 200, id(5));
  s.reader.gap({ room: 'a', requested: id(1), oldest: id(5), cursor: { a: id(1) } }, T + 100);
  s.reader.connect(T + 110);
  s.reader.gap({ room: 'a', requested: id(1), oldest: id(5), cursor: { a: id(1) } }, T + 120);
  s.give(...range(5, 10));
  assert.deepEqual(s.kinds(), []);
});

test('an emptied log: is the gap without an oldest right when all was gone, and false when not?', () => {
  for (const [oldest, expected] of [[id(6), []], [id(4), ['silent gap']], [id(1), ['false gap', 'silent gap']]]) {
    const s = scene({ start: { kind: 'after', ids: { a: id(1) } } });
    s.log.sample(T + 200, oldest);
    s.reader.gap({ room: 'a', requested: id(1), oldest: '0-0' }, T + 100);
    s.give(...range(6, 10));
    assert.deepEqual(s.kinds(), expected, oldest);
  }
});

test('from all that is kept: may it begin behind what was trimmed, and no later?', () => {
  for (const [first, expected] of [[5, []], [6, ['silent gap']]]) {
    const s = scene();
    s.log.sample(T + 200, id(5));
    s.give(...range(first, 10));
    assert.deepEqual(s.kinds(), expected);
  }
});

test('a start that the reader is not told: is what was stored after the head its own?', () => {
  for (const [heard, expected] of [[T + 3, []], [T + 2, ['silent gap']]]) {
    const s = scene({ start: { kind: 'latest' } });
    s.reader.head(heard);
    s.give(...range(4, 10));
    assert.deepEqual(s.kinds(), expected);
  }
});

test('a start by time: is a wrong one found?', () => {
  for (const [at, expected] of [[T + 2, []], [T + 4, ['cursor']], [T + 1, ['cursor']]]) {
    const s = scene({ start: { kind: 'time', from: T + 2, to: T + 3 } });
    s.reader.cursor({ a: `${at - 1}-18446744073709551615` }, T);
    s.give(...range(at - T, 10));
    assert.deepEqual(s.kinds(), expected);
  }
  const silent = scene({ start: { kind: 'time', from: T + 20, to: T + 21 } });
  silent.reader.cursor({ a: id(9) }, T);
  assert.deepEqual(silent.kinds(), [], 'the end of a log that is silent since');
});

test('a start by time, and no word of where: may only what was trimmed or is too old be missing?', () => {
  for (const [first, sample, expected] of [[2, id(0), []], [3, id(0), []], [4, id(0), ['silent gap']], [4, id(4), []], [1, id(0), ['cursor']]]) {
    const s = scene({ start: { kind: 'time', from: T + 2, to: T + 3 } });
    s.log.sample(T + 200, sample);
    s.give(...range(first, 10));
    assert.deepEqual(s.kinds(), expected, `${first} ${sample}`);
  }
});

test('a cursor that passes by an event, one that goes back, one without the room: found?', () => {
  const s = scene();
  s.give(0, 1);
  s.reader.cursor({ a: id(3) }, T);
  s.reader.cursor({ a: id(2) }, T);
  s.reader.cursor({}, T);
  assert.deepEqual(s.kinds(), ['silent gap', 'cursor', 'cursor']);
});

test('only some types: may the cursor pass by the others, and only those?', () => {
  const wants = (event) => event.type === 'message';
  const s = scene({ wants });
  s.give(0, 1, 2, 3, 5);
  s.reader.cursor({ a: id(5) }, T);
  s.give(6, 7, 8);
  s.reader.cursor({ a: id(9) }, T);
  assert.deepEqual(s.kinds(), []);
  assert.deepEqual(s.reader.misses(), []);
  const lost = scene({ wants });
  lost.give(0, 1, 3);
  assert.deepEqual(lost.kinds(), ['silent gap']);
});

test('an event of a room that was not asked for: found?', () => {
  const s = scene();
  s.reader.event({ room: 'b', id: id(0), event: given(0) }, T);
  assert.deepEqual(s.kinds(), ['ghost']);
});

test('ephemeral events: is one that nobody sent found, and one that comes twice?', () => {
  const s = scene();
  s.ledger.send('e:1', { room: 'a', content: 'e:1 x', who: 'e', ephemeral: true });
  const give = (content) => s.reader.event({ room: 'a', ephemeral: true, event: { content } }, T);
  give('e:1 x');
  assert.deepEqual(s.kinds(), []);
  give('e:1 x');
  give('e:1 y');
  give('e:2 x');
  assert.deepEqual(s.kinds(), ['duplicate', 'ghost', 'ghost']);
});

test('sends: acknowledged and lost, stored twice, never sent, another id, two ids, out of order: each found?', () => {
  const send = (s, n) => s.ledger.send(`ann:${n}`, { room: 'a', content: `ann:${n} text`, who: 'ann' });
  const store = (s, n, at) => s.ledger.stored('a', s.log.append(id(at), json(n)));
  const cases = {
    lost: (s) => { send(s, 10); s.ledger.acknowledge('ann:10', id(10)); },
    twice: (s) => store(s, 9, 10),
    unsent: (s) => store(s, 10, 10),
    id: (s) => { send(s, 10); s.ledger.acknowledge('ann:10', id(11)); store(s, 10, 10); },
    replay: (s) => s.ledger.acknowledge('ann:9', id(10)),
    order: (s) => { send(s, 10); send(s, 11); store(s, 11, 10); store(s, 10, 11); },
  };
  for (const [kind, act] of Object.entries(cases)) {
    const s = scene();
    act(s);
    assert.deepEqual(s.kinds(), [kind]);
  }
  const s = scene();
  send(s, 10);
  assert.deepEqual(s.kinds(), [], 'what was never acknowledged need not be there');
});

test('the log at the end: is a difference from what was read before found?', () => {
  const s = scene();
  const held = range(4, 10).map((n) => [id(n), json(n)]);
  assert.equal(s.log.differs(held), null);
  assert.match(s.log.differs(held.slice(0, -1)), /5 events/);
  assert.match(s.log.differs([...held.slice(0, 3), [id(20), json(1)], ...held.slice(4)]), /where it had/);
  assert.match(s.log.differs([[id(30), json(1)]]), /did not hold/);
});
