// Do readers that are slow, gone or come back all at once cost the others anything, and lose nothing?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { Listener, Writer, openAll } from './crowd.mjs';
import { Earshot, children, forFile, slow, sleep, until } from './harness.mjs';

// A small send buffer at nginx: what a reader does not take is felt in the hub soon.
const e = await forFile({ conf: { hubs: 2, gates: 8, stream_age: '0' }, connections: 9000, listen: 'sndbuf=32k' });
const writer = new Writer(e);

/** How often Redis was asked what, by anyone. */
async function commands() {
  const stats = await e.redisCli('info', 'commandstats');
  return Object.fromEntries([...stats.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, name, calls]) => [name, Number(calls)]));
}

// What hubs send. All else is INFO, or done within a script, which counts as one, or within the writer's EVAL.
const SENT = ['evalsha', 'script|load', 'ping', 'role', 'subscribe', 'unsubscribe', 'zrevrangebyscore'];

/** What was asked between the two. */
function between(before, after) {
  const asked = Object.entries(after).map(([name, calls]) => [name, calls - (before[name] ?? 0)]);
  return Object.fromEntries(asked.filter(([name, calls]) => calls > 0 && SENT.includes(name)));
}

const sum = (asked) => Object.values(asked).reduce((a, b) => a + b, 0);

/** What the hubs have of memory that is not shared, KiB. */
function memory() {
  return e.workers('hub').map((pid) => {
    const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return ['Private_Clean', 'Private_Dirty', 'Swap'].reduce((kib, key) => kib + Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(rollup)[1]), 0);
  }).reduce((a, b) => a + b, 0);
}

const percentile = (values, p) => [...values].sort((a, b) => a - b)[Math.floor(values.length * p)];

/** Sends events of 4 KB for a while, and gives how long each was under way to each of the readers, ms. */
async function latencies(readers, contents, ms) {
  const found = [];
  const began = Date.now();
  for (const reader of readers) reader.onEvent = () => found.push(performance.now() - Number(reader.events.at(-1).content.split(' ')[1]));
  for (let i = 0; Date.now() - began < ms; i++) {
    const content = `${contents.length} ${performance.now()} ${'z'.repeat(4000)}`;
    contents.push(content);
    await writer.send(['busy'], content);
    await sleep(began + (i + 1) * 20 - Date.now());
  }
  await until('the readers have all', () => readers.every((r) => r.events.length === contents.length), 10000);
  return found;
}

test('a hundred readers that take nothing: are they cut, the others as fast as before, and is nothing lost to anyone?', async (t) => {
  const where = 'rooms/busy/events?as=sse';
  const contents = [];
  const good = await openAll(e, Array.from({ length: 30 }, () => [where]));
  // At first with a hundred more that read all and look at nothing, so that the hubs have as much to do.
  const more = await openAll(e, Array.from({ length: 100 }, () => [where]));
  more.forEach((m) => m.socket.removeAllListeners('data').resume());
  await latencies(good, contents, 500);
  const without = await latencies(good, contents, 4000);
  more.forEach((m) => m.close());
  const start = contents.length;
  const bad = await openAll(e, Array.from({ length: 100 }, () => [where]));
  await until('all are counted', async () => await e.listeners('busy') === 130);
  bad.forEach((b) => b.socket.pause());
  const kib = memory();
  const during = await latencies(good, contents, 5000);
  const grown = memory() - kib;
  // By how far they are behind: stream_stall is 30 s.
  await until('the slow are cut', async () => {
    await latencies(good, contents, 500);
    return await e.listeners('busy') === 30;
  }, 15000);
  const [p99, p99During] = [without, during].map((values) => percentile(values, 0.99));
  t.diagnostic(`p50 ${percentile(without, 0.5).toFixed(1)} and ${percentile(during, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms with 100 quick readers beside, ${p99During.toFixed(1)} ms with 100 slow ones: ratio ${(p99During / p99).toFixed(2)}; ${grown} KiB more in the hubs`);
  assert.ok(p99During < 3 * p99 + 150 * slow);
  if (slow === 1) assert.ok(grown < 100 * 256, `${grown} KiB`); // a sanitizer keeps what is freed
  assert.ok(good.every((g) => g.open));
  bad.forEach((b) => b.socket.resume());
  await until('they have read to their ends', () => bad.every((b) => !b.open), 20000);
  assert.ok(bad.every((b) => b.events.length < contents.length - start));
  const back = await openAll(e, bad.map((b) => [where, { 'last-event-id': b.cursor }]));
  await until('they have the rest', () => back.every((b, i) => start + bad[i].events.length + b.events.length >= contents.length), 20000);
  back.forEach((b, i) => assert.deepEqual([...bad[i].contents, ...b.contents], contents.slice(start)));
  good.forEach((g) => assert.deepEqual(g.contents, contents));
  [...good, ...back].forEach((l) => l.close());
});

