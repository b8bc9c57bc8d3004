// Can people make accounts, come in, be renewed and be sent away, whatever daemon they ask?

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Earshot, base64url, bearer, forFile, inAnHour, jwt, tokenOf, until } from './harness.mjs';

const e = await forFile({ conf: { members: '*=rw' } });
/** Another daemon on the same Redis. */
const other = await Earshot.start({ redisUrl: () => `unix://${e.dir}/redis.sock` });
after(() => other.stop());

const admin = () => bearer(tokenOf('root', { role: 'admin' }));
const form = (fields) => new URLSearchParams(fields).toString();
const call = (what, fields = {}, headers = {}, at = e) => at.post(`auth/${what}`, form(fields), { 'content-type': 'application/x-www-form-urlencoded', ...headers });
const asJson = (what, value, headers = {}, at = e) => at.post(`auth/${what}`, typeof value === 'string' ? value : JSON.stringify(value), { 'content-type': 'application/json', ...headers });
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const me = async (token, at = e) => (await at.get('auth/me', token ? bearer(token) : {}));
const fails = (answer, status, code) => assert.deepEqual([answer.status, answer.json().code], [status, code], answer.text);
const works = async (token, at = e) => (await at.get('rooms/lobby/messages', bearer(token))).status;

async function account(user, more = {}) {
  const answer = await call('register', { user, password: `the password of ${user}`, ...more });
  assert.equal(answer.status, 201, answer.text);
  return answer.json();
}

