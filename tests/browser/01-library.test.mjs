// Does the client library bring every message once and in order, whatever happens between it and the server?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../system/harness.mjs';
import { person, serve } from './browser.mjs';

const server = await serve();

/** A page with nothing but the library in it; `options` go to Earshot. */
async function open(who, options = {}, room = 'lobby') {
  const page = who.page.url() === 'about:blank' ? who.page : await who.tab();
  await page.route('**/blank.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>blank</title>' }));
  await page.goto(`${server.page}blank.html`);
  await page.evaluate(async ([given, name]) => {
    const { Earshot } = await import('./earshot.js');
    globalThis.earshot = new Earshot({ url: 'v1', ...given });
    globalThis.room = globalThis.earshot.room(name);
    globalThis.events = [];
    globalThis.room.on('event', (event) => globalThis.events.push(event));
    globalThis.leave = globalThis.room.join();
    await globalThis.earshot.ready;
  }, [options, room]);
  return page;
}
const contents = (page) => page.evaluate(() => globalThis.room.state.messages.map(({ content }) => content));
const live = (page, state = 'live') => page.waitForFunction((wanted) => globalThis.earshot.connection.state === wanted && globalThis.room.state.loaded, state);

test('does a message reach another page, and is one\'s own there at once?', async () => {
  const a = await person(), b = await person();
  const [one, two] = [await open(a), await open(b)];
  await live(one);
  await live(two);
  const sent = await one.evaluate(() => { globalThis.room.send('hello'); return new Promise((r) => setTimeout(() => r(globalThis.room.state.messages.map(({ state }) => state)), 0)); });
  assert.deepEqual(sent, ['pending']);
  await two.waitForFunction(() => globalThis.room.state.messages.some(({ content, state }) => content === 'hello' && state === 'sent'));
  await one.waitForFunction(() => globalThis.room.state.messages.every(({ state }) => state === 'sent'));
  assert.deepEqual(await contents(one), ['hello']);
  a.clean();
  b.clean();
});
