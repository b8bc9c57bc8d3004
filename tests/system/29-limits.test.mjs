// Is nobody too much for the others: in sends, by addresses, in logins?

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Earshot, bearer, forFile, tokenOf, until } from './harness.mjs';

const rates = { rate_send: '5/1h', rate_guest: '3/1h', rate_login: '4/1h' };
/** Behind a proxy that is trusted, with much to do at once. */
const e = await forFile({ conf: { ...rates, trusted_proxies: '127.0.0.1, unix:', gates: '8' } });
/** On the same Redis, trusting nobody. */
const other = await Earshot.start({ redisUrl: () => `unix://${e.dir}/redis.sock`, conf: rates });
after(() => other.stop());

const FORM = 'application/x-www-form-urlencoded';
const TEXT = { 'content-type': 'text/plain' };
const form = (fields) => new URLSearchParams(fields).toString();
const from = (address) => ({ 'x-forwarded-for': address });
const call = (what, fields, headers = {}, at = e) => at.post(`auth/${what}`, form(fields), { 'content-type': FORM, ...headers });
const say = (room, headers, at = e) => at.post(`rooms/${room}/messages`, 'x', { ...TEXT, ...headers });
const admin = () => bearer(tokenOf('root', { role: 'admin' }));
const several = async (count, ask) => {
  const statuses = [];
  for (let i = 0; i < count; i++) statuses.push((await ask(i)).status);
  return statuses;
};
const password = 'the right password';
const makeUser = (user) => e.request('PUT', `admin/users/${user}`, { body: form({ password }), headers: { 'content-type': FORM, ...admin() } });

test('may one user send so much into one room, and as much into another, on all daemons together?', async () => {
  const ann = bearer(tokenOf('ann'));
  const first = await say('a', ann);
  assert.equal(first.status, 201);
  assert.equal(first.headers['ratelimit-policy'], '"send";q=5;w=3600');
  assert.match(first.headers.ratelimit, /^"send";r=4;t=7(19|20)$/);
  assert.deepEqual(await several(4, (i) => say('a', ann, [e, other][i % 2])), [201, 201, 201, 201]);
  const refused = await say('a', ann, other);
  assert.deepEqual([refused.status, refused.json().code], [429, 'rate_limited']);
  const wait = Number(refused.headers['retry-after']);
  assert.ok(wait > 700 && wait <= 720, wait);
  assert.match(refused.headers.ratelimit, /^"send";r=0;t=7\d\d$/);
  assert.equal((await say('b', ann)).status, 201);
  assert.equal((await say('a', bearer(tokenOf('bob')))).status, 201);
  assert.deepEqual(await several(8, () => say('a', admin())), Array(8).fill(201), 'admins have no limit');
  // What is due again comes back: as if an hour had passed.
  await e.redisCli('set', 'earshot:{main/a}:rate:ann', '1 0');
  assert.equal((await say('a', ann)).status, 201);
});

test('are a batch\'s lines counted one by one, and what is tried again not?', async () => {
  const cat = bearer(tokenOf('cat'));
  const batch = Array.from({ length: 7 }, (_, i) => JSON.stringify({ content: `${i}` })).join('\n');
  const send = (key) => e.post('rooms/a/messages', `${batch}\n`, { 'content-type': 'application/x-ndjson', ...cat, ...(key ? { 'idempotency-key': key } : {}) });
  const answer = await send('once');
  assert.equal(answer.status, 207);
  const lines = answer.text.trim().split('\n').map((l) => JSON.parse(l));
  assert.deepEqual(lines.map((l) => l.code ?? 'stored'), [...Array(5).fill('stored'), 'rate_limited', 'rate_limited']);
  const again = await send('once');
  assert.equal(again.status, 207, 'those that were stored are told again');
  const all = await send();
  assert.equal(all.status, 429);
  assert.ok(Number(all.headers['retry-after']) > 0);
});

