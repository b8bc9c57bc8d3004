// 27-messages - typing, read markers, reactions, threads, edits and deletes: does everybody see the same of them, live
// and in history, on every machine, and once however often they are asked for?
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { sleep, until } from './harness.mjs';
import { Person, siteOf } from './site.mjs';

const servers = await siteOf(2);
const [e] = servers;
const alice = new Person(servers, 'alice', { name: 'Alice' });
const bob = new Person(servers, 'bob', { name: 'Bob' });
const mod = new Person(servers, 'mod', { rooms: { '*': 'rwm' } });
const reader = new Person(servers, 'reader', { rooms: { '*': 'r' } });
const nobody = new Person(servers, null);
const lastId = async (room) => (await e.redisCli('--raw', 'xrevrange', `earshot:{main/${room}}:log`, '+', '-', 'count', '1')).split('\n')[0];
const length = async (room) => Number(await e.redisCli('xlen', `earshot:{main/${room}}:log`));

/** What clients (not scripts) ask Redis of a room while `act` goes on. */
async function asked(room, act) {
  const monitor = spawn('redis-cli', ['-s', `${e.dir}/redis.sock`, 'monitor']);
  let text = '';
  monitor.stdout.on('data', (data) => { text += data; });
  await until('redis-cli listens', () => text.startsWith('OK'));
  await act();
  await e.redisCli('echo', 'that is all');
  await until('redis-cli has heard it', () => text.includes('that is all'));
  monitor.kill();
  return text.split('\n').filter((line) => line.includes(`/${room}}`) && !/\[\d+ lua\]/.test(line));
}

test('an edit: does it show at once in history and to the live, and only its author make it?', async () => {
  const streams = await Promise.all(servers.map((server) => server.listen('rooms/edit/events?as=sse', bob.headers)));
  const sent = await alice.must(201, 'POST', 'rooms/edit/messages', { content: 'helo', metadata: { a: 1e2 }, clientId: 'c1' });
  const now = await alice.must(200, 'PUT', `rooms/edit/messages/${sent.id}`, { content: 'hello', metadata: { b: [1.50, '}"'] } });
  assert.deepEqual([now.content, now.metadata, now.clientId, now.userId, now.id], ['hello', { b: [1.5, '}"'] }, 'c1', 'alice', sent.id]);
  for (const stream of streams) {
    const { event } = await stream.waitType('edit');
    assert.deepEqual([event.target, event.content, event.userId], [sent.id, 'hello', 'alice']);
    assert.notEqual(event.id, sent.id);
  }
  for (let i = 0; i < 2; i++) {
    const [shown] = await bob.history('edit');
    assert.deepEqual([shown.content, shown.metadata, shown.edited], ['hello', { b: [1.5, '}"'] }, now.edited]);
    assert.equal((await bob.history('edit')).length, 1, 'the edit itself is none');
    assert.equal((await bob.must(200, 'GET', `rooms/edit/messages/${sent.id}`)).content, 'hello');
  }
  assert.equal(await bob.must(200, 'GET', 'rooms/edit/messages?as=text'), 'Alice: hello\n');
  for (const person of [bob, mod, nobody]) await person.refused(403, 'not_the_author', 'PUT', `rooms/edit/messages/${sent.id}`, { content: 'forged' });
  await reader.refused(403, 'right_missing', 'PUT', `rooms/edit/messages/${sent.id}`, { content: 'forged' });
  const before = await length('edit');
  await alice.must(200, 'PUT', `rooms/edit/messages/${sent.id}`, { content: 'hello', metadata: { b: [1.50, '}"'] } });
  assert.equal(await length('edit'), before, 'the same again is no event');
  streams.forEach((s) => s.close());
});

