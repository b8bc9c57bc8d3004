// Does whatever a client may send get a clear answer, store nothing and hurt nobody?

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { bearer, forFile, jwt, inAnHour, sleep, until } from './harness.mjs';

const e = await forFile();

// Someone listens all the while, in a room of his own, and must not be disturbed.
let witness;
let pids;
const workers = () => [...e.workers('hub'), ...e.workers('gate')].sort().join();

test('to begin with: does a witness listen?', async () => {
  witness = await e.listen('rooms/witness/events?as=sse');
  await witness.waitType('hello');
  pids = workers();
});

/** A problem+json with this status. */
function assertProblem(answer, status, why = '') {
  assert.ok([status].flat().includes(answer.status), `${why}: ${answer.status} ${answer.text?.slice(0, 300)}`);
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, why);
  const problem = answer.json();
  assert.equal(problem.status, answer.status, why);
  assert.ok(problem.code && problem.title && problem.request_id, `${why}: ${answer.text}`);
}

/** Writes bytes to nginx as they are and returns what comes back, as a reply. */
async function raw(text) {
  const socket = net.connect(e.port, '127.0.0.1');
  const closed = once(socket, 'close');
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text);
  await Promise.race([closed, sleep(3000)]);
  socket.destroy();
  const bytes = Buffer.concat(chunks).toString('latin1');
  const [head, ...rest] = bytes.split('\r\n\r\n');
  const headers = Object.fromEntries(head.split('\r\n').slice(1).map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 2)]));
  const body = rest.join('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), headers, text: body, json: () => JSON.parse(body) };
}

const request = (method, target, headers = '', body = '') => `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n${body}`;

test('are room names refused that are none?', async () => {
  const names = ['a%0d%0aX:y', 'a%0a', '%0aa', 'a%0d', '%20', 'a%20b', 'a%7Bb%7D', '%7Bmain', 'a%2Fb', 'a%5Cb', 'a'.repeat(65), '.a', '-a', '_a', '@', '@a,', '@,a', '@a%20b', `@${'u'.repeat(65)}`, '%C3%A4', '%E2%98%83', '%FF', '%C0%AF', 'a*', 'a%3Fb', 'a%23', 'a:b', 'a,b', '%252F', `@${Array.from({ length: 9 }, (_, i) => `user${i}`).join(',')}`];
  for (const name of names) {
    for (const [method, what] of [['POST', 'messages'], ['GET', 'messages'], ['GET', 'events?as=json&wait=0']]) {
      const answer = await raw(request(method, `/chat/v1/rooms/${name}/${what}`, method === 'POST' ? 'Content-Type: text/plain\r\nContent-Length: 1\r\n' : '', method === 'POST' ? 'x' : ''));
      assertProblem(answer, [400, 401, 404], `${method} ${name}`);
    }
  }
  assertProblem(await raw(request('GET', '/chat/v1/rooms/%00/messages')), 400, 'NUL, refused by nginx');
  assertProblem(await raw(request('GET', '/chat/v1/rooms//messages')), [400, 404], 'an empty name');
});

test('is a reply never split by what a path brings?', async () => {
  const answer = await raw(request('GET', '/chat/v1/rooms/x%0d%0aSet-Cookie:%20a=b/messages', 'X-Request-Id: a\r\n'));
  assert.equal(answer.headers['set-cookie'], undefined);
  const query = await raw(request('GET', '/chat/v1/rooms/x/messages?limit=%0d%0aSet-Cookie:%20a=b'));
  assertProblem(query, 400);
  assert.equal(query.headers['set-cookie'], undefined);
});

test('are two Content-Lengths, and none, handled?', async () => {
  const post = (headers, body) => raw(request('POST', '/chat/v1/rooms/bad/messages', `Content-Type: text/plain\r\n${headers}`, body));
  assertProblem(await post('Content-Length: 1\r\nContent-Length: 5\r\n', 'hello'), 400);
  assertProblem(await post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400);
  assertProblem(await post('Content-Length: x\r\n', 'hello'), 400);
  assertProblem(await post('Content-Length: -1\r\n', 'hello'), 400);
  assertProblem(await post('Content-Length: 99999999999999999999\r\n', 'hello'), [400, 413]);
  assertProblem(await post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400);
  assertProblem(await post('', ''), [400, 411]);
});

