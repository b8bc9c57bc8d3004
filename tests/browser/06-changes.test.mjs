// Is each message, person and mark as the server has it, in every tab, whoever changes it?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { as } from '../system/site.mjs';
import { person, serve, tokenOf } from './browser.mjs';
import { closed, open, people } from './library.mjs';

const server = await serve();
const at = server.page;
const by = (user, options = {}) => ({ at, ...options, options: { token: tokenOf(user), ...options.options } });
const json = (user) => ({ ...as(user), 'content-type': 'application/json' });

/** What the server says of a message, and each tab, which must be the same once all is quiet. */
async function same(room, id, user, ...tabs) {
  const { content, reactions = {}, reacted = [], replies = 0, deleted = null, edited = null } = (await server.get(`rooms/${room}/messages/${id}`, as(user))).json();
  const wanted = JSON.stringify([content ?? null, reactions, reacted, replies, deleted, edited]);
  for (const tab of tabs) {
    await tab.until(([name, which, text]) => {
      const m = globalThis.rooms[name].state.messages.find((one) => one.id === which);
      return m && JSON.stringify([m.content ?? null, m.reactions, m.reacted, m.replies, m.deleted ?? null, m.edited ?? null]) === text;
    }, [room, id, wanted]);
  }
}

test('edits, deletes and replies: are they in every tab as the server has them, also for one who comes later?', async () => {
  const [anna, bert] = await people(by('anna', { rooms: ['edits'] }), by('bert', { rooms: ['edits'] }));
  await anna.live();
  await bert.live();
  const { id } = await server.send('edits', 'first', as('anna'));
  await anna.shown('first', 'edits');
  await bert.shown('first', 'edits');
  await anna.run((which) => globalThis.rooms.edits.edit(which, 'second'), id);
  await same('edits', id, 'anna', anna, bert);
  assert.equal(await bert.run((which) => globalThis.rooms.edits.edit(which, 'mine').catch(({ code }) => code), id), 'not_the_author');
  const reply = (await server.request('POST', 'rooms/edits/messages', { headers: json('bert'), body: JSON.stringify({ content: 'a reply', replyTo: id }) })).json();
  await same('edits', id, 'anna', anna, bert);
  await bert.run((which) => globalThis.rooms.edits.delete(which), reply.id);
  await same('edits', reply.id, 'anna', anna, bert);
  await anna.run((which) => globalThis.rooms.edits.delete(which), id);
  await same('edits', id, 'anna', anna, bert);
  const [late] = await people(by('carl', { rooms: ['edits'] }));
  await late.live();
  await same('edits', id, 'carl', late);
  await closed(anna, bert, late);
});

test('reactions: one\'s own, others\', twice, in two tabs and refused: are the counts the server\'s?', async () => {
  const who = await person();
  const one = await open(who, by('anna', { rooms: ['likes'] })), two = await open(who, by('anna', { rooms: ['likes'] }));
  const [bert] = await people(by('bert', { rooms: ['likes'] }));
  for (const tab of [one, two, bert]) await tab.live();
  const { id } = await server.send('likes', 'like me', as('carl'));
  for (const tab of [one, two, bert]) await tab.shown('like me', 'likes');
  const react = (tab, emoji, on = true) => tab.run(([which, what, yes]) => globalThis.rooms.likes.react(which, what, yes).catch(({ code }) => code), [id, emoji, on]);
  // At once it is there, before any answer.
  assert.deepEqual(await one.run((which) => { globalThis.rooms.likes.react(which, '👍'); return globalThis.rooms.likes.state.messages[0].reactions; }, id), { '👍': 1 });
  await Promise.all([react(two, '👍'), react(bert, '👍'), react(bert, '🎉')]);
  await same('likes', id, 'anna', one, two);
  await same('likes', id, 'bert', bert);
  await Promise.all([react(one, '👍', false), react(two, '👍', false), react(two, '🎉'), react(bert, '👍', false), react(bert, '👍')]);
  await same('likes', id, 'anna', one, two);
  await same('likes', id, 'bert', bert);
  // On, off, on, as fast as one can: the last one holds.
  await one.run((which) => Promise.all([true, false, true, false, true].map((on) => globalThis.rooms.likes.react(which, '⚡', on))), id);
  await same('likes', id, 'anna', one, two);
  assert.ok(await one.run(() => globalThis.rooms.likes.state.messages[0].reacted.includes('⚡')));
  await server.request('PUT', 'rooms/likes', { headers: json('carl'), body: '{}' });
  await server.request('DELETE', `rooms/likes/messages/${id}`, { headers: as('carl') });
  await same('likes', id, 'anna', one, two);
  assert.equal(await react(one, '🙈'), 'message_deleted');
  await same('likes', id, 'anna', one, two);
  who.clean();
  await who.context.close();
  await closed(bert);
});

