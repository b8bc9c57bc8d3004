// Does earshot serve without a daemon, run by the web server itself: by plain CGI and by FastCGI?

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { cgi, place, processes, startApache, streaming } from './direct.mjs';
import { Earshot, SECRET, bearer, forFile, sleep, slow, tokenOf, until, within } from './harness.mjs';

const e = await forFile({ daemon: false, nginx: false, conf: { redis_timeout: '500ms' } });
place(e);

const plain = { 'content-type': 'text/plain' };
const request = (...args) => cgi(e, ...args).done();
const send = async (room, body, more) => {
  const answer = await request('POST', `rooms/${room}/messages`, { body, ...more, headers: { ...plain, ...more?.headers } });
  assert.equal(answer.status, 201, answer.errors + answer.body);
  return answer.json();
};
const stream = (room, { query = '', ...more } = {}) => cgi(e, 'GET', `rooms/${room}/events?as=sse${query}`, more);

test('one request by CGI: a send, its page, HEAD, OPTIONS, what a body may be, and health?', async () => {
  assert.equal((await send('one', 'hello')).content, 'hello');
  assert.equal((await request('GET', 'livez')).status, 200);
  assert.equal((await request('GET', 'readyz')).status, 200);
  const deep = await request('GET', 'readyz?deep=1');
  assert.equal(deep.status, 200, deep.body);
  assert.equal(deep.json().hubs, 1);
  const head = await request('HEAD', 'rooms/one/messages');
  assert.equal(head.status, 200);
  assert.equal(head.body, '');
  assert.equal((await request('OPTIONS', 'rooms/one/messages')).status, 204);
  assert.match((await request('GET', 'rooms/one', { headers: { accept: 'text/html' } })).body, /<form/);

  const account = JSON.stringify({ name: 'carol', user: 'carol', password: 'a long enough one' });
  const json = { 'content-type': 'application/json' };
  const made = await request('POST', 'auth/register', { body: account, headers: json });
  assert.ok(made.status < 300, made.body);

  const short = cgi(e, 'POST', 'rooms/one/messages', { body: null, headers: plain, env: { CONTENT_LENGTH: '10' } });
  short.child.stdin.end('short');
  assert.equal((await short.done()).json().code, 'body_truncated');
  const chunked = cgi(e, 'POST', 'rooms/one/messages', { body: null, headers: plain });
  chunked.child.stdin.write('in ');
  await sleep(50);
  chunked.child.stdin.end('pieces');
  assert.equal((await chunked.done()).json().content, 'in pieces');
  const open = cgi(e, 'POST', 'rooms/one/messages', { body: null, headers: plain, env: { CONTENT_LENGTH: '5' } });
  open.child.stdin.write('exact, and more that is not looked at');
  assert.equal((await within(5000, 'no end of the input is waited for', open.done())).json().content, 'exact');
  assert.equal((await request('POST', 'rooms/one/messages', { body: 'x'.repeat(2000000), headers: plain })).status, 413);
  assert.deepEqual((await request('GET', 'rooms/one/messages')).json().events.map((x) => x.content), ['hello', 'in pieces', 'exact']);
});

test('is a query that arrives as the command line only a query?', async () => {
  for (const args of [['--print-config'], ['--check-config'], ['--version'], ['--help'], ['--config', '/etc/passwd'], ['--redis', 'redis://127.0.0.1:1']]) {
    const answer = await request('GET', `livez?${args.join('+')}`, { args });
    assert.equal(answer.status, 200, args[0]);
    assert.doesNotMatch(answer.bytes.toString() + answer.errors, /jwt_secret|usage|root:|earshotd /);
  }
  const alone = await request('GET', 'livez', { args: ['--print-config'], env: { GATEWAY_INTERFACE: undefined } });
  assert.equal(alone.bytes.toString(), '');
  assert.equal(alone.how.code, 64);
});

