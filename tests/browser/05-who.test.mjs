// Does one stay who one is, and does all end when that ends?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../system/harness.mjs';
import { as } from '../system/site.mjs';
import { serve, tokenOf } from './browser.mjs';
import { closed, numbers, people } from './library.mjs';

const server = await serve();
const at = server.page;
const say = (content, room) => server.send(room, content, as('sender'));
const inSeconds = (s) => Math.floor(Date.now() / 1000) + s;
const short = (user, seconds, more) => tokenOf(user, { exp: inSeconds(seconds), jti: `${user}-${Math.random()}`, ...more });

/** A function of the page, `mint`, that gives what this one gives. */
const minting = (mint) => (page) => page.exposeFunction('mint', mint);

test('tokens by a function, each for two seconds: is the stream never without one?', async () => {
  let minted = 0;
  const [tab] = await people({ at, rooms: ['short'], tokens: 'mint', init: minting(() => { minted++; return short('tim', 3); }) });
  await tab.live();
  let sent = 0;
  while (minted < 4) {
    await say(`${sent++}`, 'short');
    await tab.shown(`${sent - 1}`, 'short');
  }
  assert.deepEqual(await tab.contents('short'), numbers(sent));
  assert.ok(!(await tab.run(() => globalThis.states)).some((state) => /ended/.test(state)));
  await closed(tab);
});

test('a token that is refused, though it should last: is another asked for, once for all who wait?', async () => {
  let minted = 0;
  const tokens = [];
  const [tab] = await people({ at, rooms: ['refused'], tokens: 'mint', init: minting(() => { minted++; const token = short('uma', 3600); tokens.push(token); return token; }) });
  await tab.live();
  assert.equal(minted, 1);
  // Its jti is taken back behind the page's back.
  await server.request('POST', 'auth/logout', { headers: { authorization: `Bearer ${tokens[0]}` } });
  await tab.state('ended');
  const names = await tab.run(() => Promise.all([1, 2, 3].map(() => globalThis.earshot.api.json('GET', 'auth/me'))).then((all) => all.map(({ userId }) => userId)));
  assert.deepEqual(names, ['uma', 'uma', 'uma']);
  assert.equal(minted, 2);
  await closed(tab);
});

test('a page whose function fails at first: is it asked again?', async () => {
  let calls = 0;
  const [tab] = await people({ at, rooms: ['late'], tokens: 'mint', init: minting(() => { if (++calls < 2) throw new Error('not yet'); return short('vic', 3600); }) });
  await tab.state('waiting');
  assert.equal(await tab.run(() => globalThis.earshot.connection.error.code), 'token_unavailable');
  await tab.live();
  await closed(tab);
});

test('a token as a text: is it renewed before it ends, by the server?', async () => {
  const [tab] = await people({ at, rooms: ['text'], options: { token: short('wim', 4, { iat: inSeconds(0) }) } });
  await tab.live();
  const first = await tab.run(() => globalThis.earshot.me.expires);
  await tab.until((before) => globalThis.earshot.me.expires > before, first);
  await say('after', 'text');
  await tab.shown('after', 'text');
  await closed(tab);
});

test('a cookie: is it renewed before it ends, by one tab for all?', async () => {
  const [tab] = await people({ at, rooms: ['jar'] });
  await tab.run(() => globalThis.earshot.register('xena', 'a long password'));
  const [cookie] = await tab.who.context.cookies();
  assert.ok(cookie.httpOnly);
  // The same, for four seconds.
  await tab.who.context.addCookies([{ ...cookie, value: short('xena', 4, { iat: inSeconds(0) }) }]);
  await tab.page.reload();
  await tab.run(async () => {
    const { Earshot } = await import('./earshot.js');
    globalThis.earshot = new Earshot();
    globalThis.states = [];
    globalThis.earshot.on('connection', ({ state }) => globalThis.states.push(state));
    globalThis.rooms = { jar: globalThis.earshot.room('jar') };
    globalThis.rooms.jar.join();
  });
  await tab.live();
  const first = await tab.run(() => globalThis.earshot.me.expires);
  await tab.until((before) => globalThis.earshot.me.expires > before, first);
  assert.ok(!(await tab.run(() => globalThis.states)).includes('ended'));
  await closed(tab);
});

