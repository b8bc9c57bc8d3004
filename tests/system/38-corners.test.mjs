// 38-corners - where rules meet: does the one that protects people hold?
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from './harness.mjs';
import { Person, siteOf } from './site.mjs';

const servers = await siteOf(2, { history_max: 500 });
const alice = new Person(servers, 'alice', { name: 'Alice' });
const bob = new Person(servers, 'bob');
const carol = new Person(servers, 'carol');
const admin = new Person(servers, 'root', { role: 'admin' });
const token = new Person(servers, 'tom', { rooms: { '*': 'rwm' } });
const nobody = new Person(servers, null);
const words = (events) => events.filter((m) => m.type === 'message').map((m) => m.content);

test('what an edit said before the message was deleted: is it told by nothing any more?', async () => {
  const live = await bob.listen('edits');
  const { id } = await alice.send('edits', 'first words');
  await alice.must(200, 'PUT', `rooms/edits/messages/${id}`, { content: 'second words', metadata: { w: 'words' } });
  const edit = (await live.waitType('edit')).event;
  await alice.must(200, 'DELETE', `rooms/edits/messages/${id}`);
  await live.waitType('delete');
  for (const server of servers) {
    for (const as of ['sse', 'json', 'text']) {
      const told = as === 'json' ? (await server.get('rooms/edits/events?since=all&wait=0', bob.headers)).text
        : await (await server.open(`rooms/edits/events?as=${as}&since=all&wait=1`, bob.headers)).all();
      assert.doesNotMatch(told, /words/, as);
    }
  }
  await bob.refused(404, 'message_missing', 'GET', `rooms/edits/messages/${edit.id}`);
  live.close();
});

test('do reactions, edits and settings push no message out, nor destroy the one that is edited?', async () => {
  await alice.must(201, 'PUT', 'rooms/tight', 'keep=3');
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await alice.send('tight', `t${i}`)).id);
  for (let i = 0; i < 8; i++) await bob.must(200, i % 2 ? 'DELETE' : 'PUT', `rooms/tight/messages/${ids[1]}/reactions/x`);
  await alice.must(200, 'PUT', 'rooms/tight', 'topic=new');
  assert.deepEqual(words(await bob.history('tight')), ['t0', 't1', 't2']);
  await alice.must(201, 'PUT', 'rooms/single', 'keep=1');
  const { id } = await alice.send('single', 'only');
  assert.equal((await alice.must(200, 'PUT', `rooms/single/messages/${id}`, { content: 'edited' })).content, 'edited');
  assert.deepEqual(words(await bob.history('single')), ['edited']);
  for (let i = 0; i < 130; i++) await bob.ask(i % 2 ? 'DELETE' : 'PUT', `rooms/single/messages/${id}/reactions/x`);
  assert.ok(Number(await servers[0].redisCli('xlen', 'earshot:{main/single}:log')) <= 110, 'but for ten times as many');
  await alice.refused(400, 'parameter_invalid', 'PUT', 'rooms/tight', 'keep=501');
});

test('a thread: is it there as long as a reply is, though its root was trimmed?', async () => {
  await alice.must(201, 'PUT', 'rooms/roots', 'keep=2');
  const root = await alice.send('roots', 'root');
  await bob.must(201, 'POST', 'rooms/roots/messages', { content: 'reply', replyTo: root.id, metadata: { replyTo: '1-1' } });
  await alice.send('roots', 'x');
  await alice.refused(404, 'message_missing', 'GET', `rooms/roots/messages/${root.id}`);
  assert.deepEqual(words((await bob.must(200, 'GET', `rooms/roots/messages/${root.id}/replies`)).events), ['reply']);
  await alice.send('roots', 'y');
  await alice.refused(404, 'message_missing', 'GET', `rooms/roots/messages/${root.id}/replies`);
  assert.equal((await bob.must(200, 'GET', 'rooms/roots/read')).unread, 2, 'what was trimmed is not unread');
});

