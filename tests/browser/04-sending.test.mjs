// Does each message that is sent arrive once and in order, or say that it did not?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { as } from '../system/site.mjs';
import { serve, tokenOf } from './browser.mjs';
import { closed, numbers, people, reload } from './library.mjs';

const server = await serve();
const at = server.page;
const history = async (room) => (await server.get(`rooms/${room}/messages?limit=200`)).json().events.map(({ content }) => content);
const states = (tab, room) => tab.run((name) => globalThis.rooms[name].state.messages.map(({ content, state }) => `${content} ${state}`), room);
const all = (tab, wanted, room) => tab.until(([text, name]) => globalThis.rooms[name].state.messages.map(({ content, state }) => `${content} ${state}`).join() === text, [wanted.join(), room]);

test('an answer is cut after the message was stored: is it sent again under the same key, and stored once?', async () => {
  const keys = [];
  const [tab] = await people({ at, rooms: ['cut'] });
  await tab.live();
  await tab.page.route(/rooms\/cut\/messages$/, async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    await route.fetch();
    // The stream may tell of it before, which would do as well: here it must be the retry.
    if (keys.length < 3) await route.abort();
    else await route.continue();
  });
  await tab.page.route(/v1\/events/, (route) => route.abort());
  await tab.send('once', 'cut');
  await all(tab, ['once sent'], 'cut');
  assert.equal(new Set(keys).size, 1);
  assert.deepEqual(await history('cut'), ['once']);
  await closed(tab);
});

test('too fast: is it sent after the time that the server says, and shown as pending until then?', async () => {
  const [tab] = await people({ at, rooms: ['slow'] });
  await tab.live();
  const times = [];
  await tab.page.route(/rooms\/slow\/messages$/, (route) => {
    times.push(Date.now());
    if (times.length > 1) return route.continue();
    return route.fulfill({ status: 429, headers: { 'retry-after': '1' }, contentType: 'application/problem+json', body: '{"status":429,"code":"rate_limited"}' });
  });
  await tab.send('patient', 'slow');
  await all(tab, ['patient sent'], 'slow');
  assert.ok(times[1] - times[0] >= 950, `${times[1] - times[0]} ms`);
  await closed(tab);
});

test('refused: does it say why; can it be tried again, and taken away; and do others go on?', async () => {
  await server.request('PUT', 'rooms/stage', { headers: { ...as('owner'), 'content-type': 'application/json' }, body: '{}' });
  await server.request('PUT', 'rooms/stage/mutes/max', { headers: as('owner') });
  const [tab] = await people({ at, rooms: ['stage', 'free'], options: { token: tokenOf('max') } });
  await tab.live();
  const key = await tab.send('let me', 'stage');
  const other = await tab.send('and me', 'stage');
  await all(tab, ['let me failed', 'and me failed'], 'stage');
  const error = await tab.run(() => { const { error: e } = globalThis.rooms.stage.state.messages[0]; return { code: e.code, status: e.status, text: e.message, passing: e.passing }; });
  assert.deepEqual([error.code, error.status, error.passing], ['muted', 403, false]);
  assert.match(error.text, /read here/);
  await tab.send('elsewhere', 'free');
  await tab.shown('elsewhere', 'free');
  await server.request('DELETE', 'rooms/stage/mutes/max', { headers: as('owner') });
  await tab.run((k) => globalThis.rooms.stage.retry(k), key);
  await all(tab, ['let me sent', 'and me failed'], 'stage');
  await tab.run((k) => globalThis.rooms.stage.discard(k), other);
  await all(tab, ['let me sent'], 'stage');
  assert.equal(await tab.run(() => sessionStorage.length), 0);
  await closed(tab);
});