test('is a body shorter than its Content-Length stored nowhere?', async () => {
  const socket = net.connect(e.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.end(request('POST', '/chat/v1/rooms/bad/messages', 'Content-Type: text/plain\r\nContent-Length: 100\r\n', 'only this'));
  socket.resume();
  await once(socket, 'close');
});

test('are over-long bodies and contents refused?', async () => {
  const text = { 'content-type': 'text/plain' };
  assert.equal((await e.post('rooms/good/messages', 'x'.repeat(8192), text)).status, 201, '8 KiB fit');
  assertProblem(await e.post('rooms/bad/messages', 'x'.repeat(8193), text), 413);
  assertProblem(await e.post('rooms/bad/messages', 'x'.repeat(1024 * 1024), text), 413);
  assertProblem(await e.post('rooms/bad/messages', JSON.stringify({ content: 'x', metadata: { a: 'y'.repeat(5000) } }), { 'content-type': 'application/json' }), [400, 413]);
  const big = await raw(request('POST', '/chat/v1/rooms/bad/messages', 'Content-Type: text/plain\r\nContent-Length: 20000000\r\n', 'x'));
  assertProblem(big, 413, 'refused by nginx before it is read');
  assertProblem(await e.post('rooms/bad/messages', '', text), 400, 'empty');
});

const J = { 'content-type': 'application/json' };
const BAD_JSON = {
  'nothing': '',
  'a list': '[]',
  'a text': '"x"',
  'null': 'null',
  'no content': '{}',
  'content null': '{"content":null}',
  'content a number': '{"content":1}',
  'content a list': '{"content":["x"]}',
  'content empty': '{"content":""}',
  'cut short': '{"content":"x"',
  'text behind': '{"content":"x"} y',
  'two objects': '{"content":"x"}{"content":"y"}',
  'a byte order mark': '\ufeff{"content":"x"}',
  'single quotes': "{'content':'x'}",
  'a comment': '{"content":"x" /* y */}',
  'a trailing comma': '{"content":"x",}',
  'a key without quotes': '{content:"x"}',
  'NaN': '{"content":"x","metadata":{"a":NaN}}',
  'Infinity': '{"content":"x","metadata":{"a":Infinity}}',
  'a leading zero': '{"content":"x","metadata":{"a":01}}',
  'a plain control character': '{"content":"a\u0001b"}',
  'a plain line feed': '{"content":"a\nb"}',
  'an unknown escape': '{"content":"\\q"}',
  'a bad \\u': '{"content":"\\u12g4"}',
  '\\u0000': '{"content":"a\\u0000b"}',
  '\\u0000 in a name': '{"con\\u0000tent":"x"}',
  '\\u0000 in metadata': '{"content":"x","metadata":{"a":"\\u0000"}}',
  'a lone high surrogate': '{"content":"\\ud800"}',
  'a lone low surrogate': '{"content":"\\udc00x"}',
  'surrogates the wrong way round': '{"content":"\\udc00\\ud800"}',
  'a high surrogate twice': '{"content":"\\ud83d\\ud83d\\ude00"}',
  'a lone surrogate in metadata': '{"content":"x","metadata":{"\\ud800":1}}',
  'a key twice': '{"content":"x","content":"y"}',
  'a key twice, once escaped': '{"content":"x","\\u0063ontent":"y"}',
  'a key twice in metadata': '{"content":"x","metadata":{"a":1,"a":2}}',
  'metadata a text': '{"content":"x","metadata":"{}"}',
  'metadata a list': '{"content":"x","metadata":[]}',
  'ephemeral a text': '{"content":"x","ephemeral":"true"}',
  'replyTo no id': '{"content":"x","replyTo":"5"}',
  'replyTo a number': '{"content":"x","replyTo":5}',
  'an over-long clientId': JSON.stringify({ content: 'x', clientId: 'c'.repeat(1000) }),
  '100,000 lists deep': `{"content":"x","metadata":{"a":${'['.repeat(100000)}${']'.repeat(100000)}}}`,
  '100,000 objects deep': `${'{"a":'.repeat(100000)}1${'}'.repeat(100000)}`,
  '100,000 open brackets': '['.repeat(100000),
  'a number without end': `{"content":"x","metadata":{"a":${'9'.repeat(100000)}}}`,
};
for (const [what, body] of Object.entries(BAD_JSON)) {
  test(`is JSON refused that is or has ${what}?`, async () => {
    const answer = await e.post('rooms/bad/messages', body, J);
    assertProblem(answer, [400, 413], what);
  });
}

const BAD_UTF8 = { 'a lone continuation': '80', 'an overlong slash': 'c0af', 'a surrogate': 'eda080', 'past U+10FFFF': 'f4908080', 'cut short': 'e298', 'latin-1': 'e4', 'FE': 'fe', 'NUL': '00' };
for (const [what, hex] of Object.entries(BAD_UTF8)) {
  test(`is bad UTF-8 (${what}) refused wherever text comes in?`, async () => {
    const bad = Buffer.from(hex, 'hex');
    const around = (a, b) => Buffer.concat([Buffer.from(a), bad, Buffer.from(b)]);
    const percent = hex.replace(/../g, '%$&');
    assertProblem(await e.post('rooms/bad/messages', around('a', 'b'), { 'content-type': 'text/plain' }), 400, 'text');
    assertProblem(await e.post('rooms/bad/messages', around('a', 'b'), { 'content-type': 'application/x-www-form-urlencoded' }), 400, 'curl -d');
    assertProblem(await e.post('rooms/bad/messages', around('content=a', 'b'), { 'content-type': 'application/x-www-form-urlencoded' }), 400, 'form');
    assertProblem(await e.post('rooms/bad/messages', `content=a${percent}b`, { 'content-type': 'application/x-www-form-urlencoded' }), 400, 'form, encoded');
    assertProblem(await e.post('rooms/bad/messages', around('{"content":"', '"}'), J), 400, 'JSON');
    assertProblem(await e.post('rooms/bad/messages', around('{"content":"x","metadata":{"', '":1}}'), J), 400, 'JSON metadata');
    assertProblem(await e.post('rooms/bad/messages', around('{"content":"', '"}\n'), { 'content-type': 'application/x-ndjson' }).then((answer) => ({ ...answer, text: answer.text, headers: { 'content-type': 'application/problem+json' }, json: () => JSON.parse(answer.text.split('\n')[0]) })), 400, 'NDJSON');
    assertProblem(await e.get(`rooms/bad/messages?limit=${percent}`), 400, 'query');
    assertProblem(await e.get(`rooms/bad/events?as=json&since=${percent}`), 400, 'since');
    if (hex !== '00') assertProblem(await raw(request('GET', `/chat/v1/rooms/a${percent}/messages`)), 400, 'path');
    const latin1 = bad.toString('latin1');
    if (hex !== '00') {
      assertProblem(await raw(Buffer.from(request('GET', '/chat/v1/rooms/bad/events?as=json&wait=0', `Last-Event-ID: ${latin1}\r\n`), 'latin1')), 400, 'Last-Event-ID');
      assertProblem(await raw(Buffer.from(request('POST', '/chat/v1/rooms/bad/messages', `Content-Type: text/plain\r\nContent-Length: 1\r\nIdempotency-Key: ${latin1}\r\n`, 'x'), 'latin1')), 400, 'Idempotency-Key');
    }
    assertProblem(await e.post('rooms/bad/messages', 'x', { 'content-type': 'text/plain', ...bearer(jwt(around(`{"sub":"alice","exp":${inAnHour()},"name":"`, '"}'))) }), 401, 'token');
  });
}

test('are bad forms refused?', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const body of ['content=a&content=b', 'content=', `content=x&ephemeral=maybe`, 'content=x&metadata=1', `content=x&${'a=b&'.repeat(5000)}`]) {
    assertProblem(await e.post('rooms/bad/messages', body, form), [400, 413], body.slice(0, 40));
  }
});

