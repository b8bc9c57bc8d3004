// 34-inbox - does what is meant for somebody reach him, there or not, and nobody else?
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Person, siteOf } from './site.mjs';

const servers = await siteOf(2);
const alice = new Person(servers, 'alice', { name: 'Alice' });
const bob = new Person(servers, 'bob', { name: 'Bob' });
const carol = new Person(servers, 'carol');
const nobody = new Person(servers, null);

test('a direct message: is it in the conversation, in the inbox, live and for who was away; and is it nobody else\'s?', async () => {
  const inbox = await Promise.all(servers.map((server) => server.listen('rooms/@me/events?as=sse', bob.headers)));
  const sent = await alice.must(201, 'POST', 'users/bob/messages', { content: 'psst', clientId: 'c' });
  assert.equal(sent.room, '@alice,bob');
  for (const stream of inbox) {
    const { event } = await stream.waitType('direct');
    assert.deepEqual([event.room, event.source, event.target, event.userId, event.content], ['@bob', '@alice,bob', sent.id, 'alice', 'psst']);
    stream.close();
  }
  for (const room of ['@me,alice', '@alice,bob', '@bob,me', '@bob,alice']) assert.deepEqual((await bob.history(room)).map((m) => m.content), ['psst']);
  await bob.must(201, 'POST', 'rooms/@alice,me/messages', 'yes?');
  assert.deepEqual((await alice.history('@me')).map((m) => [m.type, m.content]), [['direct', 'yes?']]);
  assert.deepEqual((await bob.history('@me')).map((m) => [m.type, m.content]), [['direct', 'psst']], 'one\'s own is no news');
  for (const room of ['@alice,bob', '@bob']) {
    await carol.refused(403, 'right_missing', 'GET', `rooms/${room}/messages`);
    await carol.refused(403, 'right_missing', 'POST', `rooms/${room}/messages`, 'me too');
    assert.equal((await carol.ask('GET', `rooms/${room}/events`)).status, 403);
  }
  await nobody.refused(401, 'token_missing', 'POST', 'users/bob/messages', 'x');
  await alice.refused(400, 'room_name_invalid', 'POST', 'users/b%20b/messages', 'x');
  await alice.refused(403, 'right_missing', 'POST', 'rooms/@bob/messages', 'straight into it');
});

test('a conversation of three: does each find it with what is unread?', async () => {
  await alice.send('@me,bob,carol', 'all three');
  for (const person of [bob, carol]) {
    const { rooms } = await person.must(200, 'GET', 'unread');
    assert.equal(rooms.find((r) => r.name === '@alice,bob,carol').unread, 1);
    assert.equal((await person.history('@me')).at(-1).source, '@alice,bob,carol');
  }
  await carol.must(200, 'PUT', 'rooms/@me,alice,bob/read', '');
  assert.equal((await carol.must(200, 'GET', 'unread')).rooms.find((r) => r.name === '@alice,bob,carol').unread, 0);
  assert.equal((await carol.must(200, 'GET', 'rooms/@me/read')).unread, 1, 'the inbox has its own marker');
});

test('a mention: does it reach who is known here, once, and nobody who is not?', async () => {
  const dave = new Person(servers, 'dave.d');
  await dave.send('talk', 'I am here');
  const sent = await alice.send('talk', 'mail me@dave.d or ask @dave.d. Really, @dave.d! And @nobody-ever, @alice, @@dave.d');
  assert.deepEqual((await dave.history('@me')).map((m) => [m.type, m.source, m.target, m.name]), [['mention', 'talk', sent.id, 'Alice']]);
  assert.deepEqual(await new Person(servers, 'nobody-ever').history('@me'), []);
  assert.equal((await alice.history('@me')).filter((m) => m.type === 'mention').length, 0);
  const stream = await dave.listen('@me');
  await bob.must(201, 'POST', 'rooms/talk/messages', { content: '@dave.d gone again', ephemeral: true });
  await bob.send('talk', '(@dave.d)');
  assert.equal((await stream.waitType('mention')).event.content, '(@dave.d)');
  stream.close();
  const many = Array.from({ length: 12 }, (_, i) => new Person(servers, `m${i}`));
  for (const person of many) await person.must(200, 'PUT', 'rooms/talk/read', '');
  await alice.send('talk', many.map((p) => `@${p.user}`).join(' '));
  assert.equal((await many[9].history('@me')).length, 1);
  assert.equal((await many[10].history('@me')).length, 0, 'ten, and no more');
});

test('a ban, its end and an invitation: does a notice tell whom it concerns, wherever he is?', async () => {
  await alice.must(201, 'PUT', 'rooms/club', 'topic=x');
  await alice.must(204, 'PUT', 'rooms/club/members/erin', '');
  await alice.must(204, 'PUT', 'rooms/club/bans/erin', 'for=10m');
  await alice.must(204, 'DELETE', 'rooms/club/bans/erin');
  const notices = await new Person(servers, 'erin').history('@me');
  assert.deepEqual(notices.map((n) => [n.type, n.action, n.source, n.userId]), [['notice', 'invite', 'club', 'alice'], ['notice', 'ban', 'club', 'alice'], ['notice', 'unban', 'club', 'alice']]);
  assert.match(notices[1].content, /^You are banned from club until 20/);
});

test('an edit and a delete: are they made in the inboxes too that have the message?', async () => {
  const frank = new Person(servers, 'frank');
  const stream = await frank.listen('@me');
  const direct = await alice.must(201, 'POST', 'users/frank/messages', { content: 'tpyo' });
  await frank.must(200, 'PUT', 'rooms/talk/read', '');
  const mention = await alice.send('talk', 'my secret, @frank');
  await alice.must(200, 'PUT', `rooms/@alice,frank/messages/${direct.id}`, { content: 'typo "target":"1-1"', metadata: { a: 1, target: direct.id } });
  await alice.must(200, 'DELETE', `rooms/talk/messages/${mention.id}`);
  const inbox = await frank.history('@me');
  assert.deepEqual(inbox.map((m) => [m.type, m.content]), [['direct', 'typo "target":"1-1"'], ['mention', undefined]]);
  assert.ok(inbox[0].edited && inbox[1].deleted);
  assert.deepEqual(inbox[0].metadata, { a: 1, target: direct.id });
  assert.equal((await stream.waitType('edit')).event.target, inbox[0].id);
  const { event } = await stream.waitType('delete');
  assert.deepEqual([event.room, event.target], ['@frank', inbox[1].id]);
  assert.equal((await frank.must(200, 'GET', 'rooms/@me/read')).unread, 2);
  const late = await frank.listen('@me', 'as=ndjson&since=all');
  await late.waitType('delete');
  assert.doesNotMatch(Buffer.concat(late.raw).toString(), /secret/);
  late.close();
  stream.close();
});

test('can nobody forge what earshot says, or read the rooms that are its own?', async () => {
  for (const type of ['direct', 'mention', 'notice', 'audit', 'member', 'room', 'signal', 'typing', 'join'])
    await alice.refused(400, 'type_invalid', 'POST', 'rooms/talk/messages', { content: 'x', type });
  for (const room of ['@!audit', '@!canary', '%40%21audit']) {
    assert.equal((await alice.ask('GET', `rooms/${room}/messages`)).status, 400, room);
    assert.equal((await alice.ask('GET', `rooms/${room}/events?wait=0`)).status, 400, room);
  }
});
