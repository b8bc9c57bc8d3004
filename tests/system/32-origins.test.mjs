// Does a cookie sign in our own pages, and nobody else's?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, curl, forFile, inAnHour, jwt, tokenOf } from './harness.mjs';

const APP = 'https://app.example.org';
const e = await forFile({ conf: { anonymous: 'lobby=r', cors_origins: APP } });

const FORM = 'application/x-www-form-urlencoded';
const form = (fields) => new URLSearchParams(fields).toString();
const call = (what, fields, headers = {}) => e.post(`auth/${what}`, form(fields), { 'content-type': FORM, ...headers });
const cookieOf = (answer) => answer.headers['set-cookie'][0].split(';')[0];
const attributes = (answer) => answer.headers['set-cookie'][0].split('; ').slice(1);
const own = { origin: e.origin };
const send = (headers, body = 'content=x', type = FORM) => e.post('rooms/lobby/messages', body, { 'content-type': type, ...headers });
const guest = async () => ({ cookie: cookieOf(await call('guest', { cookie: 'true' })) });

test('is the cookie for this site, hidden from scripts, and the token nowhere else?', async () => {
  const made = await call('register', { user: 'ann', password: 'long enough', cookie: 'true' });
  const entered = await call('login', { user: 'ann', password: 'long enough', cookie: 'true' }, own);
  const changed = await call('password', { password: 'long enough', new: 'longer still' }, { cookie: cookieOf(entered), ...own });
  // iat is in whole seconds, and renewed only where it is not revoked.
  const renewed = await call('renew', {}, { cookie: cookieOf(changed), ...own });
  for (const answer of [made, entered, changed, renewed]) {
    assert.ok([200, 201].includes(answer.status), answer.text);
    assert.equal(answer.json().token, undefined);
    assert.equal(answer.json().userId, 'ann');
    assert.match(cookieOf(answer), /^earshot=[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.deepEqual(attributes(answer), ['Path=/chat/v1', 'Max-Age=43200', 'HttpOnly', 'SameSite=Lax']);
    assert.equal(answer.headers['cache-control'], 'no-store');
  }
  assert.equal((await e.get('auth/me', { cookie: cookieOf(entered) })).status, 401);
  const me = (await e.get('auth/me', { cookie: cookieOf(renewed) })).json();
  assert.equal(me.userId, 'ann');
  assert.match(me.csrf, /^[0-9a-f]{64}$/);
  const left = await call('logout', {}, { cookie: cookieOf(renewed), ...own });
  assert.equal(left.status, 204);
  assert.equal(left.headers['set-cookie'][0], 'earshot=; Path=/chat/v1; Max-Age=0; HttpOnly; SameSite=Lax');
  // With a cookie that is worth nothing one can come in again.
  const stale = { cookie: cookieOf(renewed) };
  assert.equal((await call('login', { user: 'ann', password: 'longer still', cookie: 'true' }, stale)).status, 200);
  assert.equal((await call('guest', { cookie: 'true' }, { cookie: 'earshot=nonsense' })).status, 201);
  // curl's jar takes it as a browser's does, and gives it back below that path only.
  const jar = `${e.dir}/jar`;
  await curl('-c', jar, '-d', 'cookie=true', `${e.base}/auth/guest`);
  assert.match((await curl('-b', jar, `${e.base}/auth/me`)).stdout.toString(), /"userId":"guest-/);
});

test('is it Secure over https, and its path / where none is told?', async () => {
  const { readFileSync } = await import('node:fs');
  const nginx = readFileSync(`${e.dir}/nginx-site.conf`, 'utf8');
  assert.ok(nginx.includes('SCRIPT_NAME') || nginx.includes('fastcgi_split_path_info'), 'nginx tells the path');
  const { status, headers } = await fastcgi({ HTTPS: 'on', SCRIPT_NAME: '' });
  assert.equal(status, 201);
  assert.match(headers, /Path=\/; .*; Secure\r\n/);
  assert.match((await fastcgi({ HTTPS: 'off', SCRIPT_NAME: '/x; Domain=evil' })).headers, /Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax\r\n/);
});

/** Asks for a guest's cookie by FastCGI itself, with these parameters more. */
async function fastcgi(more) {
  const { connect } = await import('node:net');
  const body = 'cookie=true';
  const params = { REQUEST_METHOD: 'POST', PATH_INFO: '/auth/guest', CONTENT_TYPE: FORM, CONTENT_LENGTH: String(body.length), ...more };
  const record = (type, data) => Buffer.concat([Buffer.from([1, type, 0, 1, data.length >> 8, data.length & 255, 0, 0]), data]);
  const pairs = Buffer.concat(Object.entries(params).flatMap(([k, v]) => [Buffer.from([k.length, v.length]), Buffer.from(k + v)]));
  const socket = connect(`${e.dir}/earshot.sock`);
  socket.write(Buffer.concat([record(1, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])), record(4, pairs), record(4, Buffer.alloc(0)), record(5, Buffer.from(body)), record(5, Buffer.alloc(0))]));
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('latin1');
  return { status: Number(text.match(/Status: (\d+)/)[1]), headers: text };
}

test('may a page of another site change anything by the cookie?', async () => {
  const cookie = await guest();
  const strange = [{ origin: 'https://evil.example' }, { origin: 'null' }, { origin: `${e.origin}.evil.example` }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { referer: `${e.origin}/chat/v1/` }, {}];
  const table = [['POST', 'rooms/lobby/messages'], ['PUT', 'rooms/lobby'], ['DELETE', 'rooms/lobby'], ['POST', 'auth/logout'], ['POST', 'auth/renew'], ['POST', 'auth/ticket'], ['POST', 'auth/password'], ['POST', 'rooms/lobby/typing'], ['PUT', 'rooms/lobby/read'], ['POST', 'admin/revoke']];
  for (const headers of strange) {
    for (const [method, path] of table) {
      const answer = await e.request(method, path, { body: method === 'DELETE' ? undefined : 'content=x', headers: { ...(method === 'DELETE' ? {} : { 'content-type': FORM }), ...cookie, ...headers } });
      assert.deepEqual([answer.status, answer.json().code], [403, 'origin_mismatch'], `${method} ${path} ${JSON.stringify(headers)}`);
    }
  }
  assert.equal((await e.get('rooms/lobby/messages', cookie)).json().events.length, 0);
  assert.equal((await e.get('auth/me', { ...cookie, origin: 'https://evil.example' })).headers['access-control-allow-origin'], undefined);
  for (const headers of [own, { origin: APP }, { 'sec-fetch-site': 'same-origin' }]) assert.equal((await send({ ...cookie, ...headers })).status, 201, JSON.stringify(headers));
  // A token in the header is no browser's doing.
  assert.equal((await send({ ...bearer(tokenOf('zoe')), origin: 'https://evil.example' })).status, 201);
});

test('does the form\'s field csrf stand in for the origin, of its own token alone?', async () => {
  const cookie = await guest();
  const csrf = (await e.get('auth/me', cookie)).json().csrf;
  const sent = await send(cookie, form({ csrf, content: 'from a form' }));
  assert.deepEqual([sent.status, sent.json().content], [201, 'from a form']);
  assert.equal((await call('ticket', { rooms: 'lobby', csrf }, cookie)).status, 201);
  assert.equal((await send(cookie, form({ text: 'no content', csrf }))).status, 400, 'it does not become a message itself');
  const others = (await e.get('auth/me', await guest())).json().csrf;
  assert.notEqual(others, csrf);
  for (const wrong of [others, '', csrf.slice(1), `${csrf}0`, csrf.toUpperCase(), `${csrf.slice(0, 63)}${csrf[63] === '0' ? '1' : '0'}`]) assert.equal((await send(cookie, form({ csrf: wrong, content: 'x' }))).status, 403, wrong);
  // Only the field of a form: JSON and the URL do not count.
  assert.equal((await send(cookie, JSON.stringify({ content: 'x', csrf }), 'application/json')).status, 403);
  assert.equal((await e.post(`rooms/lobby/messages?csrf=${csrf}`, 'content=x', { 'content-type': FORM, ...cookie })).status, 403);
  // A token without a jti has one by its user.
  const unnamed = { cookie: `earshot=${jwt({ sub: 'zoe', exp: inAnHour() })}` };
  const by = (await e.get('auth/me', unnamed)).json().csrf;
  assert.equal((await send(unnamed, form({ csrf: by, content: 'x' }))).status, 201);
  assert.equal((await e.get('auth/me', bearer(tokenOf('zoe')))).json().csrf, undefined);
});

test('may a page of another site sign somebody in?', async () => {
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null', 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
    for (const [what, fields] of [['guest', {}], ['login', { user: 'ann', password: 'longer still' }], ['register', { user: 'new', password: 'longer still' }]]) {
      const answer = await call(what, { ...fields, cookie: 'true' }, headers);
      assert.deepEqual([answer.status, answer.json().code, answer.headers['set-cookie']], [403, 'origin_mismatch', undefined], `${what} ${JSON.stringify(headers)}`);
    }
    assert.equal((await call('guest', {}, headers)).status, 201, 'a token in the reply is no cookie');
  }
  for (const headers of [{}, own, { origin: APP, 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'none' }]) assert.equal((await call('guest', { cookie: 'true' }, headers)).status, 201);
});

