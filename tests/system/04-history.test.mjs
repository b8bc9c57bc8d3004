// Can a client read what was said before, page by page, and miss nothing?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, forFile, tokenOf } from './harness.mjs';

const e = await forFile({ conf: { gates: 8 } });

const sent = [];
for (let i = 0; i < 123; i++) sent.push((await e.send('long', `message ${i}`)).id);

const ids = (answer) => answer.json().events.map((x) => x.id);

/** The address of the page that Link names with this relation, or undefined. */
function link(answer, relation, url) {
  for (const part of [answer.headers.link ?? ''].flat().join(', ').split(/,\s*(?=<)/)) {
    const found = part.match(/^<([^>]*)>;\s*rel="?([a-z]+)"?$/);
    if (found?.[2] === relation) return new URL(found[1], url).href;
  }
  return undefined;
}

test('is the newest page first, oldest event first in it, 50 of them?', async () => {
  const answer = await e.get('rooms/long/messages');
  assert.equal(answer.status, 200);
  assert.deepEqual(ids(answer), sent.slice(-50));
});

test('do the links lead through every event, once, to the first?', async () => {
  let url = `${e.base}/rooms/long/messages?limit=25`;
  const seen = [];
  for (let pages = 0; url; pages++) {
    assert.ok(pages < 10);
    const answer = await e.get(url);
    seen.unshift(...ids(answer));
    url = link(answer, 'next', url);
  }
  assert.deepEqual(seen, sent);
});

test('does after= read forwards, also by its links?', async () => {
  let url = `${e.base}/rooms/long/messages?limit=40&after=${sent[9]}`;
  const seen = [];
  for (let pages = 0; url; pages++) {
    assert.ok(pages < 10);
    const answer = await e.get(url);
    seen.push(...ids(answer));
    url = link(answer, 'next', url);
  }
  assert.deepEqual(seen, sent.slice(10));
});

test('are before= and limit= honoured, and bad ones refused?', async () => {
  assert.deepEqual(ids(await e.get(`rooms/long/messages?before=${sent[3]}&limit=2`)), sent.slice(1, 3));
  assert.deepEqual(ids(await e.get(`rooms/long/messages?limit=200`)), sent);
  assert.deepEqual(ids(await e.get(`rooms/long/messages?before=${sent[0]}`)), []);
  assert.deepEqual(ids(await e.get(`rooms/long/messages?after=${sent.at(-1)}`)), []);
  for (const query of ['limit=0', 'limit=-1', 'limit=201', 'limit=x', 'before=x', 'before=1', 'after=1-1-1', 'before=18446744073709551616-0', `before=${sent[0]}&after=${sent[1]}`]) {
    const answer = await e.get(`rooms/long/messages?${query}`);
    assert.equal(answer.status, 400, query);
    assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  }
});

test('does If-None-Match spare the page while nothing is new?', async () => {
  const first = await e.get('rooms/tagged/messages');
  assert.equal(first.status, 200, 'a room in which nothing was said is empty');
  assert.deepEqual(first.json().events, []);
  await e.send('tagged', 'x');
  const page = await e.get('rooms/tagged/messages');
  assert.match(page.headers.etag, /^(W\/)?"[^"]+"$/);
  const same = await e.get('rooms/tagged/messages', { 'if-none-match': page.headers.etag });
  assert.equal(same.status, 304);
  assert.equal(same.body.length, 0);
  await e.send('tagged', 'y');
  assert.equal((await e.get('rooms/tagged/messages', { 'if-none-match': page.headers.etag })).status, 200);
});

test('is one message there, or a clear 404?', async () => {
  const answer = await e.get(`rooms/long/messages/${sent[5]}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.json().content, 'message 5');
  assert.equal((await e.get(`rooms/other/messages/${sent[5]}`)).status, 404);
  assert.equal((await e.get('rooms/long/messages/1-1')).status, 404);
  assert.equal((await e.get('rooms/long/messages/18446744073709551615-18446744073709551615')).status, 404);
  for (const id of ['x', '1', '1-', '-1-1', '1-1-1', '01-1', '18446744073709551616-0']) {
    const bad = await e.get(`rooms/long/messages/${id}`);
    assert.equal(bad.status, 400, id);
    assert.match(bad.headers['content-type'], /^application\/problem\+json/);
  }
});

test('are the rooms listed, the latest first, private ones to nobody?', async () => {
  await e.send('rooms-one', 'x');
  await e.send('rooms-two', 'x');
  await e.post('rooms/@alice,bob/messages', 'psst', { 'content-type': 'text/plain', ...bearer(tokenOf('alice')) });
  const { rooms } = (await e.get('rooms')).json();
  const names = rooms.map((r) => r.name);
  assert.deepEqual(names.slice(0, 2), ['rooms-two', 'rooms-one']);
  assert.ok(!names.some((n) => n.includes('@')));
  assert.equal(typeof rooms[0].online, 'number');
  assert.match(rooms[0].last, /^\d+-\d+$/);
});

test('do HEAD and GET tell the same?', async () => {
  const get = await e.get('rooms/long/messages?limit=3');
  const head = await e.request('HEAD', 'rooms/long/messages?limit=3');
  assert.equal(head.status, 200);
  assert.equal(head.body.length, 0);
  for (const name of ['etag', 'link', 'content-type', 'content-length']) assert.equal(head.headers[name], get.headers[name], name);
});
