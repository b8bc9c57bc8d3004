// Can people chat with the page: two of them, with all that they expect, by keys alone, on a phone, and through a restart?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../system/harness.mjs';
import { as } from '../system/site.mjs';
import { accessible, person, picture, serve } from './browser.mjs';

const server = await serve();
const json = (user, name = user) => ({ 'content-type': 'application/json', ...as(user, { name }) });
const say = async (room, content, user = 'ann', more = {}) => (await server.post(`rooms/${room}/messages`, JSON.stringify({ content, ...more }), json(user, user[0].toUpperCase() + user.slice(1)))).json();

/** Opens the page in a room, and comes in as a guest or as a new account. */
async function come(room, { guest, user, ...options } = {}) {
  const who = await person(options), { page } = who;
  await page.goto(`${server.page}#${room}`);
  who.message = (text) => page.locator('#chat .message', { hasText: text });
  who.field = page.locator('#chat textarea');
  who.write = async (text) => { await who.field.fill(text); await who.field.press('Enter'); };
  who.live = () => page.locator('.connection.good').waitFor({ state: 'attached' });
  if (guest) {
    await page.locator('.name-bar input').fill(guest);
    await page.locator('.name-bar').getByText('Join').click();
  } else if (user) {
    await page.locator('.name-bar').getByText('Log in').click();
    await page.locator('dialog [value=register]').check();
    await page.locator('dialog [name=user]').fill(user);
    await page.locator('dialog [name=name]').fill(user[0].toUpperCase() + user.slice(1));
    await page.locator('dialog [name=password]').fill('correct horse');
    await page.locator('dialog .button.first').click();
  }
  if (guest || user) await page.locator('.me .avatar').waitFor({ state: 'attached' });
  await who.live();
  return who;
}

test('do two people chat: messages, who writes, reactions, replies, edits, deletes, mentions?', async () => {
  const [dora, bob] = [await come('lobby', { guest: 'Dora' }), await come('lobby', { user: 'bob' })];
  await dora.page.locator('.people bdi', { hasText: 'Bob' }).waitFor();
  await dora.field.pressSequentially('Hel');
  await bob.page.locator('.typing', { hasText: 'Dora is writing' }).waitFor();
  await dora.write('Hello *Bob*, see https://example.org/a?b=c&d');
  await bob.message('Hello Bob').waitFor();
  await bob.page.locator('.typing', { hasText: /^$/ }).waitFor();
  assert.equal(await bob.message('Hello Bob').locator('a').getAttribute('href'), 'https://example.org/a?b=c&d');
  assert.equal(await bob.message('Hello Bob').locator('em').textContent(), 'Bob');

  await bob.message('Hello Bob').hover();
  await bob.message('Hello Bob').getByLabel('React').click();
  await bob.page.locator('.picker input').fill('party popper');
  await bob.page.keyboard.press('Enter');
  await dora.page.locator('.reaction', { hasText: '🎉 1' }).click();
  await bob.page.locator('.reaction[aria-pressed=true]', { hasText: '🎉 2' }).waitFor();
  await dora.page.locator('.reaction[aria-pressed=true]', { hasText: '🎉 2' }).click();
  await bob.page.locator('.reaction', { hasText: '🎉 1' }).waitFor();

  await bob.message('Hello Bob').hover();
  await bob.message('Hello Bob').getByLabel('Reply').click();
  await bob.write('Hello yourself');
  await dora.message('Hello yourself').locator('.quote', { hasText: 'Hello Bob' }).waitFor();
  await dora.page.locator('.replies', { hasText: '1 reply' }).click();
  const thread = dora.page.locator('.thread');
  await thread.locator('.message', { hasText: 'Hello yourself' }).waitFor();
  await thread.locator('textarea').fill('In the thread');
  await thread.locator('textarea').press('Enter');
  await thread.locator('.message.sent', { hasText: 'In the thread' }).waitFor();
  await bob.page.locator('.replies', { hasText: '2 replies' }).waitFor();
  await picture(dora.page, 'thread');
  await accessible(dora, 'a thread');
  await dora.page.keyboard.press('Escape');
  assert.equal(await thread.count(), 0);

  await bob.field.press('ArrowUp'); // his last message, to edit
  assert.equal(await bob.field.inputValue(), 'Hello yourself');
  await bob.write('Hello to you too');
  await dora.message('Hello to you too').locator('.edited').waitFor();
  await bob.message('Hello to you too').hover();
  await bob.message('Hello to you too').getByLabel('Delete').click();
  await bob.page.locator('dialog .button.bad').click();
  await dora.page.locator('.gone').waitFor();
  assert.equal(await dora.message('Hello to you too').count(), 0);

  await dora.field.pressSequentially('@bo');
  await dora.page.locator('.suggested li', { hasText: 'Bob' }).waitFor();
  await dora.page.keyboard.press('Tab');
  assert.equal(await dora.field.inputValue(), '@bob ');
  await dora.field.pressSequentially('are you there?');
  await dora.page.keyboard.press('Enter');
  await bob.page.locator('.message.to-me .mention.me', { hasText: '@bob' }).waitFor();
  dora.clean();
  bob.clean();
});

