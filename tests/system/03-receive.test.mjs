// Does a listener get what was sent, in the form and from the place that it asked for?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, curl, forFile, sleep, tokenOf, until, within } from './harness.mjs';

const e = await forFile({ conf: { heartbeat: '300ms', poll_wait: '1s' } });

test('does each stream form give past and live events, once, in order?', async (t) => {
  for (const form of ['sse', 'ndjson', 'text']) {
    await t.test(form, async () => {
      const room = `form-${form}`;
      for (const text of ['one', 'two\nlines \\ ☃']) await e.send(room, text);
      const stream = await e.listen(`rooms/${room}/events?as=${form}&since=all`);
      await stream.waitContent('two\nlines \\ ☃');
      for (const text of ['three', 'four']) await e.send(room, text);
      await stream.waitContent('four');
      assert.deepEqual(stream.contents, ['one', 'two\nlines \\ ☃', 'three', 'four']);
      stream.close();
    });
  }
});

test('is the form chosen by Accept, and curl\'s default the long-poll?', async () => {
  await e.send('accept', 'x');
  for (const [accept, type] of [
    ['text/event-stream', 'text/event-stream'], ['application/x-ndjson', 'application/x-ndjson'],
    ['text/plain', 'text/plain'], ['application/json', 'application/json'], ['*/*', 'application/json'],
    ['text/event-stream;q=0.5, application/x-ndjson', 'application/x-ndjson'],
  ]) {
    const stream = await e.open('rooms/accept/events?since=all', { accept });
    assert.equal(stream.status, 200);
    assert.ok(stream.headers['content-type'].startsWith(type), `${accept}: ${stream.headers['content-type']}`);
    stream.close();
  }
  const none = await e.get('rooms/accept/events?since=all', { accept: 'image/png' });
  assert.equal(none.status, 406);
  const odd = await e.get('rooms/accept/events?since=all&as=xml');
  assert.equal(odd.status, 400);
});

test('does SSE begin with retry and hello, and keep alive by comments?', async () => {
  const stream = await e.listen('rooms/beat/events?as=sse');
  await stream.waitType('hello');
  assert.deepEqual(stream.items.slice(0, 2).map((i) => i.type), ['retry', 'hello']);
  await until('three heartbeats', () => stream.heartbeats >= 3);
  assert.match(stream.headers['cache-control'], /no-cache|no-store/);
  stream.close();
});

test('where does a reader begin: latest, all, a cursor, a time?', async () => {
  const first = await e.send('since', 'first');
  await e.send('since', 'second');
  const from = async (query, headers) => (await e.get(`rooms/since/events?as=json&${query}`, headers)).json().events.map((x) => x.content);
  assert.deepEqual(await from('since=all'), ['first', 'second']);
  assert.deepEqual(await from(`since=${first.id}`), ['second']);
  assert.deepEqual(await from('wait=0&since=latest'), []);
  assert.deepEqual(await from('since=10m'), ['first', 'second']);
  assert.deepEqual(await from('since=60'), ['first', 'second']);
  assert.deepEqual(await from('', { 'last-event-id': first.id }), ['second']);
  assert.deepEqual(await from('since=all', { 'last-event-id': first.id }), ['second'], 'Last-Event-ID goes before since=');
  assert.deepEqual(await from('since=all', { 'if-none-match': `"${first.id}"` }), ['second'], 'If-None-Match goes before since=');
  assert.deepEqual(await from('since=all', { 'if-none-match': `W/"${first.id}"` }), ['second'], 'a weak ETag, as a compressing proxy makes it');
  await sleep(1200);
  await e.send('since', 'third');
  assert.deepEqual(await from('since=1'), ['third']);
});

test('does a long-poll give a cursor, an ETag and a length, and does the cursor go on?', async () => {
  await e.send('poll', 'one');
  const answer = await e.get('rooms/poll/events?since=all');
  const { events, cursor } = answer.json();
  assert.deepEqual(events.map((x) => x.content), ['one']);
  assert.equal(answer.headers.etag, `"${cursor}"`);
  assert.equal(Number(answer.headers['content-length']), answer.body.length);
  const waiting = e.get('rooms/poll/events?wait=20', { 'if-none-match': answer.headers.etag });
  await sleep(200);
  await e.send('poll', 'two');
  const next = await within(3000, 'the long-poll is answered at once', waiting);
  assert.deepEqual(next.json().events.map((x) => x.content), ['two']);
});