test('age: is what is too old out of reach by every way?', async () => {
  await alice.must(201, 'PUT', 'rooms/aged', 'age=2');
  const old = await alice.send('aged', 'old');
  await alice.must(201, 'POST', 'rooms/aged/messages', { content: 'old reply', replyTo: old.id });
  await sleep(2100);
  assert.deepEqual(words(await bob.history('aged', '?after=1000-0')), []);
  assert.deepEqual((await bob.must(200, 'GET', `rooms/aged/messages/${old.id}/replies`)).events, []);
  await bob.refused(404, 'message_missing', 'PUT', `rooms/aged/messages/${old.id}/reactions/x`);
  await alice.refused(400, 'parameter_invalid', 'PUT', 'rooms/aged', 'age=1ms');
  await alice.refused(400, 'parameter_invalid', 'PUT', 'rooms/aged', 'slow=1ms');
});

test('ids that are none, and events that are no messages: are they refused as such?', async () => {
  await alice.must(201, 'PUT', 'rooms/own', 'topic=x');
  await alice.send('own', 'x');
  for (const what of ['', '/replies']) await nobody.refused(404, 'message_missing', 'GET', `rooms/own/messages/0-0${what}`);
  const [settings] = await alice.history('own');
  assert.equal(settings.type, 'room');
  await alice.refused(404, 'message_missing', 'PUT', `rooms/own/messages/${settings.id}`, { content: 'forged' });
  await alice.refused(404, 'message_missing', 'DELETE', `rooms/own/messages/${settings.id}`);
});

test('ranks: who moderates by his token, does he neither take a room nor lose his say in it?', async () => {
  await alice.must(201, 'PUT', 'rooms/ranks', 'topic=x');
  await alice.must(204, 'PUT', 'rooms/ranks/members/bob', 'role=moderator');
  await token.refused(403, 'right_missing', 'PUT', 'rooms/ranks/members/me', 'role=owner');
  await token.refused(403, 'right_missing', 'DELETE', 'rooms/ranks/members/alice');
  await token.refused(403, 'right_missing', 'DELETE', 'rooms/ranks');
  await bob.must(204, 'PUT', 'rooms/ranks/bans/tom', '');
  await token.send('ranks', 'still here');
  const stream = await token.listen('ranks');
  stream.close();
  await token.must(204, 'DELETE', 'rooms/ranks/members/bob?for=5');
  await bob.refused(403, 'banned', 'POST', 'rooms/ranks/messages', 'x');
});

test('bans: is none shortened by a kick, made for ever by for=0, or passed by an invitation?', async () => {
  await alice.must(201, 'PUT', 'rooms/bans', 'topic=x');
  await alice.must(204, 'PUT', 'rooms/bans/bans/carol', '');
  await alice.must(204, 'DELETE', 'rooms/bans/members/carol');
  assert.deepEqual((await alice.must(200, 'GET', 'rooms/bans/bans')).bans, [{ userId: 'carol', until: null }]);
  await alice.refused(400, 'parameter_invalid', 'DELETE', 'rooms/bans/members/bob?for=0');
  await alice.refused(400, 'parameter_invalid', 'PUT', 'rooms/bans/bans/bob', 'for=0');
  await alice.refused(409, 'user_banned', 'PUT', 'rooms/bans/members/carol', '');
  await alice.send('bans', 'behind your back, @carol');
  assert.equal((await carol.history('@me')).filter((m) => m.type === 'mention').length, 0);
  const stream = await carol.listen('@me');
  await alice.refused(404, 'nobody_there', 'POST', 'rooms/bans/signals', 'to=carol&content=x');
  stream.close();
  for (let i = 0; i < 5; i++) await alice.must(204, 'DELETE', `rooms/bans/members/u${i}?for=1`);
  await sleep(1100);
  await alice.must(200, 'PUT', 'rooms/bans', 'topic=y');
  assert.equal((await servers[0].redisCli('hkeys', 'earshot:{main/bans}:room')).match(/ban:/g).length, 1, 'what is over is gone');
});

