// Does one connection follow many rooms, and resume all of them?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventSource } from 'eventsource';
import { forFile, sleep, until } from './harness.mjs';

const e = await forFile({ conf: { retry: '100ms', stream_rooms_max: 20 } });

test('do all rooms arrive, each in its order, in every form?', async (t) => {
  for (const form of ['sse', 'ndjson', 'text']) {
    await t.test(form, async () => {
      const rooms = ['a', 'b', 'c'].map((r) => `${form}-${r}`);
      for (const room of rooms) await e.send(room, `${room} past`);
      const stream = await e.listen(`events?${rooms.map((r) => `room=${r}`).join('&')}&as=${form}&since=all`);
      for (const room of rooms) await stream.waitContent(`${room} past`);
      for (let i = 0; i < 5; i++) for (const room of rooms) await e.send(room, `${room} ${i}`);
      for (const room of rooms) await stream.waitContent(`${room} 4`);
      for (const room of rooms) {
        assert.deepEqual(stream.contents.filter((c) => c.startsWith(`${room} `)), [`${room} past`, ...[0, 1, 2, 3, 4].map((i) => `${room} ${i}`)]);
      }
      if (form === 'text') assert.ok(stream.items.every((i) => i.content.startsWith(i.room)), 'each line names its room');
      stream.close();
    });
  }
});

test('does each id line hold every room, so that a cut anywhere resumes all?', async () => {
  await e.send('cut-a', 'a0');
  await e.send('cut-b', 'b0');
  const one = await e.listen('events?rooms=cut-a,cut-b&as=sse&since=all&count=1');
  await one.closed;
  const [first] = one.contents;
  assert.match(one.cursor, /^cut-a:\d+-\d+,cut-b:\d+-\d+$/);
  await e.send('cut-a', 'a1');
  await e.send('cut-b', 'b1');
  const two = await e.listen('events?rooms=cut-a,cut-b&as=sse', { 'last-event-id': one.cursor });
  await until('all others', () => two.contents.length >= 3);
  await sleep(100);
  assert.deepEqual([first, ...two.contents].sort(), ['a0', 'a1', 'b0', 'b1']);
  two.close();
});

test('does a plain EventSource resume all its rooms over many cuts?', async () => {
  const rooms = ['es-1', 'es-2', 'es-3'];
  const seen = Object.fromEntries(rooms.map((r) => [r, []]));
  let opened = 0;
  let ready = false;
  const source = new EventSource(`${e.base}/events?rooms=${rooms.join(',')}`);
  source.addEventListener('open', () => { opened++; });
  source.addEventListener('hello', () => { ready = true; });
  source.addEventListener('message', (event) => {
    const { room, content } = JSON.parse(event.data);
    seen[room].push(content);
  });
  await until('it is open', () => ready);
  let n = 0;
  for (let cut = 0; cut < 5; cut++) {
    for (let i = 0; i < 20; i++, n++) await e.send(rooms[n % 3], `${n}`);
    // A hub dies: every stream is cut, wherever it was.
    for (const pid of e.workers('hub')) process.kill(pid, 'SIGKILL');
    for (let i = 0; i < 10; i++, n++) await e.send(rooms[n % 3], `${n}`);
    await until('it came back', () => opened >= cut + 2, 10000);
  }
  const want = (k) => Array.from({ length: n }, (_, i) => i).filter((i) => i % 3 === k).map(String);
  await until('all have arrived', () => Object.values(seen).flat().length >= n, 10000);
  await sleep(200);
  source.close();
  rooms.forEach((room, k) => assert.deepEqual(seen[room], want(k)));
});

test('does a named cursor long-poll many rooms?', async () => {
  const first = (await e.get('events?room=lp-a&room=lp-b&wait=0')).json();
  assert.match(first.cursor, /lp-a:\d+-\d+/);
  await e.send('lp-b', 'x');
  await e.send('lp-a', 'y');
  const seen = [];
  let cursor = first.cursor;
  while (seen.length < 2) {
    const next = (await e.get(`events?room=lp-a&room=lp-b&wait=5&since=${encodeURIComponent(cursor)}`)).json();
    seen.push(...next.events.map((x) => x.content));
    cursor = next.cursor;
  }
  assert.deepEqual(seen.sort(), ['x', 'y']);
});

test('are cursors that do not fit the rooms refused, or rooms they do not name begun afresh?', async () => {
  const { id } = await e.send('fit-a', '1');
  await e.send('fit-b', '1');
  for (const cursor of [id, 'nothing', `fit-a`, `fit-a:`, `fit-a:${id},`, `:${id}`, `fit-a:${id},fit-a:${id}`, `other:${id}`, `fit-a:x`]) {
    const answer = await e.get(`events?room=fit-a&room=fit-b&as=json&wait=0&since=${encodeURIComponent(cursor)}`);
    assert.equal(answer.status, 400, `${cursor}: ${answer.text}`);
  }
  const some = await e.get(`events?room=fit-a&room=fit-b&as=json&wait=0`, { 'last-event-id': `fit-a:${id}` });
  assert.equal(some.status, 200);
});

test('are too many rooms, none, and a room twice handled?', async () => {
  const many = await e.get(`events?rooms=${Array.from({ length: 21 }, (_, i) => `r${i}`).join(',')}&as=json&wait=0`);
  assert.equal(many.status, 400);
  assert.equal((await e.get('events?as=json')).status, 400);
  assert.equal((await e.get('events?rooms=&as=json')).status, 400);
  assert.equal((await e.get('events?rooms=a,,b&as=json')).status, 400);
  await e.send('twice', 'x');
  const twice = (await e.get('events?room=twice&room=twice&as=json&since=all')).json();
  assert.equal(twice.events.length, 1);
});
