// Does every way in which Redis can fail end with nothing lost, nothing twice, and all well within 2 s?
//
// A thousand rooms have a listener each from the first test to the last.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { after, test } from 'node:test';
import { Listener, Writer, openAll } from './crowd.mjs';
import { Earshot, forFile, slow, sleep, until, within } from './harness.mjs';

const ROOMS = 1000;
const rooms = Array.from({ length: ROOMS }, (_, i) => `r${i}`);

// A Redis that is killed must come back with all that it had taken: with `everysec` it may put a write off while the disk
// is busy.
const redisArgs = ['--maxmemory-policy', 'noeviction', '--appendfsync', 'always'];
const e = await forFile({ conf: { gates: 8, hubs: 2, stream_age: '0' }, redisArgs });
const writer = new Writer(e);
const listeners = await openAll(e, rooms.map((room) => [`rooms/${room}/events?as=sse`]));
const sent = [];
let checked = 0; // when readyz?deep=1 was last green
const agent = new http.Agent({ maxSockets: 60 });
after(() => { agent.destroy(); listeners.forEach((l) => l.close()); });

async function timed(method, where, options = {}) {
  const began = Date.now();
  const answer = await e.request(method, where, { agent, ...options });
  return { ...answer, text: answer.text, ms: Date.now() - began };
}

/** The writer sends one event to every room; returns how long after `from` the last listener had it. */
async function reach(content, from = Date.now()) {
  let left = ROOMS;
  const all = new Promise((resolve) => {
    for (const listener of listeners)
      listener.onEvent = () => { if (listener.events.at(-1).content === content && --left === 0) resolve(Date.now()); };
  });
  sent.push(content);
  await writer.send(rooms, content);
  return await within(15000, `all ${ROOMS} listeners have it`, all).catch((error) => {
    throw new Error(`${error.message}; ${left} have not`);
  }) - from;
}

/** Has every listener had all, once, in order, on the stream that it has had from the start? */
function checkAll() {
  for (const listener of listeners) {
    assert.ok(listener.open);
    assert.deepEqual(listener.contents, sent);
  }
}

/** Is everything refused that must be, in time, and told how to go on? */
async function refuses(status, code) {
  const body = JSON.stringify({ content: 'refused' });
  const headers = { 'content-type': 'application/json' };
  const answers = await Promise.all(Array.from({ length: 50 }, () => timed('POST', 'rooms/senders/messages', { body, headers })));
  for (const answer of answers) {
    assert.equal(answer.status, status, answer.text);
    assert.equal(JSON.parse(answer.text).code, code);
    assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
    assert.ok(answer.ms < 2000 * slow, `a send took ${answer.ms} ms`);
  }
  const batch = await timed('POST', 'rooms/senders/messages', { body: `${body}\n${body}\n`, headers: { 'content-type': 'application/x-ndjson' } });
  assert.equal(batch.status, status);
  assert.match(batch.headers['retry-after'], /^[1-9]\d*$/);
  await sleep(checked + 1050 - Date.now()); // a result is told again for a second
  const deep = await timed('GET', 'readyz?deep=1');
  assert.equal(deep.status, 503);
  assert.equal(JSON.parse(deep.text).code, code);
  assert.ok(deep.ms < 2500 * slow, `readyz?deep=1 took ${deep.ms} ms`);
  assert.equal((await timed('GET', 'livez')).status, 200);
  assert.ok(listeners.every((l) => l.open), 'streams stay open');
  return Math.max(...answers.map((a) => a.ms));
}

/** Redis is away: reads say so in time; a stream waits for it. Returns that stream. */
async function readsAway(room) {
  const stream = new Listener(e, `rooms/${room}/events?as=sse`);
  for (const where of [`rooms/${room}-poll/events?as=json&wait=30`, `rooms/${room}-poll/events?as=json&since=1-1`, 'rooms/r0/messages', 'rooms', 'readyz']) {
    const answer = await timed('GET', where);
    assert.equal(answer.status, 503, where);
    assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
    assert.equal(JSON.parse(answer.text).code, 'redis_unavailable');
    assert.ok(answer.ms < 2000 * slow, `${where} took ${answer.ms} ms`);
  }
  return stream;
}

/** Only writing fails: all that reads goes on. */
async function readsGoOn(room) {
  assert.equal((await timed('GET', 'readyz')).status, 200);
  const history = await timed('GET', 'rooms/r0/messages');
  assert.deepEqual(JSON.parse(history.text).events.map((event) => event.content), sent);
  const all = await timed('GET', 'rooms/r1/events?as=json&since=all&wait=1');
  assert.deepEqual(JSON.parse(all.text).events.map((event) => event.content), sent);
  const [stream] = await openAll(e, [[`rooms/${room}/events?as=sse`]]);
  return stream;
}

