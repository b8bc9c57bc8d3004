// Does earshot bear a Redis that stops, dies and comes back?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Earshot, forFile, freePort, run, slow, sleep, until, within } from './harness.mjs';

const e = await forFile({ conf: { gates: 8 } });

const text = { 'content-type': 'text/plain' };

/** A send that must be refused in time: 503 with Retry-After within 2 s. */
async function refused(room) {
  const began = Date.now();
  const answer = await e.request('POST', `rooms/${room}/messages`, { body: 'lost', headers: text, agent: false });
  const took = Date.now() - began;
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.ok(took < 2000 * slow, `${took} ms`);
}

/** What is true of every outage, whatever `down` and `up` are. */
async function outage(room, down, up) {
  const stream = await e.listen(`rooms/${room}/events?as=sse`);
  const many = await e.listen(`events?room=${room}&room=${room}-2&as=ndjson`);
  await stream.waitType('hello');
  await e.send(room, 'before');
  await stream.waitContent('before');
  await down();
  await Promise.all(Array.from({ length: 12 }, () => refused(room)));
  for (let i = 0; i < 5; i++) await refused(room);
  const ready = await e.get('readyz');
  assert.equal(ready.status, 503);
  assert.equal((await e.get('livez')).status, 200, 'livez asks no Redis');
  assert.ok(stream.open && many.open, 'streams stay open');
  await up();
  await until('a send is taken again', async () => (await e.request('POST', `rooms/${room}/messages`, { body: 'after', headers: text, agent: false })).status === 201, 6000);
  await stream.waitContent('after', 2000);
  await many.waitContent('after', 2000);
  // A send that Redis had already taken in when it was stopped may be there in spite of its 503, which
  // says only that nobody knows: that is what Idempotency-Key is for.
  assert.deepEqual(stream.contents.filter((c) => c !== 'lost'), ['before', 'after']);
  assert.deepEqual(many.contents, stream.contents);
  assert.ok(stream.open && many.open);
  assert.equal((await e.get('readyz')).status, 200);
  stream.close();
  many.close();
}

test('stopped (SIGSTOP): 503 in time, streams open, all well within 2 s?', async () => {
  await outage('stopped', () => e.redis.signal('SIGSTOP'), () => e.redis.signal('SIGCONT'));
});

test('killed and started again: the same?', async () => {
  await outage('killed', async () => { e.redis.signal('SIGKILL'); await e.redis.ended; }, () => e.startRedis());
});

test('what others said while the hub was cut off: does it arrive within 2 s?', async () => {
  const stream = await e.listen('rooms/away/events?as=sse');
  await e.send('away', '1');
  await stream.waitContent('1');
  // Every connection to Redis is closed, and something is stored while nobody is subscribed.
  const json = JSON.stringify({ type: 'message', room: 'away', userId: null, name: 'anonymous', content: '2' });
  await run('redis-cli', ['-s', `${e.dir}/redis.sock`], { input: `multi\nclient kill type pubsub\nclient kill type normal skipme yes\nxadd earshot:{main/away}:log * e '${json}'\nexec\n` });
  await stream.waitContent('2', 2000);
  await e.send('away', '3');
  await stream.waitContent('3', 2000);
  assert.deepEqual(stream.contents, ['1', '2', '3']);
  stream.close();
});

test('restarted and empty: is the reader told by a gap, and goes on?', async () => {
  const stream = await e.listen('rooms/emptied/events?as=sse');
  await e.send('emptied', '1');
  await stream.waitContent('1');
  await e.redisCli('flushall');
  await e.send('emptied', '2');
  await stream.waitContent('2', 12000);
  stream.close();
});

test('scripts forgotten (SCRIPT FLUSH): do sends go on?', async () => {
  await e.send('scripts', '1');
  await e.redisCli('script', 'flush');
  await e.send('scripts', '2');
  assert.equal((await e.get('rooms/scripts/messages')).json().events.length, 2);
});

test('scripts forgotten while batches are stored: does each keep its order?', async () => {
  const order = ([a, b], [c, d]) => a - c || b - d;
  const body = Array.from({ length: 500 }, (_, i) => JSON.stringify({ content: `${i}` })).join('\n');
  let over = false;
  let stored = 0;
  const forget = (async () => {
    for (; !over; await sleep(10)) await e.redisCli('script', 'flush');
  })();
  try {
    for (let round = 0; round < 15; round++) {
      const answers = await Promise.all(Array.from({ length: 6 }, () => e.post('rooms/order/messages', body, { 'content-type': 'application/x-ndjson' })));
      for (const answer of answers) {
        const ids = answer.text.trim().split('\n').map((line) => JSON.parse(line).id).filter(Boolean).map((id) => id.split('-').map(Number));
        stored += ids.length;
        assert.deepEqual(ids, [...ids].sort(order));
      }
    }
  } finally {
    over = true;
    await forget;
  }
  assert.ok(stored > 10000, `${stored} stored`);
});