test('do other origins get what the configuration allows, and others nothing?', async () => {
  const preflight = (origin, method = 'POST', where = 'auth/login') => e.request('OPTIONS', where, { headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization, content-type, if-match, if-none-match, idempotency-key' } });
  const good = await preflight(APP);
  assert.equal(good.status, 204);
  assert.equal(good.headers['access-control-allow-origin'], APP);
  assert.equal(good.headers['access-control-allow-credentials'], 'true');
  assert.equal(good.headers.vary, 'Origin');
  assert.match(good.headers['access-control-allow-methods'], /\bPOST\b/);
  const allowed = good.headers['access-control-allow-headers'].toLowerCase().split(', ');
  for (const name of ['authorization', 'content-type', 'if-match', 'if-none-match', 'idempotency-key', 'last-event-id']) assert.ok(allowed.includes(name), name);
  assert.match((await preflight(APP, 'DELETE', 'admin/users/x')).headers['access-control-allow-methods'], /PUT.*DELETE|DELETE.*PUT/);
  for (const origin of ['https://evil.example', 'null', 'https://app.example.org.evil.example', 'http://app.example.org', 'https://app.example.org:444', 'HTTPS://APP.EXAMPLE.ORG']) {
    for (const answer of [await preflight(origin), await e.get('auth/me', { origin }), await call('login', {}, { origin })]) {
      assert.equal(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-')).length, 0, origin);
      assert.equal(answer.headers.vary, 'Origin');
    }
  }
  const failed = await call('login', { user: 'ann', password: 'no such one' }, { origin: APP });
  assert.deepEqual([failed.status, failed.headers['access-control-allow-origin']], [401, APP]);
  assert.match(failed.headers['access-control-expose-headers'], /Retry-After/);
});
