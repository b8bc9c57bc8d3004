// Those that are to replace the gates and hubs cannot: do the old ones serve on, and is nobody let down?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import { build, Earshot, freePort, run, sleep, until, within } from './harness.mjs';
import { inodeOf, isGone, replaceBinary, replaceByScript, startOwn, withOwn, workersOf } from './own.mjs';

const plain = { 'content-type': 'text/plain' };
const small = { conf: { hubs: 2, gates: 4 } };
// As under systemd, so that the watchdog is minded as well.
const watched = { ...small, prepare: (e) => { e.env.WATCHDOG_USEC = '2000000'; } };

/** The daemon and its old workers stand as they did, and the stream from before gets what is sent now. */
async function expectServing(e, workers, stream) {
  const content = `still ${Math.random()}`;
  assert.ok(workers.every((pid) => !isGone(pid)));
  assert.equal((await e.post('rooms/old/messages', content, plain)).status, 201);
  await until('the stream has it', () => stream.contents.includes(content));
}

// In a daemon that has it preloaded a hub gets no epoll descriptor, and ends, while the file `no-hubs` is there; with the
// file `short-hubs` it lives for 200 ms.
const NO_HUBS = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
int epoll_create1(int flags)
{
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    errno = EMFILE;
    if (strcmp(name, "earshot-hub") == 0 && access("no-hubs", F_OK) == 0)
        return -1;
    if (strcmp(name, "earshot-hub") == 0 && access("short-hubs", F_OK) == 0)
        ualarm(200000, 0);
    return ((int (*)(int))dlsym(RTLD_NEXT, "epoll_create1"))(flags);
}
`;

async function preload(e) {
  fs.writeFileSync(`${e.dir}/no-hubs.c`, NO_HUBS);
  const { code, stderr } = await run('cc', ['-shared', '-fPIC', '-o', `${e.dir}/no-hubs.so`, `${e.dir}/no-hubs.c`]);
  assert.equal(code, 0, stderr.toString());
  e.env.LD_PRELOAD = `${e.dir}/no-hubs.so`;
  e.env.ASAN_OPTIONS += ':verify_asan_link_order=0';
}

test('SIGUSR2 to what ends at once: has the kernel told the old workers to end?', async () => {
  const e = await startOwn(small);
  try {
    const before = workersOf(e);
    const stream = await e.listen('rooms/late/events?as=sse');
    await stream.waitType('hello');
    replaceByScript(e, 'case "$*" in *--check-config) exit 0;; esac\nexit 3');
    e.daemon.signal('SIGUSR2');
    assert.deepEqual(await within(15000, 'it ends', e.daemon.ended), { code: 3, signal: null });
    await until('they have ended', () => before.every(isGone), 5000);
    await within(2000, 'the stream ends', stream.closed);
    e.programs = e.programs.filter((p) => p !== e.daemon);
  } finally {
    await e.stop();
  }
});

/** Receives that come meanwhile begin as ever. */
async function expectReceives(e, count = 40) {
  const streams = await within(3000, 'the heads of new streams', Promise.all(Array.from({ length: count }, (_, i) => e.listen(`rooms/new${i}/events?as=sse`))));
  await Promise.all(streams.map((stream) => stream.waitType('hello', 3000)));
  for (const stream of streams) stream.close();
  const polls = await Promise.all(Array.from({ length: 10 }, () => e.request('GET', 'rooms/still/events?as=json&wait=1', { agent: false })));
  assert.deepEqual(polls.filter((answer) => answer.status !== 200), []);
}

/** An upgrade whose check is passed and whose configuration is bad all the same. */
async function breakBehindCheck(e) {
  e.conf.content_max = 'nonsense';
  e.writeConf();
  replaceByScript(e, `case "$*" in *--check-config) exit 0;; esac\nexec "${build}/earshotd" "$@"`);
  e.daemon.signal('SIGUSR2');
  await until('the log says why', () => /serve on until this is mended: .*earshot\.conf:\d+: content_max = nonsense/.test(e.daemonLog()));
}

test('SIGUSR2, and the configuration breaks behind the check: do the old serve until it is mended?', () => withOwn(watched, async (e) => {
  const before = workersOf(e);
  const stream = await e.listen('rooms/old/events?as=sse');
  await stream.waitType('hello');
  await breakBehindCheck(e);
  await expectServing(e, before, stream);
  await sleep(1000);
  assert.equal(e.daemonLog().split('until this is mended').length, 2, 'it is said once');
  e.conf.content_max = '64';
  e.writeConf();
  await until('the old have ended', () => before.every(isGone), 15000);
  await within(1000, 'the stream ends', stream.closed);
  assert.ok(stream.items.some((i) => i.type === 'bye'));
  assert.equal((await e.post('rooms/old/messages', 'x'.repeat(65), plain)).status, 413);
}));

for (const when of ['while it waits for that', 'just when that is mended']) test(`SIGTERM ${when}: does all end in order?`, () => withOwn(watched, async (e) => {
  const before = workersOf(e);
  const stream = await e.listen('rooms/old/events?as=sse');
  await stream.waitType('hello');
  await breakBehindCheck(e);
  if (/mended/.test(when)) {
    delete e.conf.content_max;
    e.writeConf();
  }
  assert.deepEqual(await e.daemon.stop('SIGTERM', 10000), { code: 0, signal: null });
  await within(1000, 'the stream ends', stream.closed);
  assert.ok(stream.items.some((i) => i.type === 'bye'));
  assert.ok(before.every(isGone));
  assert.ok(!fs.existsSync(`${e.dir}/earshot.sock`));
}));

// Each waits 10 seconds for its hubs, so they do it together.
describe('no new hub can live', { concurrency: 5 }, () => {
  test('SIGHUP, and no new hub can live: does the old configuration stay, and the next reload work?', () => withOwn({ ...small, prepare: preload }, async (e) => {
    const before = workersOf(e);
    const stream = await e.listen('rooms/old/events?as=sse');
    await stream.waitType('hello');
    e.conf.content_max = '64';
    e.writeConf();
    fs.writeFileSync(`${e.dir}/no-hubs`, '');
    e.daemon.signal('SIGHUP');
    await sleep(500);
    await expectReceives(e);
    await until('it is taken back', () => /stays as it was: under the new one no gate or no hub comes up/.test(e.daemonLog()), 20000);
    await expectServing(e, before, stream);
    await until('the failed have ended', () => workersOf(e).length === before.length, 20000);
    assert.equal((await e.post('rooms/old/messages', 'x'.repeat(65), plain)).status, 201, 'the old configuration');
    fs.unlinkSync(`${e.dir}/no-hubs`);
    e.daemon.signal('SIGHUP');
    await until('the old have ended', () => before.every(isGone), 20000);
    assert.equal((await e.post('rooms/old/messages', 'x'.repeat(65), plain)).status, 413, 'the new one');
  }));

  test('SIGHUP, and new hubs die soon after they came up: does the old configuration stay?', () => withOwn({ ...small, prepare: preload }, async (e) => {
    const before = workersOf(e);
    const stream = await e.listen('rooms/old/events?as=sse');
    await stream.waitType('hello');
    fs.writeFileSync(`${e.dir}/short-hubs`, '');
    e.daemon.signal('SIGHUP');
    await until('it is taken back', () => /stays as it was: under the new one no gate or no hub comes up/.test(e.daemonLog()), 20000);
    await expectServing(e, before, stream);
    assert.ok(e.daemonLog().split('Alarm clock').length > 4, 'they died');
  }));

  for (const signal of ['SIGUSR2', 'SIGHUP', 'none']) {
    test(`SIGUSR2, and no new hub can live: do the old serve on, and does ${signal} mend it?`, () => withOwn({ ...small, prepare: preload }, async (e) => {
      const before = workersOf(e);
      const stream = await e.listen('rooms/old/events?as=sse');
      await stream.waitType('hello');
      replaceBinary(e);
      fs.writeFileSync(`${e.dir}/no-hubs`, '');
      e.daemon.signal('SIGUSR2');
      await sleep(1000);
      await expectReceives(e);
      await until('it is said', () => /comes up: the old ones serve on/.test(e.daemonLog()), 20000);
      await expectServing(e, before, stream);
      assert.ok(!/up: gates/.test(e.daemonLog().split('takes over').pop()), 'nothing is called up that is not');
      const inode = signal === 'SIGUSR2' ? replaceBinary(e) : inodeOf(e.daemon.pid);
      fs.unlinkSync(`${e.dir}/no-hubs`);
      if (signal !== 'none') e.daemon.signal(signal);
      await until('the old have ended', () => before.every(isGone), 20000);
      await until('all are new', () => workersOf(e).length === 6 && workersOf(e).every((pid) => inodeOf(pid) === inode), 20000);
      await e.ready();
      await within(1000, 'the stream ends', stream.closed);
      assert.ok(stream.items.some((i) => i.type === 'bye'));
    }));
  }
});

test('SIGTERM where the socket is TCP: is a connection refused once the gates are gone, though hubs still drain?', async () => {
  const port = await freePort();
  const e = await Earshot.start({ conf: { hubs: 1, gates: 2, listen: `127.0.0.1:${port}`, drain: '2s' }, daemon: false, nginx: false });
  try {
    e.daemon = e.program('earshotd', e.binary, ['--config', `${e.dir}/earshot.conf`]);
    const connect = () => new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1').on('connect', () => { socket.destroy(); resolve('connected'); }).on('error', (error) => resolve(error.code));
    });
    await until('it is up', () => /up: gates=2/.test(e.daemonLog()));
    assert.equal(await connect(), 'connected');
    const gates = e.workers('gate');
    const [hub] = e.workers('hub');
    process.kill(hub, 'SIGSTOP');
    e.daemon.signal('SIGTERM');
    await until('the gates are gone', () => gates.every(isGone));
    assert.equal(await connect(), 'ECONNREFUSED');
    assert.ok(!isGone(hub));
    process.kill(hub, 'SIGCONT');
    assert.deepEqual(await within(10000, 'it ends', e.daemon.ended), { code: 0, signal: null });
  } finally {
    await e.stop();
  }
});