test('If-Match: does an edit that has not seen the last one fail, and one that has pass?', async () => {
  const sent = await alice.send('match', 'one');
  const where = `rooms/match/messages/${sent.id}`;
  const first = (await bob.ask('GET', where)).headers.etag;
  await alice.must(200, 'PUT', where, { content: 'two' }, { 'if-match': first });
  await alice.refused(412, 'message_changed', 'PUT', where, { content: 'three' }, { 'if-match': first });
  await alice.refused(412, 'message_changed', 'DELETE', where, undefined, { 'if-match': first });
  const answer = await alice.ask('GET', where);
  assert.equal(answer.json().content, 'two');
  assert.equal((await alice.ask('GET', where, undefined, { 'if-none-match': answer.headers.etag })).status, 304);
  await alice.must(200, 'PUT', where, { content: 'four' }, { 'if-match': `W/${answer.headers.etag}` });
  await alice.must(200, 'PUT', where, { content: 'five' }, { 'if-match': '*' });
  for (const bad of ['x', '"', '"a", "b"', '""']) assert.equal((await alice.ask('PUT', where, { content: 'six' }, { 'if-match': bad })).status, 400, bad);
  const races = await Promise.all([1, 2, 3, 4].map((n) => alice.ask('PUT', where, { content: `race ${n}` }, { 'if-match': first.replace(sent.id, 'x') }).then((a) => a.status)));
  assert.deepEqual(races, [412, 412, 412, 412]);
  const { etag } = (await alice.ask('GET', where)).headers;
  const won = await Promise.all([1, 2, 3, 4].map((n) => alice.ask('PUT', where, { content: `race ${n}` }, { 'if-match': etag }).then((a) => a.status)));
  assert.deepEqual(won.sort(), [200, 412, 412, 412], 'of those who saw the same one wins');
});

test('a delete: is what it said gone, and the tombstone there with its thread?', async () => {
  const sent = await alice.must(201, 'POST', 'rooms/gone/messages', { content: 'regret this', metadata: { secret: 'too' }, clientId: 'also' });
  const reply = await bob.must(201, 'POST', 'rooms/gone/messages', { content: 'why?', replyTo: sent.id });
  await bob.must(200, 'PUT', `rooms/gone/messages/${sent.id}/reactions/x`);
  const stream = await bob.listen('gone');
  await bob.refused(403, 'not_the_author', 'DELETE', `rooms/gone/messages/${sent.id}`);
  const stone = await alice.must(200, 'DELETE', `rooms/gone/messages/${sent.id}`);
  assert.deepEqual([stone.id, stone.userId, stone.content, stone.metadata, stone.clientId, stone.reactions, stone.replies], [sent.id, 'alice', undefined, undefined, undefined, undefined, 1]);
  assert.ok(stone.deleted);
  assert.equal((await stream.waitType('delete')).event.target, sent.id);
  await alice.must(200, 'DELETE', `rooms/gone/messages/${sent.id}`);
  assert.doesNotMatch(JSON.stringify(await bob.history('gone')), /regret|secret/);
  assert.equal((await bob.history('gone'))[0].deleted, stone.deleted);
  await alice.refused(409, 'message_deleted', 'PUT', `rooms/gone/messages/${sent.id}`, { content: 'x' });
  await bob.refused(409, 'message_deleted', 'PUT', `rooms/gone/messages/${sent.id}/reactions/y`);
  assert.deepEqual((await bob.must(200, 'GET', `rooms/gone/messages/${sent.id}/replies`)).events.map((m) => m.content), ['why?']);
  for (const as of ['sse', 'ndjson', 'text']) {
    const late = await bob.listen('gone', `as=${as}&since=all`);
    await late.waitContent('why?');
    assert.doesNotMatch(Buffer.concat(late.raw).toString(), /regret|secret/, `a reader that catches up is not told it: ${as}`);
    late.close();
  }
  await mod.must(200, 'DELETE', `rooms/gone/messages/${reply.id}`);
  assert.ok((await bob.history('gone'))[1].deleted, 'a moderator may');
  stream.close();
});

