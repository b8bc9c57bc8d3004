// Does the chat work in a browser that runs no script: rooms, a name, messages that come, and what one sends?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { as } from '../system/site.mjs';
import { accessible, person, picture, serve } from './browser.mjs';

const server = await serve();
const say = (content, user = 'ann') => server.send('lobby', content, as(user, { name: user[0].toUpperCase() + user.slice(1) }));
// The frame of a room never ends loading.
const go = (page, where) => page.goto(`${server.base}/${where}`, { waitUntil: 'domcontentloaded' });
const frame = (page) => page.frameLocator('iframe');

test('from the page\'s own word for it to a talk between two, one of them with scripts', async () => {
  await say('Is somebody there?');
  const [nora, otto] = [await person({ javaScriptEnabled: false }), await person()];
  const { page } = nora;
  await page.goto(server.page);
  await page.goto(new URL(await page.locator('.no-script a').getAttribute('href'), server.page).href);
  await page.locator('.enter form[action^="auth/guest"] input[name=name]').fill('Nora');
  await page.locator('.enter form[action^="auth/guest"] button').click();
  await page.locator('form.who').waitFor();
  await page.locator('ul.rooms a', { hasText: 'lobby' }).click();
  await frame(page).locator('article', { hasText: 'Is somebody there?' }).waitFor();
  await otto.page.goto(`${server.page}#lobby`);
  await otto.page.locator('.name-bar input').fill('Otto');
  await otto.page.locator('.name-bar').getByText('Join').click();
  await otto.page.locator('.me .avatar').waitFor();

  await page.locator('form.say [name=content]').fill('I am, <b>without</b> a script');
  await page.locator('form.say button').first().click();
  await otto.page.locator('.message', { hasText: 'I am, <b>without</b> a script' }).waitFor();
  await frame(page).locator('article', { hasText: 'I am, <b>without</b> a script' }).waitFor();
  assert.equal(await frame(page).locator('.text b').count(), 0);

  // What comes now comes by itself, and is in view.
  await otto.page.locator('#chat textarea').fill('Here with one');
  await otto.page.locator('#chat textarea').press('Enter');
  const came = frame(page).locator('article', { hasText: 'Here with one' });
  await came.waitFor();
  for (let i = 0; i < 40; i++) await say(`line ${i} of forty`);
  const last = frame(page).locator('article', { hasText: 'line 39 of forty' });
  await last.waitFor();
  const [box, view] = [await last.boundingBox(), await page.locator('iframe').boundingBox()];
  assert.ok(box.y >= view.y && box.y + box.height <= view.y + view.height + 1, 'the newest is not in view');

  const mine = otto.page.locator('.message', { hasText: 'Here with one' });
  await otto.page.locator('#chat textarea').press('ArrowUp');
  await otto.page.locator('#chat textarea').fill('Here with two');
  await otto.page.locator('#chat textarea').press('Enter');
  await frame(page).locator('article', { hasText: 'Here with two' }).waitFor();
  await came.waitFor({ state: 'hidden' });
  assert.equal(await mine.count(), 0);
  await picture(page, 'no-script');
  otto.clean();
});

test('does the frame come back by itself from where it was, when the server is restarted?', async () => {
  const { page } = await person({ javaScriptEnabled: false });
  await go(page, 'rooms/lobby?as=html');
  await say('before the restart');
  await frame(page).locator('article', { hasText: 'before the restart' }).waitFor();
  await server.daemon.stop();
  await page.waitForTimeout(4000); // the frame has come back meanwhile, to nobody
  await server.startDaemon();
  await say('after the restart');
  await frame(page).locator('article', { hasText: 'after the restart' }).waitFor({ timeout: 30000 });
  assert.equal(await frame(page).locator('article', { hasText: 'after the restart' }).count(), 1);
});

test('are its views free of what axe finds, light and dark?', async () => {
  for (const colorScheme of ['light', 'dark']) {
    // axe is a script: the pages have none, and are looked at with it.
    const who = await person({ colorScheme }), { page } = who;
    for (const where of ['rooms?as=html', 'rooms/lobby?as=html', 'rooms/lobby/messages?as=html', 'rooms/lobby?as=plain', 'rooms/@x?as=html']) {
      await go(page, where);
      await accessible(who, `${where}, ${colorScheme}`);
    }
    await go(page, 'rooms?as=html');
    await picture(page, `no-script-rooms-${colorScheme}`);
    await go(page, 'rooms/lobby?as=html');
    await frame(page).locator('article').last().waitFor();
    await picture(page, `no-script-${colorScheme}`);
  }
});