test('are rooms and conversations listed with what is unread, and is it read when it is seen?', async () => {
  const [eve, fay] = [await come('hall', { user: 'eve' }), await come('other', { user: 'fay' })];
  await eve.write('I was here');
  await eve.message('I was here').and(eve.page.locator('.sent')).waitFor();
  await eve.page.goto(`${server.page}#other`);
  await say('hall', 'news one');
  await say('hall', 'news two, @eve');
  await eve.page.locator('.entry', { hasText: 'hall' }).locator('.badge.strong', { hasText: '@2' }).waitFor();
  assert.match(await eve.page.title(), /^\(2\) other/);
  await eve.page.locator('.entry', { hasText: 'hall' }).click();
  await eve.page.locator('.line.unread').waitFor();
  await eve.page.locator('.entry .badge').waitFor({ state: 'detached' });
  await until('the server knows it too', async () => /"unread":0/.test((await eve.page.evaluate(() => globalThis.earshot.api.json('GET', 'rooms/hall/read').then(JSON.stringify)))));

  // To one person alone, who has not opened it yet.
  await fay.page.goto(`${server.page}#hall`);
  await fay.page.locator('.people a', { hasText: 'Eve' }).click();
  await fay.write('only for you');
  await eve.page.locator('.entry.has-unread', { hasText: 'fay' }).click();
  await eve.message('only for you').waitFor();
  await eve.write('and for you');
  await fay.message('and for you').waitFor();
  await picture(eve.page, 'direct');

  await eve.page.getByLabel('New room').click();
  await eve.page.locator('dialog [name=name]').fill('kitchen');
  await eve.page.locator('dialog [name=topic]').fill('Who cooks');
  await eve.page.locator('dialog .button.first').click();
  await eve.page.locator('#head p', { hasText: 'Who cooks' }).waitFor();
  await eve.page.locator('#head .link', { hasText: 'Change' }).click();
  await eve.page.locator('dialog [name=topic]').fill('Who washes up');
  await eve.page.locator('dialog .button.first').click();
  await eve.page.locator('#head p', { hasText: 'Who washes up' }).waitFor();
  eve.clean();
  fay.clean();
});

test('does history come as one scrolls up, does the place stay, and is there a way to what is unread?', async () => {
  const lines = Array.from({ length: 420 }, (_, i) => JSON.stringify({ content: `line ${i}` })).join('\n');
  const gil = await come('long', { user: 'gil' });
  await gil.write('my own first');
  await gil.message('my own first').and(gil.page.locator('.sent')).waitFor();
  await gil.page.goto('about:blank');
  for (let at = 0; at < 420; at += 100) await server.post('rooms/long/messages', lines.split('\n').slice(at, at + 100).join('\n'), { ...as('ann', { name: 'Ann' }), 'content-type': 'application/x-ndjson' });
  await gil.page.goto(`${server.page}#long`);
  await gil.message('line 419').waitFor();
  const pill = gil.page.locator('.pill', { hasText: 'unread' });
  await pill.waitFor();
  const log = gil.page.locator('#chat .log');
  for (const wanted of ['line 330', 'line 230']) {
    while (await gil.page.getByText(wanted, { exact: true }).count() === 0) await log.evaluate((element) => { element.scrollTop = 0; });
  }
  // What is seen does not jump while older messages are put in above.
  const seen = gil.page.getByText('line 230', { exact: true });
  await seen.scrollIntoViewIfNeeded();
  await until('the list rests', async () => { const a = (await seen.boundingBox()).y; await gil.page.waitForTimeout(150); return a === (await seen.boundingBox()).y; });
  await pill.click();
  await gil.message('line 0').first().waitFor();
  assert.ok(await gil.page.locator('#chat .row').count() <= 160);
  await gil.page.locator('.pill.low').click();
  await gil.page.getByText('line 419', { exact: true }).waitFor();
  await gil.page.locator('.pill.low').waitFor({ state: 'detached' });
  gil.clean();
});

