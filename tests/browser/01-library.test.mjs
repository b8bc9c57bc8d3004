// Does the client library bring every message once and in order, whatever happens between it and the server?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { children, until } from '../system/harness.mjs';
import { as } from '../system/site.mjs';
import { serve, tokenOf } from './browser.mjs';
import { closed, numbers, open, people } from './library.mjs';

const server = await serve({ history_max: 5000 });
const at = server.page;

async function sendAll(contents, room = 'lobby', user = 'sender') {
  for (const content of contents) await server.send(room, content, as(user));
}
const log = (room) => `earshot:{main/${room}}:log`;

test('does a message reach another page, and is one\'s own there at once?', async () => {
  const [one, two] = await people({ at, rooms: ['first'] }, { at, rooms: ['first'] });
  await one.live();
  await two.live();
  const states = await one.run(() => { globalThis.rooms.first.send('hello'); return globalThis.rooms.first.state.messages.map(({ state }) => state); });
  assert.deepEqual(states, ['pending']);
  await two.shown('hello', 'first');
  await one.shown('hello', 'first');
  assert.deepEqual(await one.contents('first'), ['hello']);
  await closed(one, two);
});

test('are thirty rooms followed over one connection, each told its own?', async () => {
  const names = numbers(30).map((n) => `many-${n}`);
  const asked = new Set();
  const [tab] = await people({ at, rooms: names, init: (page) => {
    page.on('request', (request) => asked.add(request));
    for (const over of ['requestfinished', 'requestfailed']) page.on(over, (request) => asked.delete(request));
  } });
  await tab.live();
  await tab.until(() => globalThis.rooms['many-29'].state.loaded);
  await until('the server sees one stream in each room', async () => {
    for (const name of names) if (await server.listeners(name) !== 1) return false;
    return true;
  });
  const streams = [...asked].map((request) => new URL(request.url())).filter(({ pathname }) => pathname.endsWith('/events'));
  assert.equal(streams.length, 1);
  assert.equal(streams[0].searchParams.getAll('room').length, 30);
  for (const name of names) await server.send(name, `to ${name}`);
  for (const name of names) await tab.shown(`to ${name}`, name);
  for (const name of names) assert.deepEqual(await tab.contents(name), [`to ${name}`]);
  await closed(tab);
});

test('more rooms than one receive may follow, of two tabs: is there another receive for the rest?', async () => {
  const names = numbers(70).map((n) => `crowd-${n}`);
  const [tab] = await people({ at, rooms: names.slice(0, 40) });
  const other = await open(tab.who, { at, rooms: names.slice(30) });
  await tab.live();
  await other.live();
  for (const name of ['crowd-0', 'crowd-35', 'crowd-69']) await until('each room has one stream', async () => await server.listeners(name) === 1);
  for (const name of names) await server.send(name, `to ${name}`);
  for (const name of names.slice(0, 40)) await tab.shown(`to ${name}`, name);
  for (const name of names.slice(30)) await other.shown(`to ${name}`, name);
  await closed(tab);
});

test('is a room that is left no longer followed, and one that is joined again whole?', async () => {
  const [tab] = await people({ at, rooms: ['stays', 'goes'] });
  await tab.live();
  await tab.run(() => globalThis.leave.goes());
  await until('one stream less', async () => await server.listeners('goes') === 0 && await server.listeners('stays') === 1);
  await sendAll(['meanwhile'], 'goes');
  await tab.run(() => globalThis.joinRoom('goes'));
  await tab.shown('meanwhile', 'goes');
  await sendAll(['after'], 'goes');
  await tab.shown('after', 'goes');
  assert.deepEqual(await tab.contents('goes'), ['meanwhile', 'after']);
  await closed(tab);
});

test('earshotd is restarted, then killed with all its workers, while another sends: is each message there once and in order?', async () => {
  const [tab] = await people({ at, rooms: ['resume'] });
  await tab.live();
  let sent = 0, stop = false;
  const sender = (async () => {
    while (!stop) {
      // A send without an answer may have been stored: it is sent again under the same key.
      const key = { 'idempotency-key': `n${sent}`, ...as('sender') };
      const answer = await server.send('resume', `${sent}`, key).catch(() => null);
      if (answer) sent++;
    }
  })();
  await until('some are sent', () => sent > 20);
  await server.daemon.stop();
  await server.startDaemon();
  const before = sent;
  await until('more are sent', () => sent > before + 20);
  for (const pid of [server.daemon.pid, ...children(server.daemon.pid)]) process.kill(pid, 'SIGKILL');
  await server.daemon.ended;
  server.programs.splice(server.programs.indexOf(server.daemon), 1);
  await server.startDaemon();
  const then = sent;
  await until('and more', () => sent > then + 20);
  stop = true;
  await sender;
  await tab.shown(`${sent - 1}`, 'resume');
  assert.deepEqual(await tab.contents('resume'), numbers(sent));
  assert.deepEqual(await tab.told('resume'), numbers(sent));
  await closed(tab);
});

