// Is the page's shell sound: its policy, what it loads ahead, its manifest, and that it opens without a network?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../system/harness.mjs';
import { person, serve } from './browser.mjs';

const server = await serve();

test('does the policy allow nothing but the page\'s own files?', async () => {
  const { headers } = await server.get(server.page);
  const policy = headers['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  const who = await person(), { page } = who;
  await page.goto(server.page);
  await page.evaluate(() => {
    const script = document.createElement('script'), button = document.createElement('button');
    script.append('globalThis.__ran = 1');
    try { button.setAttribute('onclick', 'globalThis.__ran = 2'); } catch { /* refused already */ }
    document.body.append(script, button);
    button.click();
  }).catch(() => {});
  assert.equal(await page.evaluate(() => globalThis.__ran), undefined);
  assert.match(await page.evaluate(() => { try { document.body.innerHTML = '<p>x'; return 'done'; } catch (error) { return error.message; } }), /TrustedHTML/);
});

test('is every module loaded ahead, from this server alone?', async () => {
  const who = await person(), { page } = who, asked = [];
  page.on('request', (request) => asked.push(request));
  await page.goto(server.page);
  await page.locator('.connection.good').waitFor({ state: 'attached' });
  assert.deepEqual(asked.map((request) => request.url()).filter((url) => !url.startsWith(server.origin)), []);
  const modules = new Set(asked.map((request) => new URL(request.url()).pathname).filter((file) => file.endsWith('.js') && !/\/(sw|page|first)\.js$/.test(file)).map((file) => file.slice('/chat/'.length)));
  const ahead = await page.evaluate(() => [...document.querySelectorAll('link[rel=modulepreload]')].map((link) => link.getAttribute('href')));
  // What is loaded ahead and never used the browser says itself.
  assert.deepEqual([...modules].sort(), ahead.sort());
  who.clean();
});

test('does it open without a network, with nothing of the API kept?', async () => {
  const who = await person(), { page } = who;
  await server.send('lobby', 'said before');
  await page.goto(server.page);
  await page.locator('.message', { hasText: 'said before' }).waitFor();
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0, 'a visitor gets a worker');
  // As it is opened where it was installed.
  await page.addInitScript(() => {
    const ask = globalThis.matchMedia;
    globalThis.matchMedia = (query) => (query === '(display-mode: standalone)' ? { matches: true } : ask.call(globalThis, query));
  });
  await page.goto(server.page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.locator('.message', { hasText: 'said before' }).waitFor();
  let kept = [];
  await until('its files are kept', async () => {
    kept = await page.evaluate(async () => (await (await caches.open('earshot-shell')).keys()).map(({ url }) => url));
    return kept.some((url) => url === server.page) && kept.some((url) => url.endsWith('/page/page.js')) && kept.length > 30;
  });
  assert.deepEqual(kept.filter((url) => url.includes('/v1/')), []);
  await who.context.setOffline(true);
  await page.reload();
  await page.locator('.connection.bad', { hasText: /Offline|Trying again/ }).waitFor();
  await who.context.setOffline(false);
  await page.locator('.message', { hasText: 'said before' }).waitFor();
  const manifest = await (await server.get(`${server.page}manifest.webmanifest`)).json();
  assert.equal(manifest.display, 'standalone');
  for (const { src } of manifest.icons) assert.equal((await server.get(server.page + src)).status, 200);
});

test('is there a way in without JavaScript?', async () => {
  const who = await person({ javaScriptEnabled: false }), { page } = who;
  await page.goto(server.page);
  const link = page.locator('.no-script a');
  await link.waitFor();
  assert.equal((await page.goto(new URL(await link.getAttribute('href'), server.page).href)).status(), 200);
});