test('a reader that stops in the middle of the past, in a silent room: is it cut after stream_stall, and resumes?', async () => {
  const other = await Earshot.start({ conf: { stream_stall: '3s', stream_age: '0' }, listen: 'sndbuf=32k' });
  try {
    const contents = Array.from({ length: 400 }, (_, i) => `${i} ${'h'.repeat(7000)}`);
    for (const content of contents) await new Writer(other).send(['past'], content);
    const began = Date.now();
    const reader = new Listener(other, 'rooms/past/events?as=sse&since=all');
    await until('it reads', () => reader.events.length > 0);
    reader.socket.pause();
    await until('it is counted', async () => await other.listeners('past') === 1);
    await until('it is cut', async () => await other.listeners('past') === 0, 10000);
    const took = Date.now() - began;
    assert.ok(took > 2500 && took < 3000 + 2500 * slow, `cut after ${took} ms`);
    reader.socket.resume();
    await reader.closed;
    assert.ok(reader.events.length < contents.length);
    const [rest] = await openAll(other, [['rooms/past/events?as=sse', { 'last-event-id': reader.cursor }]]);
    await until('it has the rest', () => reader.events.length + rest.events.length >= contents.length);
    assert.deepEqual([...reader.contents, ...rest.contents], contents);
    rest.close();
  } finally {
    await other.stop();
  }
});

test('readers whose web server is stopped, so that nobody ever says that they are gone: do they end by their age?', async (t) => {
  const other = await Earshot.start({ conf: { hubs: 2, stream_age: '3s', stream_stall: '2s', heartbeat: '1s' } });
  try {
    const fds = () => other.workers('hub').map((pid) => fs.readdirSync(`/proc/${pid}/fd`).length);
    const before = fds();
    const began = Date.now();
    const half = await openAll(other, Array.from({ length: 100 }, (_, i) => [`rooms/half-${i % 2}/events?as=sse`]));
    const nginx = children(other.nginx.pid);
    for (const pid of nginx) process.kill(pid, 'SIGSTOP');
    // Into half of them more is sent than all buffers hold; the others just say nothing.
    for (let i = 0; i < 100; i++) await new Writer(other).send(['half-0'], `${i} ${'h'.repeat(7000)}`);
    const left = async () => await other.listeners('half-0') + await other.listeners('half-1');
    assert.ok(await left() > 50);
    await until('none is left', async () => await left() === 0, 10000);
    const took = Date.now() - began;
    t.diagnostic(`the last was gone after ${took} ms; stream_age 3 s, +-20 %, stream_stall 2 s`);
    assert.ok(took < (3600 + 2000) * slow + 1500);
    assert.deepEqual(fds(), before, 'no descriptor is left');
    for (const pid of nginx) process.kill(pid, 'SIGCONT');
    half.forEach((h) => h.close());
    await other.ready();
  } finally {
    for (const pid of children(other.nginx.pid)) process.kill(pid, 'SIGCONT');
    await other.stop();
  }
});

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
  assert.ok(sum(asked) < STORM / 100, `${sum(asked)} commands`);

  // The hubs are killed: all come back to new ones, which have nothing in memory yet.
  const beforeKill = await commands();
  for (const pid of e.workers('hub')) process.kill(pid, 'SIGKILL');
  await until('all are cut', () => again.every((l) => !l.open), 20000);
  await until('two hubs', () => e.workers('hub').length === 2);
  await writer.send(['storm'], 'after the kill');
  const third = await openAll(e, again.map((l) => [where, { 'last-event-id': l.cursor }]));
  await until('all have what they missed', () => third.every((l) => l.events.length > 0), 20000);
  await sleep(1500);
  const askedKill = between(beforeKill, await commands());
  t.diagnostic(`back at new hubs: Redis was asked ${sum(askedKill)} times: ${JSON.stringify(askedKill)}`);
  third.forEach((l) => assert.deepEqual(l.contents, ['after the kill']));
  third.forEach((l) => l.close());
  assert.ok(sum(askedKill) < STORM / 100, `${sum(askedKill)} commands`);
});

test('3,000 from 500 cursors, to hubs that have nothing in memory: are few pages read for all, and has each what it missed?', async (t) => {
  const READERS = 3000;
  const EVENTS = 500;
  const where = 'rooms/each/events?as=sse';
  const [first] = await openAll(e, [[where]]);
  const contents = Array.from({ length: EVENTS }, (_, i) => `each ${i}`);
  for (const content of contents) await writer.send(['each'], content);
  await until('one has all', () => first.events.length === EVENTS, 20000);
  const cursors = first.events.map((event) => event.id);
  for (const pid of e.workers('hub')) process.kill(pid, 'SIGKILL');
  await until('it is cut', () => !first.open, 20000);
  await until('two hubs', () => e.workers('hub').length === 2);
  await writer.send(['each'], 'after');
  const before = await commands();
  const readers = await openAll(e, Array.from({ length: READERS }, (_, i) => [where, { 'last-event-id': cursors[i % EVENTS] }]));
  await until('all have what they missed', () => readers.every((l, i) => l.events.length >= EVENTS - i % EVENTS), 30000);
  await sleep(500);
  const asked = between(before, await commands());
  t.diagnostic(`${READERS} from ${EVENTS} cursors at cold hubs: Redis was asked ${sum(asked)} times: ${JSON.stringify(asked)}`);
  const all = [...contents, 'after'];
  readers.forEach((l, i) => assert.deepEqual(l.contents, all.slice(i % EVENTS + 1)));
  readers.forEach((l) => l.close());
  assert.ok(asked.evalsha < READERS / 10, `${asked.evalsha} scripts`);
});
