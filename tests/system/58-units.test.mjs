// 58-units - are the units for systemd right, and does earshotd live its whole life within what they allow?
//
// Nothing is booted here: systemd-analyze reads the units, and sandbox.py does what the service's does.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { build, Earshot, freePort, root, run, until, within } from './harness.mjs';
import { replaceBinary, workersOf } from './own.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot-units-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));
const service = path.join(build, 'contrib/systemd/earshot.service');
const plain = { 'content-type': 'text/plain' };

/** The units as they would be installed, with the program that is built here. */
function copies() {
  for (const name of ['earshot.service', 'earshot.socket']) {
    const text = fs.readFileSync(path.join(build, 'contrib/systemd', name), 'utf8').replaceAll('/usr/local/sbin/', `${build}/`);
    fs.writeFileSync(path.join(dir, name), text);
  }
  return ['earshot.socket', 'earshot.service'].map((name) => path.join(dir, name));
}

test('does systemd-analyze find nothing wrong, and find it well shut?', async () => {
  const units = copies();
  const verify = () => run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', ...units]);
  const good = await verify();
  assert.equal(good.code, 0, good.stderr.toString());
  assert.equal(good.stderr.toString().split('\n').filter((line) => line.includes(dir)).join('\n'), '');
  const { code, stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=20', units[1]]);
  assert.equal(code, 0, `the exposure is more than 2.0:\n${stdout}`);
  fs.appendFileSync(units[1], '\n[Service]\nRestrt=no\n');
  assert.match((await verify()).stderr.toString(), /Restrt/, 'a slip is found');
});

test('is the time to stop in accord with drain?', async () => {
  const unit = fs.readFileSync(service, 'utf8');
  const drain = /^#drain = (\d+)s$/m.exec(fs.readFileSync(path.join(root, 'contrib/earshot.conf'), 'utf8'))[1];
  assert.ok(Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)[1]) >= Number(drain) + 10);
});

const sanitized = /__asan_init/.test(fs.readFileSync(path.join(build, 'earshotd'), 'latin1'));
const skip = process.getuid() !== 0 ? 'not root' : sanitized && 'sanitizers ask for more';

test('starts, serves in each way, reloads, upgrades and ends: does it live with the filter?', { skip }, async () => {
  const port = await freePort();
  // By a name, since that asks the resolver, and over TCP; the unit allows both.
  const e = await Earshot.start({ conf: { hubs: 2, gates: 4, redis: `redis://localhost:${port}` }, redisArgs: ['--port', String(port)], daemon: false, nginx: false });
  try {
    fs.chmodSync(e.dir, 0o711);
    fs.chmodSync(`${e.dir}/earshot.conf`, 0o644);
    e.binary = path.join(e.dir, 'earshotd');
    fs.copyFileSync(path.join(build, 'earshotd'), e.binary);
    e.daemon = e.program('earshotd', '/usr/bin/python3', [path.join(root, 'tests/system/sandbox.py'), service, `${e.dir}/earshot.sock`, '65534', e.binary, '--config', `${e.dir}/earshot.conf`]);
    await until('it is up', () => { assert.ok(e.daemon.alive, e.daemonLog()); return /up: gates=4/.test(e.daemonLog()); }, 30000);
    await e.startNginx();
    await e.ready();
    const status = fs.readFileSync(`/proc/${e.workers('gate')[0]}/status`, 'utf8');
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^Seccomp:\t2$/m);
    assert.match(status, /^CapEff:\t0+$/m);

    await live(e);
    for (const signal of ['SIGHUP', 'SIGUSR2']) {
      const old = workersOf(e);
      const stream = await e.listen('rooms/lobby/events?as=sse');
      await stream.waitType('hello');
      replaceBinary(e);
      e.daemon.signal(signal);
      await within(10000, `${signal}: the stream ends`, stream.closed);
      await until('the old have ended', () => !workersOf(e).some((pid) => old.includes(pid)), 10000);
      await live(e);
    }
    e.workers('hub').forEach((pid) => process.kill(pid, 'SIGTERM'));
    await e.ready();
  } finally {
    await e.stop(); // says when a process died by a signal
  }
  assert.doesNotMatch(e.daemonLog(), /signal=31|SIGSYS|Bad system call/);
});

/** A bit of all that the daemon does. */
async function live(e) {
  assert.equal((await e.get('readyz?deep=1')).status, 200);
  const user = `u${process.hrtime.bigint()}`;
  const account = await e.post('auth/register', JSON.stringify({ user, password: 'long enough to pass' }), { 'content-type': 'application/json' });
  assert.equal(account.status, 201, account.text);
  const headers = { authorization: `Bearer ${account.json().token}` };
  for (const as of ['sse', 'ndjson', 'text', 'html']) {
    const stream = await e.open(`rooms/lobby/events?as=${as}&since=all&count=2`, headers);
    assert.equal((await e.post('rooms/lobby/messages', `in ${as}`, { ...plain, ...headers })).status, 201);
    await e.send('lobby', 'and one more');
    assert.match(await within(10000, as, stream.all()), /in (sse|ndjson|text|html)/);
  }
  const poll = e.get('rooms/poll/events?wait=10', headers);
  await until('it waits', async () => (await e.listeners('poll')) > 0);
  await e.send('poll', 'x');
  assert.equal((await poll).json().events.length, 1);
  assert.equal((await e.get('rooms/lobby/messages')).status, 200);
  assert.equal((await e.get('rooms', { accept: 'text/html' })).status, 200);
}

test('does the filter kill what it should?', { skip }, async () => {
  const attempt = (code) => run('/usr/bin/python3', [path.join(root, 'tests/system/sandbox.py'), service, path.join(dir, `${Math.random()}.sock`), '65534', '/usr/bin/python3', '-c', code]);
  fs.chmodSync(dir, 0o711);
  assert.equal((await attempt('print(1)')).stdout.toString(), '1\n');
  assert.equal((await attempt('import os; os.chroot("/")')).signal, 'SIGSYS');
  assert.equal((await attempt('import mmap; mmap.mmap(-1, 4096, prot=7)')).signal, 'SIGSYS');
  const packet = await attempt('import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)');
  assert.match(packet.stderr.toString(), /Address family not supported/);
});