/** Well again: the new stream begins and delivers, deep is green, and all has arrived. */
async function recovers(t, took, stream, room) {
  assert.ok(took < 2000 * slow, `${took} ms until the last of ${ROOMS} rooms had its event`);
  await until('the stream begins', () => stream.hello, 2000);
  await until('a send is taken', async () => (await timed('POST', `rooms/${room}/messages`, { body: 'x', headers: { 'content-type': 'text/plain' } })).status === 201, 2000);
  await until('the stream has it', () => stream.contents.includes('x'), 2000);
  stream.close();
  await until('readyz?deep=1 is green', async () => (await timed('GET', 'readyz?deep=1')).status === 200, 3000);
  checked = Date.now();
  t.diagnostic(`${took} ms from the return until the last of ${ROOMS} rooms had its event`);
  checkAll();
}

test('nothing is wrong: does what the writer sends reach all?', async () => {
  await reach('first');
  checkAll();
  assert.equal((await timed('GET', 'readyz?deep=1')).status, 200);
  checked = Date.now();
});

test('gone: killed, and started again with its append-only file?', async (t) => {
  e.redis.signal('SIGKILL');
  await e.redis.ended;
  t.diagnostic(`slowest refusal: ${await refuses(503, 'redis_unavailable')} ms`);
  const stream = await readsAway('gone');
  const starting = e.startRedis();
  const took = await reach('after gone', await writer.returned());
  await starting;
  await recovers(t, took, stream, 'gone');
});

test('gone: is what a hub has in memory told all the same?', async () => {
  const other = await Earshot.start({ conf: { hubs: 1 } });
  try {
    const stream = await other.listen('rooms/known/events?as=sse');
    const first = await other.send('known', '1');
    await other.send('known', '2');
    await stream.waitContent('2');
    other.redis.signal('SIGKILL');
    await other.redis.ended;
    const poll = await other.get(`rooms/known/events?as=json&since=${first.id}`);
    assert.deepEqual(poll.json().events.map((event) => event.content), ['2']);
    const late = await other.listen('rooms/known/events?as=sse', { 'last-event-id': first.id });
    await late.waitContent('2', 1000);
    const nothing = await other.get(`rooms/known/events?as=json&since=${poll.json().cursor}&wait=1`);
    assert.deepEqual(nothing.json(), { events: [], cursor: poll.json().cursor });
    [stream, late].forEach((s) => s.close());
  } finally {
    await other.stop();
  }
});

test('gone: do long-polls that come with ever other cursors, and are refused, cost no memory?', async (t) => {
  const other = await Earshot.start({ conf: { hubs: 1, redis_timeout: '200ms' } });
  try {
    await other.send('pile', '1');
    const stream = await other.listen('rooms/pile/events?as=sse');
    other.redis.signal('SIGKILL');
    await other.redis.ended;
    const memory = () => Number(/^Pss_Anon: +(\d+)/m.exec(fs.readFileSync(`/proc/${other.workers('hub')[0]}/smaps_rollup`, 'utf8'))[1]);
    let n = 0;
    const polls = async (count) => {
      for (let i = 0; i < count; i += 100) {
        const answers = await Promise.all(Array.from({ length: 100 }, () => other.request('GET', `rooms/pile/events?as=json&since=${1000 + n++}-1`, { agent })));
        for (const { status, text } of answers) assert.equal(status, 503, text);
      }
    };
    await polls(500);
    const before = memory();
    await polls(1500);
    t.diagnostic(`${memory() - before} KiB more after 1,500 polls`);
    if (slow === 1) assert.ok(memory() - before < 1000); // a sanitizer keeps what is freed
    await other.startRedis();
    await other.ready();
    const poll = await until('the hub reads again', async () => {
      const answer = await other.get('rooms/pile/events?as=json&since=all&wait=0');
      return answer.status === 200 && answer;
    }, 2000);
    assert.deepEqual(poll.json().events.map((event) => event.content), ['1']);
    stream.close();
  } finally {
    await other.stop();
  }
});

test('slow: does a long-poll without wait= wait for what Redis has, and not say that there is nothing?', async () => {
  for (let i = 0; i < 4; i++) {
    await writer.send([`paused-${i}`], 'x');
    await e.redisCli('client', 'pause', '500', 'all');
    const poll = await timed('GET', `rooms/paused-${i}/events?as=json&since=all&wait=0`);
    assert.equal(poll.status, 200);
    assert.deepEqual(JSON.parse(poll.text).events.map((event) => event.content), ['x']);
  }
});

