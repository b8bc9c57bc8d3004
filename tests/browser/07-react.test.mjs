// Do the hooks join and leave with their components, and show what the room is, in real React?

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { buildSync } from 'esbuild';
import { root, until } from '../system/harness.mjs';
import { as } from '../system/site.mjs';
import { person, serve, tokenOf } from './browser.mjs';
import { block } from './readme.mjs';

const server = await serve();

/** A page with this program in it, for which the library is the package `earshot`. */
async function show(who, program) {
  const { outputFiles } = buildSync({
    stdin: { contents: program, loader: 'jsx', resolveDir: path.join(root, 'tests') },
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"' },
    alias: { earshot: path.join(root, 'www/earshot.js'), 'earshot/react': path.join(root, 'www/earshot-react.js') },
    nodePaths: [path.join(root, 'tests/node_modules')],
  });
  const page = who.page.url() === 'about:blank' ? who.page : await who.tab();
  await page.route('**/react.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><meta charset="utf-8"><title>react</title><div id="root"></div><script type="module" src="react.js"></script>' }));
  await page.route('**/react.js', (route) => route.fulfill({ contentType: 'text/javascript; charset=utf-8', body: outputFiles[0].text }));
  await page.goto(`${server.page}react.html`);
  return page;
}

const program = (token) => `
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Earshot } from 'earshot';
import { EarshotProvider, useChat, useConnection, useMe } from 'earshot/react';

const earshot = globalThis.earshot = new Earshot({ url: 'v1', token: ${JSON.stringify(token)} });
globalThis.renders = 0;

function Chat({ name }) {
  const chat = useChat(name);
  globalThis.chat = chat;
  globalThis.renders++;
  return <section>
    <p id="state">{chat.state} {chat.presence.map(({ userId }) => userId).join()}</p>
    <p id="typing">{chat.typing.map(({ userId }) => userId).join()}</p>
    <ul>{chat.messages.map((one) => <li key={one.key} className={one.state}>{one.content}</li>)}</ul>
  </section>;
}
function Other() { return <b id="other">{useChat('one', { earshot }).messages.length}</b>; }
function Status() { return <i id="me">{useMe()?.userId ?? '-'} {useConnection().state}</i>; }
function App() {
  const [rooms, set] = useState(['one']);
  globalThis.setRooms = set;
  return <><Status />{rooms.map((name, i) => (name === 'other' ? <Other key={i} /> : <Chat key={i} name={name} />))}</>;
}
const tree = createRoot(document.getElementById('root'));
tree.render(<StrictMode><EarshotProvider earshot={earshot}><App /></EarshotProvider></StrictMode>);
globalThis.unmount = () => tree.unmount();
`;

test('useChat in StrictMode: does it show, send, change rooms, and leave with its component?', async () => {
  const who = await person();
  const page = await show(who, program(tokenOf('anna')));
  await page.waitForFunction(() => /live.*anna/.test(document.getElementById('state')?.textContent));
  await until('one stream is open', async () => await server.listeners('one') === 1);
  await server.send('one', 'hello', as('bert'));
  await page.waitForSelector('li.sent:text("hello")');
  // The functions are the same from one render to the next.
  const send = await page.evaluateHandle(() => globalThis.chat.send);
  await page.evaluate(() => { globalThis.chat.send('mine'); });
  await page.waitForSelector('li.sent:text("mine")');
  assert.ok(await page.evaluate((before) => before === globalThis.chat.send, send));
  assert.deepEqual(await page.locator('li').allTextContents(), ['hello', 'mine']);

  await server.request('POST', 'rooms/one/typing', { headers: { ...as('bert'), 'content-type': 'application/json' }, body: '{"typing":true}' });
  await page.waitForFunction(() => document.getElementById('typing').textContent === 'bert');

  await page.evaluate(() => globalThis.setRooms(['two']));
  await until('the one is left, the other joined', async () => await server.listeners('one') === 0 && await server.listeners('two') === 1);
  await server.send('two', 'in two', as('bert'));
  await page.waitForSelector('li:text("in two")');
  assert.deepEqual(await page.locator('li').allTextContents(), ['in two']);

  // Two components of one room, one of them goes: the room stays joined.
  await page.evaluate(() => globalThis.setRooms(['one', 'other']));
  await page.waitForFunction(() => document.getElementById('other')?.textContent === '2');
  await page.evaluate(() => globalThis.setRooms(['other']));
  await server.send('one', 'still', as('bert'));
  await page.waitForFunction(() => document.getElementById('other')?.textContent === '3');

  await page.evaluate(() => globalThis.unmount());
  await until('nothing is followed', async () => await server.listeners('one') === 0);
  assert.equal(await page.evaluate(() => globalThis.earshot.joined.length), 0);
  who.clean();
  await who.context.close();
});

test('a hundred messages at once: are there few renders?', async () => {
  const who = await person();
  const page = await show(who, program(tokenOf('anna')));
  await page.waitForFunction(() => /live/.test(document.getElementById('state')?.textContent));
  const before = await page.evaluate(() => globalThis.renders);
  await server.request('POST', 'rooms/one/messages', { headers: { ...as('bert'), 'content-type': 'application/x-ndjson' }, body: Array.from({ length: 100 }, (_, i) => JSON.stringify({ content: `m${i}` })).join('\n') });
  await page.waitForSelector('li:text("m99")');
  assert.ok(await page.evaluate(() => globalThis.renders) - before < 60);
  who.clean();
  await who.context.close();
});

test('somebody else signs in: does the component go on in the room of that one?', async () => {
  const who = await person();
  const page = await show(who, program(''));
  await page.waitForFunction(() => /- live/.test(document.getElementById('me')?.textContent));
  await page.evaluate(() => globalThis.earshot.guest('Gustav'));
  await page.waitForFunction(() => /guest-\w+ live/.test(document.getElementById('me')?.textContent));
  await page.evaluate(() => { globalThis.chat.send('as a guest'); });
  await page.waitForSelector('li.sent:text("as a guest")');
  assert.deepEqual(await who.context.cookies(), []);
  who.clean();
  await who.context.close();
});

test('the README\'s component: does it work as it stands?', async () => {
  const who = await person();
  const page = await show(who, `import { createRoot } from 'react-dom/client';\n${block('jsx')[0]}\ncreateRoot(document.getElementById('root')).render(<App />);`);
  await page.waitForSelector('p:text("live")');
  await page.fill('input', 'typed');
  await page.press('input', 'Enter');
  await page.waitForSelector('li.sent:text("typed")');
  who.clean();
  await who.context.close();
});