test('is a configuration that is wrong told to the log, and no more than that it is to the client?', async () => {
  const good = fs.readFileSync(path.join(e.dir, '.htearshot.conf'), 'utf8');
  const bad = path.join(e.dir, 'bad.conf');
  fs.writeFileSync(bad, `${good}stream_stall = for ever\n`, { mode: 0o600 });
  for (const [env, said] of [
    [{ EARSHOT_CONFIG: bad }, new RegExp(`bad\\.conf:${good.split('\n').length}: stream_stall = for ever: allowed are durations`)],
    [{ EARSHOT_CONFIG: `${e.dir}/not-there` }, /cannot read .*not-there/],
    [{ EARSHOT_JWT_SECRET: 'tiny' }, /jwt_secret/],
  ]) {
    const answer = await request('GET', 'rooms/one/messages', { env });
    assert.equal(answer.status, 500);
    assert.equal(answer.json().code, 'misconfigured');
    assert.match(answer.errors, said);
    assert.doesNotMatch(answer.bytes.toString(), new RegExp(`${e.dir}|tiny|stream_stall|${SECRET}`));
    assert.doesNotMatch(answer.errors, new RegExp(`tiny|${SECRET}`));
  }
  const set = await request('GET', 'rooms/one/messages', { env: { EARSHOT_ANONYMOUS: 'other=r' } });
  assert.equal(set.status, 401, 'the environment comes over the file');
  assert.equal((await request('GET', 'rooms/one/messages', { headers: { earshot_anonymous: '' } })).status, 200, 'no header is one');
});

test('does a stream by CGI deliver, end by bye at SIGTERM, bear kill -9, and resume without a loss?', async () => {
  let cursor = (await send('flow', 'first')).id;
  const want = [];
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM']) {
    const one = stream('flow', { headers: { 'last-event-id': cursor } });
    await one.waitType('hello');
    want.push(`${signal} 1`, `${signal} 2`);
    await send('flow', `${signal} 1`);
    await one.waitContent(`${signal} 1`);
    const at = Date.now();
    one.child.kill(signal);
    await within(2000, `it ends at ${signal}`, one.done());
    assert.ok(Date.now() - at < 1000 * slow);
    assert.equal(one.items.some((i) => i.type === 'bye'), signal === 'SIGTERM');
    cursor = one.cursor;
    await send('flow', `${signal} 2`);
  }
  const rest = stream('flow', { query: '&since=all' });
  await rest.waitContent('SIGTERM 2');
  await until('all', () => rest.contents.length === want.length + 1);
  assert.deepEqual(rest.contents, ['first', ...want]);
  rest.child.stdout.destroy();
  await within(1000, 'a client that left is noticed at once', rest.done());
  const poll = await request('GET', `rooms/flow/events?since=${cursor}`);
  assert.deepEqual(poll.json().events.map((x) => x.content), ['SIGTERM 2']);
  const empty = await request('GET', `rooms/flow/events?since=${poll.json().cursor}&wait=1`);
  assert.deepEqual(empty.json().events, []);
});

test('does a stream end before its age, and a long-poll before it?', async () => {
  const env = { EARSHOT_DIRECT_STREAM_AGE: '2s' };
  const at = Date.now();
  const [one, poll] = [stream('age', { env }), cgi(e, 'GET', 'rooms/age/events?wait=60', { env })];
  await Promise.all([one.done(), poll.done()]);
  assert.ok(Date.now() - at < 2600 * slow && Date.now() - at >= 1200, `${Date.now() - at} ms`);
  assert.equal(one.items.at(-1).type, 'retry');
  await until('Redis is told', async () => (await e.listeners('age')) === 0);
  assert.deepEqual(poll.json().events, []);
});

test('with no place left: does a stream come back later, a poll say what there is, and a send work; is a place of the killed free?', async () => {
  const env = { EARSHOT_DIRECT_STREAMS_MAX: '2', EARSHOT_CONFIG: path.join(e.dir, 'few.conf') };
  fs.copyFileSync(path.join(e.dir, '.htearshot.conf'), env.EARSHOT_CONFIG);
  await send('few', 'there');
  const both = [stream('few', { env }), stream('few', { env })];
  for (const one of both) await one.waitType('hello');
  const third = await stream('few', { env }).done();
  assert.equal(third.status, 200);
  assert.match(third.body, /^retry: \d+\n\n$/);
  const poll = await within(3000, 'an answer at once', request('GET', 'rooms/few/events?since=all', { env }));
  assert.deepEqual(poll.json().events.map((x) => x.content), ['there']);
  const none = await within(3000, 'an answer at once', request('GET', 'rooms/few/events', { env }));
  assert.deepEqual(none.json().events, []);
  await send('few', 'sent all the same', { env });
  both[0].child.kill('SIGKILL');
  await both[0].done();
  const next = stream('few', { env });
  await next.waitType('hello');
  for (const one of [both[1], next]) {
    one.child.kill('SIGTERM');
    await one.done();
  }
});