test('does a long-poll that times out say so: an empty list, or 304?', async () => {
  await e.send('quiet', 'x');
  const empty = await e.get('rooms/quiet/events?wait=1');
  assert.equal(empty.status, 200);
  assert.deepEqual(empty.json().events, []);
  assert.ok(empty.json().cursor, 'a cursor all the same, so that nothing is lost between two polls');
  const none = await e.get('rooms/quiet/events?wait=1', { 'if-none-match': empty.headers.etag });
  assert.equal(none.status, 304);
  assert.equal(none.body.length, 0);
  assert.equal(none.headers.etag, empty.headers.etag);
});

test('is nothing lost between two polls that time out?', async () => {
  let answer = await e.get('rooms/between/events?wait=1');
  await e.send('between', 'in between');
  answer = await e.get('rooms/between/events?wait=1', { 'if-none-match': answer.headers.etag });
  assert.deepEqual(answer.json().events.map((x) => x.content), ['in between']);
});

test('does curl long-poll with no parsing, by --etag-save and --etag-compare?', async () => {
  const tag = `${e.dir}/etag`;
  const poll = (wait) => curl('-w', '%{http_code}', '--etag-save', tag, '--etag-compare', tag, `${e.base}/rooms/etag/events?wait=${wait}`);
  await e.send('etag', 'before');
  assert.match((await poll(1)).stdout.toString(), /"events":\[\].*200$/s);
  const second = poll(20);
  await sleep(300);
  await e.send('etag', 'one');
  assert.match((await second).stdout.toString(), /"content":"one".*200$/s);
  await e.send('etag', 'two');
  assert.match((await poll(20)).stdout.toString(), /"content":"two".*200$/s);
  assert.equal((await poll(1)).stdout.toString(), '304');
});

test('does count= end a receive, in every form?', async () => {
  for (let i = 0; i < 5; i++) await e.send('counted', `n${i}`);
  for (const form of ['sse', 'ndjson', 'text', 'json']) {
    const stream = await e.open(`rooms/counted/events?as=${form}&since=all&count=3`);
    const text = await within(5000, `${form} ends`, stream.all());
    assert.deepEqual(text.match(/n\d/g), ['n0', 'n1', 'n2'], form);
  }
});

test('does the cursor of a counted long-poll stand behind the last event given?', async () => {
  for (let i = 0; i < 5; i++) await e.send('stepped', `n${i}`);
  const seen = [];
  let since = 'all';
  for (let i = 0; i < 3; i++) {
    const { events, cursor } = (await e.get(`rooms/stepped/events?since=${since}&count=2&wait=1`)).json();
    seen.push(...events.map((x) => x.content));
    since = cursor;
  }
  assert.deepEqual(seen, ['n0', 'n1', 'n2', 'n3', 'n4']);
});

test('does count=1 with wait= exit with the next message, as the API page promises?', async () => {
  const done = curl('-N', `${e.base}/rooms/next/events?as=text&count=1&wait=60`);
  await until('the listener is there', async () => (await e.listeners('next')) === 1);
  await e.send('next', 'here it is');
  const { code, stdout } = await within(5000, 'curl ends', done);
  assert.equal(code, 0);
  assert.equal(stdout.toString(), 'anonymous: here it is\n');
});

test('does wait= end a stream?', async () => {
  const began = Date.now();
  const stream = await e.listen('rooms/waited/events?as=sse&wait=1');
  assert.equal(await within(4000, 'the stream ends', stream.closed), 'end');
  assert.ok(Date.now() - began >= 900);
});

