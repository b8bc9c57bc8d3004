// Does the daemon bear a FastCGI client that breaks the rules?

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { forFile, sleep, slow, until } from './harness.mjs';

const e = await forFile({ conf: { gates: 4, hubs: 1, request_limit: '2s' } });

const BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6;

function record(type, content = Buffer.alloc(0), id = 1) {
  const header = Buffer.from([1, type, id >> 8, id & 255, content.length >> 8, content.length & 255, 0, 0]);
  return Buffer.concat([header, content]);
}
const begin = (keep = false, role = 1) => record(BEGIN, Buffer.from([0, role, keep ? 1 : 0, 0, 0, 0, 0, 0]));

function params(vars) {
  const length = (n) => (n < 128 ? Buffer.from([n]) : Buffer.from([0x80 | (n >> 24), (n >> 16) & 255, (n >> 8) & 255, n & 255]));
  const all = Buffer.concat(Object.entries(vars).map(([k, v]) => {
    const [name, value] = [Buffer.from(k), Buffer.from(v, 'latin1')];
    return Buffer.concat([length(name.length), length(value.length), name, value]);
  }));
  const records = [];
  for (let at = 0; at < all.length; at += 65535) records.push(record(PARAMS, all.subarray(at, at + 65535)));
  return Buffer.concat(records);
}

const vars = (method, path, more = {}) => ({ REQUEST_METHOD: method, SCRIPT_NAME: '/chat/v1', PATH_INFO: path, QUERY_STRING: '', REQUEST_URI: `/chat/v1${path}`, SERVER_PROTOCOL: 'HTTP/1.1', GATEWAY_INTERFACE: 'CGI/1.1', SERVER_NAME: 'x', SERVER_PORT: '80', REMOTE_ADDR: '127.0.0.1', ...more });
const send = (body, more = {}) => vars('POST', '/rooms/fcgi/messages', { CONTENT_TYPE: 'text/plain', CONTENT_LENGTH: String(body.length), ...more });

async function connect() {
  const socket = net.connect(`${e.dir}/earshot.sock`);
  const connection = { socket, bytes: Buffer.alloc(0), closed: false };
  socket.on('data', (chunk) => { connection.bytes = Buffer.concat([connection.bytes, chunk]); });
  socket.on('close', () => { connection.closed = true; });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return connection;
}

/** The records that came: { stdout, ended }. */
function records({ bytes }) {
  const stdout = [];
  let ended = 0;
  let at = 0;
  while (at + 8 <= bytes.length) {
    const length = bytes.readUInt16BE(at + 4);
    const type = bytes[at + 1];
    if (type === STDOUT) stdout.push(bytes.subarray(at + 8, at + 8 + length));
    if (type === END) ended++;
    at += 8 + length + bytes[at + 6];
  }
  return { stdout: Buffer.concat(stdout).toString(), ended };
}

async function talk(...pieces) {
  const connection = await connect();
  for (const piece of pieces) connection.socket.write(piece);
  await until('an end', () => connection.closed || records(connection).ended > 0, 5000).catch(() => {});
  connection.socket.destroy();
  return records(connection);
}

const stored = async () => (await e.get('rooms/fcgi/messages')).json().events.map((x) => x.content);

test('does a whole request get a whole answer?', async () => {
  const { stdout, ended } = await talk(begin(), params(send('hello')), record(PARAMS), record(STDIN, Buffer.from('hello')), record(STDIN));
  assert.match(stdout, /^Status: 201/);
  assert.equal(ended, 1);
  assert.deepEqual(await stored(), ['hello']);
});

