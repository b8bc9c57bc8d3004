// Is it quick: small, the first message at once, and ten thousand of them without a stutter?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { root } from '../system/harness.mjs';
import { person, serve, slow } from './browser.mjs';

const server = await serve({ history_max: '20000' });

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

/**
 * When the first message was in the document, and when all of it was as it stays, in ms from the start of the navigation,
 * for each of some visits of one browser.
 */
async function visits(options) {
  const { page, context } = await person(options), times = [];
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (document.querySelector('.message')) globalThis.__first ??= performance.now();
      if (!document.querySelector('#chat .message')) return;
      observer.disconnect();
      globalThis.__shown = performance.now();
    }).observe(document, { childList: true, subtree: true });
  });
  await page.waitForTimeout(1000); // a new browser is busy with itself
  for (let i = 0; i < 10; i++) {
    await page.goto('about:blank');
    await page.goto(`${server.page}#lobby`);
    await page.waitForFunction(() => globalThis.__shown);
    times.push(await page.evaluate(() => [Math.round(globalThis.__first), Math.round(globalThis.__shown)]));
    await page.waitForTimeout(500);
  }
  await context.close();
  const [first, ...again] = times;
  return { first, again: [0, 1].map((which) => again.map((pair) => pair[which]).sort((a, b) => a - b)) };
}

test('is the first message shown under 300 ms?', async () => {
  for (let i = 0; i < 60; i++) await server.send('lobby', `message ${i} with **some** words`);
  const plain = await visits({});
  const [text, all] = plain.again;
  console.log(`# first message in the document: ${plain.first[0]} ms in a browser that was never there, then ${text.join(', ')}; as it stays: ${plain.first[1]}, then ${all.join(', ')}`);
  // The best of them: others may be at work on this machine.
  assert.ok(text[0] < 300 * slow, JSON.stringify(plain));
});

test('do 10,000 messages scroll, from the newest to the first, with a bounded document?', async () => {
  const lines = Array.from({ length: 10000 }, (_, i) => JSON.stringify({ content: `line ${i}${i % 7 ? '' : ' with **more** words, and some that go on so long that they need a second line to be shown in the place there is for them'}` }));
  for (let at = 0; at < lines.length; at += 250) {
    const { status, text } = await server.post('rooms/huge/messages', lines.slice(at, at + 250).join('\n'), { 'content-type': 'application/x-ndjson' });
    assert.ok(status < 300, text.slice(0, 200));
  }
  const who = await person(), { page } = who;
  await page.goto(`${server.page}#huge`);
  await page.locator('.message', { hasText: 'line 9999' }).waitFor();
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
  assert.ok(found.p99 < 100 * slow, 'it stutters');
  who.clean();
});