test('reactions: are they counted, each person once, and each told apart for its reader?', async () => {
  const { id } = await alice.send('react', 'cake?');
  const where = (emoji) => `rooms/react/messages/${id}/reactions/${encodeURIComponent(emoji)}`;
  const stream = await bob.listen('react', 'as=sse&types=reaction');
  for (let i = 0; i < 3; i++) await Promise.all([alice, bob, mod].map((p) => p.must(200, 'PUT', where('👍'))));
  await bob.must(200, 'PUT', where('❤️'));
  await bob.must(200, 'PUT', where('+1'));
  await bob.must(200, 'DELETE', where('+1'));
  await bob.must(200, 'DELETE', where('+1'));
  await mod.must(200, 'DELETE', where('👍'));
  const seen = async (person) => { const [m] = await person.history('react'); return [m.reactions, m.reacted]; };
  assert.deepEqual(await seen(alice), [{ '👍': 2, '❤️': 1 }, ['👍']]);
  assert.deepEqual(await seen(bob), [{ '👍': 2, '❤️': 1 }, ['👍', '❤️']]);
  assert.deepEqual(await seen(nobody), [{ '👍': 2, '❤️': 1 }, undefined]);
  const told = () => stream.items.filter((i) => i.type === 'reaction').map((i) => `${i.event.userId} ${i.event.action} ${i.event.content}`);
  await stream.wait((i) => i.event?.action === 'remove' && i.event.userId === 'mod');
  assert.deepEqual(told().slice(0, 3).sort(), ['alice add 👍', 'bob add 👍', 'mod add 👍']);
  assert.deepEqual(told().slice(3), ['bob add ❤️', 'bob add +1', 'bob remove +1', 'mod remove 👍']);
  await nobody.refused(401, 'token_missing', 'PUT', where('x'));
  for (const bad of ['%20', 'a%0Ab', '%00', 'x'.repeat(65), '%ff']) assert.equal((await alice.ask('PUT', `rooms/react/messages/${id}/reactions/${bad}`)).status, 400, bad);
  await alice.refused(404, 'message_missing', 'PUT', 'rooms/react/messages/1-1/reactions/x');
  for (let i = 0; i < 19; i++) await alice.must(200, 'PUT', where(`e${i}`));
  await alice.refused(409, 'reactions_full', 'PUT', where('e19'));
  stream.close();
});

