// 24-rooms - do rooms come, change and go as their owners say, for everybody on every machine?
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from './harness.mjs';
import { Person, siteOf } from './site.mjs';

const servers = await siteOf(2, { history_max: 500 });
const [e] = servers;
const alice = new Person(servers, 'alice', { name: 'Alice' });
const bob = new Person(servers, 'bob');
const carol = new Person(servers, 'carol');
const admin = new Person(servers, 'root', { role: 'admin' });
const nobody = new Person(servers, null);

test('does a room exist from its first send, or from PUT, and not before?', async () => {
  await bob.refused(404, 'room_missing', 'GET', 'rooms/sent');
  await bob.send('sent', 'first');
  const sent = await alice.must(200, 'GET', 'rooms/sent');
  assert.equal(sent.mode, 'open');
  assert.equal(sent.role, undefined, 'who sends first owns nothing');
  const made = await alice.must(201, 'PUT', 'rooms/made', 'topic=All+about+it');
  assert.deepEqual([made.topic, made.role, made.slow, made.keep], ['All about it', 'owner', 0, null]);
  await alice.must(200, 'PUT', 'rooms/made', 'topic=All+about+it');
  assert.equal((await bob.history('made')).length, 1, 'the same again is no event');
  assert.equal((await bob.must(200, 'GET', 'rooms/made')).role, undefined);
});

test('who may change a room: its owner, who moderates by his token, an admin; and nobody else?', async () => {
  await bob.refused(403, 'right_missing', 'PUT', 'rooms/made', 'topic=Mine');
  await bob.refused(403, 'right_missing', 'PUT', 'rooms/sent', 'topic=Mine');
  await nobody.refused(401, 'token_missing', 'PUT', 'rooms/made', 'topic=Mine');
  await alice.refused(403, 'right_missing', 'PUT', 'rooms/@alice,bob', 'topic=Ours');
  const moderator = new Person(servers, 'mod', { rooms: { sent: 'rwm' } });
  assert.equal((await moderator.must(200, 'PUT', 'rooms/sent', { topic: 'By token' })).topic, 'By token');
  await admin.must(200, 'PUT', 'rooms/made', 'topic=By+an+admin');
  await alice.must(204, 'PUT', 'rooms/made/members/bob', 'role=moderator');
  await bob.must(200, 'PUT', 'rooms/made', 'topic=By+Bob');
  await bob.refused(403, 'right_missing', 'DELETE', 'rooms/made');
});

test('are malformed settings refused, and nothing of them taken?', async () => {
  const before = await alice.must(200, 'GET', 'rooms/made');
  for (const body of ['mode=closed', 'slow=-1', 'slow=2d', 'slow=x', 'keep=0', 'keep=1.5', 'age=never', `topic=${'x'.repeat(1025)}`, 'topic=a%0ab', 'topic=new&mode=closed', 'colour=red', 'topic=a&topic=b', 'topic=%ff'])
    assert.equal((await alice.ask('PUT', 'rooms/made', body)).status, 400, body);
  for (const body of ['[]', '{"topic":{}}', '{"topic":1.5}', '{"topic":"a","topic":"b"}', '{', '{"mode":null}'])
    assert.equal((await alice.ask('PUT', 'rooms/made', body, { 'content-type': 'application/json' })).status, 400, body);
  assert.equal((await alice.ask('PUT', 'rooms/made', 'topic', { 'content-type': 'image/png' })).status, 415);
  assert.equal((await alice.ask('PUT', 'rooms/-made', 'topic=x')).status, 400);
  assert.deepEqual(await alice.must(200, 'GET', 'rooms/made'), before);
});

