// Do streams whose token is revoked, renewed or runs out end, or live on, within a second, in every process of every machine?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, slow, sleep, until } from './harness.mjs';
import { FORMS, as, byeOf, siteOf } from './site.mjs';

const [e, f] = await siteOf(2);
const KEY = 'earshot:main';
const now = () => Math.floor(Date.now() / 1000);
const say = (word) => e.redisCli('publish', `${KEY}:control`, word);

async function everywhere(user, claims) {
  const streams = [];
  for (const at of [e, f]) for (const form of FORMS) streams.push(await at.listen(`rooms/r/events?as=${form}`, as(user, claims)));
  return streams;
}

async function allEnd(streams, reason, since) {
  for (const stream of streams) assert.equal(await byeOf(stream), reason);
  assert.ok(Date.now() - since < 1000 * slow, `${Date.now() - since} ms`);
}

async function refused(user, claims) {
  for (const at of [e, f])
    for (const form of [...FORMS, 'json']) {
      const answer = await at.get(`rooms/r/events?as=${form}&wait=1`, as(user, claims));
      assert.deepEqual([answer.status, answer.json().code], [401, 'token_revoked'], form);
      assert.match(answer.headers['www-authenticate'], /invalid_token/);
    }
}

test('a token: do its streams end, is it refused, and do the same user\'s others live?', async () => {
  const streams = await everywhere('alice', { jti: 'one' });
  const others = [...await everywhere('alice', { jti: 'two' }), ...await everywhere('bob', { jti: 'b' })];
  const poll = f.get('rooms/r/events?wait=10&types=message', as('alice', { jti: 'one' }));
  await sleep(200);
  await e.redisCli('zadd', `${KEY}:revoked`, String(Date.now() + 3600000), 'one');
  const since = Date.now();
  await say('revoke token one');
  await allEnd(streams, 'revoked', since);
  assert.deepEqual([(await poll).status, (await poll).json().code], [401, 'token_revoked']);
  await refused('alice', { jti: 'one' });
  assert.ok(others.every((s) => s.open));
  others.forEach((s) => s.close());
});

test('all of a user up to a second: do those issued by then end, and a newer one not?', async () => {
  const second = now();
  const old = [...await everywhere('carol', { jti: 'c1', iat: second }), ...await everywhere('carol')];
  const fresh = await everywhere('carol', { jti: 'c2', iat: second + 1, nbf: second });
  await e.redisCli('zadd', `${KEY}:before`, String(second), 'carol');
  const since = Date.now();
  await say(`revoke user carol ${second}`);
  await allEnd(old, 'revoked', since);
  await refused('carol', { jti: 'c1', iat: second });
  assert.ok(fresh.every((s) => s.open));
  fresh.forEach((s) => s.close());
});

test('a renewal: does a stream live past the end of its first token, as what it is now?', async () => {
  const exp = now() + 4;
  const streams = await everywhere('dora', { jti: 'd1', exp });
  const left = await everywhere('dora', { jti: 'd0', exp });
  for (const stream of [...streams, ...left]) {
    const bye = await stream.waitType('bye', 4000);
    if (stream.form === 'text') assert.match(bye.line, /reason=expired in=\d/);
    else assert.ok(bye.event.reason === 'expired' && bye.event.in >= 1 && bye.event.in <= 3, JSON.stringify(bye.event));
  }
  assert.ok([...streams, ...left].every((s) => s.open), 'told in time');
  await say(`renew d1 d2 ${(now() + 3600) * 1000} ${now()}`);
  for (const stream of left) assert.equal(await byeOf(stream, 5000), 'expired');
  await sleep((exp + 1) * 1000 - Date.now());
  await e.send('r', 'still here?');
  await Promise.all(streams.map((s) => s.waitContent('still here?')));
  const since = Date.now();
  await say('revoke token d1');
  await sleep(300);
  assert.ok(streams.every((s) => s.open), 'they have the new one');
  await say('revoke token d2');
  await allEnd(streams, 'revoked', since);
});

test('a kick: do all streams of a user end, and may they come back?', async () => {
  const streams = await everywhere('eve', { jti: 'e' });
  const others = await everywhere('evelyn');
  const poll = e.get('rooms/r/events?wait=10&types=message', as('eve'));
  await sleep(200);
  const since = Date.now();
  await say('kick eve');
  await allEnd(streams, 'kicked', since);
  assert.equal((await poll).status, 200);
  assert.equal((await e.get('rooms/r/events?wait=0', as('eve', { jti: 'e' }))).status, 200);
  assert.ok(others.every((s) => s.open));
  others.forEach((s) => s.close());
});

test('words that are lost, and 100,000 of them: are they known when the hubs are connected again, and to new hubs?', async () => {
  const streams = await everywhere('frank', { jti: 'f-77777' });
  const others = await everywhere('grace', { jti: 'f-0' });
  const lines = Array.from({ length: 100000 }, (_, i) => `${Date.now() + 3600000 + i} f-${i + 1}`);
  for (let i = 0; i < lines.length; i += 10000)
    await run('redis-cli', ['-s', `${e.dir}/redis.sock`], { input: `zadd ${KEY}:revoked ${lines.slice(i, i + 10000).join(' ')}\n` });
  assert.ok(streams.every((s) => s.open));
  await e.redisCli('client', 'kill', 'type', 'pubsub');
  const since = Date.now();
  for (const stream of streams) assert.equal(await byeOf(stream, 3000), 'revoked');
  assert.ok(Date.now() - since < 3000 * slow);
  assert.ok(others.every((s) => s.open));
  const hubs = e.workers('hub');
  for (const pid of hubs) process.kill(pid, 'SIGKILL');
  await until('new hubs', () => e.workers('hub').length === 2 && !e.workers('hub').some((pid) => hubs.includes(pid)));
  await refused('frank', { jti: 'f-1' });
  await refused('frank', { jti: 'f-100000' });
  assert.equal((await e.get('rooms/r/events?wait=0', as('grace', { jti: 'f-0' }))).status, 200);
  others.forEach((s) => s.close());
});
