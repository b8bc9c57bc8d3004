// Does a signal reach the streams of the one user that it is for, and nobody else's?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, until } from './harness.mjs';
import { FORMS, as, form, siteOf } from './site.mjs';

const [e, f] = await siteOf(2);

test('in every form, on both machines: does only the one have it, and is it not counted for others?', async () => {
  const streams = {};
  for (const user of ['alice', 'bob', null]) {
    streams[user] = [];
    for (const at of [e, f])
      for (const as_ of FORMS) streams[user].push(await at.listen(`rooms/call/events?as=${as_}`, user ? as(user) : {}));
  }
  const ali = await e.listen('rooms/call/events?as=sse', as('ali')); // the beginning of another's name
  await until('they are there', async () => (await f.get('rooms/call/presence')).json().people.length === 3);
  const polls = ['alice', 'bob'].map((user) => f.get('rooms/call/events?wait=5&types=signal,message', as(user)));
  const counted = await e.listen('rooms/call/events?as=ndjson&types=signal,message&count=1', as('bob'));
  await until('the polls are there', async () => (await f.get('rooms/call/presence')).json().online === 22);
  assert.equal((await form(e, 'POST', 'rooms/call/signals', { to: 'alice', content: 'offer' }, 'bob')).status, 202);
  await Promise.all(streams.alice.map((s) => s.waitContent('offer')));
  const event = streams.alice[0].items.find((i) => i.content === 'offer').event;
  assert.deepEqual([event.type, event.to, event.userId, event.id], ['signal', 'alice', 'bob', undefined]);
  assert.deepEqual((await polls[0]).json().events.map((one) => one.content), ['offer']);
  await e.send('call', 'for all');
  await Promise.all([...streams.bob, ...streams.null, ali].map((s) => s.waitContent('for all')));
  for (const one of [...streams.bob, ...streams.null, ali]) assert.deepEqual(one.contents, ['for all']);
  assert.deepEqual((await polls[1]).json().events.map((one) => one.content), ['for all']);
  await counted.closed;
  assert.deepEqual(counted.contents, ['for all']);
  [...Object.values(streams).flat(), ali].forEach((s) => s.close());
});

test('one who is not in the room: does his inbox have it; and is one who is nowhere told of?', async () => {
  const inbox = await f.listen('rooms/@me/events?as=sse', as('carol'));
  await until('she is there', async () => (await e.get('rooms/@me/presence', as('carol'))).json().people.length === 1);
  assert.equal((await form(e, 'POST', 'rooms/ring/signals', { to: 'carol', content: 'rings' }, 'bob')).status, 202);
  const { event } = await inbox.waitContent('rings');
  assert.deepEqual([event.room, event.to], ['ring', 'carol']);
  const none = await form(e, 'POST', 'rooms/ring/signals', { to: 'nobody', content: 'x' }, 'bob');
  assert.deepEqual([none.status, none.json().code], [404, 'nobody_there']);
  await sleep(100);
  assert.deepEqual(inbox.contents, ['rings']);
  inbox.close();
});
