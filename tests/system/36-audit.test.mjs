// 36-audit - is it known afterwards who did what, and how much was done?
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Person, siteOf } from './site.mjs';

const servers = await siteOf(2);
const alice = new Person(servers, 'alice', { name: 'Alice' });
const bob = new Person(servers, 'bob');
const admin = new Person(servers, 'root', { role: 'admin' });
const nobody = new Person(servers, null);

test('does the audit tell of each act once, with who, whom, where and from which address, live too?', async () => {
  const streams = await Promise.all(servers.map((server) => server.listen('admin/audit/events?as=sse', admin.headers)));
  await alice.must(201, 'PUT', 'rooms/watched', 'topic=x');
  const sent = await bob.send('watched', 'words that are nobody else\'s');
  await alice.must(204, 'PUT', 'rooms/watched/mutes/bob', 'for=10m');
  await alice.must(204, 'DELETE', 'rooms/watched/mutes/bob');
  await alice.must(204, 'DELETE', 'rooms/watched/mutes/bob');
  await alice.must(204, 'PUT', 'rooms/watched/bans/bob', 'for=60');
  await alice.must(204, 'DELETE', 'rooms/watched/bans/bob');
  await alice.must(204, 'PUT', 'rooms/watched/members/bob', 'role=moderator');
  await bob.must(204, 'DELETE', 'rooms/watched/members/me');
  await alice.must(200, 'DELETE', `rooms/watched/messages/${sent.id}`);
  await bob.refused(403, 'right_missing', 'DELETE', 'rooms/watched');
  await alice.must(204, 'DELETE', 'rooms/watched');
  const { events } = await admin.must(200, 'GET', 'admin/audit');
  assert.deepEqual(events.map((a) => `${a.userId} ${a.action} ${a.user ?? '-'}`), ['alice settings -', 'alice mute bob', 'alice unmute bob', 'alice ban bob',
    'alice unban bob', 'alice invite bob', 'bob leave bob', 'alice delete -', 'alice delete room -']);
  for (const event of events) {
    assert.equal(event.type, 'audit');
    assert.equal(event.source, 'watched');
    assert.equal(event.address, '127.0.0.1');
    assert.ok(event.requestId);
  }
  assert.doesNotMatch(JSON.stringify(events), /nobody else/, 'no text of a message');
  for (const stream of streams) {
    await stream.wait((i) => i.event?.action === 'delete room');
    assert.equal(stream.items.filter((i) => i.type === 'audit').length, events.length);
    stream.close();
  }
  const resumed = await servers[1].listen(`admin/audit/events?as=text&since=${events[6].id}`, admin.headers);
  await resumed.waitContent('delete room in watched');
  resumed.close();
});

test('are logins in the audit, those that fail too, and no password?', async () => {
  const form = 'user=eve&password=the+right+one';
  await nobody.must(201, 'POST', 'auth/register', form);
  await nobody.must(401, 'POST', 'auth/login', 'user=eve&password=the+wrong+one');
  await nobody.must(200, 'POST', 'auth/login', form);
  const { events } = await admin.must(200, 'GET', 'admin/audit?limit=3');
  assert.deepEqual(events.map((a) => `${a.action} ${a.user}`), ['register eve', 'login failed eve', 'login eve']);
  assert.doesNotMatch(JSON.stringify(events), /right|wrong/);
});

test('is the audit for admins only?', async () => {
  for (const where of ['admin/audit', 'admin/audit/events', 'admin/stats']) {
    await alice.refused(403, 'right_missing', 'GET', where);
    await nobody.refused(401, 'token_missing', 'GET', where);
  }
});

test('do the statistics count what is done, day by day, over all machines?', async () => {
  const today = async () => (await admin.must(200, 'GET', 'admin/stats?days=1')).days[0];
  const before = await today();
  for (let i = 0; i < 5; i++) await alice.send('counted', `${i}`);
  const { id } = await alice.send('counted', 'last');
  await alice.must(200, 'PUT', `rooms/counted/messages/${id}`, { content: 'edited' });
  await bob.must(200, 'PUT', `rooms/counted/messages/${id}/reactions/x`);
  await bob.must(200, 'PUT', `rooms/counted/messages/${id}/reactions/x`);
  await alice.send('@me,bob', 'psst');
  const after = await today();
  const grown = (what) => after[what] - (before[what] ?? 0);
  assert.deepEqual(['messages', 'edit', 'react', 'direct'].map(grown), [6, 1, 1, 1]);
  assert.equal(after.day, new Date().toISOString().slice(0, 10));
  const { days } = await admin.must(200, 'GET', 'admin/stats');
  assert.equal(days.length, 30);
  for (const bad of ['0', '367', 'x', '-1']) assert.equal((await admin.ask('GET', `admin/stats?days=${bad}`)).status, 400, bad);
});