test('a thread of more replies than a page has: are they all there, and those that come?', async () => {
  const { id } = await server.send('thread', 'the root', as('anna'));
  const lines = Array.from({ length: 100 }, (_, i) => JSON.stringify({ content: `r${i}`, replyTo: id })).join('\n');
  for (let i = 0; i < 3; i++) await server.request('POST', 'rooms/thread/messages', { headers: { ...as('bert'), 'content-type': 'application/x-ndjson' }, body: lines });
  const [tab] = await people(by('anna', { rooms: ['thread'] }));
  await tab.live();
  await tab.run((which) => { globalThis.thread = globalThis.rooms.thread.thread(which); }, id);
  await tab.until(() => globalThis.thread.state.loaded);
  assert.deepEqual(await tab.run(() => [globalThis.thread.state.replies.length, globalThis.thread.state.parent?.content]), [300, 'the root']);
  await tab.run(() => globalThis.thread.send('one more'));
  assert.equal(await tab.run(() => globalThis.thread.state.replies.at(-1).state), 'pending');
  await tab.until(() => globalThis.thread.state.replies.length === 301 && globalThis.thread.state.replies.at(-1).state === 'sent');
  await server.request('POST', 'rooms/thread/messages', { headers: json('bert'), body: JSON.stringify({ content: 'by another', replyTo: id }) });
  await tab.until(() => globalThis.thread.state.replies.at(-1).content === 'by another');
  const first = await tab.run(() => globalThis.thread.state.replies[0].id);
  await server.request('PUT', `rooms/thread/messages/${first}`, { headers: json('bert'), body: '{"content":"edited"}' });
  await tab.until(() => globalThis.thread.state.replies[0].content === 'edited');
  await tab.run(() => globalThis.thread.close());
  await closed(tab);
});

test('read markers and what is unread: are they the same in two tabs, and as the server counts?', async () => {
  const who = await person();
  for (const text of ['a', 'b']) await server.send('news', text, as('bert'));
  await server.request('PUT', 'rooms/news/read', { headers: as('anna') });
  const both = by('anna', { rooms: ['other'], options: { everything: true } });
  const one = await open(who, both), two = await open(who, both);
  for (const tab of [one, two]) await tab.live();
  const unread = (count) => Promise.all([one, two].map((tab) => tab.until((wanted) => globalThis.earshot.rooms.find(({ name }) => name === 'news')?.unread === wanted, count)));
  await unread(0);
  const ids = [];
  for (const text of ['c', 'd', 'e']) ids.push((await server.send('news', text, as('bert'))).id);
  await unread(3);
  for (const tab of [one, two]) await tab.run(() => globalThis.joinRoom('news'));
  for (const tab of [one, two]) await tab.shown('e', 'news');
  await one.run((id) => globalThis.rooms.news.read(id), ids[0]);
  await unread(2);
  await one.run(() => globalThis.rooms.news.read());
  await unread(0);
  for (const tab of [one, two]) await tab.until((id) => globalThis.rooms.news.state.read === id, ids[2]);
  // Back it does not go; and who sends has read.
  await two.run((id) => globalThis.rooms.news.read(id), ids[0]);
  await server.send('news', 'f', as('bert'));
  await unread(1);
  await two.send('g', 'news');
  await one.shown('g', 'news');
  await unread(0);
  assert.equal((await server.get('rooms/news/read', as('anna'))).json().unread, 0);
  who.clean();
  await who.context.close();
});

test('a direct message and a mention: do they reach one who knew nothing of the room?', async () => {
  await server.send('plaza', 'I was here', as('anna'));
  const [tab] = await people(by('anna', { rooms: ['elsewhere'], options: { everything: true } }));
  await tab.live();
  await tab.run(() => { globalThis.inbox = []; globalThis.earshot.on('inbox', (event) => globalThis.inbox.push(event.type)); });
  await server.request('POST', 'users/anna/messages', { headers: json('bert'), body: '{"content":"hi anna"}' });
  await tab.until(() => globalThis.earshot.rooms.some(({ name, unread, direct }) => name === '@anna,bert' && direct && unread === 1));
  await server.send('plaza', 'hey @anna', as('bert'));
  await tab.until(() => globalThis.earshot.rooms.some(({ name, mentioned }) => name === 'plaza' && mentioned));
  assert.deepEqual(await tab.run(() => globalThis.inbox), ['direct', 'mention']);
  assert.equal(await tab.run(() => globalThis.earshot.direct('bert').name), '@anna,bert');
  await closed(tab);
});

test('who is here and who writes: does it begin and end, by a send, by leaving, by going?', async () => {
  const [anna, bert] = await people(by('anna', { rooms: ['people'] }), by('bert', { rooms: ['people'] }));
  const here = (tab, names) => tab.until((wanted) => globalThis.rooms.people.state.people.map(({ userId }) => userId).join() === wanted, names);
  const writes = (tab, names) => tab.until((wanted) => globalThis.rooms.people.state.typing.map(({ userId }) => userId).join() === wanted, names);
  await here(anna, 'anna,bert');
  await here(bert, 'anna,bert');
  await bert.run(() => globalThis.rooms.people.typing());
  await writes(anna, 'bert');
  await writes(bert, '');
  await bert.run(() => globalThis.rooms.people.send('written'));
  await writes(anna, '');
  await bert.run(() => globalThis.rooms.people.typing());
  await writes(anna, 'bert');
  await bert.run(() => globalThis.rooms.people.typing(false));
  await writes(anna, '');
  await bert.run(() => globalThis.rooms.people.typing());
  await writes(anna, 'bert');
  await closed(bert);
  await here(anna, 'anna');
  await writes(anna, '');
  await closed(anna);
});

test('a room\'s topic and one\'s role: do they change while one looks?', async () => {
  await server.request('PUT', 'rooms/about', { headers: json('owner'), body: '{"topic":"old"}' });
  const [tab] = await people(by('anna', { rooms: ['about'] }));
  await tab.live();
  await tab.until(() => globalThis.rooms.about.state.topic === 'old');
  await server.request('PUT', 'rooms/about', { headers: json('owner'), body: '{"topic":"new","mode":"moderated"}' });
  await tab.until(() => globalThis.rooms.about.state.topic === 'new' && globalThis.rooms.about.state.mode === 'moderated');
  await server.request('PUT', 'rooms/about/members/anna', { headers: json('owner'), body: '{"role":"moderator"}' });
  await tab.until(() => globalThis.rooms.about.state.role === 'moderator');
  await closed(tab);
});