test('may records come a byte at a time?', async () => {
  const connection = await connect();
  for (const byte of Buffer.concat([begin(), params(send('slow')), record(PARAMS), record(STDIN, Buffer.from('slow')), record(STDIN)])) {
    connection.socket.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await until('201', () => records(connection).ended === 1);
  assert.match(records(connection).stdout, /^Status: 201/);
  connection.socket.destroy();
});

test('is a body shorter than CONTENT_LENGTH refused, and nothing stored?', async () => {
  const { stdout } = await talk(begin(), params(send('hello', { CONTENT_LENGTH: '50' })), record(PARAMS), record(STDIN, Buffer.from('short')), record(STDIN));
  assert.match(stdout, /^Status: 400/);
  assert.match(stdout, /application\/problem\+json/);
  assert.ok(!(await stored()).includes('short'));
});

test('is a body longer than CONTENT_LENGTH refused or cut off there, never more?', async () => {
  const { stdout } = await talk(begin(), params(send('hello', { CONTENT_LENGTH: '2' })), record(PARAMS), record(STDIN, Buffer.from('zzlonger')), record(STDIN));
  assert.match(stdout, /^Status: (201|400)/);
  assert.ok(!(await stored()).includes('zzlonger'));
});

test('do half requests that end there store nothing?', async () => {
  const whole = Buffer.concat([begin(), params(send('cut off')), record(PARAMS), record(STDIN, Buffer.from('cut off')), record(STDIN)]);
  for (let at = 1; at < whole.length; at += 13) {
    const connection = await connect();
    connection.socket.end(whole.subarray(0, Math.min(at, whole.length - 9)));
    await until('it is closed', () => connection.closed, 6000).catch(() => connection.socket.destroy());
  }
  assert.ok(!(await stored()).includes('cut off'));
});

test('does a receive whose client left before it was parked harm nobody?', async () => {
  for (let i = 0; i < 20; i++) {
    const connection = await connect();
    connection.socket.write(Buffer.concat([begin(), params(vars('GET', '/rooms/fcgi/events', { QUERY_STRING: 'as=sse' })), record(PARAMS), record(STDIN)]));
    connection.socket.destroy();
  }
  assert.equal((await e.get('livez')).status, 200);
});

test('do as many half requests as there are gates stop the others for little more than a second?', async () => {
  const half = Buffer.concat([begin(), params(send('x')).subarray(0, 40)]);
  const connections = [];
  for (let i = 0; i < 4; i++) {
    const connection = await connect();
    connection.socket.write(half);
    connections.push(connection);
  }
  await sleep(200);
  const began = Date.now();
  await until('someone is answered again', async () => {
    const answer = await Promise.race([e.request('GET', 'livez', { agent: false }).catch(() => null), sleep(500)]);
    return answer?.status === 200;
  }, 10000);
  assert.ok(Date.now() - began < 2500 * slow, `${Date.now() - began} ms`);
  connections.forEach((c) => c.socket.destroy());
  assert.equal((await e.get('readyz')).status, 200);
});

test('are garbage, unknown records, roles and versions borne?', async () => {
  const garbage = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(1000, 0xff),
    Buffer.from([9, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    record(77, Buffer.from('what')),
    begin(false, 3),
    Buffer.concat([record(PARAMS, Buffer.from('xx')), record(STDIN)]),
    Buffer.concat([begin(), begin()]),
    Buffer.concat([begin(), record(PARAMS, Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2])), record(PARAMS), record(STDIN)]),
    Buffer.concat([begin(), record(PARAMS), record(STDIN)]),
    Buffer.concat([begin(), params({ REQUEST_METHOD: 'GET' }), record(PARAMS), record(STDIN)]),
    Buffer.concat([begin(), params(vars('GET', '/rooms', { 'A=B': 'x', '': 'y', HTTP_X: 'a\nb' })), record(PARAMS), record(STDIN)]),
    Buffer.concat([begin(), params(vars('GET', 'rooms')), record(PARAMS), record(STDIN)]),
    Buffer.concat([begin(), params(vars('GET', '/rooms', { EARSHOT_NAMESPACE: 'a b{}' })), record(PARAMS), record(STDIN)]),
  ];
  for (const bytes of garbage) {
    const connection = await connect();
    connection.socket.end(bytes);
    await until('it is closed', () => connection.closed, 4000).catch(() => connection.socket.destroy());
    assert.ok(!/Status: 2/.test(records(connection).stdout) || /rooms/.test(records(connection).stdout), bytes.toString('latin1').slice(0, 50));
  }
  await until('all is well', async () => (await e.get('readyz').catch(() => ({}))).status === 200);
});

test('are two namespaces of one daemon apart?', async () => {
  const site = { EARSHOT_NAMESPACE: 'site2' };
  const { stdout } = await talk(begin(), params(send('theirs', site)), record(PARAMS), record(STDIN, Buffer.from('theirs')), record(STDIN));
  assert.match(stdout, /^Status: 201/);
  assert.ok(!(await stored()).includes('theirs'));
  const page = await talk(begin(), params(vars('GET', '/rooms/fcgi/messages', site)), record(PARAMS), record(STDIN));
  assert.deepEqual(JSON.parse(page.stdout.split('\r\n\r\n')[1]).events.map((x) => x.content), ['theirs']);
  // A client cannot choose: its headers arrive as HTTP_...
  const header = await e.get('rooms/fcgi/messages', { 'earshot-namespace': 'site2' });
  assert.ok(!header.json().events.some((x) => x.content === 'theirs'));
});