test('a room for members that was deleted: is it still not there for others, and does a new one know nothing of it?', async () => {
  await alice.must(201, 'PUT', 'rooms/past', { mode: 'members' });
  const send = () => alice.must(201, 'POST', 'rooms/past/messages', { content: 'x' }, { 'idempotency-key': 'k' });
  const { id } = await send();
  await alice.must(204, 'DELETE', 'rooms/past');
  await bob.refused(404, 'room_missing', 'GET', 'rooms/past/messages');
  assert.equal((await bob.ask('GET', 'rooms/past/events?since=all&wait=0')).status, 404);
  await bob.must(201, 'PUT', 'rooms/past', 'topic=mine');
  assert.notEqual((await send()).id, id, 'a key of before is of the room before');
  assert.deepEqual(words(await bob.history('past')), ['x']);
});

test('hidden rooms, however many: do they keep no open one out of the list?', async () => {
  await bob.send('open-one', 'x');
  for (let i = 0; i < 30; i++) await alice.must(201, 'PUT', `rooms/hidden-${i}`, 'mode=members');
  const names = async (person) => (await person.must(200, 'GET', 'rooms')).rooms.map((r) => r.name);
  assert.equal((await names(carol)).filter((n) => n.startsWith('hidden')).length, 0);
  assert.ok((await names(carol)).includes('open-one'));
  assert.equal((await names(alice)).filter((n) => n.startsWith('hidden')).length, 30);
  assert.equal((await names(admin)).filter((n) => n.startsWith('hidden')).length, 30);
  assert.equal(Number(await servers[0].redisCli('zscore', 'earshot:main:rooms', 'hidden-1')), 0, 'they stand in a list of their own');
});

test('leaving: is a room that is open to all no longer among one\'s own?', async () => {
  const dora = new Person(servers, 'dora');
  await dora.send('left', 'hello');
  assert.ok((await dora.must(200, 'GET', 'unread')).rooms.some((r) => r.name === 'left'));
  await dora.must(204, 'DELETE', 'rooms/left/members/me');
  assert.ok(!(await dora.must(200, 'GET', 'unread')).rooms.some((r) => r.name === 'left'));
  await dora.must(200, 'PUT', 'rooms/never-there/read', '');
  assert.ok(!(await dora.must(200, 'GET', 'unread')).rooms.some((r) => r.name === 'never-there'), 'nor one that is not there');
});

test('a guest who is mentioned by his name: does it reach him?', async () => {
  const guest = (await nobody.must(201, 'POST', 'auth/guest', 'name=Zed'));
  const headers = { authorization: `Bearer ${guest.token}` };
  await servers[0].request('PUT', 'rooms/named/read', { headers });
  await alice.send('named', 'first');
  assert.equal((await servers[0].request('PUT', 'rooms/named/read', { headers })).status, 200);
  await alice.send('named', 'hello @zed and @Zed');
  const inbox = (await servers[1].get('rooms/@me/messages', headers)).json().events;
  assert.deepEqual(inbox.map((m) => m.content), ['hello @zed and @Zed']);
});

test('an account that was removed: does nobody get its id, and with it what was its own?', async () => {
  await nobody.must(201, 'POST', 'auth/register', 'user=willy&password=long+enough');
  await bob.must(201, 'POST', 'users/willy/messages', 'a secret');
  await admin.must(204, 'DELETE', 'admin/users/willy');
  await nobody.refused(409, 'user_taken', 'POST', 'auth/register', 'user=willy&password=long+enough');
  await nobody.refused(409, 'user_taken', 'POST', 'auth/register', 'user=WILLY&password=long+enough');
  assert.equal((await nobody.ask('POST', 'auth/guest', 'name=willy')).status, 409);
});
