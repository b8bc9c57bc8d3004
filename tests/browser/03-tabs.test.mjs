// Do all tabs of a browser hear everything over one receive, whichever of them is opened, closed or frozen?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { children, random, seed, until } from '../system/harness.mjs';
import { as } from '../system/site.mjs';
import { person, serve, tokenOf } from './browser.mjs';
import { numbers, open } from './library.mjs';

const server = await serve();
const at = server.page;
const say = (content, room = 'lobby') => server.send(room, content, as('sender'));
const SHORT = { ping: 300, patience: 400 };

/** So many tabs of one browser. */
async function tabsOf(who, count, options) {
  const tabs = [];
  for (let i = 0; i < count; i++) tabs.push(await open(who, { at, ...options }));
  return tabs;
}
const leaders = async (tabs) => (await Promise.all(tabs.map((tab) => tab.run(() => globalThis.earshot.tabs.leads)))).map((leads, i) => (leads ? i : -1)).filter((i) => i >= 0);

test('seven tabs over HTTP/1.1: one receive, and each is told all; when the leader closes, the next leads and nothing is lost?', async () => {
  const who = await person();
  const tabs = await tabsOf(who, 7);
  for (const tab of tabs) await tab.live();
  assert.equal((await leaders(tabs)).length, 1);
  await until('one stream is open', async () => await server.listeners('lobby') === 1);
  for (const content of numbers(10)) await say(content);
  for (const tab of tabs) await tab.shown('9');
  for (const tab of tabs) assert.deepEqual(await tab.told(), numbers(10));
  // What one sends, all have, the one itself once.
  await tabs[3].send('from one of them');
  for (const tab of tabs) await tab.shown('from one of them');

  const [leader] = await leaders(tabs);
  let sent = 10, stop = false;
  const sender = (async () => { while (!stop) await say(`${sent++}`); })();
  await until('some are sent', () => sent > 30);
  await tabs.splice(leader, 1)[0].close();
  await until('another leads', async () => (await leaders(tabs)).length === 1);
  const before = sent;
  await until('more are sent', () => sent > before + 30);
  stop = true;
  await sender;
  const all = [...numbers(10), 'from one of them', ...numbers(sent - 10, 10)];
  for (const tab of tabs) await tab.shown(`${sent - 1}`);
  for (const tab of tabs) assert.deepEqual(await tab.told(), all);
  for (const tab of tabs) assert.deepEqual(await tab.contents(), (await tab.contents()).slice().sort((a, b) => all.indexOf(a) - all.indexOf(b)));
  await until('one stream is open', async () => await server.listeners('lobby') === 1);
  who.clean();
  await who.context.close();
});

test('a tab that opens a room in which the leader is further: is the hole filled, and nothing told twice?', async () => {
  const who = await person();
  const [leader, late] = await tabsOf(who, 2, { rooms: ['busy'] });
  await leader.live();
  await late.live();
  // Its page of history is read, then the room goes on, and only then it says what it wants.
  await say('before', 'later');
  await leader.run(() => globalThis.joinRoom('later'));
  await leader.shown('before', 'later');
  let release, read;
  const released = new Promise((resolve) => { release = resolve; }), wasRead = new Promise((resolve) => { read = resolve; });
  await late.page.route(/rooms\/later\/messages/, async (route) => {
    const response = await route.fetch();
    read();
    await released;
    await route.fulfill({ response });
  });
  await late.run(() => globalThis.joinRoom('later'));
  await wasRead;
  for (const content of numbers(20)) await say(content, 'later');
  await leader.shown('19', 'later');
  release();
  await late.shown('19', 'later');
  assert.deepEqual(await late.contents('later'), ['before', ...numbers(20)]);
  assert.deepEqual(await late.told('later'), numbers(20));
  await say('live', 'later');
  await late.shown('live', 'later');
  // What the late one alone joins, the leader follows for it.
  await late.run(() => globalThis.joinRoom('mine'));
  await late.shown('live', 'later');
  await until('one stream is open there', async () => await server.listeners('mine') === 1);
  await say('only for the late one', 'mine');
  await late.shown('only for the late one', 'mine');
  assert.deepEqual(await leader.told('mine'), []);
  // And no longer when that one goes.
  await late.close();
  await until('nothing is followed there', async () => await server.listeners('mine') === 0);
  who.clean();
  await who.context.close();
});

test('a leader that is frozen: is it robbed, does the other hear all, and has it all itself when it wakes?', async () => {
  const who = await person();
  const [leader, other] = await tabsOf(who, 2, { rooms: ['ice'], options: { times: SHORT } });
  await leader.live();
  await other.live();
  assert.deepEqual(await leaders([leader, other]), [0]);
  await other.page.bringToFront();
  // The life cycle's own "frozen" does nothing to a page that is seen, as all are here; a halted one does nothing either.
  const cdp = await who.context.newCDPSession(leader.page);
  await cdp.send('Debugger.enable');
  await cdp.send('Debugger.pause');
  await other.until(() => globalThis.earshot.tabs.leads);
  await other.live();
  for (const content of numbers(5)) await say(content, 'ice');
  await other.shown('4', 'ice');
  await cdp.send('Debugger.disable');
  await leader.page.bringToFront();
  await leader.shown('4', 'ice');
  for (const content of numbers(5, 5)) await say(content, 'ice');
  for (const tab of [leader, other]) {
    await tab.shown('9', 'ice');
    assert.deepEqual(await tab.told('ice'), numbers(10));
  }
  assert.equal((await leaders([leader, other])).length, 1);
  who.clean();
  await who.context.close();
});