test('taken back: does the state say that it ended, and why; and can one sign in anew?', async () => {
  const [tab] = await people({ at, rooms: ['gone'] });
  await tab.run(() => globalThis.earshot.register('yves', 'a long password'));
  await tab.run(() => globalThis.joinRoom('gone'));
  await tab.live();
  await server.request('POST', 'admin/revoke', { headers: { ...as('root', { role: 'admin' }), 'content-type': 'application/json' }, body: '{"user":"yves"}' });
  await tab.state('ended');
  assert.deepEqual(await tab.run(() => { const { error } = globalThis.earshot.connection; return [error.status, error.code]; }), [401, 'token_revoked']);
  // The cookie is refused now; a page that is loaded with it says so, and lets one sign in.
  await tab.page.reload();
  await tab.run(async () => {
    const { Earshot } = await import('./earshot.js');
    globalThis.rooms = {};
    globalThis.states = [];
    globalThis.earshot = new Earshot();
    globalThis.joinRoom = (name) => { globalThis.rooms[name] = globalThis.earshot.room(name); globalThis.rooms[name].join(); };
    globalThis.failed = await globalThis.earshot.ready.catch((error) => error.code);
  });
  assert.equal(await tab.run(() => globalThis.failed), 'token_revoked');
  await tab.state('ended');
  await new Promise((resolve) => setTimeout(resolve, 1000)); // tokens of the second of the revocation are taken back too
  await tab.run(() => globalThis.earshot.login('yves', 'a long password'));
  await tab.run(() => globalThis.joinRoom('gone'));
  await tab.live();
  assert.equal(await tab.run(() => globalThis.earshot.me.userId), 'yves');
  await closed(tab);
});

for (const transport of ['fetch', 'eventsource', 'poll']) {
  test(`banned from one of two rooms, by ${transport}: does that one say so, and the other live on?`, async () => {
    const [good, bad] = [`good-${transport}`, `bad-${transport}`];
    await server.request('PUT', `rooms/${bad}`, { headers: { ...as('owner'), 'content-type': 'application/json' }, body: '{}' });
    const [tab] = await people({ at, rooms: [good, bad], options: { transport, token: tokenOf('zoe'), times: { poll: 2000 } } });
    await tab.live();
    await server.request('PUT', `rooms/${bad}/bans/zoe`, { headers: as('owner') });
    await tab.until((name) => globalThis.rooms[name].state.error?.code === 'banned', bad);
    await say('still here', good);
    await tab.shown('still here', good);
    await tab.until(() => globalThis.earshot.connection.state === 'live');
    assert.equal(await tab.run((name) => globalThis.rooms[name].state.error, good), null);
    // Let in again, the page joins again.
    await server.request('DELETE', `rooms/${bad}/bans/zoe`, { headers: as('owner') });
    await tab.run((name) => { globalThis.leave[name](); globalThis.joinRoom(name); }, bad);
    await say('back', bad);
    await tab.shown('back', bad);
    await closed(tab);
  });
}

test('signed in before it was known who one was: is one only the last?', async () => {
  let asked = 0;
  const [tab] = await people({ at, rooms: ['early'], init: (page) => page.route(/auth\/me$/, async (route) => {
    const first = asked++ === 0, response = await route.fetch();
    // The answer about nobody comes last.
    if (first) await until('it was asked again', () => asked > 1);
    await route.fulfill({ response });
  }) });
  await tab.run(() => { globalThis.first = globalThis.earshot.ready; return globalThis.earshot.guest('Frieda'); });
  await tab.run(() => globalThis.joinRoom('early'));
  await tab.run(() => globalThis.first);
  await tab.live();
  assert.match(await tab.run(() => globalThis.earshot.me.userId), /^guest-/);
  await until('one stream is open', async () => await server.listeners('early') === 1);
  await tab.send('by the guest', 'early');
  await tab.shown('by the guest', 'early');
  await closed(tab);
});

test('a login that is refused: does it say why, and change nothing?', async () => {
  const [tab] = await people({ at, rooms: ['calm'] });
  await tab.live();
  assert.equal(await tab.run(() => globalThis.earshot.login('nobody', 'wrong').catch((error) => error.code)), 'login_failed');
  await say('still', 'calm');
  await tab.shown('still', 'calm');
  await closed(tab);
});

test('signed in as another: are the rooms of the one over, and those of the other new?', async () => {
  const [tab] = await people({ at, rooms: ['swap'] });
  await tab.run(() => globalThis.earshot.guest('Erster'));
  await tab.run(() => globalThis.joinRoom('swap'));
  await tab.live();
  const first = await tab.run(() => { globalThis.old = globalThis.rooms.swap; return globalThis.earshot.me.userId; });
  await tab.run(() => globalThis.earshot.guest('Zweiter'));
  await tab.run(() => globalThis.joinRoom('swap'));
  await tab.live();
  const second = await tab.run(() => globalThis.earshot.me.userId);
  assert.notEqual(first, second);
  assert.ok(await tab.run(() => globalThis.old !== globalThis.rooms.swap));
  await until('one stream is open', async () => await server.listeners('swap') === 1);
  await tab.send('hi', 'swap');
  await tab.shown('hi', 'swap');
  assert.equal(await tab.run(() => globalThis.rooms.swap.state.messages[0].userId), second);
  await closed(tab);
});
