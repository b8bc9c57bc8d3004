// Is who is banned, thrown out or left out of a room cut off at once, in every process of every machine, and nobody else?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slow, sleep, until } from './harness.mjs';
import { FORMS, as, byeOf, form, siteOf } from './site.mjs';

const [e, f] = await siteOf(2);
const SECOND = 1000 * slow;

/** One stream in each form on each machine: with two hubs each, some in every hub. */
async function everywhere(room, user) {
  const streams = [];
  for (const at of [e, f]) for (const as_ of FORMS) streams.push(await at.listen(`rooms/${room}/events?as=${as_}`, user ? as(user) : {}));
  return streams;
}

async function done(answer, status = 204) {
  const { status: got, text } = await answer;
  assert.equal(got, status, text);
  return Date.now();
}

/** Do all end within a second of `since`, with this reason? */
async function allEnd(streams, reason, since) {
  for (const stream of streams) assert.equal(await byeOf(stream), reason);
  assert.ok(Date.now() - since < SECOND, `${Date.now() - since} ms`);
}

/** What the next receive of each form is answered, at each machine. */
async function answers(where, user) {
  const found = [];
  for (const at of [e, f])
    for (const as_ of [...FORMS, 'json']) {
      const answer = await at.get(`${where}${where.includes('?') ? '&' : '?'}as=${as_}&wait=0`, user ? as(user) : {});
      found.push(answer.status === 204 || answer.status === 200 ? answer.status : `${answer.status} ${answer.json().code}`);
    }
  return found;
}

const BANNED = [204, '403 banned', '403 banned', '403 banned'];

test('a ban: do all his streams end within a second, is he refused, and hears nobody else of it?', async () => {
  await done(form(e, 'PUT', 'rooms/ban', { topic: 'x' }, 'mod'), 201);
  const bad = await everywhere('ban', 'bad');
  const good = [...await everywhere('ban', 'good'), ...await everywhere('ban', null)];
  const poll = f.get('rooms/ban/events?wait=10&types=message', as('bad'));
  const many = await e.listen('events?room=ban&room=other&as=sse', as('bad'));
  await sleep(200);
  const since = await done(form(e, 'PUT', 'rooms/ban/bans/bad', {}, 'mod'));
  await e.send('ban', 'behind his back');
  await allEnd([...bad, many], 'banned', since);
  assert.deepEqual([(await poll).status, (await poll).json().code], [403, 'banned']);
  assert.ok((await poll).headers['x-request-id']);
  await Promise.all(good.map((s) => s.waitContent('behind his back')));
  for (const stream of bad) assert.ok(!stream.contents.includes('behind his back'));
  assert.deepEqual(await answers('rooms/ban/events', 'bad'), [...BANNED, ...BANNED]);
  assert.deepEqual(await answers('events?room=other&room=ban', 'bad'), [...BANNED, ...BANNED]);
  assert.deepEqual(await answers('rooms/ban/events', 'good'), Array(8).fill(200));
  assert.equal((await e.get('rooms/ban/events?wait=0', as('bad', { role: 'admin' }))).status, 200, 'no ban is for admins');
  await done(form(f, 'DELETE', 'rooms/ban/bans/bad', {}, 'mod'));
  await until('he may come back', async () => (await e.get('rooms/ban/events?wait=0', as('bad'))).status === 200, 1000);
  assert.ok(good.every((s) => s.open));
  good.forEach((s) => s.close());
});

test('a kick, and a ban for two seconds: do the streams end, and may he come back when it is over?', async () => {
  for (const [room, what] of [['kick', 'members'], ['short', 'bans']]) {
    await done(form(e, 'PUT', `rooms/${room}`, { topic: 'x' }, 'mod'), 201);
    const bad = await everywhere(room, 'bad');
    const deed = what === 'bans' ? form(f, 'PUT', `rooms/${room}/bans/bad`, { for: 2 }, 'mod') : form(f, 'DELETE', `rooms/${room}/members/bad?for=2`, {}, 'mod');
    const since = await done(deed);
    await allEnd(bad, 'banned', since);
    assert.deepEqual(await answers(`rooms/${room}/events`, 'bad'), [...BANNED, ...BANNED]);
    await sleep(since + 2100 - Date.now());
    assert.deepEqual(await answers(`rooms/${room}/events`, 'bad'), Array(8).fill(200));
  }
});

