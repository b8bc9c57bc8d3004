// Do reload, upgrade and end work however the daemon was started: by root, by systemd, by a spawner?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { build, Earshot, sleep, until, within } from './harness.mjs';
import { inodeOf, replaceBinary, workersOf } from './own.mjs';

// systemd's part, without systemd: makes the socket, puts it at a descriptor and becomes the daemon.
const LAUNCHER = `
import os, socket, sys
path, fd, program = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(4096); os.chmod(path, 0o666)
os.dup2(s.fileno(), fd); os.set_inheritable(fd, True)
if fd == 3: os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execv(program[0], program)
`;

// And its ears: every datagram, as a line of JSON with the time.
const EARS = `
import json, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])
while True: print(json.dumps([time.monotonic() * 1000, s.recv(4096).decode()]), flush=True)
`;

const plain = { 'content-type': 'text/plain' };

/** An earshot whose daemon `launch(e)` starts, from a copy of its binary. */
async function withLaunched(options, launch, body) {
  const e = await Earshot.start({ ...options, conf: { hubs: 1, gates: 4, ...options.conf }, daemon: false, nginx: false });
  try {
    e.binary = path.join(e.dir, 'earshotd');
    fs.copyFileSync(path.join(build, 'earshotd'), e.binary);
    await launch(e);
    await e.startNginx();
    await e.ready();
    await body(e);
  } finally {
    await e.ears?.stop('SIGKILL');
    await e.stop();
  }
}

/** Reload and upgrade, with a stream that is told and a send that works after each. */
async function changes(e) {
  for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGUSR2', 'SIGHUP']) {
    const before = workersOf(e);
    const stream = await e.listen('rooms/changes/events?as=sse');
    await stream.waitType('hello');
    const inode = replaceBinary(e);
    e.daemon.signal(signal);
    await within(10000, `${signal}: the stream ends`, stream.closed);
    assert.ok(stream.items.some((i) => i.type === 'bye'), signal);
    await until('the old have ended', () => !workersOf(e).some((pid) => before.includes(pid)), 10000);
    assert.equal((await e.post('rooms/changes/messages', signal, plain)).status, 201);
    if (signal === 'SIGUSR2') assert.equal(inodeOf(e.daemon.pid), inode);
  }
  const all = await e.listen('rooms/changes/events?as=ndjson&since=all');
  await until('all', () => all.contents.length === 4);
  all.close();
}

for (const [who, fd] of [['systemd, by LISTEN_FDS', 3], ['a spawner, as descriptor 0', 0]]) {
  test(`a socket from ${who}: does it stay through reloads, upgrades and the end?`, () => withLaunched({}, async (e) => {
    e.daemon = e.program('earshotd', 'python3', ['-c', LAUNCHER, `${e.dir}/earshot.sock`, String(fd), e.binary, '--config', `${e.dir}/earshot.conf`]);
    await until('it listens', () => fs.existsSync(`${e.dir}/earshot.sock`) && /up: gates=4/.test(e.daemonLog()));
  }, async (e) => {
    assert.match(e.daemonLog(), /handed over/);
    await changes(e);
    const environment = fs.readFileSync(`/proc/${e.daemon.pid}/environ`, 'latin1');
    assert.ok(!/\0LISTEN_FDS=/.test(environment), 'the next binary must not take the socket twice');
    assert.deepEqual(await e.daemon.stop(), { code: 0, signal: null });
    assert.ok(fs.existsSync(`${e.dir}/earshot.sock`), 'its file is not ours to remove');
  }));
}

test('by systemd-socket-activate itself', { skip: !fs.existsSync('/usr/bin/systemd-socket-activate') && 'it is not installed' }, () => withLaunched({}, async (e) => {
  e.daemon = e.program('earshotd', 'systemd-socket-activate', ['-l', `${e.dir}/earshot.sock`, '--setenv=TEST_MARK', '--setenv=ASAN_OPTIONS', e.binary, '--config', `${e.dir}/earshot.conf`]);
  await until('it listens', () => fs.existsSync(`${e.dir}/earshot.sock`));
}, changes));

test('started as root with user=: does it upgrade as that user, and say why when that cannot read?', { skip: process.getuid() !== 0 && 'not root' }, () => withLaunched({ conf: { user: 'nobody', listen_mode: '0666' }, redisArgs: ['--unixsocketperm', '777'] }, async (e) => {
  fs.chmodSync(e.dir, 0o711);
  fs.chmodSync(`${e.dir}/earshot.conf`, 0o644);
  await e.startDaemon();
}, async (e) => {
  const uid = () => /^Uid:\t(\d+)\t(\d+)\t(\d+)/m.exec(fs.readFileSync(`/proc/${e.daemon.pid}/status`, 'utf8')).slice(1);
  assert.ok(!uid().includes('0'));
  await changes(e);
  assert.ok(!uid().includes('0'), 'root is gone for good');
  const before = workersOf(e);
  fs.chmodSync(`${e.dir}/earshot.conf`, 0o600);
  e.daemon.signal('SIGUSR2');
  await until('the log says why', () => /not upgraded: .*earshot\.conf.*Permission denied/.test(e.daemonLog()));
  assert.deepEqual(workersOf(e), before);
  fs.chmodSync(`${e.dir}/earshot.conf`, 0o644);
}));

