// 56-mistakes - what if the machine is not as it should be: another daemon on the socket, somebody else's file there, a directory that
// nobody may write to, a Redis that is none, no standard files, a clock that jumps?

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { clockOf } from './clock.mjs';
import { bearer, build, Earshot, freePort, inAnHour, run, sleep, slow, tokenOf, until } from './harness.mjs';

const isRoot = process.getuid() === 0;
const earshotd = path.join(build, 'earshotd');
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const asNobody = (args, options) => (isRoot ? run('setpriv', [...NOBODY, earshotd, ...args], options) : run(earshotd, args, options));

/** An earshot of its own for a test; `body(e)`; stopped after it. */
async function withEarshot(options, body) {
  const e = await Earshot.start(options);
  try {
    await body(e);
  } finally {
    await e.stop();
  }
}

/** A daemon that must not come up: how it ends, and what it says. */
const second = (e, more = [], env = {}) => run(earshotd, ['--config', `${e.dir}/earshot.conf`, '--foreground', ...more], { env: { ...e.env, ...env } });

test('a second daemon on the same socket, and on the same port: does it say so and end, and is the first undisturbed?', async () => {
  const port = await freePort();
  await withEarshot({}, async (e) => {
    const stream = await e.listen('rooms/a/events?as=sse');
    const { code, stderr } = await second(e);
    assert.equal(code, 69, stderr);
    assert.match(stderr.toString(), new RegExp(`listen: another daemon listens on ${e.dir}/earshot.sock`));
    await e.send('a', 'still here');
    await stream.waitContent('still here');
    stream.close();
    // The same by TCP, which two more share.
    const tcp = e.program('earshotd-tcp', earshotd, ['--config', `${e.dir}/earshot.conf`, '--listen', `127.0.0.1:${port}`]);
    await until('it listens by TCP', () => / up: gates/.test(tcp.text()));
    const third = await second(e, ['--listen', `127.0.0.1:${port}`]);
    assert.equal(third.code, 69);
    assert.match(third.stderr.toString(), new RegExp(`listen: 127\\.0\\.0\\.1:${port}: Address already in use \\(another daemon listens there\\)`));
  });
});

test('at the place of the socket: is a stale one taken over, another file kept, a directory that is not there or closed said?', () => withEarshot({ daemon: false, nginx: false }, async (e) => {
  const socket = `${e.dir}/earshot.sock`;
  const refused = async (says, more) => {
    const { code, stderr } = await second(e, more);
    assert.equal(code, 69, stderr);
    assert.match(stderr.toString(), says);
  };
  fs.writeFileSync(socket, 'precious');
  await refused(/listen: \S+earshot\.sock is there already and no socket/);
  assert.equal(fs.readFileSync(socket, 'utf8'), 'precious');
  fs.rmSync(socket);
  fs.symlinkSync('/etc/passwd', socket);
  await refused(/is there already and no socket/);
  assert.equal(fs.readlinkSync(socket), '/etc/passwd');
  fs.rmSync(socket);
  await refused(/listen: cannot open the directory \/nowhere\/at\/all: No such file/, ['--listen', 'unix:/nowhere/at/all/s']);
  await refused(/listen: cannot (make|open the directory) \S+: Not a directory/, ['--listen', `unix:${e.dir}/earshot.conf/s`]);
  // One that somebody left there, as kill -9 does.
  const left = net.createServer().listen(socket);
  await once(left, 'listening');
  fs.renameSync(socket, `${socket}.kept`);
  left.close();
  await once(left, 'close');
  fs.renameSync(`${socket}.kept`, socket);
  await e.startDaemon();
  await until('it is up', () => / up: gates/.test(e.daemonLog()));
  await e.startNginx();
  await e.ready();
}));

test('a directory that all may write to, and one that the daemon may not: are they told of?', { skip: !isRoot && 'only root can be somebody else' }, () => withEarshot({ daemon: false, nginx: false }, async (e) => {
  fs.chmodSync(e.dir, 0o755);
  fs.chmodSync(`${e.dir}/earshot.conf`, 0o644);
  for (const [name, mode] of [['open', 0o777], ['closed', 0o755]]) {
    fs.mkdirSync(`${e.dir}/${name}`);
    fs.chmodSync(`${e.dir}/${name}`, mode);
  }
  const listen = (name) => ['--config', `${e.dir}/earshot.conf`, '--listen', `unix:${e.dir}/${name}`];
  const closed = await asNobody([...listen('closed/s'), '--user', '']);
  assert.equal(closed.code, 69, closed.stderr);
  assert.match(closed.stderr.toString(), /listen: cannot make \S+\/closed\/s: Permission denied/);
  // A socket of root's, live and left over, is nobody's to take.
  const daemon = e.program('earshotd', earshotd, [...listen('open/s'), '--listen-mode', '0600']);
  await until('it is up', () => / up: gates/.test(daemon.text()));
  assert.match(daemon.text(), /warn \S+ every user of this machine can put a socket of his own into \S+\/open: chmod o-w/);
  const other = await asNobody([...listen('open/s'), '--user', '']);
  assert.equal(other.code, 69);
  assert.match(other.stderr.toString(), /listen: cannot replace \S+\/open\/s: Permission denied/);
  assert.ok(fs.existsSync(`${e.dir}/open/s`));
}));

