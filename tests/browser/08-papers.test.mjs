// Is the library what its papers say: its types, its README's examples, its size?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { root, run } from '../system/harness.mjs';
import { person, serve } from './browser.mjs';
import { block } from './readme.mjs';

const www = path.join(root, 'www');
const files = ['earshot.js', ...fs.readdirSync(path.join(www, 'client')).map((file) => `client/${file}`)];

test('size: is the whole library, minified, less than 14 KiB when it is compressed, and no file of it long?', () => {
  const { outputFiles: [{ contents }] } = buildSync({ entryPoints: [path.join(www, 'earshot.js')], bundle: true, minify: true, format: 'esm', write: false });
  const size = gzipSync(contents, { level: 9 }).length;
  assert.ok(size < 14 * 1024, `${size} bytes`);
  for (const file of files) assert.ok(fs.readFileSync(path.join(www, file), 'utf8').split('\n').length <= 400, file);
});

test('is each file of the library needed, and does it need nothing else?', () => {
  const { metafile } = buildSync({ entryPoints: [path.join(www, 'earshot.js')], bundle: true, write: false, format: 'esm', metafile: true, absWorkingDir: www });
  assert.deepEqual(Object.keys(metafile.inputs).sort(), [...files].sort());
});

test('types: does a program that uses all of it pass tsc, and one that uses it wrongly not?', async () => {
  const tsc = path.join(root, 'tests/node_modules/typescript/bin/tsc');
  const { code, stdout } = await run(process.execPath, [tsc, '-p', path.join(root, 'tests/browser/types')], { timeout: 60000 });
  assert.equal(code, 0, stdout.toString());
});

test('types: is each member that they name there?', async () => {
  const text = fs.readFileSync(path.join(www, 'earshot.d.ts'), 'utf8');
  const typed = (name) => [...new RegExp(`(?:class|interface) ${name} \\{([\\s\\S]*?)^\\}`, 'm').exec(text)[1].matchAll(/^  (?:readonly )?(\w+)[?(:]/gm)].map(([, member]) => member);
  globalThis.location ??= { href: 'http://127.0.0.1:9/' };
  const { Earshot } = await import(path.join(www, 'earshot.js'));
  const earshot = new Earshot({ share: false, storage: null, fetch: () => new Promise(() => {}) });
  for (const member of new Set(typed('Earshot'))) if (member !== 'constructor') assert.ok(member in earshot, member);
  for (const member of new Set(typed('Room'))) assert.ok(member in earshot.room('x'), member);
  earshot.close();
});

test('README: does the page of five minutes work as it stands, and each example behind it?', async () => {
  const server = await serve(), who = await person();
  const [html] = block('html');
  await who.page.route('**/five.html', (route) => route.fulfill({ contentType: 'text/html', body: html.replace('const earshot =', 'const earshot = globalThis.earshot =').replace('const room =', 'const room = globalThis.room =') }));
  await who.page.goto(`${server.page}five.html`);
  await who.page.waitForFunction(() => globalThis.room?.state.loaded);
  await server.send('lobby', 'from elsewhere');
  await who.page.waitForSelector('li:text("anonymous: from elsewhere")');
  await who.page.fill('#text', 'from here');
  await who.page.click('button');
  await who.page.waitForFunction(() => [...document.querySelectorAll('li')].at(-1)?.textContent === 'anonymous: from here');
  const examples = block('js');
  assert.equal(examples.length, 3);
  for (const code of examples) {
    await who.page.evaluate((text) => new (async () => {}).constructor('earshot', 'room', text)(globalThis.earshot, globalThis.room), code);
  }
  await who.page.waitForFunction(() => globalThis.earshot.room('lobby').state.messages.filter(({ state }) => state === 'sent').length >= 4);
  who.clean();
  await who.context.close();
});

test('README: is every block run, or plainly marked?', () => {
  const marks = [...fs.readFileSync(path.join(www, 'README.md'), 'utf8').matchAll(/^```(.+)$/gm)].map(([, about]) => about);
  assert.deepEqual(marks.filter((about) => !['html', 'js', 'jsx', 'html not-run'].includes(about)), []);
});