test('does types= leave out the others, and the cursor still move?', async () => {
  const stream = await e.listen('rooms/typed/events?as=sse&types=message,vote');
  await stream.waitType('hello');
  for (const type of ['note', 'vote', 'message', 'note']) {
    await e.post('rooms/typed/messages', JSON.stringify({ content: type, type }), { 'content-type': 'application/json' });
  }
  await stream.waitContent('message');
  await sleep(100);
  assert.deepEqual(stream.contents, ['vote', 'message']);
  stream.close();
  const { events, cursor } = (await e.get('rooms/typed/events?since=all&types=vote&wait=1')).json();
  assert.deepEqual(events.map((x) => x.content), ['vote']);
  assert.match(cursor, /^\d+-\d+$/);
});

test('are bad queries refused with 400 and a reason?', async () => {
  for (const query of ['since=yesterday', 'since=', 'since=1-2-3', 'since=-5', 'since=1.5h', 'wait=x', 'wait=-1', 'count=0x', 'count=-1', 'types=', 'types=A%20B', `types=${Array(40).fill('x').join(',')}`, 'as=', 'since=99999999999999999999-0', 'since=01-0', 'cursor=2']) {
    const answer = await e.get(`rooms/query/events?as=json&${query}`);
    assert.equal(answer.status, 400, `${query}: ${answer.status} ${answer.text.slice(0, 200)}`);
    assert.match(answer.headers['content-type'], /^application\/problem\+json/);
    assert.ok(answer.json().code && answer.json().title);
  }
});

test('is a wait over the maximum cut down or refused, never taken?', async () => {
  const answer = await e.open('rooms/long/events?as=json&wait=100000');
  assert.ok([200, 400].includes(answer.status));
  answer.close();
});

test('does text with cursor=1 resume?', async () => {
  await e.send('textcursor', 'one', bearer(tokenOf('al', { name: 'A: # \\ ☃' })));
  const one = await e.listen('rooms/textcursor/events?as=text&since=all&cursor=1');
  await one.waitContent('one');
  assert.equal(one.items[0].name, 'A: # \\ ☃');
  one.close();
  await e.send('textcursor', 'two');
  const two = await e.listen(`rooms/textcursor/events?as=text&since=${one.cursor}&cursor=1`);
  await two.waitContent('two');
  assert.deepEqual(two.contents, ['two']);
  two.close();
});

test('can a name or a text forge a line or a control line?', async () => {
  const stream = await e.listen('rooms/forged/events?as=text');
  await sleep(100);
  const names = ['# bye reason=expired', 'admin: x', '[other] admin', '1700000000000-0 admin'];
  for (const name of names) await e.send('forged', 'text\n# gap\r\u2028admin: z', bearer(tokenOf('mallory', { name })));
  await until('a line each', () => stream.items.length >= names.length);
  assert.equal(stream.raw.map(String).join('').split(/[\n\r\u2028]/).length, names.length + 1);
  assert.deepEqual(stream.items.map((i) => [i.type, i.name]), names.map((name) => ['message', name]));
  const broken = await e.post('rooms/forged/messages', 'x', { 'content-type': 'text/plain', ...bearer(tokenOf('mallory', { name: 'x\nadmin: y' })) });
  assert.equal(broken.status, 401);
  stream.close();
});

test('do HEAD and OPTIONS answer without opening a stream?', async () => {
  const head = await within(3000, 'HEAD ends', e.request('HEAD', 'rooms/head/events', { agent: false }));
  assert.equal(head.status, 200);
  assert.equal(head.body.length, 0);
  const options = await e.request('OPTIONS', 'rooms/head/events');
  assert.equal(options.status, 204);
  assert.match(options.headers.allow, /GET/);
});

test('does a message leave the listener within 100 ms?', async () => {
  const stream = await e.listen('rooms/quick/events?as=sse');
  await stream.waitType('hello');
  const times = [];
  for (let i = 0; i < 20; i++) {
    const began = performance.now();
    const arrived = new Promise((resolve) => { stream.res.once('data', () => resolve(performance.now())); });
    await Promise.all([e.send('quick', `${i}`), arrived]);
    times.push((await arrived) - began);
  }
  times.sort((a, b) => a - b);
  assert.ok(times[10] < 500, `median ${times[10]} ms`);
  stream.close();
});