test('as root without a user to become: does it refuse, and stay root only where that is said?', { skip: !isRoot && 'not root' }, () => withEarshot({ daemon: false, nginx: false, conf: { user: null } }, async (e) => {
  const { code, stderr } = await second(e);
  assert.equal(code, 78);
  assert.match(stderr.toString(), /earshot\.conf: this runs as root, and user is not set; allowed is a user to become, such as user = www-data, or user = root to stay root/);
  assert.ok(!fs.existsSync(`${e.dir}/earshot.sock`));
  assert.equal((await run(earshotd, ['--config', `${e.dir}/earshot.conf`, '--check-config'], { env: e.env })).code, 0, 'a check may be made as root');
  e.conf.user = 'root';
  e.writeConf();
  await e.startDaemon();
  await until('it is up', () => / up: gates/.test(e.daemonLog()));
  assert.match(e.daemonLog(), /warn \S+ stays root, as user=root says/);
}));

test('as somebody who cannot become the user: does it serve as itself, and say so?', { skip: !isRoot && 'not root' }, () => withEarshot({ daemon: false, nginx: false, conf: { user: 'www-data' } }, async (e) => {
  fs.chownSync(e.dir, 65534, 65534);
  fs.chownSync(`${e.dir}/earshot.conf`, 65534, 65534);
  e.daemon = e.program('earshotd', 'setpriv', [...NOBODY, earshotd, '--config', `${e.dir}/earshot.conf`]);
  await until('it is up', () => / up: gates/.test(e.daemonLog()));
  assert.match(e.daemonLog(), /warn \S+ only root can become user=www-data; stays uid=65534/);
}));

test('no standard input, output and error, and a log on a full disk: does it serve all the same?', () => withEarshot({ daemon: false }, async (e) => {
  for (const files of ['<&- >&- 2>&-', '</dev/null >/dev/full 2>/dev/full']) {
    e.daemon = e.program('earshotd', 'sh', ['-c', `cd / && exec "$0" --config "$1" ${files}`, earshotd, `${e.dir}/earshot.conf`]);
    await until('it answers', async () => (await e.get('readyz')).status === 200);
    const stream = await e.listen('rooms/a/events?as=sse');
    await e.send('a', files);
    await stream.waitContent(files);
    for (const pid of [e.daemon.pid, ...e.workers('hub'), ...e.workers('gate')]) {
      for (const fd of [0, 1, 2]) assert.match(fs.readlinkSync(`/proc/${pid}/fd/${fd}`), /^\/dev\/(null|full)$/, `descriptor ${fd}`);
    }
    const { code } = await e.daemon.stop();
    assert.equal(code, 0);
  }
}));

test('told to end while it starts, at any moment: does it end, with status 0, and leave no socket?', () => withEarshot({ daemon: false, nginx: false }, async (e) => {
  await Promise.all([0, 5, 10, 15, 20, 30, 40, 60, 80, 100].map(async (ms) => {
    const child = spawn(earshotd, ['--config', `${e.dir}/earshot.conf`, '--listen', `unix:${e.dir}/s${ms}`], { env: e.env, stdio: 'ignore' });
    const ended = once(child, 'exit');
    await sleep(ms * slow);
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    // Before it has blocked the signal, it ends by it.
    assert.ok(code === 0 || signal === 'SIGTERM', `after ${ms} ms: ${code} ${signal}`);
    assert.ok(!fs.existsSync(`${e.dir}/s${ms}`), `after ${ms} ms: its socket is left`);
  }));
}));

test('a Redis that is none: 503 in time, a reason in the log, no memory lost, and well once it is one?', () => withEarshot({ daemon: false, redisUrl: (dir) => `unix://${dir}/none.sock`, conf: { redis_timeout: '500ms', gates: 4, hubs: 1 } }, async (e) => {
  let how;
  const sockets = new Set();
  const none = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    how(socket);
  }).listen(`${e.dir}/none.sock`);
  await once(none, 'listening');
  how = (socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  fs.chmodSync(`${e.dir}/none.sock`, 0o666);
  await e.startDaemon();
  const endless = (socket) => {
    const more = () => { while (!socket.destroyed && socket.write('$'.repeat(65536))); };
    socket.on('drain', more);
    more();
  };
  for (const [name, speak] of Object.entries({
    'a web server': how, 'one that says nothing': () => {}, 'one that closes at once': (socket) => socket.destroy(),
    'one that never ends its line': endless, 'one that promises 512 MB': (socket) => socket.write('$536870912\r\n'), 'noise': (socket) => socket.write(Buffer.from([0, 255, 13, 10, 42])),
  })) {
    how = speak;
    for (const socket of sockets) socket.destroy();
    const began = Date.now(), answer = await e.post('rooms/a/messages', 'hello', { 'content-type': 'text/plain' });
    assert.equal(answer.status, 503, name);
    assert.ok(Number(answer.headers['retry-after']) > 0, name);
    assert.ok(Date.now() - began < 3000 * slow, `${name}: ${Date.now() - began} ms`);
    assert.equal((await e.get('livez')).status, 200, name);
  }
  assert.match(e.daemonLog(), /(warn|error) gate\S+ .*redis/i);
  for (const pid of [...e.workers('hub'), ...e.workers('gate')]) {
    const kb = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
    assert.ok(kb < 64 * 1024 * (slow > 1 ? 8 : 1), `${kb} KiB`);
  }
  // Now it is one.
  how = (socket) => {
    const real = net.connect(`${e.dir}/redis.sock`);
    real.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => real.destroy());
    socket.pipe(real).pipe(socket);
  };
  for (const socket of sockets) socket.destroy();
  await e.ready();
  await e.send('a', 'hello');
  const ended = await e.daemon.stop();
  assert.equal(ended.code, 0);
  none.close();
  for (const socket of sockets) socket.destroy();
}));

