// Do clients that others wrote get everything, also over cuts?

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import http from 'node:http';
import { test } from 'node:test';
import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSource } from 'eventsource';
import { createParser } from 'eventsource-parser';
import { bearer, forFile, jwt, run, sleep, tokenOf, until } from './harness.mjs';

const e = await forFile({ conf: { retry: '100ms' } });

const killHubs = () => e.workers('hub').forEach((pid) => process.kill(pid, 'SIGKILL'));

/** Sends 40 messages and cuts every stream twice on the way; returns what was sent. */
async function talk(room) {
  const sent = [];
  for (let i = 0; i < 40; i++) {
    sent.push(`${i} line\nbreak ☃`);
    await e.send(room, sent.at(-1));
    if (i === 10 || i === 25) {
      killHubs();
      await sleep(150);
    }
  }
  return sent;
}

test('eventsource (npm): is all there, with its types, over cuts?', async () => {
  const seen = [];
  const kinds = new Set();
  const source = new EventSource(`${e.base}/rooms/npm-es/events`);
  source.addEventListener('message', (event) => seen.push(JSON.parse(event.data).content));
  for (const kind of ['hello', 'poll.vote']) source.addEventListener(kind, () => kinds.add(kind));
  await until('hello', () => kinds.has('hello'));
  const sent = await talk('npm-es');
  await e.post('rooms/npm-es/messages', '{"content":"v","type":"poll.vote"}', { 'content-type': 'application/json' });
  await until('all', () => seen.length >= sent.length && kinds.has('poll.vote'), 10000);
  source.close();
  assert.deepEqual(seen, sent);
});

test('eventsource (npm): does it stop for good at 204 or an error, and come back while the daemon restarts?', async () => {
  let opened = 0;
  const seen = [];
  const source = new EventSource(`${e.base}/rooms/npm-restart/events`);
  source.addEventListener('hello', () => { opened++; });
  source.addEventListener('message', (event) => seen.push(JSON.parse(event.data).content));
  await until('open', () => opened === 1);
  await e.send('npm-restart', 'before');
  await until('before', () => seen.length === 1);
  await e.daemon.stop();
  await sleep(500);
  assert.notEqual(source.readyState, 2, 'while the daemon is down it must not give up');
  await e.startDaemon();
  await e.ready();
  await e.send('npm-restart', 'meanwhile');
  await until('it came back and caught up', () => seen.includes('meanwhile'), 15000);
  source.close();
  assert.deepEqual(seen, ['before', 'meanwhile']);
});

test('eventsource (npm): does it send its token by a fetch of its own?', async () => {
  const seen = [];
  const source = new EventSource(`${e.base}/rooms/@me/events`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...bearer(tokenOf('alice')) } }),
  });
  let open = false;
  source.addEventListener('hello', () => { open = true; });
  source.addEventListener('message', (event) => seen.push(JSON.parse(event.data).content));
  await until('open', () => open);
  await e.send('@alice', 'to the inbox', bearer(jwt({ sub: 'boss', role: 'admin', exp: Math.floor(Date.now() / 1000) + 60 })));
  await until('arrived', () => seen.length === 1);
  source.close();
});

test('eventsource-parser: does it take the stream apart byte by byte?', async () => {
  const events = [];
  const parser = createParser({ onEvent: (event) => events.push(event), onError: (error) => { throw error; } });
  const answer = await new Promise((resolve) => { http.get(`${e.base}/rooms/parser/events?as=sse&since=all`, resolve); });
  answer.setEncoding('latin1');
  answer.on('data', (chunk) => {
    for (const byte of chunk) parser.feed(byte);
  });
  const sent = [];
  for (let i = 0; i < 20; i++) sent.push((await e.send('parser', `x${i}`)).id);
  await until('all', () => events.length >= 21);
  answer.destroy();
  assert.equal(events[0].event, 'hello');
  assert.deepEqual(events.slice(1).map((x) => x.id), sent);
  assert.ok(events.slice(1).every((x) => x.event === 'message' && JSON.parse(x.data).id === x.id));
});

test('@microsoft/fetch-event-source: is all there over cuts?', async () => {
  // It is written for browsers and asks them whether the page is visible.
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
  globalThis.window = { setTimeout, clearTimeout, fetch };
  const seen = [];
  const abort = new AbortController();
  let open = 0;
  const ended = fetchEventSource(`${e.base}/rooms/ms/events`, {
    signal: abort.signal,
    headers: bearer(tokenOf('alice')),
    async onopen(answer) { assert.equal(answer.status, 200); },
    onmessage(event) {
      if (event.event === 'hello') open++;
      if (event.event === 'message') seen.push(JSON.parse(event.data).content);
    },
    onclose() { throw new Error('ended by the server: come again'); },
    onerror() { return 100; },
  });
  await until('open', () => open === 1);
  const sent = await talk('ms');
  await until('all', () => seen.length >= sent.length, 10000);
  abort.abort();
  await ended;
  assert.deepEqual(seen, sent);
});

test('curl: does the text stream print each line as it comes?', async () => {
  const child = spawn('curl', ['-sN', `${e.base}/rooms/curl/events?as=text`], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => { out += chunk; });
  await until('listening', async () => (await e.listeners('curl')) === 1);
  await e.send('curl', 'first');
  await until('first', () => out === 'anonymous: first\n');
  await e.send('curl', 'second\nline');
  await until('second', () => out === 'anonymous: first\nanonymous: second\\nline\n');
  child.kill();
});

test('curl: do a thousand sends on one connection all arrive?', async () => {
  const config = Array.from({ length: 1000 }, (_, i) => `${i > 0 ? 'next\n' : ''}url = "${e.base}/rooms/bulk/messages"\ndata = "m${i}"\noutput = "/dev/null"\nwrite-out = "%{http_code}\\n"\n`).join('');
  const { code, stdout, stderr } = await run('curl', ['-sS', '-K', '-'], { input: config });
  assert.equal(code, 0, stderr);
  assert.deepEqual(new Set(stdout.toString().trim().split('\n')), new Set(['201']));
  const { events } = (await e.get('rooms/bulk/events?since=all&as=json')).json();
  assert.ok(events.length > 0);
  const stream = await e.listen('rooms/bulk/events?since=all&as=ndjson');
  await until('all', () => stream.contents.length >= 1000);
  assert.deepEqual(stream.contents, Array.from({ length: 1000 }, (_, i) => `m${i}`));
  stream.close();
});
