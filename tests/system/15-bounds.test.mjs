// Is there a clear end to everything that one client may take?

import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { Earshot, forFile, random, seed, sleep, until, within } from './harness.mjs';

const e = await forFile({ conf: { streams_max: 300, stream_stall: '2s', stream_queue: '80k', stream_age: '0', gates: 8 } });

const batch = (n, size) => Array.from({ length: n }, () => JSON.stringify({ content: 'x'.repeat(size) })).join('\n');
const NDJSON = { 'content-type': 'application/x-ndjson' };

test('is a reader that takes nothing cut off, and the others unaffected?', async () => {
  const good = await e.listen('rooms/slow/events?as=ndjson');
  const bad = await e.open('rooms/slow/events?as=sse');
  bad.res.pause();
  for (let i = 0; i < 40; i++) assert.equal((await e.post('rooms/slow/messages', batch(100, 1000), NDJSON)).status, 201);
  await until('the good one has all', () => good.contents.length === 4000, 10000);
  await until('the slow one is cut', async () => (await e.send('slow', 'x')).listeners === 1, 20000);
  bad.close();
  good.close();
});

test('does a slow reader that resumes still get everything?', async () => {
  const chance = random();
  const seen = [];
  let cursor = 'all';
  const total = 3000;
  const sender = (async () => {
    for (let i = 0; i < total; i += 100) {
      await e.post('rooms/lazy/messages', Array.from({ length: 100 }, (_, k) => JSON.stringify({ content: `${i + k} ${'y'.repeat(500)}` })).join('\n'), NDJSON);
      await sleep(5);
    }
  })();
  const end = Date.now() + 60000;
  while (seen.length < total) {
    assert.ok(Date.now() < end, `only ${seen.length} (seed ${seed})`);
    const stream = await e.listen(`rooms/lazy/events?as=ndjson&since=${cursor}`);
    for (let i = 0; i < 20 && stream.open && seen.length + stream.contents.length < total; i++) {
      stream.res.pause();
      await sleep(chance() * 30);
      stream.res.resume();
      await sleep(chance() * 20);
    }
    stream.close();
    await stream.closed;
    seen.push(...stream.contents);
    if (stream.cursor) cursor = stream.cursor;
  }
  await sender;
  assert.deepEqual(seen.map((c) => parseInt(c, 10)), Array.from({ length: total }, (_, i) => i));
});

test('past streams_max: 503 with Retry-After, for SSE 200 with retry, and room again after?', async () => {
  const streams = [];
  for (let i = 0; i < 300; i += 20) {
    streams.push(...await Promise.all(Array.from({ length: 20 }, () => e.open('rooms/crowd/events?as=ndjson'))));
  }
  assert.ok(streams.every((s) => s.status === 200));
  await sleep(1200);
  const refused = await e.request('GET', 'rooms/crowd/events?as=ndjson', { agent: false });
  assert.equal(refused.status, 503);
  assert.match(refused.headers['retry-after'], /^\d+$/);
  assert.match(refused.headers['content-type'], /^application\/problem\+json/);
  const sse = await within(5000, 'it is closed', e.request('GET', 'rooms/crowd/events?as=sse', { agent: false }));
  assert.equal(sse.status, 200);
  assert.match(sse.text, /^retry: ?\d+/m);
  assert.equal((await e.send('crowd', 'sends go on')).listeners, 300);
  streams.forEach((s) => s.close());
  await until('room again', async () => {
    const stream = await e.open('rooms/crowd/events?as=ndjson');
    stream.close();
    return stream.status === 200;
  }, 10000);
});

test('do a hundred senders at once all get an answer, while receives are opened?', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
  const send = () => e.request('POST', 'rooms/many/messages', { body: 'x', headers: { 'content-type': 'text/plain' }, agent });
  const answers = await Promise.all(Array.from({ length: 100 }, async () => {
    const statuses = [];
    for (let i = 0; i < 10; i++) statuses.push((await send()).status);
    return statuses;
  }));
  assert.ok(answers.flat().every((s) => s === 201), JSON.stringify(answers.flat().filter((s) => s !== 201)));
  const stream = await within(5000, 'a receive opens at once', e.listen('rooms/many/events?as=sse&since=all'));
  await until('all', () => stream.contents.length === 1000);
  stream.close();
  agent.destroy();
});

test('does a stream end about when its age says, with all delivered, and resume?', async () => {
  const other = await Earshot.start({ conf: { stream_age: '1s' } });
  try {
    await other.send('aged', '1');
    const began = Date.now();
    const stream = await other.listen('rooms/aged/events?as=sse&since=all');
    assert.equal(await within(5000, 'it ends', stream.closed), 'end');
    const age = Date.now() - began;
    assert.ok(age > 600 && age < 3000, `${age} ms`);
    await other.send('aged', '2');
    const next = await other.listen('rooms/aged/events?as=sse', { 'last-event-id': stream.cursor });
    await next.waitContent('2');
    assert.deepEqual([...stream.contents, ...next.contents], ['1', '2']);
    next.close();
  } finally {
    await other.stop();
  }
});