test('out of memory: 507, and well again after?', async () => {
  await e.redisCli('config', 'set', 'maxmemory-policy', 'noeviction');
  await e.redisCli('config', 'set', 'maxmemory', '1');
  const answer = await e.post('rooms/full/messages', 'x', text);
  assert.equal(answer.status, 507, answer.text);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  const batch = await e.post('rooms/full/messages', '{"content":"a"}\n{"content":"b"}', { 'content-type': 'application/x-ndjson' });
  assert.equal(batch.status, 507, batch.text);
  await e.redisCli('config', 'set', 'maxmemory', '0');
  await e.send('full', 'y');
  assert.deepEqual((await e.get('rooms/full/messages')).json().events.map((x) => x.content), ['y']);
});

test('read-only (a replica): 503, not silence?', async () => {
  await e.redisCli('replicaof', '127.0.0.1', '9');
  const answer = await e.post('rooms/replica/messages', 'x', text);
  assert.equal(answer.status, 503, answer.text);
  await e.redisCli('replicaof', 'no', 'one');
  await until('well again', async () => (await e.post('rooms/replica/messages', 'y', text)).status === 201, 5000);
});

test('a key of another type: 5xx, and the others unaffected?', async () => {
  await e.redisCli('set', 'earshot:{main/wrong}:log', 'x');
  const answer = await e.post('rooms/wrong/messages', 'x', text);
  assert.ok(answer.status >= 500, `${answer.status}`);
  await e.get('rooms/wrong/messages');
  const stream = await e.open('rooms/wrong/events?as=json&since=all&wait=1');
  stream.close();
  // Every hub has been asked for it; a poll is told, and other rooms are read as before.
  for (let i = 0; i < 4; i++) assert.equal((await e.get('rooms/wrong/events?as=json&since=1-1&wait=1')).status, 503);
  for (let i = 0; i < 4; i++) {
    const other = await e.listen(`rooms/right-${i}/events?as=sse`);
    await other.waitType('hello', 1000);
    await e.send(`right-${i}`, 'x');
    await other.waitContent('x', 1000);
    other.close();
  }
  await e.redisCli('del', 'earshot:{main/wrong}:log');
});

test('down from the start: does the daemon start, say so, and recover by itself?', async () => {
  const other = await Earshot.start({ daemon: false, nginx: false });
  try {
    other.redis.signal('SIGKILL');
    await other.redis.ended;
    await other.startDaemon();
    await other.startNginx();
    assert.equal((await other.get('readyz')).status, 503);
    // A stream that is opened now begins once Redis is there.
    const opened = other.listen('rooms/early/events?as=sse');
    await sleep(500);
    await other.startRedis();
    await other.ready();
    const stream = await within(2000, 'the stream begins', opened);
    await stream.waitType('hello', 2000);
    await other.send('early', 'x');
    await stream.waitContent('x', 2000);
    stream.close();
  } finally {
    await other.stop();
  }
});

test('by TCP with a user, a password and another database: does it work, and a wrong password say so?', async () => {
  const port = await freePort();
  const tcp = ['--port', String(port), '--bind', '127.0.0.1', '--user', 'chat', 'on', '>s3cr%t', '~*', '&*', '+@all'];
  const other = await Earshot.start({ redisArgs: tcp, redisUrl: () => `redis://chat:s3cr%25t@127.0.0.1:${port}/3` });
  try {
    await other.send('tcp', 'x');
    assert.equal((await other.redisCli('-n', '3', 'exists', 'earshot:{main/tcp}:log')).trim(), '1');
    await other.daemon.stop();
    other.conf.redis = `redis://chat:wrong@127.0.0.1:${port}/3`;
    other.writeConf();
    await other.startDaemon();
    assert.equal((await other.get('readyz')).status, 503);
    await until('the log says why', () => /WRONGPASS|password/i.test(other.daemonLog()));
    assert.ok(!other.daemonLog().includes('wrong@') && !other.daemonLog().includes('s3cr'), 'no password in the log');
  } finally {
    await other.stop();
  }
});

test('slow (CLIENT PAUSE): does it end by itself?', async () => {
  const stream = await e.listen('rooms/paused/events?as=sse');
  await stream.waitType('hello');
  await e.redisCli('client', 'pause', '700', 'all');
  const answer = await within(3000, 'the send waits or is refused', e.post('rooms/paused/messages', 'x', text));
  assert.ok([201, 503].includes(answer.status));
  await sleep(800);
  await until('well', async () => (await e.post('rooms/paused/messages', 'y', text)).status === 201, 4000);
  await stream.waitContent('y', 2000);
  stream.close();
});