test('is a change an event to those who listen, on both machines?', async () => {
  const streams = await Promise.all(servers.map((server) => server.listen('rooms/made/events?as=sse', bob.headers)));
  await alice.must(200, 'PUT', 'rooms/made', 'topic=News&slow=0&keep=300&age=1d');
  for (const stream of streams) {
    const { event } = await stream.waitType('room');
    assert.deepEqual([event.topic, event.slow, event.keep, event.age, event.userId, event.action], ['News', 0, 300, 86400, 'alice', 'change']);
    stream.close();
  }
  const room = await bob.must(200, 'GET', 'rooms/made');
  assert.deepEqual([room.keep, room.age], [300, 86400]);
  await alice.must(200, 'PUT', 'rooms/made', 'keep=&age=');
  assert.deepEqual(await bob.must(200, 'GET', 'rooms/made').then((r) => [r.keep, r.age]), [null, null]);
});

test('mode=moderated: do only members write, and all read?', async () => {
  await alice.must(201, 'PUT', 'rooms/stage', 'mode=moderated');
  await bob.refused(403, 'room_moderated', 'POST', 'rooms/stage/messages', 'me too');
  await alice.must(204, 'PUT', 'rooms/stage/members/bob', undefined);
  await bob.send('stage', 'thanks');
  assert.deepEqual((await nobody.history('stage')).filter((m) => m.type === 'message').map((m) => m.content), ['thanks']);
  await nobody.refused(403, 'room_moderated', 'POST', 'rooms/stage/messages', 'x');
  await bob.must(204, 'DELETE', 'rooms/stage/members/me');
  await bob.refused(403, 'room_moderated', 'POST', 'rooms/stage/messages', 'again');
});

test('mode=members: is the room not there for others, whatever they ask?', async () => {
  await alice.must(201, 'PUT', 'rooms/secret', { mode: 'members', topic: 'hush' });
  const { id } = await alice.send('secret', 'psst @carol');
  const asks = [['GET', 'rooms/secret'], ['GET', 'rooms/secret/messages'], ['GET', `rooms/secret/messages/${id}`], ['GET', `rooms/secret/messages/${id}/replies`],
    ['GET', 'rooms/secret/presence'], ['GET', 'rooms/secret/read'], ['PUT', 'rooms/secret/read', ''], ['POST', 'rooms/secret/messages', 'let me in'],
    ['PUT', `rooms/secret/messages/${id}`, 'x'], ['DELETE', `rooms/secret/messages/${id}`], ['PUT', `rooms/secret/messages/${id}/reactions/x`],
    ['POST', 'rooms/secret/typing', 'typing=true'], ['POST', 'rooms/secret/signals', 'to=alice&content=x'], ['PUT', 'rooms/secret', 'mode=open'],
    ['DELETE', 'rooms/secret'], ['PUT', 'rooms/secret/members/carol', ''], ['PUT', 'rooms/secret/bans/alice', '']];
  for (const [method, where, body] of asks) await carol.refused(404, 'room_missing', method, where, body);
  assert.equal((await nobody.ask('GET', 'rooms/secret/messages')).status, 404);
  for (const person of [carol, nobody]) assert.equal((await person.must(200, 'GET', 'rooms')).rooms.some((r) => r.name === 'secret'), false);
  assert.deepEqual(await carol.history('@me'), [], 'no mention tells what stands in it');
  assert.equal((await admin.must(200, 'GET', 'rooms')).rooms.some((r) => r.name === 'secret'), true);
  await alice.must(204, 'PUT', 'rooms/secret/members/carol', '');
  assert.equal((await carol.history('@me')).at(-1).type, 'notice', 'an invitation');
  assert.equal((await carol.history('secret')).at(-2).content, 'psst @carol');
  assert.equal((await carol.must(200, 'GET', 'rooms')).rooms.find((r) => r.name === 'secret').role, 'member');
  await alice.send('secret', 'welcome @carol');
  assert.equal((await carol.history('@me')).at(-1).type, 'mention');
});

