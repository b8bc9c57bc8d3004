// 40-admin - does an admin see who is connected, and how all goes, over all machines?
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { Chaos } from '../torture/chaos.mjs';
import { byeOf, Person, siteOf } from './site.mjs';
import { Earshot, sleep, slow, until } from './harness.mjs';

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

test('is that for admins only?', async () => {
  for (const [method, where] of [['GET', 'admin/connections'], ['DELETE', 'admin/connections/x.1'], ['GET', 'admin/figures'], ['GET', 'admin/figures/events']]) {
    await alice.refused(403, 'right_missing', method, where);
    await nobody.refused(401, 'token_missing', method, where);
  }
  const taken = new Person(servers, 'root2', { role: 'admin', jti: 'taken' });
  await taken.must(200, 'GET', 'admin/connections');
  await admin.must(204, 'POST', 'admin/revoke', 'token=taken');
  for (const where of ['admin/connections', 'admin/figures']) await taken.refused(401, 'token_revoked', 'GET', where);
  assert.equal((await taken.ask('GET', 'admin/figures/events?as=json&wait=5')).status, 401);
});

test('does an admin see his own site only?', async () => {
  const other = await servers[0].second({ namespace: 'other', conf: { hubs: 1 } });
  try {
    const theirs = new Person([other], 'root', { role: 'admin', ns: 'other' });
    const stream = await servers[0].listen('rooms/secret/events?as=sse', alice.headers);
    const their = await other.listen('rooms/secret/events?as=ndjson', new Person([other], 'eve', { ns: 'other' }).headers);
    await alice.send('secret', 'for us');
    await stream.waitContent('for us');
    const ours = await connections('?room=secret');
    const all = await theirs.must(200, 'GET', 'admin/connections');
    assert.deepEqual(ours.connections.map((c) => c.userId), ['alice']);
    assert.deepEqual(all.connections.map((c) => c.userId), ['eve']);
    assert.deepEqual([all.total, all.hubs.asked], [1, HUBS + 1]);
    await theirs.refused(404, 'connection_missing', 'DELETE', `admin/connections/${ours.connections[0].id}`);
    assert.ok(stream.open);
    const figures = await theirs.must(200, 'GET', 'admin/figures');
    assert.deepEqual([figures.streams.total, figures.streams.ndjson, figures.people, figures.rooms, figures.messages.today, figures.deliveries.total], [1, 1, 1, 1, 0, 0]);
    assert.deepEqual([figures.daemons, figures.gates.total], [3, 12]);
    const watch = await other.listen('admin/figures/events?as=ndjson', theirs.headers);
    const { event } = await watch.waitType('figures');
    assert.deepEqual([event.streams.total, event.people, event.rooms, event.deliveries.total], [2, 2, 1, 0]);
    for (const one of [watch, stream, their]) one.close();
  } finally {
    await other.stop();
  }
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

test('are rooms listed by who is there, those for members too?', async () => {
  await alice.must(201, 'PUT', 'rooms/list-private', 'mode=members');
  for (const room of ['list-a', 'list-b', 'list-c']) await alice.send(room, 'x');
  const streams = [await servers[0].listen('rooms/list-b/events?as=text'), await servers[1].listen('rooms/list-b/events?as=text'),
    await servers[1].listen('rooms/list-private/events?as=text', alice.headers)];
  const names = async (query) => (await admin.must(200, 'GET', `rooms?${query}`)).rooms.map((r) => r.name).filter((n) => n.startsWith('list-'));
  await until('the listeners are counted', async () => (await names('sort=online&limit=2')).join() === 'list-b,list-private');
  assert.deepEqual(await names('sort=name'), ['list-a', 'list-b', 'list-c', 'list-private']);
  assert.equal((await names('sort=people'))[0], 'list-private');
  assert.deepEqual(await names(''), await names('sort=last'));
  for (const bad of ['sort=x', 'sort=', 'limit=0', 'limit=2001', 'limit=x']) assert.equal((await admin.ask('GET', `rooms?${bad}`)).status, 400, bad);
  for (const stream of streams) stream.close();
});

test('do the figures move with what is sent and delivered, and agree with it, on each machine and in each form?', async () => {
  const before = await until('nothing is open', async () => {
    const figures = await admin.must(200, 'GET', 'admin/figures');
    return figures.streams.total === 0 && figures;
  });
  const watches = [await servers[0].listen('admin/figures/events?as=sse', admin.headers), await servers[1].listen('admin/figures/events?as=ndjson', admin.headers)];
  const words = await servers[1].listen('admin/figures/events?as=text', admin.headers);
  const streams = [
    await servers[0].listen('rooms/moved/events?as=sse', alice.headers),
    await servers[1].listen('rooms/moved/events?as=ndjson&types=message', alice.headers),
    await servers[1].listen('events?room=moved&room=moved-too&as=text&types=message', bob.headers),
  ];
  for (let i = 0; i < 30; i++) await alice.send('moved', `word ${i}`);
  for (const stream of streams) await stream.waitContent('word 29');
  const joins = streams[0].items.filter((i) => i.type === 'join').length;
  const delivered = before.deliveries.total + 3 * 30 + joins;
  for (const watch of watches) {
    const { event } = await watch.wait((i) => i.type === 'figures' && i.event.deliveries.total === delivered && i.event.deliveries.perSecond > 0, 8000, `deliveries come to ${delivered}`);
    assert.deepEqual(event.streams, { sse: 2, ndjson: 2, text: 2, html: 0, json: 0, total: 6, blocked: 0 });
    assert.deepEqual([event.people, event.rooms, event.daemons], [3, 2, 2]);
    assert.equal(event.messages.today, before.messages.today + 30);
    assert.ok(event.bytes.total > before.bytes.total + 90 * 20 && event.bytes.perSecond > 0);
    assert.deepEqual(event.hubs, { asked: HUBS, answered: HUBS });
    assert.equal(event.gates.total, 8);
    assert.ok(event.gates.busy <= 8);
    assert.ok(event.canary.ms > 0 && event.canary.ms < 500 * slow && event.canary.reason === null, JSON.stringify(event.canary));
    assert.ok(watch.items.some((i) => i.event?.messages?.perSecond > 0), 'messages per second');
    const { redis } = event;
    assert.ok(redis.reachable && redis.roundTrip > 0 && redis.usedMemory > 1e5 && redis.clients > 4 && redis.opsPerSecond >= 0);
    assert.deepEqual([redis.aof, redis.evicted, redis.maxMemory], ['on', 0, 0]);
    assert.match(redis.version, /^\d+\.\d+/);
  }
  await words.wait((i) => /^6 streams, 3 people, /.test(i.content ?? ''), 5000, 'a line of words');
  const now = await admin.must(200, 'GET', 'admin/figures');
  const { events } = await admin.must(200, 'GET', 'admin/figures/events?as=json&wait=10');
  assert.deepEqual(Object.keys(now).filter((k) => k !== 'timestamp').sort(), Object.keys(events[0]).filter((k) => !['timestamp', 'type', 'room', 'name', 'content'].includes(k)).sort());
  for (const stream of [...watches, ...streams, words]) stream.close();
  await until('nothing is open', async () => (await admin.must(200, 'GET', 'admin/figures')).streams.total === 0);
});

/** What Redis is asked in so many ms. */
async function monitor(ms) {
  const child = spawn('redis-cli', ['-s', `${servers[0].dir}/redis.sock`, 'monitor']);
  let text = '';
  child.stdout.on('data', (chunk) => { text += chunk; });
  await until('it looks', () => text.includes('OK'));
  await sleep(ms);
  child.kill();
  return text.split('\n').filter((line) => /earshot:hubs|answers:|:sent|"info"/i.test(line));
}

test('does nobody who watches cost nothing?', async () => {
  const listener = await servers[0].listen('rooms/quiet/events?as=sse', alice.headers);
  assert.deepEqual(await monitor(4500), []);
  const watch = await servers[0].listen('admin/figures/events?as=sse', admin.headers);
  assert.ok((await monitor(4500)).length >= 4 * HUBS);
  watch.close();
  await sleep(1500);
  assert.deepEqual(await monitor(4500), []);
  listener.close();
});

test('is a hub that is killed missed, and what it held, and its successor there?', async () => {
  const streams = await Promise.all([0, 1, 2, 3].map((i) => servers[i % 2].listen('rooms/lost/events?as=ndjson')));
  const watch = await servers[0].listen('admin/figures/events?as=sse', admin.headers);
  await watch.wait((i) => i.event?.streams?.ndjson === 4);
  const { connections: all } = await connections('?room=lost');
  const [pid] = servers[1].workers('hub');
  const held = all.filter((c) => c.hub.endsWith(`:${pid}`)).length;
  const seen = watch.items.length;
  process.kill(pid, 'SIGKILL');
  const after = (i) => watch.items.indexOf(i) >= seen + 1;
  await watch.wait((i) => after(i) && i.event?.streams?.ndjson === 4 - held && i.event.hubs.answered === HUBS, 8000, 'the successor is counted');
  for (const stream of streams) stream.close();
  watch.close();
});

test('does the canary tell that Redis is slow, and that it is gone?', async () => {
  let chaos;
  const slowed = await Earshot.start({
    conf: { hubs: 1, gates: 2 },
    redisUrl: (dir) => {
      chaos = new Chaos(`${dir}/chaos.sock`, `${dir}/redis.sock`);
      return `unix://${dir}/chaos.sock`;
    },
  });
  try {
    const watch = await slowed.listen('admin/figures/events?as=ndjson', admin.headers);
    const next = (what, good) => {
      const seen = watch.items.length;
      return watch.wait((i) => i.type === 'figures' && watch.items.indexOf(i) >= seen && good(i.event), 15000, what);
    };
    await next('all is well', (f) => f.canary.ms > 0 && f.canary.ms < 150 * slow);
    const over = chaos.cast({ kind: 'delay', ms: 200 }, () => true);
    await next('it is slow', (f) => f.canary.ms >= 390 && f.redis.roundTrip >= 390);
    const now = (await slowed.get('admin/figures', admin.headers)).json();
    assert.ok(now.canary.ms >= 390 && now.redis.roundTrip >= 390, JSON.stringify(now));
    over();
    await next('all is well again', (f) => f.canary.ms < 150 * slow);
    for (const kind of ['black hole', 'refuse']) {
      const back = chaos.cast({ kind }, () => true);
      const { event } = await next('it is gone', (f) => !f.redis.reachable);
      assert.deepEqual(event.canary, { ms: null, reason: 'redis_unavailable' });
      assert.deepEqual([event.redis.roundTrip, event.redis.usedMemory, event.messages.today], [null, null, null]);
      assert.deepEqual([event.streams.total, event.hubs.answered], [1, 1], 'what the hub knows itself');
      back();
      await next('it is back', (f) => f.redis.reachable && f.canary.ms > 0);
    }
    watch.close();
  } finally {
    await slowed.stop();
    chaos.close();
  }
});
