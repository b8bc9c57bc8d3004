// Does the admin page show how all goes, live, and does what it offers take effect?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../system/harness.mjs';
import { as, byeOf, form } from '../system/site.mjs';
import { accessible, person, picture, serve, tokenOf } from './browser.mjs';

const server = await serve();
const listen = (user, rooms = ['lobby']) => server.listen(`events?${rooms.map((room) => `room=${room}`).join('&')}&as=sse`, as(user, { name: user }));

async function admin(options) {
  const who = await person(options), { page } = who;
  await page.goto(`${server.page}admin.html`);
  await page.locator('[name=token]').fill(tokenOf('root', { role: 'admin', name: 'Root' }));
  await page.getByText('Use the token').click();
  await page.locator('.tile').first().waitFor();
  await page.locator('.state.good').waitFor();
  who.tile = (title) => page.locator('.tile', { has: page.locator('h3', { hasText: new RegExp(`^${title}$`) }) });
  who.row = (user) => page.locator('tbody tr', { hasText: `@${user}` });
  return who;
}

test('is nobody let in but admins, and is that said?', async () => {
  await form(server, 'POST', 'auth/register', { user: 'mallory', name: 'Mallory', password: 'correct horse' });
  const who = await person(), { page } = who;
  await page.goto(`${server.page}admin.html`);
  await page.locator('[name=user]').fill('mallory');
  await page.locator('[name=password]').fill('wrong');
  await page.getByText('Sign in').click();
  await page.locator('.failed', { hasText: /password/ }).waitFor();
  await page.locator('[name=password]').fill('correct horse');
  await page.getByText('Sign in').click();
  await page.locator('.failed', { hasText: 'Mallory is no admin' }).waitFor();
  await page.locator('[name=token]').fill('no token at all');
  await page.getByText('Use the token').click();
  await page.locator('.failed').waitFor();
  assert.equal(await page.locator('.tile').count(), 0);
  await accessible(who, 'signing in');
  who.clean();
});

test('do the figures live, and agree with what happens?', async () => {
  const streams = await Promise.all([listen('ann', ['lobby', 'ops']), listen('bob'), listen('carol')]);
  const root = await admin(), { page } = root;
  let on = true;
  const talking = (async () => { while (on) { await server.send('lobby', 'tick', as('ann', { name: 'ann' })); await new Promise((r) => setTimeout(r, 40)); } })();
  // Three streams, and the two of the page itself.
  await root.tile('Streams').locator('.value', { hasText: /^5$/ }).waitFor();
  await root.tile('Messages a second').locator('.value', { hasText: /^\d\d/ }).waitFor();
  await root.tile('Deliveries a second').locator('.value', { hasText: /^[3-9]\d/ }).waitFor();
  await root.tile('Canary').locator('.value', { hasText: / ms$/ }).waitFor();
  assert.match(await root.tile('Canary').locator('.chart .value').getAttribute('d'), /^M.*L/);
  await page.locator('tr', { has: page.locator('a', { hasText: /^lobby$/ }) }).waitFor();
  assert.match(await page.locator('tr', { has: page.locator('a', { hasText: /^lobby$/ }) }).textContent(), /open\s*3\s*3/);
  on = false;
  await talking;
  await page.locator('.filters [name=room]').fill('ops');
  await page.getByText('Filter').click();
  await page.locator('.scroll p', { hasText: 'One connection' }).waitFor();
  assert.match(await page.locator('tbody').first().textContent(), /ann/);
  for (const stream of streams) stream.close();
  await root.tile('Streams').locator('.value', { hasText: /^2$/ }).waitFor();
  root.clean();
});

test('end, kick, ban and revoke: do they take effect, and stand in the audit at once?', async () => {
  const root = await admin(), { page } = root;
  await server.send('desk', 'a room must be there to be banned from', as('dan', { name: 'dan' }));
  const [dan, eve, fay, gus] = await Promise.all(['dan', 'eve', 'fay', 'gus'].map((user) => listen(user, ['lobby', 'desk'])));
  await root.row('gus').waitFor();
  await root.row('dan').getByText('End').click();
  await until('dan is cut', () => !dan.open, 5000);
  await page.locator('.words', { hasText: 'was ended' }).waitFor();
  await root.row('eve').getByText('Kick').click();
  await until('eve is cut', () => !eve.open, 5000);
  await root.row('fay').getByText('Ban…').click();
  await page.locator('dialog select').selectOption('desk');
  await page.locator('dialog [name=for]').fill('nonsense');
  await page.locator('dialog .button.bad').click();
  await page.locator('dialog .failed').waitFor();
  await page.locator('dialog [name=for]').fill('10m');
  await page.locator('dialog .button.bad').click();
  await page.locator('.words', { hasText: 'is banned' }).waitFor();
  await until('fay is told', () => !fay.open, 5000);
  assert.equal((await server.get('rooms/desk/messages', as('fay'))).status, 403);
  assert.equal((await server.get('rooms/lobby/messages', as('fay'))).status, 200);
  await root.row('gus').getByText('Revoke…').click();
  await page.locator('dialog .button.bad').click();
  assert.equal(await byeOf(gus, 5000), 'revoked');
  for (const words of [/disconnect/, /kick eve/, /ban fay in desk/, /revoke.* gus/]) await page.locator('.audit li', { hasText: words }).first().waitFor();
  await picture(page, 'admin', { fullPage: true });
  root.clean();
});

test('does it warn of what is wrong, and come back by itself?', async () => {
  const root = await admin(), { page } = root;
  await server.redisCli('config', 'set', 'appendonly', 'no');
  await page.locator('.warning', { hasText: 'appendonly yes' }).waitFor();
  await server.redisCli('config', 'set', 'appendonly', 'yes');
  await page.locator('.warning').waitFor({ state: 'detached' });
  await server.daemon.stop();
  await page.locator('.state.bad').waitFor();
  await server.startDaemon();
  await page.locator('.state.good').waitFor({ timeout: 40000 });
  root.clean();
});

test('is it free of what axe finds, light and dark, wide and narrow?', async () => {
  const stream = await listen('hal');
  for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark', viewport: { width: 390, height: 844 } }]) {
    const root = await admin(options);
    await root.row('hal').waitFor();
    await accessible(root, `the admin page, ${options.colorScheme}`);
    assert.ok(await root.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it is as wide as the screen');
    await picture(root.page, `admin-${options.colorScheme}`, { fullPage: true });
    root.clean();
  }
  stream.close();
});