test('are members listed for all who may read, bans and mutes for moderators?', async () => {
  await alice.must(204, 'PUT', 'rooms/stage/mutes/bob', '');
  await alice.must(204, 'PUT', 'rooms/stage/bans/mallory', 'for=1h');
  await alice.must(204, 'PUT', 'rooms/stage/bans/brief', 'for=1');
  await alice.must(204, 'PUT', 'rooms/stage/members/carol', 'role=moderator');
  assert.deepEqual((await bob.must(200, 'GET', 'rooms/stage/members')).members.sort((a, b) => a.userId.localeCompare(b.userId)),
    [{ userId: 'alice', role: 'owner' }, { userId: 'carol', role: 'moderator' }]);
  assert.deepEqual(await carol.must(200, 'GET', 'rooms/stage/mutes'), { mutes: [{ userId: 'bob', until: null }] });
  await sleep(1000);
  const { bans } = await carol.must(200, 'GET', 'rooms/stage/bans');
  assert.deepEqual(bans.map((b) => b.userId), ['mallory'], 'what is over is left out');
  assert.ok(Math.abs(Date.parse(bans[0].until) - Date.now() - 3600e3) < 10e3);
  await bob.refused(403, 'right_missing', 'GET', 'rooms/stage/bans');
});

test('slow mode: has each person to wait, and moderators not?', async () => {
  await alice.must(201, 'PUT', 'rooms/slow', 'slow=2');
  await bob.send('slow', 'one');
  await carol.send('slow', 'mine is another wait');
  const answer = await bob.ask('POST', 'rooms/slow/messages', 'two');
  assert.equal(answer.status, 429);
  assert.equal(answer.json().code, 'rate_limited');
  const wait = Number(answer.headers['retry-after']);
  assert.ok(wait >= 1 && wait <= 2, `Retry-After: ${wait}`);
  for (const text of ['a', 'b', 'c']) await alice.send('slow', text);
  await sleep(wait * 1000);
  await bob.send('slow', 'two');
});

test('retention by count: are the oldest trimmed, with all that hangs on them, and those behind told of the gap?', async () => {
  await alice.must(201, 'PUT', 'rooms/short', 'keep=10');
  const first = await bob.send('short', 'm0');
  await bob.must(200, 'PUT', `rooms/short/messages/${first.id}/reactions/x`);
  await bob.must(200, 'PUT', `rooms/short/messages/${first.id}`, 'm0, edited');
  await bob.must(201, 'POST', 'rooms/short/messages', { content: 'reply', replyTo: first.id });
  for (let i = 1; i <= 12; i++) await bob.send('short', `m${i}`);
  assert.deepEqual((await carol.history('short')).map((m) => m.content), Array.from({ length: 10 }, (_, i) => `m${i + 3}`));
  await carol.refused(404, 'message_missing', 'GET', `rooms/short/messages/${first.id}`);
  await bob.refused(404, 'message_missing', 'PUT', `rooms/short/messages/${first.id}/reactions/y`);
  await bob.refused(422, 'reply_to_missing', 'POST', 'rooms/short/messages', { content: 'late', replyTo: first.id });
  for (const server of servers) {
    const stream = await server.listen(`rooms/short/events?as=sse&since=${first.id}`, bob.headers);
    assert.equal((await stream.waitType('gap')).event.requested, first.id);
    await stream.waitContent('m12');
    stream.close();
  }
  const keys = (await e.redisCli('keys', 'earshot:{main/short}:*')).trim().split('\n').map((k) => k.split('}:')[1]);
  for (const key of keys) assert.doesNotMatch(key, /^(reacted|thread)/, 'nothing is left of it');
  for (const hash of ['edits', 'reactions', 'replies', 'changed']) assert.equal((await e.redisCli('hlen', `earshot:{main/short}:${hash}`)).trim(), '0', hash);
  await alice.must(200, 'PUT', 'rooms/short', 'keep=3');
  assert.equal((await carol.history('short')).filter((m) => m.type === 'message').length, 3, 'a smaller number holds at once');
});