test('is a percent sign that encodes nothing itself, as the WHATWG says?', async () => {
  for (const text of ['%', '100%', '%zz', '%4']) {
    const answer = await e.post('rooms/good/messages', `content=${text}`, { 'content-type': 'application/x-www-form-urlencoded' });
    assert.equal(answer.json().content, text);
  }
});

test('are malformed, foreign and hostile cursors refused?', async () => {
  for (const cursor of ['x', '1', '1-', '-1', '1-1-1', '01-1', '1-01', '+1-1', ' 1-1', '1-1 ', '1.5-1', '1e3-1', '0x1-1', '18446744073709551616-0', '1-18446744073709551616', 'other:1-1', 'bad:1-1,', `${'9'.repeat(1000)}-1`, '*', '$', '>', '-', '(1-1']) {
    const answer = await e.get(`rooms/bad/events?as=json&wait=0&since=${encodeURIComponent(cursor)}`);
    if (cursor === '1') assert.equal(answer.status, 200, 'a number is seconds back');
    else assertProblem(answer, 400, cursor);
    assertProblem(await e.get('rooms/bad/events?as=json&wait=0', { 'last-event-id': cursor.trim() === cursor ? cursor : 'x' }), 400, `Last-Event-ID ${cursor}`);
  }
});

test('do unknown paths get 404 and unknown methods 405 with Allow?', async () => {
  for (const where of ['nothing', 'rooms/a/nothing', 'rooms/a/messages/1-1/nothing', 'rooms/a/b/c/d/e/f/g/h/i', 'Rooms', 'rooms/a/events/', 'events/x', 'admin']) {
    assertProblem(await e.get(where), [404], where);
  }
  for (const [method, where] of [['DELETE', 'rooms'], ['PATCH', 'rooms/a/messages'], ['PUT', 'rooms/a/messages'], ['POST', 'rooms/a/events'], ['DELETE', 'events'], ['POST', 'livez'], ['BREW', 'rooms/a/messages'], ['get', 'rooms']]) {
    const answer = await raw(request(method, `/chat/v1/${where}`, 'Content-Length: 0\r\n'));
    if (method === 'get' && answer.status === 400) continue; // nginx takes capitals only
    assertProblem(answer, 405, `${method} ${where}`);
    assert.match(answer.headers.allow ?? '', /GET|POST/, `${method} ${where}`);
  }
  assertProblem(await raw(request('TRACE', '/chat/v1/rooms')), 405);
});