test('what systemd is told: ready, reloading, stopping, and its watchdog, but that only while someone serves?', () => withLaunched({ conf: { jwt_secret: null } }, async (e) => {
  fs.writeFileSync(`${e.dir}/key`, 'a secret of the tests, long enough to sign with', { mode: 0o600 });
  e.conf.jwt_key = `site HS256 ${e.dir}/key`;
  e.writeConf();
  e.ears = e.program('ears', 'python3', ['-c', EARS, `${e.dir}/notify.sock`]);
  await until('it hears', () => fs.existsSync(`${e.dir}/notify.sock`));
  e.env = { ...e.env, NOTIFY_SOCKET: `${e.dir}/notify.sock`, WATCHDOG_USEC: '400000' };
  await e.startDaemon();
}, async (e) => {
  const heard = () => e.ears.text().split('\n').filter(Boolean).map(JSON.parse).map(([at, text]) => ({ at, text }));
  const told = (pattern, from = 0) => until(`it is told ${pattern}`, () => heard().slice(from).find(({ text }) => pattern.test(text)), 10000);
  const beats = () => heard().filter(({ text }) => text === 'WATCHDOG=1');
  await told(/^READY=1\nSTATUS=serves: gates=4 hubs=1$/);
  await until('heartbeats', () => beats().length > 10, 10000);
  const gaps = beats().slice(1).map(({ at }, i) => at - beats()[i].at).sort((a, b) => a - b);
  const median = gaps[gaps.length >> 1];
  assert.ok(median > 150 && median < 300, `every 200 ms: ${median}`);

  for (const signal of ['SIGHUP', 'SIGUSR2']) {
    const from = heard().length;
    e.daemon.signal(signal);
    const { at, text } = await told(/^RELOADING=1\nMONOTONIC_USEC=\d+$/, from);
    assert.ok(Math.abs(Number(text.split('=').pop()) / 1000 - at) < 1000, text);
    await told(/^READY=1\nSTATUS=serves/, from);
    const order = heard().slice(from).map((h) => h.text).filter((t) => /READY|RELOADING/.test(t));
    assert.ok(/^RELOADING/.test(order[0]) && /^READY/.test(order[1]) && order.length === 2, order.join());
    await until('the old have ended', () => workersOf(e).length === 5, 10000);
  }
  await until('heartbeats of the new binary', () => beats().filter(({ at }) => at > heard().at(-1).at - 500).length > 1);

  const from = heard().length;
  e.conf.drain = 'soon';
  e.writeConf();
  e.daemon.signal('SIGHUP');
  await told(/^READY=1\nSTATUS=the configuration stays as it was: .*drain = soon/, from);

  // Without their key gates cannot start: nobody serves.
  fs.renameSync(`${e.dir}/key`, `${e.dir}/key.away`);
  e.workers('gate').forEach((pid) => process.kill(pid, 'SIGKILL'));
  await sleep(1000);
  const quiet = beats().length;
  await sleep(1500);
  assert.ok(beats().length - quiet <= 1, 'silence, so that systemd acts');
  fs.renameSync(`${e.dir}/key.away`, `${e.dir}/key`);
  await until('heartbeats again', () => beats().length > quiet + 5, 15000);

  // A supervisor that hangs says nothing, and goes on once it does not.
  e.daemon.signal('SIGSTOP');
  await sleep(300);
  const hung = beats().length;
  await sleep(1200);
  assert.equal(beats().length, hung, 'it is stopped');
  e.daemon.signal('SIGCONT');
  await until('heartbeats of the one that hung', () => beats().length > hung + 5, 15000);

  await e.daemon.stop();
  await told(/^STOPPING=1\nEXTEND_TIMEOUT_USEC=12000000\n/); // drain = 2s, and what it takes to kill
}));

test('a watchdog that is another process\'s: is it left alone?', () => withLaunched({}, async (e) => {
  e.ears = e.program('ears', 'python3', ['-c', EARS, `${e.dir}/notify.sock`]);
  await until('it hears', () => fs.existsSync(`${e.dir}/notify.sock`));
  e.env = { ...e.env, NOTIFY_SOCKET: `${e.dir}/notify.sock`, WATCHDOG_USEC: '200000', WATCHDOG_PID: '1' };
  await e.startDaemon();
}, async (e) => {
  await until('ready', () => /READY=1/.test(e.ears.text()));
  await sleep(600);
  assert.doesNotMatch(e.ears.text(), /WATCHDOG/);
  await e.daemon.stop();
}));