test('does who goes on all the same wait longer each time?', async () => {
  const dan = bearer(tokenOf('dan'));
  assert.deepEqual(await several(5, () => say('c', dan)), Array(5).fill(201));
  // As if he had come too early in so many seconds of this hour.
  const refuseAfter = async (strikes) => {
    await e.redisCli('set', 'earshot:{main/c}:rate:dan', `${Date.now() + 3600e3} ${strikes} ${Date.now() + 3600e3} ${Date.now() - 5000} ${Date.now() - 5000} ${Date.now() - 5000}`, 'px', '3600000');
    const answers = [await say('c', dan), await say('c', dan)];
    assert.deepEqual(answers.map((a) => a.status), [429, 429]);
    const [, now] = (await e.redisCli('get', 'earshot:{main/c}:rate:dan')).trim().split(' ');
    assert.equal(Number(now), strikes + 1, 'what comes too early within a second counts once');
    return Number(answers[1].headers['retry-after']) - 720;
  };
  for (const [strikes, wanted] of [[8, 0], [9, 60], [19, 120], [29, 240], [199, 60 * 1024]]) {
    const got = await refuseAfter(strikes);
    assert.ok(Math.abs(got - wanted) <= 2, `${got} s in place of ${wanted} s`);
  }
});

test('are changes to rooms limited too, in all rooms together, and direct messages to all people together?', async () => {
  const flo = bearer(tokenOf('flo'));
  const put = (where, at) => at.request('PUT', where, { headers: flo });
  assert.equal((await put('rooms/flo', e)).status, 201);
  assert.deepEqual(await several(5, (i) => put(`rooms/flo/members/u${i}`, [e, other][i % 2])), [204, 204, 204, 204, 429]);
  assert.equal((await put('rooms/another', other)).status, 429);
  const tell = (i) => [e, other][i % 2].post(`users/u${i}/messages`, 'psst', { ...TEXT, ...flo });
  assert.deepEqual(await several(6, tell), [201, 201, 201, 201, 201, 429]);
});

test('do guests count by address, as a trusted proxy tells it, and in all rooms together?', async () => {
  // Without an account, as anonymous.
  assert.deepEqual(await several(4, (i) => say(`r${i}`, from('198.51.100.1'))), [201, 201, 201, 429]);
  assert.equal((await say('r', from('198.51.100.2'))).status, 201);
  // What the client put in front does not help.
  assert.equal((await say('r', from('203.0.113.5, 198.51.100.1'))).status, 429);
  assert.equal((await say('r', from('198.51.100.1, 127.0.0.1'))).status, 429);
  // A /64 is one.
  assert.deepEqual(await several(4, (i) => say('r', from(`2001:db8:0:1::${i}`))), [201, 201, 201, 429]);
  assert.equal((await say('r', from('2001:db8:0:2::1'))).status, 201);
  assert.deepEqual(await several(3, () => say('r', from('nonsense'))), [201, 201, 201], 'the proxy itself');
  // Who trusts nobody takes them all for the one that speaks with it, which has just used up what it had.
  assert.equal((await say('r', from('192.0.2.77'), other)).status, 429);
  assert.equal((await e.redisCli('exists', 'earshot:main:rate:192.0.2.77')).trim(), '0');
  // A guest's token counts so, too.
  const guest = async (address) => bearer((await call('guest', {}, from(address))).json().token);
  const [one, two] = [await guest('198.51.100.30'), await guest('198.51.100.30')];
  assert.deepEqual([...await several(2, () => say('r', { ...one, ...from('198.51.100.30') })), ...await several(2, () => say('r', { ...two, ...from('198.51.100.30') }))], [201, 201, 201, 429]);
  const audit = await call('logout', { all: 'true' }, { ...one, ...from('198.51.100.30') });
  assert.equal(audit.status, 204);
  const { events } = (await e.get('admin/audit?limit=1', admin())).json();
  assert.equal(events[0].address, '198.51.100.30');
});

test('is a room\'s slow mode kept, but by moderators?', async () => {
  await e.request('PUT', 'rooms/slow', { body: form({ slow: '30' }), headers: { 'content-type': FORM, ...admin() } });
  const eve = bearer(tokenOf('eve'));
  assert.equal((await say('slow', eve)).status, 201);
  const refused = await say('slow', eve, other);
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers['retry-after']) <= 30 && Number(refused.headers['retry-after']) > 25);
  assert.equal((await say('slow', bearer(tokenOf('fay')))).status, 201);
  assert.deepEqual(await several(2, () => say('slow', bearer(tokenOf('mod', { rooms: { slow: 'rwm' } })))), [201, 201]);
});

