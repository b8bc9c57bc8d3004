// The moments in between: is what one types there, and where it should be, when something changes just then?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../system/harness.mjs';
import { as } from '../system/site.mjs';
import { person, serve } from './browser.mjs';

const server = await serve();
const say = async (room, content, more = {}) => (await server.post(`rooms/${room}/messages`, JSON.stringify({ content, ...more }), { 'content-type': 'application/json', ...as('ann', { name: 'Ann' }) })).json();
const contents = async (room) => (await server.get(`rooms/${room}/messages`)).json().events.map(({ content }) => content);

async function open(room, guest) {
  const who = await person(), { page } = who;
  await page.goto(`${server.page}#${room}`);
  await page.locator('.connection.good').waitFor({ state: 'attached' });
  who.field = page.locator('#chat textarea');
  if (guest) await join(page, guest);
  return who;
}

async function join(page, name) {
  await page.locator('.name-bar input').fill(name);
  await page.locator('.name-bar').getByText('Join').click();
  await page.locator('.me .avatar').waitFor({ state: 'attached' });
}

const delayed = (page, ms) => page.route('**/auth/me', async (route) => { await new Promise((resolve) => setTimeout(resolve, ms)); await route.continue().catch(() => {}); });

test('sent while one signs in: is it said, by who one then is?', async () => {
  const who = await open('between'), { page } = who;
  await delayed(page, 1500);
  await page.locator('.name-bar input').fill('Greta');
  await page.locator('.name-bar').getByText('Join').click();
  await page.waitForTimeout(300);
  await who.field.fill('said in between');
  await who.field.press('Enter');
  await page.locator('#chat .message.sent', { hasText: 'said in between' }).waitFor();
  const [event] = (await server.get('rooms/between/messages')).json().events;
  assert.deepEqual([event.content, event.name], ['said in between', 'Greta']);
  who.clean();
});

test('a thread: has it the focus, the second one too, and is what was typed there again?', async () => {
  const one = await say('threads', 'the first'), two = await say('threads', 'the second');
  await say('threads', 'an answer', { replyTo: one.id });
  const who = await open('threads', 'Hugo'), { page } = who;
  const row = (text) => page.locator('#chat .message').filter({ has: page.locator('.text', { hasText: new RegExp(`^${text}$`) }) });
  const focused = () => page.evaluate(() => document.activeElement.closest('.thread') !== null && document.activeElement.localName === 'textarea');
  await row('the first').focus();
  await page.keyboard.press('t');
  await page.locator('.thread .message', { hasText: 'an answer' }).waitFor();
  await until('the first has the focus', focused);
  await page.keyboard.type('half a reply');
  await row('the second').focus();
  await page.keyboard.press('t');
  await page.locator('.thread .message', { hasText: 'the second' }).waitFor();
  await until('the second has the focus', focused);
  assert.equal(await page.locator('.thread textarea').inputValue(), '');
  await page.keyboard.press('Escape');
  await until('the room has it again', () => who.field.evaluate((field) => field === document.activeElement));
  await row('the first').focus();
  await page.keyboard.press('t');
  await until('it is as it was', async () => await page.locator('.thread textarea').count() === 1 && await page.locator('.thread textarea').inputValue() === 'half a reply');
  assert.equal(two.type, 'message');
  who.clean();
});

test('a reply whose event is late: is it in its thread all the same?', async () => {
  const one = await say('late', 'the root');
  const who = await open('late', 'Ida'), { page } = who;
  await page.locator('#chat .message', { hasText: 'the root' }).focus();
  await page.keyboard.press('t');
  await page.locator('.thread textarea').waitFor();
  await page.route('**/events*', (route) => route.abort());
  await page.evaluate(() => globalThis.earshot.tabs.restart());
  await page.locator('.thread textarea').fill('no event of it');
  await page.locator('.thread textarea').press('Enter');
  await page.locator('.thread .message.sent', { hasText: 'no event of it' }).waitFor();
  assert.equal((await server.get(`rooms/late/messages/${one.id}/replies`)).json().events.length, 1);
  await page.unroute('**/events*');
});

test('not let write for a moment: is what was typed still there, and nobody else\'s?', async () => {
  const who = await open('moment', 'Jan'), { page } = who;
  assert.equal((await server.request('PUT', 'rooms/moment', { body: 'mode=open', headers: { 'content-type': 'application/x-www-form-urlencoded', ...as('ann') } })).status < 300, true);
  await who.field.fill('half a sentence');
  for (const mode of ['moderated', 'open']) {
    await server.request('PUT', 'rooms/moment', { body: `mode=${mode}`, headers: { 'content-type': 'application/x-www-form-urlencoded', ...as('ann') } });
    await page.locator('.may-not').waitFor({ state: mode === 'open' ? 'detached' : 'visible' });
    assert.equal(await who.field.isVisible(), mode === 'open');
  }
  assert.equal(await who.field.inputValue(), 'half a sentence');
  await page.getByLabel('Leave').or(page.getByText('Leave')).first().click();
  await page.locator('.name-bar input').waitFor();
  await join(page, 'Somebody else');
  assert.equal(await page.locator('#chat textarea').inputValue(), '');
  who.clean();
});

test('nobody knows yet who one is: is what stands in the way gone when something is to be seen?', async () => {
  await say('covered', 'shown at first');
  const who = await person(), { page } = who;
  await page.route('**/auth/me', (route) => route.fulfill({ status: 503, body: '' }));
  await page.goto(`${server.page}#covered`);
  await page.locator('.connection.bad button', { hasText: 'Now' }).click();
  assert.equal(await page.locator('#first').count(), 0);
  await page.unroute('**/auth/me');
  await page.locator('.connection.good').waitFor({ state: 'attached' });
});

test('are the newest messages and who one is asked for once?', async () => {
  await say('once', 'x');
  const who = await person(), { page } = who, asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname.replace(/.*\/v1\//, '')));
  await page.goto(`${server.page}#once`);
  await page.locator('.connection.good').waitFor({ state: 'attached' });
  for (const where of ['auth/me', 'rooms/once/messages']) assert.equal(asked.filter((one) => one === where).length, 1, where);
  who.clean();
});

test('in a tab that nobody sees: does the title tell what is unread?', async () => {
  const who = await open('hidden', 'Karl'), { page } = who;
  await say('hidden', 'before');
  await page.locator('#chat .message', { hasText: 'before' }).waitFor();
  await page.waitForTimeout(1000); // it is read
  // As in a tab behind another: not visible, and no frame is drawn.
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
    document.hasFocus = () => false;
    globalThis.requestAnimationFrame = () => 0;
  });
  await say('hidden', 'one');
  await say('hidden', 'two');
  await until('the title says it', async () => (await page.title()).startsWith('(2) '));
});

test('a file that does not come: is it said?', async () => {
  const who = await open('broken'), { page } = who;
  await page.route(/page\/dialogs\.js/, (route) => route.abort());
  await page.locator('.name-bar').getByText('Log in').click();
  await page.locator('.connection.bad', { hasText: 'cannot be opened now' }).waitFor();
  assert.deepEqual((await contents('broken')), []);
});
