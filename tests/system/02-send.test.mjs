// Is what a client sends stored as it was sent, in every form of body?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, curl, forFile, tokenOf, until } from './harness.mjs';

const e = await forFile();

const stored = async (room) => (await e.get(`rooms/${room}/messages?limit=200`)).json().events;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };
const NDJSON = { 'content-type': 'application/x-ndjson' };

test('does plain text get a 201 with its event, Location and listeners?', async () => {
  const answer = await e.post('rooms/plain/messages', 'two\nlines', { 'content-type': 'text/plain' });
  assert.equal(answer.status, 201);
  assert.match(answer.headers['content-type'], /^application\/json/);
  const event = answer.json();
  assert.match(event.id, /^\d+-\d+$/);
  assert.equal(event.content, 'two\nlines');
  assert.equal(event.type, 'message');
  assert.equal(event.room, 'plain');
  assert.ok(Math.abs(event.timestamp - Date.now()) < 60000 || Math.abs(Date.parse(event.timestamp) - Date.now()) < 60000, `timestamp ${event.timestamp}`);
  assert.equal(event.listeners, 0);
  const where = new URL(answer.headers.location, `${e.base}/rooms/plain/messages`);
  const one = await e.get(where.href);
  assert.equal(one.status, 200);
  assert.equal(one.json().content, 'two\nlines');
  assert.equal(one.json().id, event.id);
});

test('is what curl -d sends the message, as it stands?', async () => {
  for (const text of ['hello', 'a=b&c=d', '100% sure + more', 'x%41y']) {
    const { code, stdout } = await curl('-d', text, `${e.base}/rooms/curl/messages`);
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).content, text);
  }
  assert.deepEqual((await stored('curl')).map((x) => x.content), ['hello', 'a=b&c=d', '100% sure + more', 'x%41y']);
});

test('does a form with content= give its field, decoded?', async () => {
  const text = 'Grüße & mehr = 100 % + ☃\r\nzwei';
  const { stdout } = await curl('--data-urlencode', `content=${text}`, `${e.base}/rooms/form/messages`);
  assert.equal(JSON.parse(stdout).content, text);
  const answer = await e.post('rooms/form/messages', new URLSearchParams({ content: text, type: 'note', clientId: 'c1' }).toString(), FORM);
  assert.equal(answer.status, 201);
  const event = answer.json();
  assert.deepEqual([event.content, event.type, event.clientId], [text, 'note', 'c1']);
});

test('does JSON give every member back?', async () => {
  const first = await e.send('json', 'first');
  const draft = { content: 'second "☃" \\ \u2028', type: 'dice.roll', metadata: { n: [1, 2, { deep: null }], 'ü': 'ß' }, replyTo: first.id, clientId: 'abc-1' };
  const answer = await e.post('rooms/json/messages', JSON.stringify(draft), JSON_TYPE);
  assert.equal(answer.status, 201);
  const { content, type, metadata, replyTo, clientId } = answer.json();
  assert.deepEqual({ content, type, metadata, replyTo, clientId }, draft);
  const [, kept] = await stored('json');
  assert.deepEqual(kept.metadata, draft.metadata);
  assert.equal(kept.content, draft.content);
});

test('does a batch give one result a line, good lines stored and bad ones told?', async () => {
  const lines = [{ content: 'one' }, { content: 'two', type: 'note' }, { content: 3 }, { type: 'edit', content: 'x' }, { content: 'five' }].map((l) => JSON.stringify(l));
  lines.splice(4, 0, '{"content":');
  const answer = await e.post('rooms/batch/messages', `${lines.join('\n')}\n`, NDJSON);
  assert.ok([200, 201, 207].includes(answer.status), `${answer.status} ${answer.text}`);
  assert.match(answer.headers['content-type'], /^application\/x-ndjson/);
  const results = answer.text.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(results.length, 6);
  assert.deepEqual(results.map((r) => r.content), ['one', 'two', undefined, undefined, undefined, 'five']);
  for (const bad of results.slice(2, 5)) {
    assert.equal(bad.status, 400);
    assert.ok(bad.code && bad.title, JSON.stringify(bad));
  }
  assert.deepEqual((await stored('batch')).map((x) => x.content), ['one', 'two', 'five']);
});

test('does a batch of too many lines get a clear error, and store nothing?', async () => {
  const answer = await e.post('rooms/toomany/messages', '{"content":"x"}\n'.repeat(1001), NDJSON);
  assert.equal(answer.status, 413);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.deepEqual(await stored('toomany').catch(() => []) ?? [], []);
});

test('does an ephemeral event reach listeners and leave nothing behind?', async () => {
  const stream = await e.listen('rooms/eph/events?as=sse');
  await stream.waitType('hello');
  const answer = await e.post('rooms/eph/messages', JSON.stringify({ content: 'gone soon', type: 'cursor.move', ephemeral: true }), JSON_TYPE);
  assert.equal(answer.status, 201);
  assert.equal(answer.json().id, undefined);
  const item = await stream.waitContent('gone soon');
  assert.equal(item.cursor, undefined, 'an ephemeral event has no id: line');
  assert.equal(item.event.id, undefined);
  assert.equal(item.type, 'cursor.move');
  stream.close();
  const page = await e.get('rooms/eph/messages');
  assert.ok(page.status === 404 || page.json().events.length === 0);
});

