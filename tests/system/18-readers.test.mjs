// Do readers that are slow, gone or come back all at once cost the others anything, and lose nothing?

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Writer, openAll } from './crowd.mjs';
import { forFile, slow, sleep, until } from './harness.mjs';

const e = await forFile({ conf: { hubs: 2, gates: 8, stream_age: '0' }, connections: 9000 });
const writer = new Writer(e);

/** How often Redis was asked what, by anyone. */
async function commands() {
  const stats = await e.redisCli('info', 'commandstats');
  return Object.fromEntries([...stats.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, name, calls]) => [name, Number(calls)]));
}

/** What was asked between the two; neither INFO itself nor what the writer did. */
function between(before, after, not = []) {
  const asked = Object.entries(after).map(([name, calls]) => [name, calls - (before[name] ?? 0)]);
  return Object.fromEntries(asked.filter(([name, calls]) => calls > 0 && !['info', ...not].includes(name)));
}

const sum = (asked) => Object.values(asked).reduce((a, b) => a + b, 0);

test('5,000 come back with their cursors: are they served from memory, and has each what it missed, once?', async (t) => {
  const STORM = 5000;
  const where = 'rooms/storm/events?as=sse';
  const first = await openAll(e, Array.from({ length: STORM }, () => [where]));
  for (let i = 0; i < 10; i++) await writer.send(['storm'], `before ${i}`);
  await until('all have all', () => first.every((l) => l.events.length === 10), 20000);
  // The last of them have seen less: they have not all the same cursor.
  const cursors = first.map((l, i) => l.events[i % 10].id);
  first.forEach((l) => l.close());
  await until('all are gone', async () => await e.listeners('storm') === 0, 20000);
  await writer.send(['storm'], 'meanwhile');
  const before = await commands();
  const began = Date.now();
  const again = await openAll(e, cursors.map((cursor) => [where, { 'last-event-id': cursor }]));
  await until('all have what they missed', () => again.every((l, i) => l.events.length === 10 - (i % 10)), 20000);
  const took = Date.now() - began;
  await sleep(1500); // for what follows late
  const asked = between(before, await commands());
  t.diagnostic(`${STORM} came back in ${took} ms; Redis was asked ${sum(asked)} times: ${JSON.stringify(asked)}`);
  const all = [...Array.from({ length: 10 }, (_, i) => `before ${i}`), 'meanwhile'];
  again.forEach((l, i) => assert.deepEqual(l.contents, all.slice(i % 10 + 1)));
  assert.equal(await e.listeners('storm'), STORM, 'and Redis knows how many they are');
  again.forEach((l) => l.close());
  assert.ok(sum(asked) < STORM / 100, `${sum(asked)} commands`);
});
