// Is everyone let in who may, and nobody else?

import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { SECRET, base64url, bearer, build, forFile, inAnHour, jwt, run, tokenOf, within } from './harness.mjs';

const keys = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot-test-'));
after(() => fs.rmSync(keys, { recursive: true }));
const keyFile = (name, text) => {
  const file = path.join(keys, name);
  fs.writeFileSync(file, text, { mode: 0o600 });
  return file;
};
const SECRET_512 = 'another secret of the tests, which has no less than sixty-four bytes in it';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pem = (pair) => pair.publicKey.export({ type: 'spki', format: 'pem' });

const e = await forFile({
  conf: {
    anonymous: 'lobby=rw,news-*=r',
    members: 'lobby=rw,team-*=rw',
    cors_origins: 'https://chat.example.org',
    jwt_key: [
      `rsa RS256 ${keyFile('rsa.pem', pem(rsa))}`,
      `ec ES256 ${keyFile('ec.pem', pem(ec))}`,
      `h512 HS512 ${keyFile('h512', SECRET_512)}`,
    ],
  },
});

const now = () => Math.floor(Date.now() / 1000);
const good = (more = {}) => ({ sub: 'alice', exp: inAnHour(), ...more });
const post = (room, token, headers = {}) => e.post(`rooms/${room}/messages`, 'x', { 'content-type': 'text/plain', ...(token === null ? {} : bearer(token)), ...headers });