test('two people in one browser: does neither hear what is the other\'s?', async () => {
  const who = await person();
  await server.request('PUT', 'rooms/secret', { headers: { ...as('ann'), 'content-type': 'application/json' }, body: '{"mode":"members"}' });
  const ann = await open(who, { at, rooms: ['secret', 'lobby'], options: { token: tokenOf('ann') } });
  const bob = await open(who, { at, rooms: ['lobby'], options: { token: tokenOf('bob') } });
  await ann.live();
  await bob.live();
  assert.deepEqual(await leaders([ann, bob]), [0, 1]);
  await server.send('secret', 'psst', as('ann'));
  await server.send('lobby', 'loud', as('ann'));
  for (const tab of [ann, bob]) await tab.shown('loud');
  await ann.shown('psst', 'secret');
  assert.deepEqual(await bob.told('secret'), []);
  who.clean();
  await who.context.close();
});

test('one tab signs in, by cookie: are the others the same person then, and nobody when one signs out?', async () => {
  const who = await person();
  const [one, two] = await tabsOf(who, 2, { rooms: ['door'] });
  await one.live();
  await two.live();
  for (const tab of [one, two]) await tab.run(() => { globalThis.earshot.on('again', () => globalThis.joinRoom('door')); });
  await one.run(() => globalThis.earshot.register('carla', 'a long password'));
  for (const tab of [one, two]) await tab.until(() => globalThis.earshot.me?.userId === 'carla');
  for (const tab of [one, two]) await tab.live();
  await two.send('as carla', 'door');
  await one.shown('as carla', 'door');
  assert.equal(await one.run(() => globalThis.rooms.door.state.messages.at(-1).userId), 'carla');
  await two.run(() => globalThis.earshot.logout());
  for (const tab of [one, two]) await tab.until(() => globalThis.earshot.me && globalThis.earshot.me.userId === null);
  for (const tab of [one, two]) await tab.live();
  who.clean();
  await who.context.close();
});

test('no locks, as on a page without TLS: has each tab a receive of its own?', async () => {
  const who = await person();
  const [one, two] = await tabsOf(who, 2, { rooms: ['bare'], init: (page) => page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })) });
  await one.live();
  await two.live();
  await until('two streams are open', async () => await server.listeners('bare') === 2);
  await say('both', 'bare');
  for (const tab of [one, two]) await tab.shown('both', 'bare');
  who.clean();
  await who.context.close();
});

test(`tabs come and go, are robbed, and the server is killed, in any order (seed ${seed}): has each tab all, once and in order?`, async () => {
  const who = await person(), next = random(), tabs = [];
  const options = { rooms: ['chaos'], options: { times: { ...SHORT, hello: 2000 } } };
  for (let i = 0; i < 3; i++) tabs.push(await open(who, { at, ...options }));
  for (const tab of tabs) await tab.live();
  let sent = 0, stop = false;
  const sender = (async () => {
    while (!stop) if (await server.send('chaos', `${sent}`, { 'idempotency-key': `c${sent}`, ...as('sender') }).catch(() => null)) sent++;
  })();
  const acts = {
    come: async () => { if (tabs.length < 5) tabs.push(await open(who, { at, ...options })); },
    go: async () => { if (tabs.length > 1) await tabs.splice(Math.floor(next() * tabs.length), 1)[0].close(); },
    leave: async () => {
      await tabs[0].run(() => { globalThis.leave.chaos(); globalThis.joinRoom('chaos'); });
    },
    rob: async () => {
      const tab = tabs[Math.floor(next() * tabs.length)];
      await tab.run(async () => {
        const { held } = await navigator.locks.query();
        const own = held.find(({ name }) => name.startsWith('earshot '));
        if (own) await navigator.locks.request(own.name, { steal: true }, () => {});
      });
    },
    kill: async () => {
      for (const pid of children(server.daemon.pid)) process.kill(pid, 'SIGKILL');
    },
    wait: async () => { const before = sent; await until('some are sent', () => sent > before + 10); },
  };
  for (let i = 0; i < 14; i++) await acts[Object.keys(acts)[Math.floor(next() * 6)]]();
  await acts.wait();
  stop = true;
  await sender;
  for (const tab of tabs) {
    await tab.shown(`${sent - 1}`, 'chaos');
    // Of a tab that came late the older ones stand in pages.
    while (await tab.run(() => globalThis.rooms.chaos.older()));
    assert.deepEqual(await tab.contents('chaos'), numbers(sent));
    const told = (await tab.told('chaos')).map(Number);
    assert.deepEqual(told, [...new Set(told)].sort((a, b) => a - b));
  }
  who.clean();
  await who.context.close();
});
