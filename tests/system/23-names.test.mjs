// Redis by host name: what when the name server is silent, says no, or names another address?

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import fs from 'node:fs';
import { test } from 'node:test';
import { Earshot, freePort, until } from './harness.mjs';

const plain = { 'content-type': 'text/plain' };
const MOVED = '127.94.7.1';
const NAME = 'redis.earshot.test';
const SERVER = `127.94.${process.pid >> 8 & 255}.${process.pid & 255}`; // all of 127.0.0.0/8 is ours; one for each run
const skip = process.getuid() === 0 ? false : 'only root may have a name server and a resolv.conf';

/** A name server for NAME on port 53: it tells `address`, or nothing when that is null, or that there is no such name. */
async function startNameServer() {
  const socket = dgram.createSocket('udp4');
  const server = { address: null, asked: 0, close: () => socket.close() };
  socket.on('message', (query, from) => {
    server.asked++;
    if (server.address === null) return;
    const end = 12 + query.subarray(12).indexOf(0) + 5;
    const isA = query.readUInt16BE(end - 4) === 1;
    const none = server.address === 'none';
    const answer = Buffer.from(query.subarray(0, end));
    answer.writeUInt16BE(none ? 0x8183 : 0x8180, 2);
    answer.writeUInt16BE(isA && !none ? 1 : 0, 6);
    answer.fill(0, 8, 12);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...(none ? [0, 0, 0, 0] : server.address.split('.').map(Number))]);
    socket.send(isA && !none ? Buffer.concat([answer, record]) : answer, from.port, from.address);
  });
  await new Promise((resolve, reject) => { socket.on('error', reject).bind(53, SERVER, resolve); });
  return server;
}

async function withNames(body) {
  const port = await freePort();
  const names = await startNameServer();
  const e = await Earshot.start({
    conf: { hubs: 1, gates: 4, redis: `redis://${NAME}:${port}` },
    redisArgs: ['--port', String(port), '--bind', '127.0.0.1', MOVED, '--appendfsync', 'always'],
    daemon: false, nginx: false,
  });
  try {
    fs.writeFileSync(`${e.dir}/resolv.conf`, `nameserver ${SERVER}\noptions timeout:1 attempts:3\n`);
    e.daemon = e.program('earshotd', 'unshare', ['-m', 'sh', '-c',
      `mount --bind ${e.dir}/resolv.conf /etc/resolv.conf && exec ${e.binary} --config ${e.dir}/earshot.conf`]);
    await until('it is up', () => /up: gates=4/.test(e.daemonLog()));
    await e.startNginx();
    await body(e, names);
  } finally {
    names.close();
    await e.stop();
  }
}

const send = async (e, content) => {
  const start = Date.now();
  const answer = await e.post('rooms/names/messages', content, plain);
  return { status: answer.status, ms: Date.now() - start, retryAfter: answer.headers['retry-after'] };
};

/** A stream that listens while the name server still tells where Redis is. */
async function listenFirst(e, names) {
  names.address = '127.0.0.1';
  await e.ready();
  const stream = await e.listen('rooms/names/events?as=sse');
  await stream.waitType('hello');
  return stream;
}

test('a name server that is silent from the start: 503 in time, and all is well once it answers?', { skip }, () => withNames(async (e, names) => {
  const { status, ms, retryAfter } = await send(e, 'too early');
  assert.equal(status, 503);
  assert.ok(retryAfter >= 1);
  assert.ok(ms < 2500, `${ms} ms`);
  assert.ok((await send(e, 'again')).ms < 1000, 'the others do not wait');
  assert.equal((await e.get('readyz')).status, 503);
  assert.match(e.daemonLog(), /no name server has answered yet/);
  assert.ok(names.asked > 0);
  names.address = '127.0.0.1';
  await until('a send is taken', async () => (await send(e, 'now')).status === 201, 10000);
  const stream = await e.listen('rooms/names/events?as=sse&since=all');
  await until('a stream has it', () => stream.contents.includes('now'));
  stream.close();
}));

test('silence or "no such name" when Redis has to be found again: is the address from before used, and nobody kept?', { skip }, () => withNames(async (e, names) => {
  const stream = await listenFirst(e, names);
  for (const address of [null, 'none']) {
    names.address = address;
    await e.redis.stop('SIGKILL');
    assert.equal((await send(e, 'gone')).status, 503);
    await e.startRedis();
    await until('a send is taken', async () => (await send(e, `back ${address}`)).status === 201, 3000);
    await until('the stream has it', () => stream.contents.includes(`back ${address}`), 3000);
    const times = [];
    for (let i = 0; i < 20; i++) times.push((await send(e, `${address} ${i}`)).ms);
    assert.ok(Math.max(...times) < 1000, `${times}`);
    await until('all of them', () => stream.contents.includes(`${address} 19`), 2000);
  }
  stream.close();
}));

test('another address: is it found, once the old one does not answer?', { skip }, () => withNames(async (e, names) => {
  const stream = await listenFirst(e, names);
  names.address = MOVED;
  await e.redis.stop('SIGKILL');
  e.redisArgs = e.redisArgs.filter((arg) => arg !== '127.0.0.1');
  await e.startRedis();
  await until('a send is taken', async () => (await send(e, 'moved')).status === 201, 5000);
  await until('the stream has it', () => stream.contents.includes('moved'), 5000);
  stream.close();
}));
