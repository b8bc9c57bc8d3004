// Does the client library hear everything behind proxies that hold streams back, let them go silent or cut them?

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, test } from 'node:test';
import { freePort, until } from '../system/harness.mjs';
import { as } from '../system/site.mjs';
import { serve, tokenOf } from './browser.mjs';
import { closed, numbers, open, people } from './library.mjs';

const server = await serve();
const at = server.page;
const say = (content, room = 'lobby') => server.send(room, content, as('sender'));

/** Another nginx before the first, which buffers whatever the answer says. */
async function bufferingProxy() {
  const port = await freePort();
  const temp = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'].map((t) => `${t}_temp_path tmp2-${t};`).join(' ');
  fs.writeFileSync(`${server.dir}/proxy.conf`, `${process.getuid() === 0 ? 'user root;' : ''} worker_processes 1; pid proxy.pid; error_log stderr; daemon off;
events { worker_connections 512; }
http { access_log off; ${temp}
  server { listen 127.0.0.1:${port};
    location / { proxy_pass ${server.origin}; proxy_http_version 1.0; proxy_set_header Host $http_host; proxy_buffering on; proxy_buffers 16 64k; proxy_buffer_size 64k; proxy_ignore_headers X-Accel-Buffering; }
  }
}
`);
  server.program('nginx', 'nginx', ['-p', `${server.dir}/`, '-c', `${server.dir}/proxy.conf`, '-e', 'stderr']);
  await until('the proxy answers', () => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
  }));
  return `http://127.0.0.1:${port}/chat/`;
}