test('a thread: are the replies there in order, page by page, and counted at the root?', async () => {
  const root = await alice.send('thread', 'root');
  const stream = await bob.listen('thread');
  for (let i = 0; i < 7; i++) {
    await (i % 2 ? alice : bob).must(201, 'POST', 'rooms/thread/messages', { content: `r${i}`, replyTo: root.id });
    await alice.send('thread', `between ${i}`);
  }
  assert.equal((await bob.must(200, 'GET', `rooms/thread/messages/${root.id}`)).replies, 7);
  const got = [];
  for (let next = '?limit=3'; next; ) {
    const answer = await bob.ask('GET', `rooms/thread/messages/${root.id}/replies${next}`);
    got.push(...answer.json().events.map((m) => m.content));
    next = answer.headers.link?.match(/<([^>]*)>; rel="next"/)?.[1];
  }
  assert.deepEqual(got, ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6']);
  assert.equal((await stream.waitContent('r6')).event.replyTo, root.id);
  await bob.refused(422, 'reply_to_missing', 'POST', 'rooms/thread/messages', { content: 'x', replyTo: '1-1' });
  await bob.refused(404, 'message_missing', 'GET', 'rooms/thread/messages/1-1/replies');
  await bob.refused(400, 'message_id_invalid', 'GET', 'rooms/thread/messages/x/replies');
  stream.close();
});

test('history: do pages count what they show, however many changes lie between, and does the cursor go on behind them?', async () => {
  const ids = [];
  for (let i = 0; i < 6; i++) ids.push((await alice.send('dense', `d${i}`)).id);
  for (let i = 0; i < 40; i++) for (const emoji of ['a', 'b']) await alice.must(200, i % 2 ? 'DELETE' : 'PUT', `rooms/dense/messages/${ids[i % 6]}/reactions/${emoji}`);
  const walk = async (query) => {
    const got = [];
    for (let next = query; next; ) {
      const answer = await bob.ask('GET', `rooms/dense/messages${next}`);
      got.push(answer.json().events.map((m) => m.content));
      next = answer.headers.link?.match(/<([^>]*)>; rel="next"/)?.[1];
    }
    return got.filter((page) => page.length > 0);
  };
  assert.deepEqual(await walk('?limit=2'), [['d4', 'd5'], ['d2', 'd3'], ['d0', 'd1']]);
  assert.deepEqual(await walk('?limit=4&after=0-0'), [['d0', 'd1', 'd2', 'd3'], ['d4', 'd5']]);
  const { cursor } = (await bob.ask('GET', 'rooms/dense/messages')).json();
  assert.equal(cursor, await lastId('dense'));
  const poll = await bob.must(200, 'GET', `rooms/dense/events?since=${cursor}&wait=0`);
  assert.deepEqual(poll.events, [], 'nothing that the page shows comes again');
});

test('typing: is it told once, until he sends, says so, or ten seconds are over?', async () => {
  const stream = await bob.listen('typing');
  const own = await alice.listen('typing');
  const told = () => stream.items.filter((i) => i.type === 'typing').map((i) => `${i.event.userId} ${i.event.typing}`);
  await alice.must(204, 'POST', 'rooms/typing/typing', 'typing=true');
  await alice.must(204, 'POST', 'rooms/typing/typing', { typing: true });
  await stream.waitType('typing');
  assert.equal(stream.items.find((i) => i.type === 'typing').event.name, 'Alice');
  assert.equal(stream.items.find((i) => i.type === 'typing').id, undefined, 'it has no id');
  await alice.must(204, 'POST', 'rooms/typing/typing', 'typing=false');
  await alice.must(204, 'POST', 'rooms/typing/typing', 'typing=false');
  await alice.must(204, 'POST', 'rooms/typing/typing', undefined);
  await stream.wait(() => told().length === 3);
  await alice.send('typing', 'done');
  await stream.waitContent('done');
  assert.deepEqual(told(), ['alice true', 'alice false', 'alice true']);
  await alice.must(204, 'POST', 'rooms/typing/typing', 'typing=1');
  await stream.wait(() => told().length === 4);
  await sleep(10100);
  await bob.must(200, 'GET', 'rooms/typing/presence');
  await stream.wait(() => told().length === 5);
  assert.equal(told().at(-1), 'alice false', 'at the latest when somebody looks');
  await nobody.refused(401, 'token_missing', 'POST', 'rooms/typing/typing', 'typing=true');
  await alice.refused(400, 'parameter_invalid', 'POST', 'rooms/typing/typing', 'typing=maybe');
  await alice.refused(400, 'member_unknown', 'POST', 'rooms/typing/typing', 'tiping=true');
  stream.close();
  own.close();
});

test('read markers: do they go forward only, and is what is unread of all rooms told in one call?', async () => {
  const dave = new Person(servers, 'dave');
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push((await alice.send('marks', `m${i}`)).id);
  assert.deepEqual(await dave.must(200, 'GET', 'rooms/marks/read'), { read: null, last: ids[4], unread: 5 });
  const stream = await bob.listen('marks');
  assert.equal((await dave.must(200, 'PUT', 'rooms/marks/read', `id=${ids[2]}`)).unread, 2);
  const { event } = await stream.waitType('read');
  assert.deepEqual([event.userId, event.target], ['dave', ids[2]]);
  assert.equal((await dave.must(200, 'PUT', 'rooms/marks/read', { id: ids[0] })).read, ids[2], 'never back');
  await alice.must(200, 'PUT', `rooms/marks/messages/${ids[4]}/reactions/x`);
  assert.equal((await dave.must(200, 'GET', 'rooms/marks/read')).unread, 2, 'a reaction is nothing to be read');
  await alice.send('marks', 'm5');
  await dave.send('marks2', 'mine');
  await bob.send('marks2', 'his');
  await alice.must(201, 'POST', 'users/dave/messages', 'for you');
  let all;
  const calls = await asked('@dave', async () => { all = await dave.must(200, 'GET', 'unread'); });
  assert.equal(calls.length, 1, calls.join('\n'));
  assert.deepEqual(all.rooms.map((r) => [r.name, r.unread]), [['@dave', 1], ['@alice,dave', 1], ['marks2', 1], ['marks', 3]]);
  assert.equal(all.unread, 6);
  await dave.must(200, 'PUT', 'rooms/marks/read', '');
  assert.equal((await dave.must(200, 'GET', 'rooms/marks/read')).unread, 0);
  await nobody.refused(401, 'token_missing', 'GET', 'unread');
  await nobody.refused(401, 'token_missing', 'PUT', 'rooms/marks/read', '');
  await dave.refused(400, 'message_id_invalid', 'PUT', 'rooms/marks/read', 'id=last');
  assert.equal((await dave.must(200, 'PUT', 'rooms/marks/read', 'id=99999999999999-0')).unread, 0, 'beyond the end is the end');
  stream.close();
});

test('do a send with all that hangs on it, and a page of history with reactions, ask Redis once each?', async () => {
  const root = await bob.send('once', 'root');
  const send = await asked('once', () => alice.must(201, 'POST', 'rooms/once/messages', { content: 'hi @bob', replyTo: root.id }, { 'idempotency-key': 'k' }));
  assert.equal(send.length, 1, send.join('\n'));
  for (let i = 0; i < 50; i++) {
    const { id } = await alice.send('once', `m${i}`);
    await bob.must(200, 'PUT', `rooms/once/messages/${id}/reactions/x`);
  }
  const page = await asked('once', () => bob.history('once'));
  assert.equal(page.length, 1, page.join('\n'));
  assert.equal((await bob.history('once')).filter((m) => m.reacted?.[0] === 'x').length, 50);
});