describe('beside each other', { concurrency: true }, () => {
  test('is a person who comes back from process to process there all the time, and gone when he is?', async () => {
    const watcher = stream('door', { headers: bearer(tokenOf('bob')) });
    await watcher.waitType('hello');
    const seen = () => watcher.items.filter((i) => ['join', 'leave'].includes(i.type) && i.event.userId === 'alice').map((i) => i.type);
    const headers = bearer(tokenOf('alice'));
    for (const how of ['SIGTERM', 'SIGKILL', 'poll', 'SIGTERM']) {
      const one = how === 'poll' ? cgi(e, 'GET', 'rooms/door/events?wait=1', { headers }) : stream('door', { headers });
      if (how !== 'poll') {
        await one.waitType('hello');
        one.child.kill(how);
      }
      await one.done();
      await sleep(1500);
    }
    assert.deepEqual(seen(), ['join']);
    await watcher.waitType('leave', 25000);
    assert.deepEqual(seen(), ['join', 'leave']);
    watcher.child.kill('SIGTERM');
    await watcher.done();
  });

  test('does an admin see and end a stream, and a kick and a ban end it?', async () => {
    const admin = bearer(tokenOf('root', { role: 'admin' }));
    const eve = () => stream('yard', { headers: bearer(tokenOf('eve')) });
    await send('yard', 'it is there');
    let one = eve();
    await one.waitType('hello');
    const { connections } = (await request('GET', 'admin/connections?room=yard', { headers: admin })).json();
    assert.deepEqual(connections.map((c) => c.userId), ['eve']);
    assert.equal((await request('DELETE', `admin/connections/${connections[0].id}`, { headers: admin })).status, 204);
    await within(3000, 'it ends', one.done());
    for (const [method, where, body, reason] of [
      ['POST', 'admin/kick', '{"user":"eve"}', 'kicked'], ['PUT', 'rooms/yard/bans/eve', '{}', 'banned']]) {
      one = eve();
      await one.waitType('hello');
      const said = await request(method, where, { body, headers: { ...admin, 'content-type': 'application/json' } });
      assert.ok(said.status < 300, `${reason}: ${said.body}`);
      await within(3000, reason, one.done());
      assert.equal(one.items.find((i) => i.type === 'bye').event.reason, reason);
    }
  });

  test('does a request that hangs end its process?', async (t) => {
    const silent = net.createServer(() => {}).listen(path.join(e.dir, 'silent.sock'));
    t.after(() => silent.close());
    await once(silent, 'listening');
    const env = { EARSHOT_REDIS: `unix://${e.dir}/silent.sock`, EARSHOT_REDIS_TIMEOUT: '60s', EARSHOT_REQUEST_LIMIT: '1s' };
    const answer = await within(5000, 'it ends', request('GET', 'readyz', { env }));
    assert.equal(answer.how.code, 70);
    assert.match(answer.errors, /hangs/);
  });
});

