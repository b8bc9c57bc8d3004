// What does it look like? Makes the picture of the README; PICTURES=write puts it into docs/.

import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../system/harness.mjs';
import { as, form } from '../system/site.mjs';
import { person, picture, pictures, serve } from './browser.mjs';

const server = await serve();
const NAMES = { mara: 'Mara', tomas: 'Tomás', aiko: 'Aiko', yusuf: 'Yusuf', lena: 'Lena' };
const json = (user) => ({ 'content-type': 'application/json', ...as(user, { name: NAMES[user] }) });
const say = async (user, room, content, more = {}) => (await server.post(`rooms/${room}/messages`, JSON.stringify({ content, ...more }), json(user))).json();
const react = (user, room, { id }, emoji) => server.request('PUT', `rooms/${room}/messages/${id}/reactions/${encodeURIComponent(emoji)}`, { headers: as(user) });

test('the page, with a day of a small radio station in it', async () => {
  for (const [user, name] of Object.entries(NAMES)) await form(server, 'POST', 'auth/register', { user, name, password: 'correct horse' });
  for (const [room, topic] of [['studio', 'On air 6-24 · desk: ext. 12'], ['news', ''], ['technique', ''], ['music', '']]) {
    await server.request('PUT', `rooms/${room}`, { body: JSON.stringify({ topic }), headers: json('lena') });
  }
  await say('lena', 'technique', 'Transmitter two is back on full power');
  await say('aiko', 'music', 'New records are in the green box');
  for (const room of ['news', 'technique', 'music']) await say('mara', room, 'Thank you');
  await say('tomas', 'news', 'The bridge is open again, @mara');
  await say('tomas', 'news', 'Police confirm it for both lanes');
  await say('yusuf', '@mara,yusuf', 'Can you take my shift on Friday?');
  await say('tomas', 'studio', 'Good morning. The line to the harbour is up, sound check in *five minutes*.');
  const plan = await say('tomas', 'studio', 'Running order for today:\n```\n08:00  news\n08:10  harbour, live\n08:25  music\n```');
  await react('aiko', 'studio', plan, '👍');
  await react('lena', 'studio', plan, '👍');
  const ask = await say('aiko', 'studio', 'Who speaks to the captain? I have him from **08:05** on the phone.');
  await say('mara', 'studio', 'I do. Questions are at https://example.org/harbour', { replyTo: ask.id });
  await say('yusuf', 'studio', 'صباح الخير، الميكروفون جاهز');
  const done = await say('lena', 'studio', 'Levels are fine. `-18 dB` on both.');
  await react('mara', 'studio', done, '🎙️');
  await react('tomas', 'studio', done, '🎉');

  const streams = await Promise.all(['tomas', 'aiko', 'yusuf', 'lena'].map((user) => server.open('rooms/studio/events?as=sse', as(user, { name: NAMES[user] }))));
  const mara = await person({ viewport: { width: 1280, height: 820 }, timezoneId: 'UTC' }), { page } = mara;
  const { headers } = await form(server, 'POST', 'auth/login', { user: 'mara', password: 'correct horse', cookie: 'true' });
  const [name, value] = headers['set-cookie'][0].split(';')[0].split('=');
  await mara.context.addCookies([{ name, value, url: `${server.origin}/chat/v1` }]);
  await page.goto(`${server.page}#studio`);
  await page.locator('.people li').nth(4).waitFor();
  await page.locator('.badge.strong').waitFor();
  await server.post('rooms/studio/typing', '{"typing":true}', json('aiko'));
  await page.locator('.typing', { hasText: 'Aiko is writing' }).waitFor();
  await page.locator('.message', { hasText: 'Levels are fine' }).waitFor();
  await page.mouse.move(640, 30);
  await picture(page, 'page');
  if (process.env.PICTURES === 'write') fs.copyFileSync(path.join(pictures, 'page.png'), path.join(root, 'docs', 'page.png'));
  for (const stream of streams) stream.close();
  mara.clean();
});