test('retention by age: is what is older not shown, and trimmed?', async () => {
  await alice.must(201, 'PUT', 'rooms/brief', 'age=2');
  const old = await bob.send('brief', 'old');
  await sleep(2100);
  assert.deepEqual((await carol.history('brief')).map((m) => m.content), [], 'not shown even before anything trims');
  await carol.refused(404, 'message_missing', 'GET', `rooms/brief/messages/${old.id}`);
  const all = await carol.must(200, 'GET', 'rooms/brief/events?since=all&wait=0');
  assert.deepEqual(all.events.filter((m) => m.type === 'message'), [], 'nor told by a receive');
  await bob.send('brief', 'new');
  assert.deepEqual((await carol.history('brief')).map((m) => m.content), ['new']);
  assert.equal((await e.redisCli('xlen', 'earshot:{main/brief}:log')).trim(), '1');
  const stream = await servers[1].listen(`rooms/brief/events?as=sse&since=${old.id}`, bob.headers);
  await stream.waitContent('new');
  stream.close();
});

test('DELETE: is the room gone for all, are those who listen told, and can it come again?', async () => {
  await alice.must(201, 'PUT', 'rooms/doomed', 'topic=x&mode=moderated');
  await alice.must(204, 'PUT', 'rooms/doomed/members/bob', '');
  const message = await bob.send('doomed', 'my words');
  await bob.must(200, 'PUT', `rooms/doomed/messages/${message.id}/reactions/x`);
  const streams = await Promise.all(servers.map((server) => server.listen('rooms/doomed/events?as=sse', bob.headers)));
  await bob.refused(403, 'right_missing', 'DELETE', 'rooms/doomed');
  await alice.must(204, 'DELETE', 'rooms/doomed');
  for (const stream of streams) await stream.wait((i) => i.type === 'room' && i.event.action === 'delete');
  await alice.refused(404, 'room_missing', 'GET', 'rooms/doomed');
  assert.equal((await bob.must(200, 'GET', 'rooms')).rooms.some((r) => r.name === 'doomed'), false);
  const left = await e.redisCli('--raw', 'xrange', 'earshot:{main/doomed}:log', '-', '+');
  assert.doesNotMatch(left, /my words/);
  assert.ok(Number(await e.redisCli('pttl', 'earshot:{main/doomed}:log')) > 0, 'and the rest goes by itself');
  const again = await carol.must(201, 'PUT', 'rooms/doomed', 'topic=Mine');
  assert.deepEqual([again.role, again.mode, again.topic], ['owner', 'open', 'Mine'], 'nothing of the old one is left');
  await bob.send('doomed', 'new words');
  assert.equal((await e.redisCli('pttl', 'earshot:{main/doomed}:log')).trim(), '-1', 'it stays');
  for (const stream of streams) { await stream.waitContent('new words'); stream.close(); }
  const back = await servers[0].listen(`rooms/doomed/events?as=sse&since=${message.id}`, bob.headers);
  await back.waitContent('new words');
  assert.ok(back.items.some((i) => i.type === 'gap'), 'who comes back to the old one is told');
  back.close();
  await admin.refused(404, 'room_missing', 'DELETE', 'rooms/never-was');
  await admin.refused(404, 'room_missing', 'PUT', 'rooms/never-was/bans/bob', '');
});

test('are rooms listed by activity, with how many are there?', async () => {
  const stream = await bob.listen('sent');
  const other = await nobody.listen('sent');
  await bob.send('made', 'x');
  await bob.send('sent', 'y');
  const { rooms } = await carol.must(200, 'GET', 'rooms');
  const names = rooms.map((r) => r.name);
  assert.ok(names.indexOf('sent') < names.indexOf('made') && names.indexOf('made') < names.indexOf('short'), names.join());
  assert.equal(rooms.find((r) => r.name === 'sent').online, 2);
  stream.close();
  other.close();
});