test('does listeners count the streams of the room?', async () => {
  const streams = [];
  for (let i = 0; i < 3; i++) streams.push(await e.listen('rooms/count/events?as=ndjson'));
  await until('listeners is 3', async () => (await e.send('count', 'x')).listeners === 3);
  streams[0].close();
  await until('listeners is 2', async () => (await e.send('count', 'x')).listeners === 2);
  streams.forEach((s) => s.close());
});

test('does a retry with the same Idempotency-Key store once?', async () => {
  const key = { 'idempotency-key': 'retry-1' };
  const first = await e.post('rooms/idem/messages', 'once', { 'content-type': 'text/plain', ...key });
  const again = await e.post('rooms/idem/messages', 'once', { 'content-type': 'text/plain', ...key });
  assert.equal(first.status, 201);
  assert.ok([200, 201].includes(again.status));
  assert.equal(again.json().id, first.json().id);
  const other = await e.post('rooms/idem/messages', 'another body', { 'content-type': 'text/plain', ...key });
  assert.equal(other.status, 422);
  assert.match(other.headers['content-type'], /^application\/problem\+json/);
  assert.deepEqual((await stored('idem')).map((x) => x.content), ['once']);
});

test('is an Idempotency-Key one user\'s own, and a room\'s own?', async () => {
  for (const user of ['alice', 'bob']) {
    for (const room of ['idem-a', 'idem-b']) {
      const answer = await e.post(`rooms/${room}/messages`, `${user} in ${room}`, { 'content-type': 'text/plain', 'idempotency-key': 'same', ...bearer(tokenOf(user)) });
      assert.equal(answer.status, 201, answer.text);
    }
  }
  assert.equal((await stored('idem-a')).length, 2);
});

test('do 20 retries at once store once?', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => e.post('rooms/race/messages', 'x', { 'content-type': 'text/plain', 'idempotency-key': 'race' })));
  assert.equal(new Set(answers.map((a) => a.json().id)).size, 1);
  assert.equal((await stored('race')).length, 1);
});

test('does a retried batch store once?', async () => {
  const body = '{"content":"a"}\n{"content":"b"}\n';
  const headers = { ...NDJSON, 'idempotency-key': 'batch-1' };
  await e.post('rooms/idembatch/messages', body, headers);
  const again = await e.post('rooms/idembatch/messages', body, headers);
  assert.ok(again.status < 300, again.text);
  assert.deepEqual((await stored('idembatch')).map((x) => x.content), ['a', 'b']);
});

test('is a bad Idempotency-Key refused?', async () => {
  for (const key of ['x'.repeat(257), 'with space', '\u00e4']) {
    const answer = await e.post('rooms/badidem/messages', 'x', { 'content-type': 'text/plain', 'idempotency-key': Buffer.from(key).toString('latin1') });
    assert.equal(answer.status, 400, key);
  }
});

test('are the sender\'s user and name the token\'s, whatever the body says?', async () => {
  const token = tokenOf('alice', { name: 'Alice Ä.' });
  const answer = await e.post('rooms/who/messages', JSON.stringify({ content: 'x', userId: 'bob', name: 'Bob' }), { ...JSON_TYPE, ...bearer(token) });
  if (answer.status === 201) {
    assert.equal(answer.json().userId, 'alice');
    assert.equal(answer.json().name, 'Alice Ä.');
  } else {
    assert.equal(answer.status, 400);
  }
});

test('are reserved and malformed types refused, own types taken?', async () => {
  for (const type of ['message', 'a', 'x.y-z_1', 'poll.vote', `a${'b'.repeat(31)}`]) {
    const answer = await e.post('rooms/types/messages', JSON.stringify({ content: 'x', type }), JSON_TYPE);
    assert.equal(answer.status, 201, type);
  }
  for (const type of ['edit', 'delete', 'reaction', 'join', 'leave', 'typing', 'read', 'signal', 'room', 'member', 'hello', 'gap', 'bye', 'A', '1a', 'a b', 'a\nb', 'ü', `a${'b'.repeat(32)}`, '', 5, null]) {
    const answer = await e.post('rooms/types/messages', JSON.stringify({ content: 'x', type }), JSON_TYPE);
    if (type === null || type === '') assert.ok([201, 400].includes(answer.status));
    else assert.equal(answer.status, 400, JSON.stringify(type));
  }
});

test('is a body of an unknown type refused with 415?', async () => {
  const answer = await e.post('rooms/odd/messages', '<x/>', { 'content-type': 'application/xml' });
  assert.equal(answer.status, 415);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
});

test('does every reply have a request id, an own or a given one?', async () => {
  const own = await e.get('rooms');
  assert.match(own.headers['x-request-id'] ?? '', /^[\w.-]{8,}$/);
  const given = await e.get('rooms', { 'x-request-id': 'my-id-42' });
  assert.equal(given.headers['x-request-id'], 'my-id-42');
  const bad = await e.get('rooms/%20/messages', { 'x-request-id': 'my-id-43' });
  assert.equal(bad.json().request_id, 'my-id-43');
  const hostile = await e.get('rooms', { 'x-request-id': '"><script>'.repeat(3) });
  assert.ok(!/[<>"]/.test(hostile.headers['x-request-id']));
});