describe('by FastCGI', async () => {
  const BEGIN = Buffer.from([1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const record = (type, content) => Buffer.concat([Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]), content]);
  const socket = path.join(e.dir, 'fcgi.sock');

  /** One request on a connection of its own; its output. */
  async function ask(file, more = {}) {
    const vars = { REQUEST_METHOD: 'GET', SCRIPT_NAME: '', PATH_INFO: file, QUERY_STRING: '', SERVER_PROTOCOL: 'HTTP/1.1', REMOTE_ADDR: '127.0.0.1', ...more };
    const params = Buffer.concat(Object.entries(vars).map(([k, v]) => Buffer.concat([Buffer.from([k.length, v.length]), Buffer.from(k + v)])));
    const connection = net.connect(socket);
    const chunks = [];
    connection.on('data', (chunk) => chunks.push(chunk));
    connection.write(Buffer.concat([BEGIN, record(4, params), record(4, Buffer.alloc(0)), record(5, Buffer.alloc(0))]));
    await once(connection, 'close');
    return Buffer.concat(chunks).toString();
  }

  test('does one process serve many requests on one connection to Redis, and follow its configuration and the request\'s?', async () => {
    const program = e.program('spawned', 'spawn-fcgi', ['-n', '-s', socket, '--', path.join(e.dir, 'earshot.fcgi')]);
    await until('it listens', () => fs.existsSync(socket));
    await send('one', 'hello');
    assert.match(await ask('/rooms/one/messages'), /Status: 200/);
    const before = await e.redisCli('info', 'stats');
    for (let i = 0; i < 5; i++) assert.match(await ask('/rooms/one/messages'), /Status: 200/);
    const connections = (text) => Number(/total_connections_received:(\d+)/.exec(text)[1]);
    assert.equal(connections(await e.redisCli('info', 'stats')) - connections(before), 1, 'but redis-cli\'s own');
    assert.match(await ask('/rooms/one/messages', { EARSHOT_ANONYMOUS: 'other=r' }), /Status: 401/);
    assert.match(await ask('/rooms/one/messages', { EARSHOT_CONFIG: `${e.dir}/not-there` }), /Status: 500/);
    assert.match(await ask('/rooms/one/messages'), /Status: 200/, 'nothing of that is left');
    assert.match(await ask('/readyz', { QUERY_STRING: 'deep=1' }), /"hubs":1/);
    assert.match(await ask('/rooms/one/events', { QUERY_STRING: 'as=text&since=all&count=1' }), /anonymous: hello/);
    assert.match(await ask('/readyz', { QUERY_STRING: 'deep=1' }), /"hubs":1/, 'after a receive too');
    const good = fs.readFileSync(path.join(e.dir, '.htearshot.conf'), 'utf8');
    fs.writeFileSync(path.join(e.dir, '.htearshot.conf'), `${good}nonsense = 1\n`);
    assert.match(await ask('/livez'), /Status: 500[^]*misconfigured/);
    fs.writeFileSync(path.join(e.dir, '.htearshot.conf'), good);
    assert.match(await ask('/livez'), /Status: 200/);
    const how = await program.stop();
    assert.equal(how.code, 0);
  });
});

describe('behind Apache', async () => {
  const b = await Earshot.start({ daemon: false, nginx: false, conf: { direct_stream_age: '10s' } });
  place(b);
  const apache = await startApache(b);
  after(async () => {
    await apache.stop();
    await until('nothing is left', () => processes(b).length === 0).catch(() => {});
    await b.stop();
  });

  for (const way of ['cgi', 'fcgi'])
    test(`${way}: does it send, stream, poll, resume after SIGTERM and kill -9, with nothing lost and nothing left?`, async () => {
      b.base = `${b.origin}/${way}`;
      assert.equal((await b.get('readyz?deep=1')).status, 200);
      let cursor = (await b.send(way, 'first')).id;
      const want = [];
      for (const signal of ['SIGTERM', 'SIGKILL']) {
        const one = await b.listen(`rooms/${way}/events?as=sse`, { 'last-event-id': cursor });
        await one.waitType('hello');
        const at = Date.now();
        await b.send(way, `${signal} 1`);
        await one.waitContent(`${signal} 1`);
        assert.ok(Date.now() - at < 2000 * slow);
        want.push(`${signal} 1`, `${signal} 2`);
        process.kill(streaming(b)[0], signal);
        await within(5000, 'the stream ends', one.closed);
        assert.equal(one.items.some((i) => i.type === 'bye'), signal === 'SIGTERM');
        cursor = one.cursor;
        await b.send(way, `${signal} 2`);
      }
      const poll = await b.get(`rooms/${way}/events?since=all`);
      assert.deepEqual(poll.json().events.map((x) => x.content), ['first', ...want]);
      assert.equal((await b.get(`rooms/${way}/events?since=${cursor}`)).json().events[0].content, 'SIGKILL 2');
      const big = await b.post(`rooms/${way}/messages`, 'x'.repeat(1500000), plain);
      assert.equal(big.status, 413);
      const lost = await b.listen(`rooms/${way}/events?as=sse`);
      await lost.waitType('hello');
      lost.close();
      if (way === 'cgi') await until('the process of a client that left is gone', () => processes(b, 'earshot.cgi').length === 0, 16000);
    });
});

test('Redis is gone: does a send say so in time, and a stream wait and go on?', async () => {
  const one = stream('outage');
  await one.waitType('hello');
  await e.redis.stop();
  const at = Date.now();
  const refused = await request('POST', 'rooms/outage/messages', { body: 'lost', headers: plain });
  assert.equal(refused.status, 503);
  assert.ok(Date.now() - at < 1500 * slow);
  await e.startRedis();
  await send('outage', 'there again');
  await one.waitContent('there again');
  one.child.kill('SIGTERM');
  await one.done();
});
