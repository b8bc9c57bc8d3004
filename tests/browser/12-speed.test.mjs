// Is it quick: small, the first message at once, and ten thousand of them without a stutter?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { root } from '../system/harness.mjs';
import { person, serve, slow } from './browser.mjs';

const server = await serve({ history_max: '20000' });

/** Where others are at work on this machine, a page has only its share of it. */
const busy = () => Math.max(1, os.loadavg()[0] / os.cpus().length);

test('are the page\'s own code and style under 60 KiB, compressed?', async () => {
  const who = await person(), { page } = who, files = new Set();
  page.on('request', (request) => files.add(new URL(request.url()).pathname));
  await page.goto(server.page);
  await page.locator('.connection.good').waitFor({ state: 'attached' });
  const own = [...files].filter((file) => file.startsWith('/chat/') && !file.startsWith('/chat/v1/') && !file.startsWith('/chat/vendor/') && !file.endsWith('.svg'));
  assert.ok(own.some((file) => file.endsWith('/page.js')), 'the page was asked for');
  const sizes = own.map((file) => [file, gzipSync(fs.readFileSync(path.join(root, 'www', file.slice('/chat/'.length) || 'index.html'))).length]);
  const all = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`# ${own.length} files, ${(all / 1024).toFixed(1)} KiB compressed`);
  assert.ok(all < 60 * 1024, JSON.stringify(sizes));
});

const watch = () => {
  globalThis.__at = {};
  new PerformanceObserver((list) => { globalThis.__at.painted ??= list.getEntries()[0].renderTime; }).observe({ type: 'element', buffered: true });
  new MutationObserver((_, observer) => {
    const texts = document.querySelectorAll('.message .text:not([elementtiming]), .message .text p:not([elementtiming])');
    texts.forEach((text) => text.setAttribute('elementtiming', 'message')); // the browser then says when it painted it
    if (texts.length > 0) globalThis.__at.first ??= performance.now();
    if (!document.querySelector('#chat .message')) return;
    observer.disconnect();
    globalThis.__at.all = performance.now();
  }).observe(document, { childList: true, subtree: true });
};

/**
 * Visits of a browser that was never there before the first of them: of each, in ms from its start, when the first message
 * was in the document, when it was painted, when all was as it stays; and which files were asked for when.
 */
async function visits(count) {
  const { page, context } = await person(), all = [];
  await page.addInitScript(watch);
  await page.waitForTimeout(1000); // a new browser is busy with itself
  for (let i = 0; i < count; i++) {
    await page.goto('about:blank');
    await page.goto(`${server.page}#lobby`);
    await page.waitForFunction(() => globalThis.__at.all && globalThis.__at.painted);
    all.push(await page.evaluate(() => ({ ...globalThis.__at,
      files: performance.getEntriesByType('resource').map(({ name, startTime }) => [new URL(name).pathname.slice('/chat/'.length), startTime]) })));
    await page.waitForTimeout(300);
  }
  await context.close();
  return all;
}

const BEFORE = ['view/theme.css', 'view/chat.css', 'page/page.css', 'page/first.js', 'v1/rooms/lobby/messages', 'v1/auth/me'];
const GIVES_WAY_MS = 200; // page/first.js: then the rest comes all the same

test('is the first message shown under 300 ms, also where one never was before?', async () => {
  for (let i = 0; i < 60; i++) await server.send('lobby', `message ${i} with **some** words`);
  const never = [], again = [];
  for (let i = 0; i < 6; i++) {
    const [first, ...others] = await visits(3);
    never.push(first);
    again.push(...others);
  }
  for (const [what, all] of [['never there before', never], ['there again', again]]) {
    const of = (when) => all.map((one) => Math.round(one[when])).sort((a, b) => a - b);
    const [first, painted, whole] = ['first', 'painted', 'all'].map(of);
    console.log(`# ${what}: the first message in the document ${first.join(', ')} ms; painted ${painted.join(', ')}; all as it stays ${whole.join(', ')}`);
    assert.ok(painted[0] < 300 * slow * busy(), `${what}: painted ${painted}, on a machine that is busy ${busy().toFixed(1)} times over`);
  }
  // And however busy it is: nothing is in the way of the messages.
  for (const { files, first } of [...never, ...again]) {
    const asked = files.find(([file]) => file === 'v1/rooms/lobby/messages')[1];
    const early = files.filter(([file, at]) => at < Math.min(first, asked + GIVES_WAY_MS) && !/\.(svg|webmanifest)$/.test(file)).map(([file]) => file);
    assert.deepEqual(early.sort(), [...BEFORE].sort());
  }
});

test('do 10,000 messages scroll, from the newest to the first, with a bounded document?', async () => {
  const lines = Array.from({ length: 10000 }, (_, i) => JSON.stringify({ content: `line ${i}${i % 7 ? '' : ' with **more** words, and some that go on so long that they need a second line to be shown in the place there is for them'}` }));
  for (let at = 0; at < lines.length; at += 250) {
    const { status, text } = await server.post('rooms/huge/messages', lines.slice(at, at + 250).join('\n'), { 'content-type': 'application/x-ndjson' });
    assert.ok(status < 300, text.slice(0, 200));
  }
  const who = await person(), { page } = who;
  await page.goto(`${server.page}#huge`);
  await page.locator('#chat .message', { hasText: 'line 9999' }).waitFor();
  const found = await page.evaluate(async () => {
    const log = document.querySelector('#chat .log'), frame = () => new Promise(requestAnimationFrame);
    const room = globalThis.earshot.room('huge');
    let rows = 0, frames = [], last = performance.now();
    while (room.state.more || log.scrollTop > 0) {
      log.scrollTop -= 400;
      await frame();
      const now = performance.now();
      frames.push(now - last);
      last = now;
      rows = Math.max(rows, document.querySelectorAll('#chat .row').length);
      if (frames.length > 20000) break;
    }
    frames.sort((a, b) => a - b);
    return { rows, count: frames.length, messages: room.state.messages.length, first: document.querySelector('#chat .row .text').textContent, median: frames[frames.length >> 1], p99: frames[Math.floor(frames.length * 0.99)], most: frames.at(-1) };
  });
  console.log(`# ${found.count} frames: median ${found.median.toFixed(1)}, p99 ${found.p99.toFixed(1)}, longest ${found.most.toFixed(0)} ms; at most ${found.rows} rows`);
  assert.equal(found.messages, 10000);
  assert.match(found.first, /^line 0/);
  assert.ok(found.rows <= 200, `${found.rows} rows`);
  assert.ok(found.p99 < 100 * slow * busy(), 'it stutters');
  who.clean();
});