test('a mute: does he hear on, and say nothing?', async () => {
  await done(form(e, 'PUT', 'rooms/mute', { topic: 'x' }, 'mod'), 201);
  const streams = await everywhere('mute', 'bad');
  await done(form(f, 'PUT', 'rooms/mute/mutes/bad', {}, 'mod'));
  const refused = await f.post('rooms/mute/messages', 'but', { 'content-type': 'text/plain', ...as('bad') });
  assert.deepEqual([refused.status, refused.json().code], [403, 'muted']);
  await e.send('mute', 'goes on');
  await Promise.all(streams.map((s) => s.waitContent('goes on')));
  streams.forEach((s) => s.close());
});

test('a room becomes one of members only: is there none for others, from that second on?', async () => {
  await done(form(e, 'PUT', 'rooms/club', { topic: 'x' }, 'mod'), 201);
  await done(form(e, 'PUT', 'rooms/club/members/friend', {}, 'mod'));
  const inside = [...await everywhere('club', 'friend'), ...await everywhere('club', 'mod')];
  const outside = [...await everywhere('club', 'stranger'), ...await everywhere('club', null)];
  const guard = await f.listen('rooms/club/events?as=sse', as('guard', { rooms: { '*': 'rwm' } }));
  const poll = e.get('rooms/club/events?wait=10&types=message', as('stranger'));
  await sleep(200);
  const since = await done(form(e, 'PUT', 'rooms/club', { mode: 'members' }, 'mod'), 200);
  await e.send('club', 'among us', as('friend'));
  await allEnd(outside, 'revoked', since);
  assert.deepEqual([(await poll).status, (await poll).json().code], [404, 'room_missing']);
  await Promise.all([...inside, guard].map((s) => s.waitContent('among us')));
  for (const stream of outside) assert.ok(!stream.contents.includes('among us'));
  for (const user of ['stranger', null]) assert.deepEqual(await answers('rooms/club/events', user), Array(8).fill('404 room_missing'));
  assert.deepEqual(await answers('events?room=club&room=other', 'stranger'), Array(8).fill('404 room_missing'));
  await done(form(f, 'PUT', 'rooms/club/members/stranger', {}, 'mod'));
  await until('he is one of them', async () => (await e.get('rooms/club/events?wait=0', as('stranger'))).status === 200, 1000);
  assert.ok([...inside, guard].every((s) => s.open));
  [...inside, guard].forEach((s) => s.close());
});

test('a message that was deleted: does who reads the past find its place, and not its words?', async () => {
  const early = [await f.listen('rooms/past/events?as=sse'), await f.listen('rooms/past/events?as=sse')]; // in both hubs
  const { id } = await e.send('past', 'a secret', as('mod'));
  await e.send('past', 'no secret');
  await done(e.request('DELETE', `rooms/past/messages/${id}`, { headers: as('mod') }), 200);
  for (const one of early) {
    await one.waitType('delete');
    assert.ok(one.contents.includes('a secret'));
  }
  for (let i = 0; i < 4; i++) { // from the log, and from the memory of the hub that has it
    const reader = await [e, f][i % 2].listen('rooms/past/events?as=sse&since=all');
    await reader.waitContent('no secret');
    const found = reader.items.find((item) => item.id === id).event;
    assert.deepEqual([found.type, found.content, found.userId], ['message', undefined, 'mod']);
    assert.match(found.deleted, /^\d{4}-/);
    assert.ok(!Buffer.concat(reader.raw).includes('a secret'));
    reader.close();
  }
  early.forEach((one) => one.close());
});