test('five hundred messages at once: are they all there, and is the page told in few words?', async () => {
  const [tab] = await people({ at, rooms: ['burst'] });
  await tab.live();
  await tab.run(() => { globalThis.changes = 0; globalThis.rooms.burst.on('change', () => globalThis.changes++); });
  const lines = numbers(500).map((content) => JSON.stringify({ content })).join('\n');
  for (let i = 0; i < 5; i++) await server.post('rooms/burst/messages', lines.split('\n').slice(i * 100, i * 100 + 100).join('\n'), { 'content-type': 'application/x-ndjson' });
  await tab.shown('499', 'burst');
  assert.deepEqual(await tab.contents('burst'), numbers(500));
  assert.deepEqual(await tab.told('burst'), numbers(500));
  const changes = await tab.run(() => globalThis.changes);
  assert.ok(changes <= 300, `${changes} changes`);
  await closed(tab);
});

test('three thousand messages: does older() bring them all, in order and once?', async () => {
  for (let i = 0; i < 30; i++) await server.post('rooms/long/messages', numbers(100, i * 100).map((content) => JSON.stringify({ content })).join('\n'), { 'content-type': 'application/x-ndjson' });
  const [tab] = await people({ at, rooms: ['long'] });
  await tab.live();
  assert.deepEqual(await tab.contents('long'), numbers(50, 2950));
  const calls = await tab.run(async () => {
    let count = 0;
    // Two who ask at once get one answer.
    while ((await Promise.all([globalThis.rooms.long.older(), globalThis.rooms.long.older()]))[0]) count++;
    return count;
  });
  assert.deepEqual(await tab.contents('long'), numbers(3000));
  assert.ok(calls <= 31, `${calls}`);
  assert.equal(await tab.run(() => globalThis.rooms.long.state.more), false);
  await closed(tab);
});

test('trimmed while it was away: is the list read anew, and right?', async () => {
  const [tab] = await people({ at, rooms: ['trimmed'] });
  await tab.live();
  await sendAll(numbers(5), 'trimmed');
  await tab.shown('4', 'trimmed');
  await tab.who.context.setOffline(true);
  await tab.state('offline');
  await sendAll(numbers(80, 5), 'trimmed');
  await server.redisCli('xtrim', log('trimmed'), 'MAXLEN', '60');
  // A hub that was there remembers what Redis has forgotten.
  await server.daemon.stop();
  await server.startDaemon();
  await server.ready();
  await tab.who.context.setOffline(false);
  await tab.shown('84', 'trimmed');
  await tab.until(() => globalThis.rooms.trimmed.state.messages[0].content === '35');
  assert.deepEqual(await tab.contents('trimmed'), numbers(50, 35));
  assert.equal(await tab.run(() => globalThis.rooms.trimmed.state.more), true);
  await sendAll(['last'], 'trimmed');
  await tab.shown('last', 'trimmed');
  while (await tab.run(() => globalThis.rooms.trimmed.older()));
  assert.deepEqual(await tab.contents('trimmed'), [...numbers(60, 25), 'last']);
  await closed(tab);
});

test('Redis was emptied: is the list empty, and does it go on?', async () => {
  const [tab] = await people({ at, rooms: ['flushed'] });
  await tab.live();
  await sendAll(numbers(5), 'flushed');
  await tab.shown('4', 'flushed');
  await server.redisCli('flushall');
  // The hubs compare what they know with Redis every 10 s; new ones see it at once.
  await server.daemon.stop();
  await server.startDaemon();
  await server.ready();
  await tab.until(() => globalThis.rooms.flushed.state.messages.length === 0, undefined, 20000);
  await sendAll(['new'], 'flushed');
  await tab.shown('new', 'flushed');
  assert.deepEqual(await tab.contents('flushed'), ['new']);
  await closed(tab);
});

test('offline and online again: is it told at once, and is nothing lost?', async () => {
  const [tab] = await people({ at, options: { token: tokenOf('walker') }, rooms: ['tunnel'] });
  await tab.live();
  for (let i = 0; i < 3; i++) {
    await tab.who.context.setOffline(true);
    await tab.state('offline');
    await sendAll([`${i}`], 'tunnel');
    await tab.who.context.setOffline(false);
    await tab.shown(`${i}`, 'tunnel');
    await tab.live();
  }
  assert.deepEqual(await tab.told('tunnel'), numbers(3));
  await closed(tab);
});

test('closed: does nothing of it go on?', async () => {
  const [tab] = await people({ at, rooms: ['closing'] });
  await tab.live();
  await tab.run(() => globalThis.earshot.close());
  await until('no stream is open', async () => await server.listeners('closing') === 0);
  const locks = await tab.run(async () => (await navigator.locks.query()).held.length);
  assert.equal(locks, 0);
  await closed(tab);
});
