// 40-admin - does an admin see who is connected, and how all goes, over all machines?
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { byeOf, Person, siteOf } from './site.mjs';
import { slow, sleep, tokenOf, until, within } from './harness.mjs';

const servers = await siteOf(2);
const admin = new Person(servers, 'root', { role: 'admin' });
const alice = new Person(servers, 'alice', { name: 'Alice' });
const bob = new Person(servers, 'bob');
const nobody = new Person(servers, null);
const HUBS = 4;

const connections = (query = '') => admin.must(200, 'GET', `admin/connections${query}`);
const mine = (all, room) => all.connections.filter((c) => c.rooms.includes(room));

test('are the receives of all machines told, with who, where, how and what they had?', async () => {
  const streams = [
    await servers[0].listen('rooms/seen/events?as=sse', alice.headers),
    await servers[1].listen('rooms/seen/events?as=ndjson', bob.headers),
    await servers[1].listen('events?room=seen&room=seen-too&as=text', alice.headers),
    await servers[0].listen('rooms/seen/events?as=text'),
  ];
  const poll = servers[1].get('rooms/seen/events?as=json&wait=20&types=never', bob.headers);
  for (let i = 0; i < 3; i++) await alice.send('seen', `line ${i}`);
  for (const stream of streams) await stream.waitContent('line 2');
  const all = await until('all five are told', async () => {
    const told = await connections('?room=seen');
    return told.total === 5 && told;
  });
  assert.deepEqual(all.hubs, { asked: HUBS, answered: HUBS });
  assert.equal(all.connections.length, 5);
  const told = all.connections.map((c) => `${c.userId} ${c.name} ${c.form} ${c.rooms.join('+')}`).sort();
  assert.deepEqual(told, ['alice Alice sse seen', 'alice Alice text seen+seen-too', 'bob bob json seen', 'bob bob ndjson seen', 'null null text seen']);
  for (const c of all.connections) {
    assert.equal(c.address, '127.0.0.1');
    assert.match(c.hub, /^[^ :]+:\d+$/);
    assert.ok(Math.abs(Date.now() - Date.parse(c.since)) < 30000 * slow, c.since);
    if (c.form !== 'json') assert.equal(c.events, c.userId === null ? 3 : c.events);
    assert.ok(c.form === 'json' || (c.events >= 3 && c.bytes > 100), JSON.stringify(c));
    assert.deepEqual([c.waiting, c.blocked], [0, 0]);
  }
  assert.equal(new Set(all.connections.map((c) => c.id)).size, 5);
  const pids = servers.flatMap((server) => server.workers('hub')).map(String);
  for (const c of all.connections) assert.ok(pids.includes(c.hub.split(':')[1]), `${c.hub} of ${pids}`);

  assert.deepEqual((await connections('?room=seen&user=alice')).total, 2);
  assert.deepEqual((await connections('?room=seen-too')).connections.map((c) => c.form), ['text']);
  assert.deepEqual((await connections('?room=nowhere')).connections, []);
  const some = await connections('?room=seen&limit=2');
  assert.deepEqual([some.total, some.connections.length], [5, 2]);
  assert.deepEqual(some.connections.map((c) => c.id), all.connections.slice(0, 2).map((c) => c.id), 'the newest');
  for (const bad of ['limit=0', 'limit=1001', 'limit=x', 'user=a%20b', 'room=a%20b', 'room=', 'user=a&user=b']) {
    assert.equal((await admin.ask('GET', `admin/connections?${bad}`)).status, 400, bad);
  }
  for (const stream of streams) stream.close();
  await until('they are gone', async () => (await connections('?room=seen')).total <= 1);
  await servers[0].post('rooms/seen/messages', JSON.stringify({ content: 'x', type: 'never' }), { 'content-type': 'application/json' });
  await poll;
});

test('is one connection ended, and said so in the audit?', async () => {
  const [one, other] = [await servers[0].listen('rooms/cut/events?as=sse', bob.headers), await servers[1].listen('rooms/cut/events?as=sse', bob.headers)];
  const all = await connections('?room=cut');
  assert.equal(all.total, 2);
  await admin.must(204, 'DELETE', `admin/connections/${all.connections[1].id}`);
  assert.equal(await byeOf(one), 'kicked');
  assert.ok(other.open);
  await admin.refused(404, 'connection_missing', 'DELETE', `admin/connections/${all.connections[1].id}`);
  for (const id of ['x', 'a%20b', `${all.connections[0].id}0`]) await admin.refused(404, 'connection_missing', 'DELETE', `admin/connections/${id}`);
  const { events } = await admin.must(200, 'GET', 'admin/audit?limit=5');
  assert.ok(events.some((a) => a.action === 'disconnect' && a.detail.includes(all.connections[1].id)));
  other.close();
});

test('is that for admins only, and of their own site?', async () => {
  const elsewhere = await servers[0].listen('rooms/secret-place/events?as=sse', alice.headers);
  const all = await connections('?room=secret-place');
  const foreign = new Person(servers, 'root', { role: 'admin', ns: 'other' });
  for (const [method, where] of [['GET', 'admin/connections'], ['DELETE', `admin/connections/${all.connections[0].id}`]]) {
    await alice.refused(403, 'right_missing', method, where);
    await nobody.refused(401, 'token_missing', method, where);
    assert.equal((await foreign.ask(method, where)).status, 401, 'a token of another site');
  }
  assert.ok(elsewhere.open);
  const taken = new Person(servers, 'root2', { role: 'admin', jti: 'taken' });
  await taken.must(200, 'GET', 'admin/connections');
  await admin.must(204, 'POST', 'admin/revoke', 'token=taken');
  await taken.refused(401, 'token_revoked', 'GET', 'admin/connections');
  elsewhere.close();
});

test('does a hub that hangs not hang the answer, and is it said?', async () => {
  const streams = await Promise.all([0, 1, 2, 3].map((i) => servers[i % 2].listen('rooms/hung/events?as=sse')));
  await until('all four are told', async () => (await connections('?room=hung')).total === 4);
  const [pid] = servers[1].workers('hub');
  process.kill(pid, 'SIGSTOP');
  try {
    const begun = Date.now();
    const all = await servers[0].request('GET', 'admin/connections?room=hung', { headers: admin.headers });
    assert.ok(Date.now() - begun < 1900 * slow, `${Date.now() - begun} ms`);
    assert.deepEqual(all.json().hubs, { asked: HUBS, answered: HUBS - 1 });
    assert.equal(all.json().total, 3);
    const { code } = await admin.refused(503, 'hub_silent', 'DELETE', 'admin/connections/nobody.1');
    assert.equal(code, 'hub_silent');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until('it answers again', async () => (await connections('?room=hung')).hubs.answered === HUBS);
  for (const stream of streams) stream.close();
});