test('does it say in words that the server is gone, and bring all when it is back?', async () => {
  const [hal, ida] = [await come('quake', { guest: 'Hal' }), await come('quake', { guest: 'Ida' })];
  await hal.write('before');
  await ida.message('before').waitFor();
  await server.daemon.stop();
  await hal.page.locator('.connection.bad', { hasText: /Trying again in|cannot be reached|does not answer/ }).waitFor({ timeout: 20000 });
  await hal.write('while it was away');
  await hal.message('while it was away').and(hal.page.locator('.pending')).waitFor();
  await picture(hal.page, 'away');
  await accessible(hal, 'without a server');
  await server.startDaemon();
  await ida.message('while it was away').waitFor({ timeout: 40000 });
  await hal.live();
  assert.equal(await ida.message('while it was away').count(), 1);
  await hal.context.setOffline(true);
  await hal.page.locator('.connection.bad', { hasText: 'Offline' }).waitFor();
  await ida.write('to somebody offline');
  await hal.context.setOffline(false);
  await hal.message('to somebody offline').waitFor();
  hal.clean();
  ida.clean();
});

test('is nothing that was typed lost: in a room that is left, in an edit that is refused, in a reply begun while editing?', async () => {
  const pia = await come('drafts', { user: 'pia' }), { page } = pia;
  await pia.write('my words');
  await pia.message('my words').and(page.locator('.sent')).waitFor();
  await pia.field.fill('half a thought');
  await page.goto(`${server.page}#elsewhere`);
  await page.locator('#head h1', { hasText: 'elsewhere' }).waitFor();
  assert.equal(await pia.field.inputValue(), '');
  await page.goto(`${server.page}#drafts`);
  await page.locator('#head h1', { hasText: 'drafts' }).waitFor();
  assert.equal(await pia.field.inputValue(), 'half a thought');

  await pia.message('my words').hover();
  await pia.message('my words').getByLabel('Edit').click();
  assert.equal(await pia.field.inputValue(), 'my words');
  await pia.message('my words').hover();
  await pia.message('my words').getByLabel('Reply').click();
  assert.equal(await pia.field.inputValue(), 'half a thought');
  await page.keyboard.press('Escape');

  // An edit that is left is none, and no draft.
  await pia.message('my words').hover();
  await pia.message('my words').getByLabel('Edit').click();
  await pia.field.fill('changed my mind');
  for (const room of ['elsewhere', 'drafts']) {
    await page.goto(`${server.page}#${room}`);
    await page.locator('#head h1', { hasText: room }).waitFor();
  }
  await until('what was typed before is there', async () => await pia.field.inputValue() === 'half a thought');
  assert.equal(await page.locator('.strip').count(), 0);

  await page.route('**/messages/*', (route) => (route.request().method() === 'PUT' ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{"status":403,"code":"muted","detail":"you may not write"}' }) : route.continue()));
  await pia.message('my words').hover();
  await pia.message('my words').getByLabel('Edit').click();
  await pia.field.fill('better words');
  await pia.field.press('Enter');
  await page.locator('.pill.bad', { hasText: 'you may not write' }).waitFor();
  assert.equal(await pia.field.inputValue(), 'better words');
  pia.clean();
});

test('a room for members only, and one that is moderated: is it said why one may not write, and does all else go on?', async () => {
  const quin = await come('open', { user: 'quin' }), { page } = quin;
  for (const [room, mode] of [['closed', 'members'], ['stage', 'moderated']]) {
    await server.request('PUT', `rooms/${room}`, { body: JSON.stringify({ mode }), headers: json('ann') });
    await say(room, `words in ${room}`);
  }
  await quin.field.focus();
  await page.goto(`${server.page}#stage`);
  await quin.message('words in stage').waitFor();
  await page.locator('.may-not').waitFor();
  await page.goto(`${server.page}#closed`);
  await page.locator('.may-not').waitFor();
  assert.doesNotMatch(await page.locator('#chat').textContent(), /Loading/);
  await page.goto(`${server.page}#stage`);
  await quin.message('words in stage').waitFor();
  await page.goto(`${server.page}#closed`);
  await page.locator('.may-not').waitFor();
  // Let in, one need not come again.
  await server.request('PUT', 'rooms/closed/members/quin', { headers: json('ann') });
  await quin.message('words in closed').waitFor();
  await quin.write('thank you');
  await quin.message('thank you').and(page.locator('.sent')).waitFor();
  quin.clean();
});

test('does all go by keys alone?', async () => {
  const kim = await come('keys', { user: 'kim' }), { page } = kim;
  await say('keys', 'first of two');
  await say('keys', 'second of two');
  await kim.message('second of two').waitFor();
  await kim.field.focus();
  await page.keyboard.type('typed by keys');
  await page.keyboard.press('Enter');
  await kim.message('typed by keys').and(page.locator('.sent')).waitFor();
  await page.locator('#chat .log').focus();
  await page.keyboard.press('ArrowUp');
  assert.match(await page.evaluate(() => document.activeElement.textContent), /typed by keys/);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('r');
  assert.match(await page.locator('.strip').textContent(), /Replying to Ann.*second of two/s);
  await page.keyboard.type('an answer');
  await page.keyboard.press('Enter');
  await kim.message('an answer').and(page.locator('.sent')).waitFor();
  await page.locator('#chat .log').focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('+');
  await page.locator('.picker input').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.reaction').waitFor();
  // The first thing of the page that keys reach is the way to the message field.
  await page.locator('.skip').focus();
  assert.ok((await page.locator('.skip').boundingBox()).y >= 0, 'it is not seen');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'TEXTAREA');
  kim.clean();
});

test('does a phone have all of it, and a page from right to left too?', async () => {
  await say('phone', 'Good evening');
  await say('lobby', 'Good evening to you all');
  const lou = await come('phone', { guest: 'Lou', viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }), { page } = lou;
  await lou.field.fill('from the tram');
  await page.locator('#chat').getByLabel('Send').tap();
  await lou.message('from the tram').and(page.locator('.sent')).waitFor();
  assert.equal(await page.locator('.line.unread').count(), 0, 'one\'s own words are new to oneself');
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it is as wide as the phone');
  await picture(page, 'phone');
  await page.getByLabel('Show the rooms').tap();
  await page.locator('#rooms.open').waitFor();
  await page.waitForTimeout(250);
  await picture(page, 'phone-rooms');
  await accessible(lou, 'the rooms on a phone');
  await page.locator('#rooms .entry', { hasText: 'lobby' }).tap();
  await page.locator('#rooms:not(.open)').waitFor({ state: 'attached' });
  await page.getByLabel(/People here/).tap();
  await page.locator('#side.open').waitFor();
  await page.keyboard.press('Escape');
  await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
  await page.setViewportSize({ width: 1000, height: 700 });
  await page.waitForFunction(() => document.querySelector('#rooms').getBoundingClientRect().right === innerWidth); // it moves there
  const [mark, title] = await Promise.all(['.mark', 'bdi'].map((part) => page.locator('#rooms .entry', { hasText: 'lobby' }).locator(part).boundingBox()));
  assert.ok(mark.x - (title.x + title.width) < 20, 'a name from left to right is far from its mark');
  await picture(page, 'right-to-left');
  await accessible(lou, 'from right to left');
  lou.clean();
});

test('is every view free of what axe finds, light and dark?', async () => {
  await say('views', 'A message with `code`, **bold** and a link: https://example.org');
  const shown = await say('views', '> quoted\n\n```\nmake check\n```');
  await say('views', 'A reply', 'bob', { replyTo: shown.id });
  for (const colorScheme of ['light', 'dark']) {
    const mia = await person({ colorScheme, reducedMotion: 'reduce' }), { page } = mia;
    await page.goto(`${server.page}#views`);
    await page.locator('.message').first().waitFor();
    await page.locator('.people, .note').first().waitFor();
    await accessible(mia, `${colorScheme}: nobody is signed in`);
    await page.locator('.name-bar').getByText('Log in').click();
    await accessible(mia, `${colorScheme}: signing in`);
    await page.locator('dialog [value=guest]').check();
    await page.locator('dialog [name=name]').fill(`Mia of the ${colorScheme}`);
    await page.locator('dialog .button.first').click();
    await page.locator('.me .avatar').waitFor();
    await page.locator('.message').first().waitFor();
    await page.locator('.message', { hasText: 'A reply' }).hover();
    assert.equal(await page.locator('.quote .what').textContent(), 'quoted make check');
    await accessible(mia, `${colorScheme}: a room`);
    await picture(page, `room-${colorScheme}`);
    await page.locator('.message', { hasText: 'A reply' }).getByLabel('React').click();
    await page.locator('.picker .emoji').nth(40).waitFor();
    await accessible(mia, `${colorScheme}: the picker`);
    await page.keyboard.press('Escape');
    await page.locator('.replies').click();
    await page.locator('.thread .message', { hasText: 'A reply' }).waitFor();
    assert.ok(await page.locator('.thread textarea').evaluate((field) => field.clientHeight >= field.scrollHeight), 'what is typed is cut');
    await accessible(mia, `${colorScheme}: a thread`);
    await picture(page, `thread-${colorScheme}`);
    await page.keyboard.press('Escape');
    await page.getByLabel('New room').click();
    await accessible(mia, `${colorScheme}: a new room`);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 390, height: 844 });
    await accessible(mia, `${colorScheme}: on a phone`);
    await picture(page, `phone-${colorScheme}`);
    mia.clean();
  }
});