test('are guests and registrations counted by address?', async () => {
  assert.deepEqual(await several(5, () => call('guest', {}, from('198.51.100.40'))), [201, 201, 201, 201, 429]);
  const refused = await call('guest', {}, { ...from('198.51.100.40') });
  assert.ok(Number(refused.headers['retry-after']) > 800);
  assert.equal((await call('guest', {}, from('198.51.100.41'))).status, 201);
  assert.deepEqual(await several(5, (i) => call('register', { user: `reg${i}`, password }, from('198.51.100.42'))), [201, 201, 201, 201, 429]);
  assert.equal((await e.redisCli('exists', 'earshot:main:user:reg4')).trim(), '0');
});

test('are failed logins counted by account, from wherever they come, until one is right?', async () => {
  await makeUser('gil');
  const login = (given, i, at = e) => call('login', { user: 'gil', password: given }, from(`198.51.100.${100 + i}`), at);
  assert.deepEqual(await several(3, (i) => login('wrong password', i)), [401, 401, 401]);
  assert.equal((await login(password, 3)).status, 200);
  // That gave him all back.
  assert.deepEqual(await several(5, (i) => login('wrong password', 10 + i)), [401, 401, 401, 401, 429]);
  assert.equal((await login(password, 20)).status, 429, 'even with the right one');
  // An account that is not there is not told from one that is.
  assert.deepEqual(await several(5, (i) => call('login', { user: 'nobody', password }, from(`198.51.100.${130 + i}`))), [401, 401, 401, 401, 429]);
  // Changing a password is looking at one, too.
  await makeUser('hal');
  const hal = bearer(tokenOf('hal', { iat: Math.floor(Date.now() / 1000) }));
  assert.deepEqual(await several(5, (i) => call('password', { password: 'wrong password', new: 'another password' }, { ...hal, ...from(`198.51.100.${150 + i}`) })), [403, 403, 403, 403, 429]);
});

test('are logins counted by address, before a password is hashed, and without using up the accounts?', async () => {
  await makeUser('ida');
  const login = (headers = from('198.51.100.200')) => call('login', { user: `x${Math.random()}`.slice(0, 12).replace('.', ''), password }, headers);
  const timed = async (ask) => {
    const start = process.hrtime.bigint();
    const { status } = await ask();
    return { status, ms: Number(process.hrtime.bigint() - start) / 1e6 };
  };
  const median = (times) => times.map((t) => t.ms).sort((a, b) => a - b)[times.length >> 1];
  const hashed = [];
  for (let i = 0; i < 4; i++) hashed.push(await timed(() => login()));
  const refused = [];
  for (let i = 0; i < 9; i++) refused.push(await timed(() => call('login', { user: 'ida', password: 'wrong password' }, from('198.51.100.200'))));
  assert.deepEqual(hashed.map((t) => t.status), [401, 401, 401, 401]);
  assert.deepEqual(refused.map((t) => t.status), Array(9).fill(429));
  assert.ok(median(refused) < median(hashed) / 3, `${median(refused)} ms refused, ${median(hashed)} ms hashed`);
  assert.equal((await e.redisCli('exists', 'earshot:main:rate:account:ida')).trim(), '0');
  assert.equal((await call('login', { user: 'ida', password }, from('198.51.100.201'))).status, 200);
});

test('does a crowd that logs in leave gates for those who send?', async () => {
  e.conf.rate_login = 'off';
  e.writeConf();
  e.daemon.signal('SIGHUP');
  await until('no limit', async () => (await call('guest', {}, from('198.51.100.40'))).status === 201);
  let done = 0;
  const crowd = Array.from({ length: 60 }, () => call('login', { user: 'ida', password: 'wrong password' }).then((a) => { done += 1; return a; }));
  const sends = [];
  while (done < 60) {
    const start = Date.now();
    assert.equal((await say('busy', admin())).status, 201);
    sends.push(Date.now() - start);
  }
  const answers = await Promise.all(crowd);
  const busy = answers.filter((a) => a.status === 503);
  assert.ok(answers.every((a) => [401, 503].includes(a.status)));
  assert.ok(answers.some((a) => a.status === 401), 'some were looked at');
  assert.ok(busy.length > 0, 'more than two at once are too many of eight gates');
  assert.deepEqual([busy[0].json().code, busy[0].headers['retry-after']], ['busy', '1']);
  assert.ok(sends.every((ms) => ms < 1000), `${Math.max(...sends)} ms for a send`);
});
