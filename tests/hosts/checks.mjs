// checks.mjs - what must hold behind every web server, each check by real requests. Each returns what the table says, or throws.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import { bearer, children, slow, sleep, tokenOf, until, within } from '../system/harness.mjs';
import { FORMS, read } from './readers.mjs';
import { startServer } from './servers.mjs';

export const HEARTBEAT_MS = 500;
const FLUSH_MS = 100;
const EVENTS = 7;

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const spent = (ms) => (ms < 995 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
const all = (what) => Promise.all(FORMS.map(what));
const perForm = (values) => Object.fromEntries(FORMS.map((form, i) => [form, values[i]]));
const listening = (e, room, count) => until(`${count} listen to ${room}`, async () => await e.listeners(room) === count);

/** Does each event come at once? From the answer to its send until it is here; the median of some, a late one is the machine's. */
export async function flush(e) {
  const readers = FORMS.map((form) => read(e, form, 'flush'));
  await listening(e, 'flush', FORMS.length);
  const late = FORMS.map(() => []);
  for (let i = 0; i < EVENTS; i++) {
    await e.send('flush', `message ${i}`);
    const sent = performance.now();
    for (const [f, reader] of readers.entries()) late[f].push(Math.max(0, await reader.arrival(`message ${i}`) - sent));
    await sleep(60);
  }
  for (const reader of readers) reader.cut();
  FORMS.forEach((form, f) => assert.ok(median(late[f]) <= FLUSH_MS * slow, `${form}: events came ${late[f].map(spent)} after they were sent`));
  return perForm(late.map((ms) => spent(median(ms))));
}

/** Is it noticed that a reader left? The log says when. At once where the web server tells; else when something is written to it, which for
 * text is the next event and for a long-poll its end. */
export async function gone(e, { atOnce }) {
  return perForm(await all(async (form) => {
    const room = `gone-${form}`, wait = 1;
    const reader = read(e, form, room, { wait });
    await listening(e, room, 1);
    const began = performance.now();
    reader.cut();
    // The first write after that still succeeds: only its answer tells that nobody is there.
    const most = atOnce ? 500 : form === 'json' ? wait * 1000 + 2000 : 2 * HEARTBEAT_MS + 1500;
    await until(`${form}: the reader's leaving is noticed`, async () => {
      if (form === 'text' && !atOnce) await e.send(room, 'is anybody here?');
      return new RegExp(`request=${room} ended `).test(e.daemonLog() + e.web.text());
    }, most);
    return spent(performance.now() - began);
  }));
}

/** Who comes back with a cursor gets all that came meanwhile, once and in order. */
export async function resume(e) {
  return perForm(await all(async (form) => {
    const room = `resume-${form}`, sent = [];
    const send = async (count) => {
      for (let i = 0; i < count; i++) {
        sent.push(`message ${sent.length}`);
        await e.send(room, sent.at(-1));
      }
    };
    await send(3);
    const first = read(e, form, room, { since: 'all' });
    await first.arrival('message 2');
    await send(2);
    await first.arrival('message 4');
    first.cut();
    const before = first.got.length;
    await send(3);
    const second = read(e, form, room, { since: first.cursor });
    await second.arrival('message 7');
    await send(1);
    await second.arrival('message 8');
    second.cut();
    assert.deepEqual([...first.got.slice(0, before), ...second.got].map((one) => one.content), sent, form);
    return 'once';
  }));
}

/** The largest message arrives unchanged, and a larger one is refused by us and not by the web server. */
export async function post(e) {
  const text = `${'Ελληνικά — 漢字 🎈 '.repeat(400)}`;
  let largest = Buffer.from(text).subarray(0, 8192).toString().replace(/\ufffd+$/, '');
  largest += 'x'.repeat(8192 - Buffer.byteLength(largest));
  const { id } = await e.send('post', largest);
  assert.equal((await e.get(`rooms/post/messages/${id}`)).json().content, largest);
  const pieces = await fetch(`${e.base}/rooms/post/messages`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: new Blob(['in pieces']).stream(), duplex: 'half' });
  assert.equal((await pieces.json()).content, 'in pieces', 'a body whose length is not told');
  const refused = await e.post('rooms/post/messages', `${largest}x`, { 'content-type': 'text/plain' });
  assert.equal(refused.status, 413, refused.text);
  assert.equal(refused.json().code, 'content_too_long');
  const huge = await e.post('rooms/post/messages', 'x'.repeat((1 << 20) + 1), { 'content-type': 'text/plain' }).catch(() => ({ status: 413 }));
  assert.equal(huge.status, 413, 'more than a megabyte');
  return 'whole';
}