test('are doubled and hostile headers harmless?', async () => {
  const get = (headers) => raw(request('GET', '/chat/v1/rooms', headers));
  for (const headers of ['Authorization: Bearer a\r\nAuthorization: Bearer b\r\n', 'Cookie: a\r\nCookie: b\r\n', `Cookie: ${'a=b; '.repeat(1000)}\r\n`, 'Accept: \r\n', `Accept: ${'a/b,'.repeat(1500)}\r\n`, 'If-None-Match: "\r\n', 'Origin: null\r\n', 'Proxy: http://evil/\r\n', 'Origin: x\r\nOrigin: y\r\n', 'Host: other\r\n']) {
    const answer = await get(headers);
    assert.ok([200, 400, 401, 406].includes(answer.status), `${headers.slice(0, 60)}: ${answer.status}`);
  }
  assertProblem(await raw(`GET /chat/v1/rooms HTTP/1.1\r\n\r\n`), 400, 'no Host');
});

test('is a slow sender no burden?', async () => {
  const socket = net.connect(e.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('POST /chat/v1/rooms/bad/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc');
  for (let i = 0; i < 20; i++) assert.equal((await e.get('livez')).status, 200);
  socket.destroy();
  await until('nginx lets go', async () => (await e.get('livez')).status === 200);
});

test('in the end: was nothing stored, did no worker die, was the witness undisturbed?', async () => {
  await e.send('witness', 'still here');
  await witness.waitContent('still here');
  assert.deepEqual(witness.contents, ['still here']);
  witness.close();
  assert.equal(workers(), pids);
  const keys = (await e.redisCli('--scan', '--pattern', 'earshot:{*')).trim().split('\n');
  assert.deepEqual(keys.filter((key) => !/\/(witness|good)}/.test(key) && !key.endsWith(':listeners')), []);
});