for (const seconds of [1, 3, 8]) {
  test(`slow: stopped (SIGSTOP) for ${seconds} s or somewhat longer?`, async (t) => {
    e.redis.signal('SIGSTOP');
    const began = Date.now();
    t.diagnostic(`slowest refusal: ${await refuses(503, 'redis_unavailable')} ms`);
    const stream = seconds > 1 ? await readsAway(`slow-${seconds}`) : new Listener(e, `rooms/slow-${seconds}/events?as=sse`);
    await sleep(seconds * 1000 - (Date.now() - began));
    e.redis.signal('SIGCONT');
    const took = await reach(`after slow ${seconds}`, Date.now());
    await recovers(t, took, stream, `slow-${seconds}`);
  });
}

test('out of memory: are sends refused with 507, do reads go on?', async (t) => {
  await e.redisCli('script', 'flush'); // what reads needs its script, in a full Redis too
  await e.redisCli('config', 'set', 'maxmemory', '1');
  t.diagnostic(`slowest refusal: ${await refuses(507, 'redis_full')} ms`);
  const stream = await readsGoOn('memory');
  await e.redisCli('config', 'set', 'maxmemory', '0');
  await recovers(t, await reach('after memory'), stream, 'memory');
});

test('cannot save (MISCONF): the same?', async (t) => {
  // Where the file should go, there is a directory that cannot be replaced.
  fs.mkdirSync(`${e.dir}/dump.rdb/full`, { recursive: true });
  await e.redisCli('config', 'set', 'save', '3600 1');
  await e.redisCli('bgsave');
  await until('saving has failed', async () => /rdb_last_bgsave_status:err/.test(await e.redisCli('info', 'persistence')));
  t.diagnostic(`slowest refusal: ${await refuses(507, 'redis_full')} ms`);
  const stream = await readsGoOn('misconf');
  const before = e.daemonLog().length;
  await sleep(2500); // for a PING of each hub, which is refused too
  assert.equal(e.daemonLog().slice(before).match(/wire=/), null, 'the subscriptions stay');
  await e.redisCli('config', 'set', 'save', '');
  await recovers(t, await reach('after misconf'), stream, 'misconf');
});

test('subscriptions are killed (CLIENT KILL TYPE pubsub), and more is sent at once?', async (t) => {
  for (let i = 0; i < 3; i++) {
    const began = Date.now();
    const killed = Number(await e.redisCli('client', 'kill', 'type', 'pubsub'));
    assert.ok(killed >= 2, 'one a hub');
    const took = await reach(`after kill ${i}`, began);
    assert.ok(took < 2000 * slow, `${took} ms`);
    t.diagnostic(`${took} ms from the kill until the last of ${ROOMS} rooms had its event`);
    checkAll();
  }
});

test('a burst overruns the output buffer of a subscription, and Redis cuts it?', async (t) => {
  await e.redisCli('config', 'set', 'client-output-buffer-limit', 'pubsub 65536 0 0');
  const ids = async () => (await e.redisCli('client', 'list', 'type', 'pubsub')).match(/^id=\d+/gm) ?? [];
  const before = await ids();
  const hubs = e.workers('hub');
  // While a hub is stopped nothing is read of what Redis has for it.
  for (const pid of hubs) process.kill(pid, 'SIGSTOP');
  const big = 'b'.repeat(2000);
  sent.push(big);
  await writer.send(rooms, big);
  await until('it is cut', async () => (await ids()).every((id) => !before.includes(id)));
  for (const pid of hubs) process.kill(pid, 'SIGCONT');
  const took = await reach('after the burst', Date.now());
  await e.redisCli('config', 'set', 'client-output-buffer-limit', 'pubsub 33554432 8388608 60');
  assert.ok(took < 2000 * slow, `${took} ms`);
  t.diagnostic(`${took} ms from the hubs' return until the last of ${ROOMS} rooms had its event`);
  checkAll();
});

test('all connections and all scripts are gone at once: do sends go on with no error?', async () => {
  for (let i = 0; i < 3; i++) {
    await e.redisCli('script', 'flush');
    await e.redisCli('client', 'kill', 'type', 'normal', 'skipme', 'yes');
    const sends = await Promise.all(Array.from({ length: 20 }, () => timed('POST', 'rooms/scripts/messages', { body: 'x' })));
    assert.ok(sends.every(({ status }) => status === 201));
    assert.ok(await reach(`after flush ${i}`) < 2000 * slow);
  }
  checkAll();
});