/** Our errors pass as they are, and so does what stands in a path. */
export async function errors(e) {
  const problem = async (status, code, answer) => {
    assert.equal(answer.status, status, `${code}: ${answer.text}`);
    assert.equal(answer.headers['content-type'], 'application/problem+json', code);
    assert.equal(answer.json().code, code, answer.text);
    return answer;
  };
  await problem(404, 'path_unknown', await e.get('nothing/here'));
  await problem(400, 'room_name_invalid', await e.get('rooms/a%20b/messages'));
  assert.equal((await e.get('rooms/a%0Ab/messages')).status, 400, 'a line feed, which some refuse themselves');
  await problem(400, 'room_name_invalid', await e.get('rooms/a%2541/messages'));
  assert.match((await problem(405, 'method_not_allowed', await e.request('DELETE', 'livez'))).headers.allow, /GET/);
  assert.ok((await problem(401, 'token_invalid', await e.get('auth/me', bearer('a.b.c')))).headers['www-authenticate']);
  const { id } = await e.send('errors', 'to react to');
  const react = await e.request('PUT', `rooms/errors/messages/${id}/reactions/${encodeURIComponent('👍')}`, { headers: bearer(tokenOf('alice', { rooms: { '*': 'rw' } })) });
  assert.ok(react.status < 300, `${react.status} ${react.text}`);
  const head = await e.request('HEAD', 'livez');
  assert.equal(`${head.status} ${head.text}`, '200 ');
  return 'ours';
}

/** The token and the cookie arrive. */
export async function authorization(e) {
  const me = await e.get('auth/me', bearer(tokenOf('alice')));
  assert.equal(me.json().userId, 'alice', me.text);
  const guest = await e.post('auth/guest', 'cookie=true', { origin: e.origin, 'content-type': 'application/x-www-form-urlencoded' });
  const cookie = guest.headers['set-cookie']?.[0];
  assert.match(cookie ?? '', new RegExp(`Path=${new URL(e.base).pathname.replace(/^\/$/, '/')}; `), guest.text);
  assert.equal((await e.get('auth/me', { cookie: cookie.split(';')[0] })).status, 200);
  return 'passes';
}

/** The page is there with its policy, and its types; the configuration is not. */
export async function page(e) {
  const index = await e.get(`${e.origin}/chat/`);
  assert.equal(index.status, 200);
  assert.match(index.headers['content-security-policy'], /^default-src 'none'; script-src 'self'.* trusted-types lit-html earshot$/);
  for (const [name, value] of [['x-content-type-options', 'nosniff'], ['referrer-policy', 'no-referrer'], ['cache-control', 'no-cache'], ['access-control-allow-origin', '*']]) assert.equal(index.headers[name], value, name);
  for (const [file, type] of [['', 'text/html; charset=utf-8'], ['earshot.js', 'text/javascript; charset=utf-8'], ['page/page.css', 'text/css; charset=utf-8'], ['icon.svg', 'image/svg+xml'], ['manifest.webmanifest', 'application/manifest+json']]) {
    const answer = await e.get(`${e.origin}/chat/${file}`);
    assert.equal(answer.status, 200, file);
    assert.equal(answer.headers['content-type'].toLowerCase().replace(/(svg\+xml|manifest\+json); charset=utf-8/, '$1'), type, file);
  }
  assert.equal((await e.get(`${e.origin}/chat/`, { 'if-none-match': index.headers.etag })).status, 304);
  for (const file of ['.htearshot.conf', '.htaccess', 'nothing']) assert.ok([403, 404].includes((await e.get(`${e.origin}/chat/${file}`)).status), file);
  return 'yes';
}

/** Mounted elsewhere, is all of it there, and do links and cookies say so? */
export async function mount(e, name, at) {
  await e.web.stop();
  await startServer(e, name, { mount: at });
  await e.ready();
  const room = at === '/' ? 'root' : 'deep';
  const answer = await e.post(`rooms/${room}/messages`, 'message 0', { 'content-type': 'text/plain' });
  assert.equal(answer.status, 201, answer.text);
  const link = new URL(answer.headers.location, `${e.base}/rooms/${room}/messages`);
  assert.equal((await e.get(link.href)).json().content, 'message 0', link.href);
  const readers = FORMS.map((form) => read(e, form, room, { since: 'all' }));
  for (const reader of readers) await reader.arrival('message 0');
  for (const reader of readers) reader.cut();
  await authorization(e);
  assert.equal((await e.get('nothing')).json().code, 'path_unknown');
  return 'yes';
}

/** The daemon at once, and its workers, which end after it. */
async function killDaemon(e) {
  const workers = children(e.daemon.pid);
  await e.daemon.stop('SIGKILL');
  await until('its workers have ended', () => workers.every((pid) => !fs.existsSync(`/proc/${pid}`)), 5000);
}

/** While the daemon is away: an EventSource is told to come back, others get an error that they can read. */
export async function down(e, { direct }) {
  if (direct) await e.redis.stop('SIGKILL');
  else await killDaemon(e);
  const stream = await e.open('rooms/down/events', { accept: 'text/event-stream' });
  assert.equal(stream.status, 200);
  assert.match(stream.headers['content-type'], /^text\/event-stream/);
  const [first] = await within(5000, 'an EventSource is told when to come back', once(stream.res, 'data'));
  assert.match(first.toString(), /^retry: \d{3,5}\n/);
  stream.close();
  const other = await e.get('rooms/down/messages', { accept: 'application/json' });
  assert.equal(other.status, 503, other.text);
  assert.equal(other.headers['content-type'], 'application/problem+json');
  assert.ok(other.headers['retry-after'], 'Retry-After');
  const json = other.json();
  if (direct) await e.startRedis();
  else await e.startDaemon();
  await until('it answers again', async () => (await e.get('readyz')).status === 200, 5000);
  return json.status === 503 ? 'told' : 'told, without its number';
}