test('are control characters in PATH_INFO refused?', async () => {
  for (const path of ['/rooms/a\r\nX: y/messages', '/rooms/a\n/messages', '/rooms/a\0b/messages']) {
    const { stdout } = await talk(begin(), params(vars('GET', path)), record(PARAMS), record(STDIN));
    assert.match(stdout, /^Status: 40[04]/);
    assert.ok(!/^X: y/m.test(stdout.split('\r\n\r\n')[0]));
  }
});

test('does a kept connection serve many requests, and leave the others their gates?', async () => {
  const connection = await connect();
  for (let i = 1; i <= 5; i++) {
    connection.socket.write(Buffer.concat([begin(true), params(vars('GET', '/livez')), record(PARAMS), record(STDIN)]));
    await until(`answer ${i}`, () => records(connection).ended === i);
  }
  connection.socket.destroy();
});

test('is a kept connection kept after a refusal, whose body nobody wants?', async () => {
  const connection = await connect();
  const body = Buffer.alloc(20000, 'x');
  for (let i = 1; i <= 3; i++) {
    connection.socket.write(Buffer.concat([begin(true), params(send(body, { PATH_INFO: '/rooms/a\xff/messages' })), record(PARAMS), record(STDIN, body), record(STDIN)]));
    await until(`answer ${i}`, () => records(connection).ended === i);
    await sleep(20);
    assert.ok(!connection.closed, `closed after answer ${i}: what a web server sends next would be lost`);
  }
  assert.equal(records(connection).stdout.match(/^Status: 400/gm).length, 3);
  connection.socket.destroy();
});

test('are more kept connections than gates no end of service?', async () => {
  const connections = [];
  for (let i = 0; i < 4; i++) {
    const connection = await connect();
    connections.push(connection);
    connection.socket.write(Buffer.concat([begin(true), params(vars('GET', '/livez')), record(PARAMS), record(STDIN)]));
    await until('answer', () => records(connection).ended === 1 || connection.closed);
  }
  const began = Date.now();
  const answer = await e.request('GET', 'livez', { agent: false });
  assert.equal(answer.status, 200);
  assert.ok(Date.now() - began < 8000, `an idle connection held a gate for ${Date.now() - began} ms`);
  connections.forEach((c) => c.socket.destroy());
});

test('is a connection that the web server keeps answered after a reload and an upgrade, idle or in the middle?', async (t) => {
  const sockets = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const whole = (content) => Buffer.concat([begin(true), params(send(content)), record(PARAMS), record(STDIN, Buffer.from(content)), record(STDIN)]);
  for (const signal of ['SIGHUP', 'SIGUSR2']) {
    const kept = await Promise.all(Array.from({ length: 12 }, connect));
    const answered = (n) => Promise.all(kept.map((c, i) => until(`${signal}: answer ${n} on connection ${i}`, () => records(c).ended === n && !c.closed)));
    kept.slice(0, 8).forEach((c) => c.socket.write(whole('before'))); // the others have said nothing yet
    await Promise.all(kept.slice(0, 8).map((c) => until('an answer', () => records(c).ended === 1)));
    const slow = await connect();
    sockets.push(slow.socket, ...kept.map((c) => c.socket));
    slow.socket.write(Buffer.concat([begin(true), params(send('slow')), record(PARAMS)]));
    await sleep(200);
    const old = [...e.workers('hub'), ...e.workers('gate')];
    e.daemon.signal(signal);
    await sleep(500);
    slow.socket.write(Buffer.concat([record(STDIN, Buffer.from('slow')), record(STDIN)]));
    await until('the one that was in the middle', () => records(slow).ended === 1);
    await until('the old workers have ended', () => ![...e.workers('hub'), ...e.workers('gate')].some((pid) => old.includes(pid)), 10000);
    kept.slice(8).forEach((c) => c.socket.write(whole('first')));
    await Promise.all(kept.slice(8).map((c) => until('a first answer', () => records(c).ended === 1)));
    kept.forEach((c) => c.socket.write(whole('after')));
    await answered(2);
    for (const { stdout } of kept.map(records)) assert.equal(stdout.match(/Status: 201/g).length, 2);
  }
});