test('restarted, and long at reading its append-only file (LOADING): 503 meanwhile, well after?', async (t) => {
  await e.redis.stop();
  e.redisArgs.push('--key-load-delay', '200', '--loading-process-events-interval-bytes', '1024');
  const starting = e.startRedis(60000);
  await until('it loads', async () => /loading:1/.test(await e.redisCli('info', 'persistence')));
  const lines = e.daemonLog().length;
  t.diagnostic(`slowest refusal: ${await refuses(503, 'redis_unavailable')} ms`);
  assert.match(await e.redisCli('info', 'persistence'), /loading:1/, 'it still did');
  const stream = new Listener(e, 'rooms/loading/events?as=sse');
  const took = await reach('after loading', await writer.returned(60000));
  await starting;
  assert.ok(e.daemonLog().slice(lines).split('\n').length < 60, 'the log is not flooded');
  await recovers(t, took, stream, 'loading');
});

test('its disk is full (the append-only file lies on a small one): 507, and well when there is space?', async (t) => {
  const other = await Earshot.start({ daemon: false, nginx: false });
  const disk = `${other.dir}/disk`;
  fs.mkdirSync(disk);
  try {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      t.skip('no right to mount a disk');
      return;
    }
    await other.redis.stop();
    other.redisArgs = ['--dir', disk];
    await other.startRedis();
    await other.startDaemon();
    await other.startNginx();
    await other.ready();
    const stream = await other.listen('rooms/disk/events?as=sse');
    await stream.waitType('hello');
    const stored = [];
    let answer;
    for (let i = 0; i < 1000 && (answer?.status ?? 201) === 201; i++) {
      answer = await other.post('rooms/disk/messages', `${i} ${'d'.repeat(8000)}`, { 'content-type': 'text/plain' });
      if (answer.status === 201) stored.push(answer.json().id);
    }
    assert.equal(answer.status, 507, answer.text);
    assert.equal(answer.json().code, 'redis_full');
    assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
    const deep = await other.get('readyz?deep=1');
    assert.equal(deep.status, 503);
    assert.equal(deep.json().code, 'redis_full');
    assert.equal((await other.get('readyz')).status, 200);
    assert.equal((await other.get('rooms/disk/messages?limit=2')).json().events.at(-1).id, stored.at(-1));
    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    await until('a send is taken', async () => {
      answer = await other.post('rooms/disk/messages', 'space', { 'content-type': 'text/plain' });
      return answer.status === 201;
    }, 3000);
    stored.push(answer.json().id);
    await stream.waitContent('space', 2000);
    assert.deepEqual(stream.items.filter((i) => i.content !== undefined).map((i) => i.id), stored);
    await until('readyz?deep=1 is green', async () => (await other.get('readyz?deep=1')).status === 200, 3000);
  } finally {
    await other.daemon?.stop();
    await other.redis.stop();
    try { execFileSync('umount', [disk], { stdio: 'ignore' }); } catch { /* it was not mounted */ }
    await other.stop();
  }
});

test('20,000 rooms on two hubs: are they all back as soon?', async (t) => {
  const many = Array.from({ length: 20000 }, (_, i) => `m${i}`);
  const each = 250;
  const other = await Earshot.start({ conf: { hubs: 2, rooms_max: '20000', stream_rooms_max: '256' } });
  try {
    const to = new Writer(other);
    const wheres = Array.from({ length: many.length / each }, (_, k) => [`events?as=text&rooms=${many.slice(k * each, (k + 1) * each)}`]);
    const streams = await openAll(other, wheres, { atOnce: 20 });
    await until('every room has its listener', async () => await other.listeners(many.at(-1)) === 1 && await other.listeners(many[0]) === 1);
    const time = async (content) => {
      const began = Date.now();
      await to.send(many, content);
      await until('all have it', () => streams.every((s) => s.events.filter((line) => line.endsWith(`: ${content}`)).length === each), 20000);
      return Date.now() - began;
    };
    const usual = await time('usual');
    await other.redisCli('client', 'kill', 'type', 'pubsub');
    const after = await time('after the kill');
    t.diagnostic(`writing to and hearing of 20,000 rooms: ${usual} ms, from the loss of all subscriptions on: ${after} ms`);
    assert.ok(after < usual + 2000 * slow);
    for (const stream of streams) assert.equal(stream.events.length, 2 * each, 'nothing twice');
    streams.forEach((s) => s.close());
  } finally {
    await other.stop();
  }
});