/** A proxy that does with each stream what `treat(chunk, client, upstream)` says; everything else passes. */
async function proxy(treat) {
  const streams = [];
  const proxied = http.createServer((request, response) => {
    const upstream = http.request(`${server.origin}${request.url}`, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      response.flushHeaders();
      if (!/event-stream/.test(answer.headers['content-type'])) return void answer.pipe(response);
      streams.push(response);
      answer.on('data', (chunk) => treat(chunk, response, answer));
      answer.on('error', () => response.destroy());
      answer.on('end', () => response.end());
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }).listen(0, '127.0.0.1');
  await once(proxied, 'listening');
  after(() => { proxied.closeAllConnections(); proxied.close(); });
  return { page: `http://127.0.0.1:${proxied.address().port}/chat/`, streams };
}

const SHORT = { hello: 700, silence: 1500, settle: 3000, again: 60000, poll: 2000 };

test('nginx before nginx, which buffers whatever it is told: is it found by the missing hello, and does everything come by polls?', async () => {
  const [tab] = await people({ at: await bufferingProxy(), options: { times: SHORT } });
  await tab.live('poll');
  for (const content of numbers(5)) await say(content);
  await tab.shown('4');
  assert.deepEqual(await tab.contents(), numbers(5));
  const states = await tab.run(() => globalThis.states);
  assert.ok(states.includes('connecting fetch') && !states.includes('live fetch'), states.join());
  await closed(tab);
});

test('a proxy that passes the hello and then nothing: is that found, and nothing lost?', async () => {
  const { page } = await proxy((chunk, client) => { if (!client.quiet) client.write(chunk); client.quiet = true; });
  const [tab] = await people({ at: page, rooms: ['quiet'], options: { times: SHORT } });
  await tab.live('fetch');
  await say('unheard', 'quiet');
  await tab.live('poll');
  await tab.shown('unheard', 'quiet');
  await say('heard', 'quiet');
  await tab.shown('heard', 'quiet');
  assert.deepEqual(await tab.told('quiet'), ['unheard', 'heard']);
  // That one's own message is not told shows it sooner than the missing heartbeat.
  const own = await open(tab.who, { at: page, rooms: ['own'], options: { share: false, times: { doubt: 300 } } });
  await own.live('fetch');
  await own.send('mine', 'own');
  await own.live('poll');
  await closed(tab);
});

test('a proxy that cuts: do three cuts one after another lead to polls, and later back to streams?', async () => {
  let cuts = true;
  const { page, streams } = await proxy((chunk, client) => {
    client.write(chunk);
    if (cuts) client.timer ??= setTimeout(() => client.destroy(), 300);
  });
  const [tab] = await people({ at: page, rooms: ['cuts'], options: { times: { ...SHORT, again: 2500, poll: 5000, silence: 20000 } } });
  await tab.live('fetch');
  let sent = 0, stop = false;
  const sender = (async () => { while (!stop) { await say(`${sent}`, 'cuts'); sent++; await new Promise((resolve) => setTimeout(resolve, 40)); } })();
  await tab.live('poll');
  assert.equal(streams.length, 3);
  cuts = false;
  await tab.live('fetch');
  const before = sent;
  await until('more are sent', () => sent > before + 5);
  stop = true;
  await sender;
  await tab.shown(`${sent - 1}`, 'cuts');
  assert.deepEqual(await tab.told('cuts'), numbers(sent));
  await closed(tab);
});

test('a proxy that lets no answer last: do shorter polls bring everything?', async () => {
  const [tab] = await people({ at, rooms: ['short'], options: { transport: 'poll', times: { poll: 20000 } }, init: (page) => page.route(/events\?.*wait=(1\d|20)/, (route) => route.abort()) });
  await tab.until(() => globalThis.earshot.connection.state === 'live');
  for (const content of numbers(3)) { await say(content, 'short'); await tab.shown(content, 'short'); }
  await say('later', 'short');
  await tab.shown('later', 'short');
  await closed(tab);
});

test('EventSource: by tickets with a token, each stream another; nothing lost when it is cut?', async () => {
  const { page, streams } = await proxy((chunk, client) => client.write(chunk));
  const tickets = [];
  const [tab] = await people({ at: page, rooms: ['source', '@anna,bert'], options: { transport: 'eventsource', token: tokenOf('anna'), share: false }, init: (p) => p.on('request', (request) => {
    const ticket = new URL(request.url()).searchParams.get('ticket');
    if (ticket) tickets.push(ticket);
    assert.ok(!request.url().includes('eyJ'), 'no token in an address');
  }) });
  await tab.live('eventsource');
  await say('one', 'source');
  await tab.shown('one', 'source');
  streams.at(-1).destroy();
  await say('two', 'source');
  await tab.shown('two', 'source');
  await tab.live('eventsource');
  assert.ok(tickets.length >= 2 && new Set(tickets).size === tickets.length, tickets.join());
  assert.deepEqual(await tab.told('source'), ['one', 'two']);
  await closed(tab);
});

test('EventSource: a status after which a browser gives up for good: does it come back?', async () => {
  const [tab] = await people({ at, rooms: ['down'], options: { transport: 'eventsource' } });
  await tab.live('eventsource');
  await tab.page.route(/v1\/events/, (route) => route.fulfill({ status: 503, body: 'no' }));
  await tab.who.context.setOffline(true);
  await tab.state('offline');
  await tab.who.context.setOffline(false);
  await tab.state('waiting');
  await say('while it was down', 'down');
  await tab.page.unroute(/v1\/events/);
  await tab.shown('while it was down', 'down');
  await tab.live('eventsource');
  await closed(tab);
});

test('EventSource: in a silent room, is the stream looked after and kept; and one that brings nothing left?', async () => {
  const { page, streams } = await proxy((chunk, client) => { if (!client.quiet) client.write(chunk); });
  const [tab] = await people({ at: page, rooms: ['calm'], options: { transport: 'eventsource', times: { ...SHORT, check: 400 } } });
  await tab.live('eventsource');
  await until('it is looked after longer than silence lasts', () => tab.run(() => performance.getEntriesByType('resource').filter(({ name }) => /wait=0/.test(name)).length >= 5));
  assert.equal(streams.length, 1);
  streams[0].quiet = true;
  await say('held back', 'calm');
  await tab.shown('held back', 'calm');
  assert.ok(streams.length >= 2);
  assert.deepEqual(await tab.told('calm'), ['held back']);
  await closed(tab);
});

test('a server that is full says when to come again: is that time kept?', async () => {
  const [tab] = await people({ at, rooms: ['full'], options: {}, init: (page) => {
    let first = true;
    return page.route(/v1\/events/, (route) => {
      if (!first) return route.continue();
      first = false;
      return route.fulfill({ status: 200, contentType: 'text/event-stream', body: 'retry: 2500\n\n' });
    });
  } });
  await tab.state('waiting');
  const left = await tab.run(() => globalThis.earshot.connection.retryAt - Date.now());
  assert.ok(left > 1500 && left <= 2500, `${left}`);
  await tab.live('fetch');
  await closed(tab);
});

test('in the background for longer than silence is borne: does it look at once when it is seen?', async () => {
  const { page } = await proxy((chunk, client) => { if (!client.quiet) client.write(chunk); });
  const [tab] = await people({ at: page, rooms: ['back'], options: { times: { silence: 4000 } } });
  await tab.live('fetch');
  const front = await open(tab.who, { at, rooms: ['other'], options: { share: false } });
  await front.page.bringToFront();
  await say('seen', 'back');
  await tab.shown('seen', 'back');
  await tab.page.bringToFront();
  await say('again', 'back');
  await tab.shown('again', 'back');
  await closed(tab);
});