// ---- a clock that jumps an hour ahead and back: earshotd's, or Redis's ---------------------------------------

/** Redis and earshotd, one of which has a clock that set(seconds) puts ahead. */
async function withClock(whose, body) {
  const e = await Earshot.start({ daemon: false, nginx: false, conf: { rate_send: '5/10s', guests: 'on' } });
  try {
    const usual = e.env, { env: jumping, set } = await clockOf(e.dir, usual);
    if (whose === 'redis') {
      await e.redis.stop();
      e.env = jumping;
      await e.startRedis();
    }
    e.env = whose === 'earshotd' ? jumping : usual;
    await e.startDaemon();
    e.env = usual;
    await e.startNginx();
    await e.ready();
    await body(e, set);
  } finally {
    await e.stop();
  }
}

test('a clock that jumps', { concurrency: true }, async (t) => {
  await Promise.all(['earshotd', 'redis'].map((whose) => t.test(`an hour ahead and back, of ${whose}: do streams live, is all there once, in order, and may everybody go on?`, () => withClock(whose, async (e, set) => {
    const ann = bearer(tokenOf('ann', { exp: inAnHour() + 7200 })), guest = (await e.post('auth/guest', 'name=Gus', { 'content-type': 'application/x-www-form-urlencoded' })).json();
    const stream = await e.listen('rooms/a/events?as=sse', ann), sent = [];
    const say = async (text, who = ann, more = {}) => e.post('rooms/a/messages', text, { 'content-type': 'text/plain', ...who, ...more });
    const sayUntil = async (text, who) => { sent.push(text); return until(`${text} is taken`, async () => (await say(text, who)).status === 201, 9000); };
    const isHere = () => until('ann is here', async () => (await e.get('rooms/a/presence', ann)).json().people?.some((p) => p.userId === 'ann' || p.id === 'ann'), 9000);
    const timeOf = async () => Date.parse((await e.get('rooms/a/messages?limit=1')).json().events.at(-1).timestamp);
    const once_ = { 'idempotency-key': 'k1' };
    const first = await say('first', ann, once_);
    assert.equal(first.status, 201);
    sent.push('first');
    await isHere();
    for (const [where, seconds] of [['ahead', 3600], ['back', 0], ['ahead again', 3600], ['and back', 0]]) {
      set(seconds);
      const again = await say('first', ann, once_);
      assert.equal(again.json().id, first.json().id, `${where}: what is tried again is not stored again`);
      await sayUntil(`ann ${where}`, ann);
      assert.equal((await e.get('auth/me', bearer(guest.token))).status, 200, `${where}: the token from before holds`);
      if (whose === 'earshotd') assert.equal((await e.get('auth/me', bearer(tokenOf('cy', { exp: Math.floor(Date.now() / 1000) + 1800 })))).status, seconds > 0 ? 401 : 200, `${where}: one that ends in half an hour`);
      // One uses up all that he may. On the other side of the jump he may go on after the seconds that he has to wait.
      const burst = await Promise.all(Array.from({ length: 7 }, () => say('too much', bearer(tokenOf('bob', { exp: inAnHour() + 7200 })))));
      sent.push(...burst.filter((b) => b.status === 201).map(() => 'too much'));
      assert.ok(burst.some((b) => b.status === 429), `${where}: ${burst.map((b) => b.status)}`);
      assert.ok(burst.every((b) => b.status !== 429 || Number(b.headers['retry-after']) <= 10), `${where}: ${burst.map((b) => b.headers['retry-after'])}`);
      await stream.wait(() => stream.contents.filter((c) => c !== 'x').length >= sent.length, 5000, `all of ${sent.length}`);
      await isHere();
    }
    if (whose === 'redis') assert.ok(await timeOf() - Date.now() > 3000e3, 'the clock did jump: a log never goes back');
    assert.deepEqual(stream.contents, sent);
    assert.ok(stream.open);
    assert.ok(!stream.items.some((i) => i.type === 'gap'), 'no gap');
    const log = (await e.get('rooms/a/messages?limit=200')).json().events;
    assert.deepEqual(log.map((m) => m.content), sent);
    stream.close();
  }))));
});