test('three sends while offline, and more at once when it is back: are they in order?', async () => {
  const [tab] = await people({ at, rooms: ['order'] });
  await tab.live();
  await tab.who.context.setOffline(true);
  await tab.run(() => ['0', '1', '2'].forEach((text) => globalThis.rooms.order.send(text)));
  await all(tab, ['0 pending', '1 pending', '2 pending'], 'order');
  await tab.who.context.setOffline(false);
  await tab.run(() => { for (let i = 3; i < 12; i++) globalThis.rooms.order.send(`${i}`); });
  await all(tab, numbers(12).map((n) => `${n} sent`), 'order');
  assert.deepEqual(await history('order'), numbers(12));
  await closed(tab);
});

test('the page is loaded anew with messages that wait: are they sent, once, and by nobody else?', async () => {
  const [tab] = await people({ at, rooms: ['left'], options: { token: tokenOf('eva') } });
  await tab.live();
  let stored = 0;
  await tab.page.route(/rooms\/left\/messages$/, async (route) => { await route.fetch(); stored++; await route.abort(); });
  await tab.page.route(/v1\/events/, (route) => route.abort());
  await tab.run(() => ['a', 'b'].forEach((text) => globalThis.rooms.left.send(text)));
  await tab.until(() => globalThis.rooms.left.state.messages.length === 2 && sessionStorage.length === 1);
  while (stored === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await tab.page.unroute(/rooms\/left\/messages$/);
  await tab.page.unroute(/v1\/events/);
  await reload(tab, { rooms: ['left'], options: { token: tokenOf('eva') } });
  // A new one, said before anybody knows who one is, does not lose the old ones.
  await tab.send('c', 'left');
  await all(tab, ['a sent', 'b sent', 'c sent'], 'left');
  assert.deepEqual(await history('left'), ['a', 'b', 'c']);

  await tab.who.context.setOffline(true);
  await tab.send('eva\'s own', 'left');
  await tab.who.context.setOffline(false);
  await tab.page.route(/rooms\/left\/messages$/, (route) => route.abort());
  await tab.page.unroute(/rooms\/left\/messages$/);
  await all(tab, ['a sent', 'b sent', 'c sent', 'eva\'s own sent'], 'left');
  await closed(tab);
});

test('signed out with messages that wait: are they sent by nobody?', async () => {
  const [tab] = await people({ at, rooms: ['mine'] });
  await tab.run(() => globalThis.earshot.guest('Gast'));
  await tab.run(() => globalThis.joinRoom('mine'));
  await tab.live();
  await tab.page.route(/rooms\/mine\/messages$/, (route) => route.abort());
  await tab.send('said as a guest', 'mine');
  await tab.run(() => globalThis.earshot.register('dora', 'a long password'));
  await tab.page.unroute(/rooms\/mine\/messages$/);
  await tab.run(() => globalThis.joinRoom('mine'));
  await tab.live();
  await tab.send('said as dora', 'mine');
  await tab.shown('said as dora', 'mine');
  assert.deepEqual(await history('mine'), ['said as dora']);
  await closed(tab);
});

test('another person comes in between: is what waits kept for who wrote it?', async () => {
  const by = (user) => ({ rooms: ['between'], options: { token: tokenOf(user) } });
  const [tab] = await people({ at, ...by('gil') });
  await tab.live();
  await tab.page.route(/rooms\/between\/messages$/, (route) => (route.request().method() === 'POST' ? route.abort() : route.continue()));
  await tab.send('said by gil', 'between');
  await tab.until(() => sessionStorage.length === 1);
  await tab.page.unroute(/rooms\/between\/messages$/);
  await reload(tab, by('hal'));
  await tab.live();
  await tab.send('said by hal', 'between');
  await all(tab, ['said by hal sent'], 'between');
  await reload(tab, by('gil'));
  await all(tab, ['said by hal sent', 'said by gil sent'], 'between');
  assert.equal(await tab.run(() => sessionStorage.length), 0);
  await closed(tab);
});

test('nowhere to keep what waits: is it sent all the same?', async () => {
  const [tab] = await people({ at, rooms: ['nowhere'], options: { storage: null } });
  await tab.live();
  await tab.send('kept nowhere', 'nowhere');
  await tab.shown('kept nowhere', 'nowhere');
  await closed(tab);
});