function signed(header, claims, pair, options = {}) {
  const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${text}.${createSign('sha256').update(text).sign({ key: pair.privateKey, ...options }).toString('base64url')}`;
}

test('has anonymous the rights that the configuration gives, and no others?', async () => {
  assert.equal((await post('lobby', null)).status, 201);
  assert.equal((await post('news-1', null)).status, 401);
  assert.equal((await e.get('rooms/news-1/messages')).status, 200);
  const other = await e.get('rooms/other/messages');
  assert.equal(other.status, 401);
  assert.match(other.headers['www-authenticate'], /^Bearer/);
  assert.match(other.headers['content-type'], /^application\/problem\+json/);
  assert.equal((await e.get('rooms/other/events')).status, 401);
  assert.equal((await e.get('events?room=lobby&room=other')).status, 401);
});

test('does the shipped default give anonymous nothing?', async () => {
  const { stdout } = await run(path.join(build, 'earshotd'), ['--print-config'], { env: { EARSHOT_CONFIG: undefined } });
  assert.match(stdout.toString(), /^anonymous\s*=\s*$/m);
});

test('is a token without rooms a member, one with rooms as it says, an admin everything?', async () => {
  assert.equal((await post('team-a', jwt(good()))).status, 201);
  assert.equal((await post('other', jwt(good()))).status, 403);
  const rooms = jwt(good({ rooms: { ops: 'rw', 'read-*': 'r' } }));
  assert.equal((await post('ops', rooms)).status, 201);
  assert.equal((await post('team-a', rooms)).status, 403);
  assert.equal((await post('read-1', rooms)).status, 403);
  assert.equal((await e.get('rooms/read-1/messages', bearer(rooms))).status, 200);
  assert.equal((await post('anything', jwt(good({ role: 'admin' })))).status, 201);
});

test('are conversations for those whom they name, and an inbox for its owner?', async () => {
  const [alice, bob, eve] = ['alice', 'bob', 'eve'].map((user) => tokenOf(user));
  assert.equal((await post('@bob,alice', alice)).status, 201);
  const page = await e.get('rooms/@alice,bob/messages', bearer(bob));
  assert.equal(page.status, 200);
  assert.equal(page.json().events.length, 1);
  assert.equal((await e.get('rooms/@alice,bob/messages', bearer(eve))).status, 403);
  assert.equal((await e.get('rooms/@alice,bob/messages')).status, 401);
  assert.equal((await e.get('rooms/@me/messages', bearer(bob))).status, 200);
  assert.equal((await e.get('rooms/@bob/messages', bearer(alice))).status, 403);
  assert.equal((await e.get('rooms/@me/messages')).status, 401);
  const admin = await e.get('rooms/@alice,bob/messages', bearer(jwt(good({ sub: 'root', rooms: { '*': 'rwm' } }))));
  assert.equal(admin.status, 403, 'a pattern does not match the rooms of others');
});

test('do RS256, ES256 and HS512 keys verify by their kid?', async () => {
  const rs = signed({ alg: 'RS256', kid: 'rsa', typ: 'JWT' }, good(), rsa);
  const es = signed({ alg: 'ES256', kid: 'ec', typ: 'JWT' }, good(), ec, { dsaEncoding: 'ieee-p1363' });
  const hs = jwt(good(), { header: { alg: 'HS512', kid: 'h512' }, secret: SECRET_512, hash: 'sha512' });
  for (const [name, token] of Object.entries({ rs, es, hs })) assert.equal((await post('team-a', token)).status, 201, name);
});

test('does earshot token mint one that is taken?', async () => {
  const { code, stdout, stderr } = await run(path.join(build, 'earshot'), ['token', '--config', `${e.dir}/earshot.conf`, '--user', 'carol', '--name', 'Carol', '--rooms', 'minted=rw', '--ttl', '1h']);
  assert.equal(code, 0, stderr);
  const token = stdout.toString().trim();
  const answer = await post('minted', token);
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual([answer.json().userId, answer.json().name], ['carol', 'Carol']);
  assert.equal((await post('other', token)).status, 403);
});

test('does a cookie count, and only from a page of the same origin?', async () => {
  const cookie = { cookie: `earshot=${tokenOf('alice')}` };
  assert.equal((await e.get('rooms/team-a/messages', cookie)).status, 200);
  const bare = await post('team-a', null, cookie);
  assert.equal(bare.status, 403, 'no Origin, no CSRF field');
  assert.equal((await post('team-a', null, { ...cookie, origin: 'https://evil.example' })).status, 403);
  assert.equal((await post('team-a', null, { ...cookie, origin: e.origin })).status, 201);
  assert.equal((await post('team-a', null, { ...cookie, origin: 'https://chat.example.org' })).status, 201);
});

test('are other origins told what CORS says, strangers nothing?', async () => {
  const known = await e.get('rooms/lobby/messages', { origin: 'https://chat.example.org' });
  assert.equal(known.headers['access-control-allow-origin'], 'https://chat.example.org');
  assert.match(known.headers.vary, /Origin/i);
  assert.match(known.headers['access-control-expose-headers'], /ETag/i);
  const stranger = await e.get('rooms/lobby/messages', { origin: 'https://evil.example' });
  assert.equal(stranger.headers['access-control-allow-origin'], undefined);
  assert.match(stranger.headers.vary, /Origin/i);
  const preflight = await e.request('OPTIONS', 'rooms/lobby/messages', { headers: { origin: 'https://chat.example.org', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type,idempotency-key' } });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers['access-control-allow-methods'], /POST/);
  for (const name of ['authorization', 'content-type', 'idempotency-key']) assert.ok(preflight.headers['access-control-allow-headers'].toLowerCase().includes(name), name);
  const stream = await e.open('rooms/lobby/events?as=sse', { origin: 'https://chat.example.org' });
  assert.equal(stream.headers['access-control-allow-origin'], 'https://chat.example.org');
  stream.close();
});

test('is a stream ended within a second when its token expires, with bye, and then 401?', async () => {
  const token = jwt(good({ exp: now() + 3 }));
  const stream = await e.listen('rooms/team-a/events?as=sse', bearer(token));
  const bye = await stream.waitType('bye', 6000);
  assert.equal(bye.event.reason, 'expired');
  assert.ok(Date.now() / 1000 < now() + 3 + 2);
  await within(2000, 'the stream ends', stream.closed);
  assert.equal((await e.get('rooms/team-a/messages', bearer(token))).status, 401);
});

test('does a token of a namespace hold in that one only?', async () => {
  assert.equal((await post('team-a', jwt(good({ ns: 'main' })))).status, 201);
  assert.equal((await post('team-a', jwt(good({ ns: 'other' })))).status, 401);
});

// Every one of these must get a 401 with a reason, though the room is open to anonymous: who shows a
// token wants to be someone.
const BAD = {
  'is empty': '',
  'is no token': 'nonsense',
  'has two parts': 'e30.e30',
  'has four parts': `${jwt(good())}.e30`,
  'has spaces in it': `${jwt(good())} x`,
  'has another secret': jwt(good(), { secret: `${SECRET}!` }),
  'has no signature': jwt(good()).replace(/[^.]*$/, ''),
  'is cut short': jwt(good()).slice(0, -3),
  'has alg none': `${base64url('{"alg":"none","typ":"JWT"}')}.${base64url(JSON.stringify(good()))}.`,
  'has alg None': `${base64url('{"alg":"None","typ":"JWT"}')}.${base64url(JSON.stringify(good()))}.`,
  'has no alg': jwt(good(), { header: { alg: undefined } }),
  'has alg none and kid': jwt(good(), { header: { alg: 'none', kid: 'rsa' } }),
  'is HS256 signed with the public key of RS256': jwt(good(), { header: { kid: 'rsa' }, secret: pem(rsa) }),
  'is HS256 signed with the public key of ES256': jwt(good(), { header: { kid: 'ec' }, secret: pem(ec) }),
  'is HS512 under an HS256 key': jwt(good(), { header: { alg: 'HS512' }, hash: 'sha512' }),
  'is HS256 under an HS512 key': jwt(good(), { header: { kid: 'h512' }, secret: SECRET_512 }),
  'has an unknown kid': jwt(good(), { header: { kid: 'stranger' } }),
  'has a kid that is a path': jwt(good(), { header: { kid: '../../../dev/null' }, secret: '' }),
  'has a number for a kid': jwt(good(), { header: { kid: 1 } }),
  'has crit': jwt(good(), { header: { crit: ['exp'] } }),
  'has an unknown crit': jwt(good(), { header: { crit: ['http://example.org/x'], 'http://example.org/x': true } }),
  'has b64 false': jwt(good(), { header: { b64: false, crit: ['b64'] } }),
  'has no exp': jwt({ sub: 'alice' }),
  'has a string exp': jwt(good({ exp: String(inAnHour()) })),
  'has a fraction for exp': jwt(`{"sub":"alice","exp":${inAnHour()}.5}`),
  'has exp null': jwt(good({ exp: null })),
  'has an endless exp': jwt('{"sub":"alice","exp":1e400}'),
  'has a huge exp': jwt('{"sub":"alice","exp":99999999999999999999999999}'),
  'has expired': jwt(good({ exp: now() - 3600 })),
  'has exp 0': jwt(good({ exp: 0 })),
  'has a negative exp': jwt(good({ exp: -1 })),
  'is not yet valid': jwt(good({ nbf: now() + 3600 })),
  'has a string nbf': jwt(good({ nbf: 'yesterday' })),
  'has no sub': jwt({ exp: inAnHour() }),
  'has a number for sub': jwt(good({ sub: 5 })),
  'has a sub that is no user id': jwt(good({ sub: 'a/b' })),
  'has an empty sub': jwt(good({ sub: '' })),
  'has a sub of 65 characters': jwt(good({ sub: 'a'.repeat(65) })),
  'has a list for a payload': jwt('[]'),
  'has a list of claims for a payload': jwt(`[${JSON.stringify(good())}]`),
  'has null for a payload': jwt('null'),
  'has a payload that is no JSON': jwt('{"sub":'),
  'has two exps': jwt(`{"sub":"alice","exp":1,"exp":${inAnHour()}}`),
  'has two subs': jwt(`{"sub":"alice","sub":"bob","exp":${inAnHour()}}`),
  'has text behind the payload': jwt(`${JSON.stringify(good())}{}`),
  'has rooms that are a list': jwt(good({ rooms: ['lobby'] })),
  'has rooms of unknown rights': jwt(good({ rooms: { lobby: 'rwx' } })),
  'has rooms of no text': jwt(good({ rooms: { lobby: 7 } })),
  'has bad UTF-8 in the name': jwt(Buffer.from(`{"sub":"alice","exp":${inAnHour()},"name":"\xff"}`, 'latin1')),
  'has a NUL in the name': jwt(`{"sub":"alice","exp":${inAnHour()},"name":"a\\u0000b"}`),
  'has a lone surrogate in the name': jwt(`{"sub":"alice","exp":${inAnHour()},"name":"\\ud800"}`),
  'has a payload 2,000 deep': jwt(`{"exp":${inAnHour()},"sub":"alice","x":${'['.repeat(1400)}${']'.repeat(1400)}}`),
  'is over 4 KiB': jwt(good({ x: 'y'.repeat(4100) })),
};
for (const [what, token] of Object.entries(BAD)) {
  test(`is a token refused that ${what}?`, async () => {
    const answer = await post('lobby', token);
    assert.equal(answer.status, 401, `${answer.status} ${answer.text}`);
    assert.match(answer.headers['content-type'], /^application\/problem\+json/);
    assert.match(answer.headers['www-authenticate'], /^Bearer/);
    const problem = answer.json();
    assert.equal(problem.status, 401);
    assert.ok(problem.code && problem.detail, answer.text);
    assert.equal((await e.get('rooms/lobby/events?as=json&wait=0', bearer(token))).status, 401);
  });
}

test('is a token of 10 MB refused, and everyone else unaffected?', async () => {
  const token = jwt(good({ x: 'y'.repeat(7_500_000) }));
  const answer = await post('lobby', token).catch((error) => ({ status: 400, error }));
  assert.ok([400, 401, 413, 431].includes(answer.status), answer.status);
  assert.equal((await post('lobby', null)).status, 201);
});

test('are other schemes refused?', async () => {
  for (const authorization of ['Basic YTpi', 'Bearer', `bearer`, `Token ${jwt(good())}`]) {
    const answer = await e.get('rooms/lobby/messages', { authorization });
    assert.equal(answer.status, 401, authorization);
  }
  assert.equal((await e.get('rooms/lobby/messages', { authorization: `bearer ${jwt(good())}` })).status, 200, 'the scheme has no case');
});

test('does a token in the URL count for nothing?', async () => {
  const answer = await e.get(`rooms/team-a/messages?token=${jwt(good())}&access_token=${jwt(good())}`);
  assert.ok([400, 401].includes(answer.status));
});

test('does the log keep no token and no text?', () => {
  const log = e.daemonLog();
  assert.ok(!/eyJ[\w-]{10,}\./.test(log));
  assert.ok(!log.includes(SECRET));
});