test('does registering, in a form or as JSON, give a token that both daemons take?', async () => {
  const answer = await call('register', { user: 'ada', password: 'correct horse', name: ' Ada   Lovelace ' });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers['set-cookie'], undefined);
  const { token, userId, name, expires } = answer.json();
  assert.deepEqual([userId, name], ['ada', 'Ada Lovelace']);
  assert.ok(Math.abs(Date.parse(expires) - Date.now() - 12 * 3600e3) < 5000);
  assert.equal(claims(token).ns, 'main');
  for (const at of [e, other]) {
    const told = (await me(token, at)).json();
    assert.deepEqual([told.userId, told.name, told.role, told.guest, told.rooms, told.expires], ['ada', 'Ada Lovelace', null, false, { '*': 'rw' }, expires]);
    assert.equal(told.csrf, undefined);
  }
  const json = await asJson('register', { user: 'bea', password: 'correct horse' });
  assert.deepEqual([json.status, json.json().name], [201, 'bea']);
  const hash = await e.redisCli('hget', 'earshot:main:user:ada', 'hash');
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test('is what is taken, in other letters too, refused, and what is malformed?', async () => {
  await account('carl', { name: 'Carl the Great' });
  fails(await call('register', { user: 'carl', password: 'another one' }), 409, 'user_taken');
  fails(await call('register', { user: 'carl2', password: 'another one', name: 'CARL  the great' }), 409, 'name_taken');
  fails(await call('guest', { name: ' carl THE great' }, {}, other), 409, 'name_taken');
  for (const user of ['', 'me', 'a b', '../x', 'x'.repeat(65), 'guest-abc', 'Guest-1', 'é']) fails(await call('register', { user, password: 'long enough' }), 400, 'user_id_invalid');
  fails(await call('register', { password: 'long enough' }), 400, 'user_id_invalid');
  for (const password of ['', 'short', 'x'.repeat(1025)]) fails(await call('register', { user: 'd', password }), 400, 'password_invalid');
  fails(await call('register', { user: 'd' }), 400, 'password_invalid');
  for (const name of ['', '   ', 'x'.repeat(65), 'a\nb', 'a\u202eb', 'a\u200bb', '\ufeff', 'a\u0007', '\u00a0\u3000']) fails(await call('register', { user: 'd', password: 'long enough', name }), 400, 'name_invalid');
  fails(await call('register', { user: 'd', password: 'long enough', color: 'red' }), 400, 'member_unknown');
  fails(await e.post('auth/register?password=in+the+url', form({ user: 'd' }), { 'content-type': 'application/x-www-form-urlencoded' }), 400, 'password_in_url');
  fails(await asJson('register', '{"user":"d","password":'), 400, 'json_invalid');
  assert.equal((await asJson('register', '{"user":"d","password":"with\\u0000nul"}')).status, 400);
  assert.equal((await asJson('register', '{"user":["d"],"password":"long enough"}')).status, 400);
  fails(await e.post('auth/register', 'x', { 'content-type': 'text/plain' }), 415, 'content_type_unsupported');
  assert.equal((await e.redisCli('exists', 'earshot:main:user:d')).trim(), '0');
  // The race of two who want the same: one gets it.
  const both = await Promise.all([e, other].map((at) => call('register', { user: 'race', password: 'long enough' }, {}, at)));
  assert.deepEqual(both.map((a) => a.status).sort(), [201, 409]);
});

test('is a path that only looks like one of these no reason to fall over?', async () => {
  for (const [path, status] of [['', 405], ['auth', 404], ['auth/', 404], ['auth/login/', 404], ['login', 404], ['auth/me', 405], ['a/b/c/d/e/f/g/h/i/j', 404]]) {
    assert.equal((await e.request('POST', path, { body: '' })).status, status, path);
    assert.equal((await e.request('POST', `${path}?ticket=x`, { body: '' })).status, status, path);
  }
  for (const path of ['auth/login', 'auth/renew', 'admin/users/x']) {
    const answer = await e.request('GET', path, { headers: admin() });
    assert.equal(answer.status, 405);
    assert.match(answer.headers.allow, /POST|PUT/);
  }
});

test('do hostile names stay text, wherever they are shown?', async () => {
  const name = '<script>"\\ \u{1f600}';
  const { token } = await account('mallory', { name });
  assert.equal((await me(token)).json().name, name);
  const sent = await e.send('lobby', 'hello', bearer(token));
  assert.equal(sent.name, name);
  const users = (await e.get('admin/users?limit=1000', admin())).json().users;
  assert.equal(users.find((u) => u.userId === 'mallory').name, name);
});

test('does a login work with the right password only, and take as long without an account?', async () => {
  await account('dora');
  const right = await call('login', { user: 'dora', password: 'the password of dora' }, {}, other);
  assert.equal(right.status, 200);
  assert.equal(await works(right.json().token), 200);
  fails(await call('login', { user: 'dora', password: 'the password of dorA' }), 401, 'login_failed');
  fails(await call('login', { user: 'nobody', password: 'the password of dora' }), 401, 'login_failed');
  fails(await call('login', { user: 'dora' }), 400, 'password_invalid');
  fails(await call('login', { user: 'dora', password: 'x'.repeat(1025) }), 400, 'password_invalid');
  fails(await call('login', { password: 'x' }), 400, 'user_id_invalid');
  assert.equal((await call('login', { user: 'dora', password: 'short' })).status, 401);
  const time = async (user) => {
    const times = [];
    for (let i = 0; i < 5; i++) {
      const start = process.hrtime.bigint();
      assert.equal((await call('login', { user, password: 'no such password' })).status, 401);
      times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    return times.sort((a, b) => a - b)[2];
  };
  const [known, unknown] = [await time('dora'), await time('nobody')];
  assert.ok(unknown > known / 2 && unknown < known * 2, `${known} ms with an account, ${unknown} ms without`);
});

test('does a guest get a name of his own, made up or wanted, as long as his token lives?', async () => {
  const first = await call('guest', { name: 'Visitor' });
  assert.equal(first.status, 201);
  const { token, userId } = first.json();
  assert.match(userId, /^guest-[a-z2-7]{10}$/);
  assert.equal(claims(token).role, 'guest');
  fails(await call('guest', { name: 'visitor' }, {}, other), 409, 'name_taken');
  fails(await call('register', { user: 'v', password: 'long enough', name: 'VISITOR' }), 409, 'name_taken');
  const made = (await e.post('auth/guest')).json();
  assert.match(made.name, /^Guest-\d{4}$/);
  const left = Number(await e.redisCli('pttl', 'earshot:main:name:visitor'));
  assert.ok(left > 43100e3 && left <= 43200e3, left);
  // Renewed, the name stays; when he leaves, it is free.
  await e.redisCli('pexpire', 'earshot:main:name:visitor', '1000');
  const renewed = await call('renew', {}, bearer(token), other);
  assert.deepEqual([renewed.status, renewed.json().name, claims(renewed.json().token).role], [200, 'Visitor', 'guest']);
  assert.ok(Number(await e.redisCli('pttl', 'earshot:main:name:visitor')) > 43100e3);
  assert.equal((await call('logout', {}, bearer(renewed.json().token))).status, 204);
  assert.equal((await call('guest', { name: 'visitor' })).status, 201);
});

test('does renewing keep who one is, and refuse what is revoked?', async () => {
  const old = jwt({ sub: 'erin', name: 'Erin', exp: inAnHour(), jti: 'erin 1', iat: Math.floor(Date.now() / 1000), rooms: { lobby: 'r', 'team-*': 'rwm' } });
  const { token } = (await call('renew', {}, bearer(old))).json();
  const told = (await me(token)).json();
  assert.deepEqual([told.userId, told.name, told.rooms], ['erin', 'Erin', { lobby: 'r', 'team-*': 'rwm' }]);
  assert.equal(claims(token).jti, 'erin 1', 'what revokes the one revokes the other');
  assert.ok(Math.abs(claims(token).exp - claims(old).exp) <= 5, 'it lives as long as that did, and not longer');
  assert.equal(await works(old), 200);
  const none = jwt({ sub: 'erin', exp: inAnHour(), rooms: {} });
  assert.deepEqual((await me((await call('renew', {}, bearer(none))).json().token)).json().rooms, {});
  const root = (await call('renew', {}, admin())).json();
  assert.equal((await me(root.token)).json().role, 'admin');
  assert.equal((await call('logout', {}, bearer(token))).status, 204);
  fails(await call('renew', {}, bearer(token), other), 401, 'token_revoked');
  assert.equal(await works(old), 401);
  assert.equal((await call('renew')).status, 401);
});

test('are renewals, revocations and kicks published, in the form that hubs read?', async () => {
  const { spawn } = await import('node:child_process');
  const child = spawn('redis-cli', ['-s', `${e.dir}/redis.sock`, 'subscribe', 'earshot:main:control']);
  let out = '';
  child.stdout.on('data', (chunk) => { out += chunk; });
  await until('subscribed', () => out.includes('subscribe'));
  const { token } = await account('pub');
  const renewed = (await call('renew', {}, bearer(token))).json();
  const now = claims(renewed.token);
  assert.equal((await call('logout', {}, bearer(token))).status, 204);
  await e.post('admin/revoke', 'user=pub', { ...admin(), 'content-type': 'application/x-www-form-urlencoded' });
  await e.post('admin/kick', 'user=pub', { ...admin(), 'content-type': 'application/x-www-form-urlencoded' });
  await until('kick', () => out.includes('kick pub'));
  child.kill();
  const lines = out.split('\n');
  assert.ok(lines.includes(`renew ${claims(token).jti} ${now.jti} ${now.exp * 1000} ${now.iat}`), out);
  assert.ok(lines.includes(`revoke token ${claims(token).jti}`), out);
  assert.ok(lines.some((l) => /^revoke user pub \d{10}$/.test(l)), out);
});

test('does a new password end all that the old one opened, and nothing that comes after?', async () => {
  const { token } = await account('frank');
  fails(await call('password', { password: 'wrong', new: 'a better password' }, bearer(token)), 403, 'password_wrong');
  fails(await call('password', { password: 'the password of frank', new: 'short' }, bearer(token)), 400, 'password_invalid');
  assert.equal((await call('password', { password: 'a', new: 'a better password' })).status, 401);
  let last = token;
  // More than once a second: each time the token before is gone, and the new one is good.
  for (const [from, to] of [['the password of frank', 'another password'], ['another password', 'a third password'], ['a third password', 'a fourth password']]) {
    const changed = await call('password', { password: from, new: to }, bearer(last));
    assert.equal(changed.status, 200, changed.text);
    assert.equal(await works(last, other), 401);
    last = changed.json().token;
    assert.equal(await works(last, other), 200);
  }
  fails(await call('login', { user: 'frank', password: 'the password of frank' }), 401, 'login_failed');
  const again = await call('login', { user: 'frank', password: 'a fourth password' });
  assert.equal(await works(again.json().token), 200);
});

test('does logging out take back one token, or all, and say where it cannot?', async () => {
  await account('gina');
  const login = async () => (await call('login', { user: 'gina', password: 'the password of gina' })).json().token;
  const [one, two] = [await login(), await login()];
  assert.equal((await call('logout', {}, bearer(one), other)).status, 204);
  assert.deepEqual([await works(one), await works(two)], [401, 200]);
  fails(await call('logout', {}, bearer(one)), 401, 'token_revoked');
  const unnamed = tokenOf('gina');
  fails(await call('logout', {}, bearer(unnamed)), 409, 'token_unnamed');
  assert.equal((await e.post('auth/logout?all=true', '', bearer(two))).status, 204);
  assert.deepEqual([await works(two), await works(unnamed)], [401, 401]);
  assert.equal(await works(await login()), 200);
  assert.equal((await call('logout')).status, 401);
});

test('does an old hash get new parameters when its owner comes in?', async () => {
  await account('hugo');
  const old = '$argon2id$v=19$m=8192,t=1,p=1$k7bSfoVUV4j/QZv1wUptRg$mG0q8ZHA5rkp1OT0o6PCcato79zhzMsEvVlYKcuteF0';
  const hash = async () => (await e.redisCli('hget', 'earshot:main:user:hugo', 'hash')).trim();
  await e.redisCli('hset', 'earshot:main:user:hugo', 'hash', old);
  assert.equal((await call('login', { user: 'hugo', password: 'another one' })).status, 401);
  assert.equal(await hash(), old);
  for (let i = 0; i < 2; i++) {
    assert.equal((await call('login', { user: 'hugo', password: 'the password of hugo' })).status, 200);
    assert.match(await hash(), /m=19456,t=2/);
  }
});

test('does a ticket let in once, to its rooms only, and to receives only?', async () => {
  const ada = bearer(tokenOf('ada2', { rooms: { lobby: 'rw', ops: 'r' } }));
  await e.send('lobby', 'ticketed', bearer(tokenOf('x')));
  const ticket = async (fields = { rooms: 'lobby,ops' }, headers = ada) => {
    const answer = await call('ticket', fields, headers);
    assert.equal(answer.status, 201, answer.text);
    return answer.json().ticket;
  };
  const one = await ticket();
  const first = await other.get(`events?ticket=${one}&as=json&since=all`);
  assert.equal(first.status, 200, first.text);
  assert.ok(first.json().events.some((event) => event.content === 'ticketed' && event.room === 'lobby'));
  fails(await e.get(`events?ticket=${one}&as=json&since=all`), 401, 'ticket_invalid');
  assert.equal((await e.get(`rooms/lobby/events?ticket=${await ticket()}&as=json&since=all`)).status, 200);
  assert.equal((await e.get(`rooms/elsewhere/events?ticket=${await ticket()}&as=json&since=all`)).status, 403);
  assert.equal((await e.get(`events?room=lobby&room=elsewhere&ticket=${await ticket()}&as=json`)).status, 403);
  const json = await asJson('ticket', { rooms: ['@ada2,bob', '@me'] }, ada);
  assert.equal(json.status, 201, json.text);
  assert.equal((await e.get(`rooms/@me/events?ticket=${json.json().ticket}&as=json&wait=0`)).status, 200);
  // Nothing but receives: the ticket is not even looked at.
  const unused = await ticket();
  assert.equal((await e.get(`admin/stats?ticket=${unused}`)).status, 401);
  assert.equal((await e.get(`auth/me?ticket=${unused}`)).json().userId, null);
  assert.equal((await e.get(`events?ticket=${unused}&as=json&wait=0`)).status, 200);
  for (const bad of ['', 'x', '0'.repeat(32), 'ff\r\nSET', one.toUpperCase()]) fails(await e.get(`events?ticket=${encodeURIComponent(bad)}`), 401, 'ticket_invalid');
  // Ten at once: one gets in.
  const shared = await ticket();
  const all = await Promise.all(Array.from({ length: 10 }, (_, i) => [e, other][i % 2].get(`rooms/lobby/events?ticket=${shared}&as=json&since=all`)));
  assert.equal(all.filter((a) => a.status === 200).length, 1);
  // Its own end, and that of the token behind it.
  const late = await ticket();
  assert.ok(Number(await e.redisCli('pttl', `earshot:main:ticket:${late}`)) > 29000);
  await e.redisCli('pexpire', `earshot:main:ticket:${late}`, '1');
  await until('gone', async () => (await e.get(`events?ticket=${late}`)).status === 401);
  const { token } = (await call('guest')).json();
  const revoked = await ticket({ rooms: 'lobby' }, bearer(token));
  await call('logout', {}, bearer(token));
  fails(await e.get(`events?ticket=${revoked}`), 401, 'token_revoked');
  fails(await call('ticket', {}, ada), 400, 'rooms_missing');
  fails(await call('ticket', { rooms: 'secret' }, ada), 403, 'right_missing');
  fails(await call('ticket', { rooms: 'a b' }, ada), 400, 'room_name_invalid');
  assert.equal((await asJson('ticket', { rooms: [1] }, ada)).status, 400);
  assert.equal((await asJson('ticket', { rooms: 'lobby', more: 1 }, ada)).status, 400);
  assert.equal((await call('ticket', { rooms: 'lobby' })).status, 401);
});

test('do admins, and nobody else, make, change, list and remove accounts?', async () => {
  const put = (user, fields, headers = admin()) => e.request('PUT', `admin/users/${user}`, { body: form(fields), headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } });
  assert.equal((await put('ivan', {})).status, 404);
  assert.equal((await put('ivan', { password: 'long enough', name: 'Ivan' })).status, 201);
  const login = async (password = 'long enough') => (await call('login', { user: 'ivan', password }, {}, other));
  const { token } = (await login()).json();
  assert.equal((await put('ivan', { name: 'Ivan IV' })).status, 204);
  assert.equal(await works(token), 200, 'a name alone takes nothing back');
  fails(await call('guest', { name: 'ivan' }), 409, 'name_taken');
  fails(await put('jane', { password: 'long enough', name: 'IVAN iv' }), 409, 'name_taken');
  assert.equal((await put('ivan', { role: 'admin' })).status, 204);
  assert.equal(await works(token), 401, 'a role does');
  const root = (await login()).json().token;
  assert.equal((await me(root)).json().role, 'admin');
  assert.equal((await e.get('admin/users', bearer(root))).status, 200);
  assert.equal((await put('ivan', { role: 'none', password: 'another one' })).status, 204);
  assert.equal((await e.get('admin/users', bearer(root))).status, 401);
  assert.equal((await login()).status, 401);
  const plain = (await login('another one')).json().token;
  for (const [method, path] of [['GET', 'admin/users'], ['PUT', 'admin/users/x'], ['DELETE', 'admin/users/x'], ['POST', 'admin/revoke'], ['POST', 'admin/kick'], ['GET', 'admin/audit'], ['GET', 'admin/stats']]) {
    assert.equal((await e.request(method, path, { headers: bearer(plain) })).status, 403, path);
    assert.equal((await e.request(method, path)).status, 401, path);
  }
  assert.equal((await e.request('DELETE', 'admin/users/ivan', { headers: admin() })).status, 204);
  assert.equal((await e.request('DELETE', 'admin/users/ivan', { headers: admin() })).status, 404);
  assert.equal(await works(plain, other), 401);
  assert.equal((await login('another one')).status, 401);
  assert.equal((await call('guest', { name: 'Ivan IV' })).status, 201);
  for (const bad of [{ role: 'king' }, { password: 'short' }, { name: '\u202e' }]) assert.equal((await put('ivan', bad)).status, 400);
  assert.equal((await put('me', { password: 'long enough' })).status, 400);
  // Pages.
  const seen = [];
  for (let after = ''; after !== null;) {
    const page = (await e.get(`admin/users?limit=3${after && `&after=${after}`}`, admin())).json();
    seen.push(...page.users.map((u) => u.userId));
    after = page.next;
  }
  assert.equal(new Set(seen).size, seen.length);
  assert.deepEqual(seen, (await e.redisCli('zrange', 'earshot:main:users', '0', '-1')).trim().split('\n'));
  const audit = (await e.get('admin/audit?limit=200', admin())).json().events;
  for (const action of ['user', 'user removed', 'password', 'logout', 'revoke', 'kick']) assert.ok(audit.some((a) => a.action === action), action);
});

test('is a revoked token refused by every call there is, on every daemon?', async () => {
  const now = Math.floor(Date.now() / 1000);
  const byUser = jwt({ sub: 'judy', exp: inAnHour(), iat: now, role: 'admin' });
  const byToken = jwt({ sub: 'kim', exp: inAnHour(), iat: now, role: 'admin', jti: 'kim: a token' });
  for (const token of [byUser, byToken]) assert.equal(await works(token, other), 200);
  const revoke = (fields) => e.post('admin/revoke', form(fields), { ...admin(), 'content-type': 'application/x-www-form-urlencoded' });
  assert.equal((await revoke({ user: 'judy' })).status, 204);
  assert.equal((await revoke({ token: 'kim: a token', until: '2h' })).status, 204);
  for (const bad of [{}, { user: 'a', token: 'b' }, { user: 'a b' }, { token: 'a\nb' }, { token: 'x'.repeat(129) }, { token: '' }, { token: 'x', until: 'soon' }]) assert.equal((await revoke(bad)).status, 400, form(bad));
  const ended = Number(await e.redisCli('zscore', 'earshot:main:revoked', 'kim: a token')) - Date.now();
  assert.ok(Math.abs(ended - 7200e3) < 5000, ended);

  const { readFileSync } = await import('node:fs');
  const { root } = await import('./harness.mjs');
  const table = readFileSync(`${root}/src/gate/route.c`, 'utf8');
  const routes = [...table.matchAll(/\{METHOD_(\w+), "([^"]*)", \w+, (true|false), \w+,\s+ROUTE_\w+\}/g)].map((m) => ({ method: m[1], path: m[2] }));
  assert.ok(routes.length > 40);
  const open = ['', 'livez', 'readyz', 'health', 'openapi.json', 'page.css', 'auth/guest', 'auth/register', 'auth/login']; // ask for nobody's sake
  const hub = ['events', 'rooms/?/events', 'admin/audit/events']; // a hub answers these
  const bodies = { 'rooms/?/messages': 'content=x', 'rooms/?/messages/?': 'content=x', 'users/?/messages': 'content=x', 'admin/revoke': 'user=x', 'admin/kick': 'user=x', 'auth/ticket': 'rooms=lobby', 'auth/logout': 'all=true', 'auth/password': 'password=long+enough&new=long+enough2', 'rooms/?/signals': 'to=x&content=x', 'rooms/?/typing': 'typing=true', 'admin/users/?': 'password=long+enough' };
  const away = { 'x-forwarded-for': '203.0.113.9' }; // metrics are for the machine itself, without a token
  const { id } = await e.send('lobby', 'x');
  for (const { method, path } of routes) {
    if (open.includes(path)) continue;
    const named = path.replace('rooms/?', 'rooms/lobby').replace('messages/?', `messages/${id}`).replace('?', 'someone');
    const body = method === 'GET' || method === 'DELETE' ? undefined : (bodies[path] ?? '');
    for (const [token, at] of [[byUser, e], [byToken, other]]) {
      if (hub.includes(path)) {
        const query = path === 'events' ? 'events?room=lobby' : named;
        for (const how of ['HEAD', 'GET']) assert.equal((await at.request(how, query, { headers: bearer(token) })).status, 401, `${how} ${path}`);
        continue;
      }
      const answer = await at.request(method, named, { body, headers: { ...bearer(token), ...away, ...(body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) } });
      assert.deepEqual([answer.status, answer.json().code], [401, 'token_revoked'], `${method} ${named}: ${answer.text.slice(0, 300)}`);
    }
  }
});

test('are guests and registration off where the site says so, and tokens of no secret refused?', async () => {
  e.conf.guests = 'off';
  e.conf.registration = 'off';
  e.writeConf();
  e.daemon.signal('SIGHUP');
  await until('guests are off', async () => (await call('guest')).status === 403);
  fails(await call('guest'), 403, 'guests_off');
  await until('registration is off', async () => (await call('register', { user: 'z', password: 'long enough' })).status === 403);
  assert.equal((await call('login', { user: 'dora', password: 'the password of dora' })).status, 200);
});
