// Does one script and one element put a room on any page, and does each keep out of the other's style?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../system/harness.mjs';
import { as } from '../system/site.mjs';
import { accessible, person, picture, serve, tokenOf } from './browser.mjs';

const server = await serve();
const say = (room, text, user = 'ann') => server.send(room, text, as(user, { name: user }));
const inside = (page, at, selector) => page.locator('earshot-chat').nth(at).locator(selector);

test('does the example page chat, in its own colours and in the club\'s?', async () => {
  await say('garden', 'The compost is **ready**');
  await say('seeds', 'Who has tomatoes left?');
  const dora = await person();
  await dora.page.goto(`${server.page}example.html`);
  await inside(dora.page, 0, '.message strong').waitFor();
  await inside(dora.page, 0, 'input[name=name]').fill('Dora');
  await inside(dora.page, 0, 'header button').click();
  // Both elements are one person's, and have one connection.
  for (const at of [0, 1]) await inside(dora.page, at, '.own:has-text("Dora")').waitFor();
  assert.equal(await dora.page.evaluate(() => { const [a, b] = document.querySelectorAll('earshot-chat'); return a.client === b.client; }), true);
  await inside(dora.page, 0, 'textarea').fill('I come at five');
  await inside(dora.page, 0, 'textarea').press('Enter');
  await inside(dora.page, 0, '.message.sent:has-text("I come at five")').waitFor();
  assert.ok((await server.get('rooms/garden/messages?limit=1', {})).text.includes('I come at five'));
  await accessible(dora, 'the example page');
  await picture(dora.page, 'element', { fullPage: true });
  const colours = await dora.page.evaluate(() => [...document.querySelectorAll('earshot-chat')].map((element) => getComputedStyle(element.shadowRoot.querySelector('.send')).color));
  assert.equal(colours[1], 'rgb(122, 59, 18)');
  assert.notEqual(colours[0], colours[1]);
  const family = await dora.page.evaluate(() => getComputedStyle(document.querySelector('earshot-chat').shadowRoot.querySelector('textarea')).fontFamily);
  assert.ok(!/Georgia/.test(family), family);
  dora.clean();
});

test('does it follow its attributes, tell what happens, and let go when it is taken away?', async () => {
  const eve = await person(), { page } = eve;
  await page.route('**/own.html', (route) => route.fulfill({ contentType: 'text/html', body: `<!doctype html><title>own</title><script type="module" src="earshot-chat.js"></script><earshot-chat room="one" theme="dark"></earshot-chat>` }));
  await page.goto(`${server.page}own.html`);
  await page.evaluate((token) => {
    globalThis.heard = [];
    document.addEventListener('earshot-message', ({ detail }) => globalThis.heard.push(detail.content));
    document.querySelector('earshot-chat').token = () => token;
  }, tokenOf('eve', { name: 'Eve' }));
  await inside(page, 0, '.own:has-text("Eve")').waitFor();
  await page.waitForFunction(() => document.querySelector('earshot-chat').client.connection.state === 'live');
  await say('one', 'first');
  await page.waitForFunction(() => globalThis.heard.includes('first'));
  await page.evaluate(() => document.querySelector('earshot-chat').setAttribute('room', 'two'));
  await say('two', 'second');
  await inside(page, 0, '.message:has-text("second")').waitFor();
  assert.equal(await inside(page, 0, '.message:has-text("first")').count(), 0);
  await page.evaluate(() => { globalThis.old = document.querySelector('earshot-chat'); globalThis.client = globalThis.old.client; globalThis.old.remove(); });
  await page.waitForFunction(() => globalThis.old.client === null);
  await page.evaluate(() => document.body.append(globalThis.old));
  await inside(page, 0, '.message:has-text("second")').waitFor();
  eve.clean();
});

test('on a page of another site: does it load, come in by a name, and chat?', async () => {
  const site = `http://localhost:${server.port}`; // another site than the address
  server.conf.cors_origins = site;
  server.writeConf();
  process.kill(server.daemon.pid, 'SIGHUP');
  await until('the origin is allowed', async () => (await server.get('auth/me', { origin: site })).headers['access-control-allow-origin'] === site);
  const ivy = await person(), { page } = ivy;
  await page.route('**/elsewhere.html', (route) => route.fulfill({ contentType: 'text/html', body: `<!doctype html><title>elsewhere</title>
    <script type="module" src="${server.origin}/chat/earshot-chat.js"></script>
    <earshot-chat room="abroad" src="${server.origin}/chat" name="Ivy"></earshot-chat><earshot-chat room="abroad2" src="${server.origin}/chat" name="Ivy"></earshot-chat>` }));
  await page.goto(`${site}/elsewhere.html`);
  for (const at of [0, 1]) await inside(page, at, '.own:has-text("Ivy")').waitFor();
  await inside(page, 0, 'textarea').fill('from abroad');
  await inside(page, 0, 'textarea').press('Enter');
  await inside(page, 0, '.message.sent:has-text("from abroad")').waitFor();
  await inside(page, 0, '[aria-label=Emoji]').click();
  await inside(page, 0, '.picker .emoji').nth(20).waitFor();
  ivy.clean();
});
