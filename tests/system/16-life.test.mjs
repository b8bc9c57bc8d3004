// Does a restart, a reload or an upgrade under load fail a request, or lose what a client resumes for?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { test } from 'node:test';
import { run, sleep, until, within } from './harness.mjs';
import { inodeOf, isGone, replaceBinary, replaceByScript, startOwn, withOwn, workersOf } from './own.mjs';

const SENDERS = 200;

// Text tells no cursor before its first message, and a poll that breaks off none at all.
const forms = { sse: 'as=sse', ndjson: 'as=ndjson', text: 'as=text&cursor=1&since=all', poll: 'as=json&wait=20&since=all' };

/** A client that comes back from its cursor whenever its receive ends, as its form wants it. */
class Listener {
  constructor(e, room, form) {
    Object.assign(this, { e, form, where: `rooms/${room}/events?${forms[form]}` });
    this.contents = [];
    this.byes = [];
    this.retries = [];
    this.refusals = [];
    this.ends = [];
    this.running = true;
    this.done = this.run();
  }

  async run() {
    while (this.running && !this.e.over) {
      try {
        await (this.form === 'poll' ? this.poll() : this.stream());
      } catch (error) {
        this.refusals.push(error.message);
        await sleep(100);
      }
    }
  }

  async poll() {
    const answer = await this.e.request('GET', this.where, { headers: this.cursor ? { 'if-none-match': `"${this.cursor}"` } : {}, agent: false });
    if (answer.status !== 200 && answer.status !== 304) throw new Error(`${answer.status} ${answer.text}`);
    this.cursor = JSON.parse(answer.headers.etag);
    if (answer.status === 200) this.contents.push(...answer.json().events.map((event) => event.content));
    this.polls = (this.polls ?? 0) + 1;
  }

  async stream() {
    const stream = await this.e.listen(this.where, this.cursor ? { 'last-event-id': this.cursor } : {});
    this.now = stream;
    if (!this.running) stream.close(); // stopped while it was opened
    const how = await stream.closed;
    if (this.running) this.ends.push(how);
    this.now = null;
    this.contents.push(...stream.contents);
    this.cursor = stream.cursor ?? this.cursor;
    this.byes.push(...stream.items.filter((i) => i.type === 'bye'));
    const retry = stream.items.filter((i) => i.type === 'retry').pop()?.retry;
    if (retry !== undefined) this.retries.push(retry);
    await sleep(10);
  }

  get all() { return [...this.contents, ...(this.now?.contents ?? [])]; }
  get ready() { return this.form === 'poll' || this.now?.items.some((i) => i.type === 'hello' || i.type === 'retry'); }

  async stop() {
    this.running = false;
    this.now?.close();
    await this.done;
  }
}

async function listenAll(e, room, each = 3) {
  const all = Object.keys(forms).flatMap((form) => Array.from({ length: each }, () => new Listener(e, room, form)));
  await until('all listen', () => all.every((l) => l.form === 'text' ? l.now : l.ready));
  await until('all are counted', async () => await e.listeners(room) >= all.length);
  return all;
}

/** 200 senders at once until stop(), which returns { taken, failed }. */
function sendAll(e, room) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: SENDERS });
  const taken = [];
  const failed = [];
  let running = true;
  const senders = Array.from({ length: SENDERS }, async (_, k) => {
    for (let i = 0; running && !e.over; i++) {
      const content = `${k}-${i}`;
      const headers = { 'content-type': 'text/plain' };
      const answer = await e.request('POST', `rooms/${room}/messages`, { body: content, headers, agent }).catch((error) => ({ status: error.message }));
      if (answer.status === 201) taken.push(content);
      else failed.push({ status: answer.status, text: answer.text, at: Date.now() });
      await sleep(20);
    }
  });
  return {
    taken,
    failed,
    async stop() {
      running = false;
      await Promise.all(senders);
      agent.destroy();
      return { taken, failed };
    },
  };
}

/** Each listener must have seen the log, all of it, once, in order. */
async function expectAll(e, room, listeners, taken) {
  const log = await e.listen(`rooms/${room}/events?as=ndjson&since=all`);
  await until('the log is read', () => log.contents.length >= taken.length, 20000);
  await sleep(100);
  const stored = log.contents;
  log.close();
  assert.equal(new Set(stored).size, stored.length, 'nothing is stored twice');
  assert.deepEqual(taken.filter((content) => !new Set(stored).has(content)), [], 'all that got a 201 is stored');
  for (const listener of listeners) {
    await until(`a ${listener.form} has all: ${listener.all.length} of ${stored.length}`, () => listener.all.length >= stored.length, 20000);
    assert.deepEqual(listener.all, stored, `${listener.form}: all, once, in order`);
  }
}

/** Under 200 senders and listeners of every form, does `change` fail or lose anything? */
async function underLoad(e, room, change) {
  const listeners = await listenAll(e, room);
  const senders = sendAll(e, room);
  await until('they send', () => senders.taken.length > 500, 20000);
  await change(listeners, senders);
  await sleep(300);
  const { taken, failed } = await senders.stop();
  await expectAll(e, room, listeners, taken);
  await Promise.all(listeners.map((l) => l.stop()));
  return { listeners, taken, failed };
}

/** Each stream was told to come back, and ended; none was cut or refused. */
function expectByes(listeners) {
  for (const listener of listeners) {
    assert.deepEqual(listener.refusals, [], listener.form);
    if (listener.form === 'poll') continue;
    assert.ok(listener.byes.length > 0, `${listener.form}: a bye`);
    if (listener.form !== 'text') assert.ok(listener.byes.every((bye) => bye.event.reason === 'restart'));
    assert.ok(listener.ends.every((how) => how === 'end'), `${listener.form}: ${listener.ends}`);
  }
  const retries = listeners.filter((l) => l.form === 'sse').flatMap((l) => l.retries);
  assert.ok(retries.every((ms) => ms >= 100 && ms <= 2100), `${retries}`);
  assert.ok(new Set(retries).size > 1, `the times to come back are spread: ${retries}`);
}

test('SIGUSR2 under load: does another binary run then, with no request failed and nothing lost?', () => withOwn({}, async (e) => {
  const pid = e.daemon.pid;
  const socket = fs.statSync(`${e.dir}/earshot.sock`).ino;
  const before = workersOf(e);
  const first = inodeOf(pid);
  let inode;
  const { listeners, failed } = await underLoad(e, 'up', async () => {
    inode = replaceBinary(e);
    e.daemon.signal('SIGUSR2');
    await until('the new binary runs', () => inodeOf(pid) === inode, 10000);
    await until('the old workers have ended', () => before.every(isGone), 15000);
  });
  assert.notEqual(inode, first);
  assert.deepEqual(failed, []);
  expectByes(listeners);
  for (const worker of workersOf(e)) {
    assert.equal(inodeOf(worker), inode);
    assert.ok(!fs.readFileSync(`/proc/${worker}/cmdline`, 'latin1').includes('check'));
  }
  assert.equal(workersOf(e).length, before.length);
  assert.equal(fs.statSync(`${e.dir}/earshot.sock`).ino, socket, 'the same socket');
  assert.ok(e.daemon.alive);
}));

test('SIGUSR2: are descriptors and the environment of a worker free of what was handed over?', () => withOwn({}, async (e) => {
  const count = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;
  const before = { supervisor: count(e.daemon.pid), gate: count(e.workers('gate')[0]), hub: count(e.workers('hub')[0]) };
  for (let i = 0; i < 3; i++) {
    const old = workersOf(e);
    const inode = replaceBinary(e);
    e.daemon.signal('SIGUSR2');
    await until('the new binary runs', () => inodeOf(e.daemon.pid) === inode, 10000);
    await until('the old workers have ended', () => old.every(isGone), 15000);
    await e.ready();
  }
  await until('as many as before', () => count(e.daemon.pid) === before.supervisor);
  const most = (role) => Math.max(...e.workers(role).map(count));
  await until('gates too, without what nginx keeps', () => most('gate') <= before.gate + 1, 15000);
  await until('hubs too', () => most('hub') <= before.hub + 1);
}));

test('SIGUSR2 to what cannot run: does nothing change, and does the log say why?', () => withOwn({}, async (e) => {
  const before = workersOf(e);
  const exe = fs.readlinkSync(`/proc/${e.daemon.pid}/exe`);
  let seen = 0;
  const refused = async (why) => {
    e.daemon.signal('SIGUSR2');
    await until(`the log says ${why}`, () => {
      const lines = e.daemonLog().split('\n').filter((line) => line.includes('not upgraded'));
      return lines.length > seen && why.test(lines[seen]);
    }, 15000);
    seen++;
    assert.deepEqual(workersOf(e).sort(), before.sort());
    assert.equal((await e.post('rooms/no/messages', 'x', { 'content-type': 'text/plain' })).status, 201);
  };
  e.conf.content_max = 'nonsense';
  e.writeConf();
  await refused(/failed with status 78: earshotd: .*earshot\.conf:\d+: content_max = nonsense: .*allowed/);
  delete e.conf.content_max;
  e.writeConf();
  fs.unlinkSync(e.binary);
  await refused(/cannot run .*earshotd: No such file/);
  fs.writeFileSync(e.binary, 'no program', { mode: 0o755 });
  await refused(/cannot run .*earshotd: Exec format error/);
  replaceByScript(e, 'kill -9 $$');
  await refused(/died of signal 9/);
  replaceByScript(e, 'echo first >&2; echo last words >&2; exit 3');
  await refused(/failed with status 3: last words/);
  replaceByScript(e, 'while :; do sleep 1; done');
  // The supervisor goes on meanwhile.
  const victim = before.pop();
  const hanging = refused(/did not end within 10000 ms/).catch((error) => error);
  process.kill(victim, 'SIGKILL');
  const another = await until('another in its place', () => workersOf(e).find((pid) => pid !== victim && !before.includes(pid)), 3000);
  before.push(another);
  assert.equal(await hanging, undefined);
  assert.ok(fs.readlinkSync(`/proc/${e.daemon.pid}/exe`).startsWith(exe));
}));

test('signals in each other\'s way: does each have its effect, and the daemon end as it should?', () => withOwn({}, async (e) => {
  const settled = async (inode) => {
    await until('the new binary runs', () => inodeOf(e.daemon.pid) === inode, 10000);
    await until('the old have ended', () => workersOf(e).length === 10 && workersOf(e).every((pid) => inodeOf(pid) === inode), 20000);
    await e.ready();
  };
  assert.equal(workersOf(e).length, 10, 'two hubs, eight gates');
  const stream = await e.listen('rooms/way/events?as=sse');

  let inode = replaceBinary(e);
  e.daemon.signal('SIGUSR2');
  e.daemon.signal('SIGHUP');
  e.daemon.signal('SIGUSR2');
  await settled(inode);
  await within(5000, 'told to come back', stream.closed);

  // While the workers of a reload drain, one of them not willingly.
  const [hub] = e.workers('hub');
  process.kill(hub, 'SIGSTOP');
  e.daemon.signal('SIGHUP');
  await until('two generations', () => workersOf(e).length > 10);
  inode = replaceBinary(e);
  e.daemon.signal('SIGUSR2');
  await sleep(100);
  e.daemon.signal('SIGUSR2');
  await settled(inode);
  assert.ok(isGone(hub), 'what does not end is killed');

  // Old workers that do not end are killed by the new binary too.
  const stuck = workersOf(e);
  stuck.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  inode = replaceBinary(e);
  e.daemon.signal('SIGUSR2');
  await settled(inode);
  assert.ok(stuck.every(isGone));

  // The end comes while the new binary is checked.
  replaceByScript(e, 'while :; do sleep 1; done');
  e.daemon.signal('SIGUSR2');
  await until('it is checked', () => /checks/.test(e.daemonLog().split('\n').slice(-2)[0]));
  assert.deepEqual(await e.daemon.stop('SIGTERM', 8000), { code: 0, signal: null });
}));

test('SIGTERM just behind SIGUSR2: does all end, whichever binary hears it?', async () => {
  for (const delay of [0, 10, 30, 60, 120]) {
    await withOwn({ conf: { hubs: 1, gates: 2 } }, async (e) => {
      const workers = workersOf(e);
      replaceBinary(e);
      e.daemon.signal('SIGUSR2');
      await sleep(delay);
      assert.deepEqual(await e.daemon.stop('SIGTERM', 8000), { code: 0, signal: null }, `${delay} ms`);
      assert.ok(workers.every(isGone));
      assert.ok(!fs.existsSync(`${e.dir}/earshot.sock`));
    });
  }
});

test('SIGHUP under load: new values, the same socket, no request failed, nothing lost; a bad file refused?', () => withOwn({}, async (e) => {
  const socket = fs.statSync(`${e.dir}/earshot.sock`).ino;
  const before = workersOf(e);
  const { listeners, failed } = await underLoad(e, 'hup', async () => {
    e.conf.content_max = '64';
    e.writeConf();
    e.daemon.signal('SIGHUP');
    await until('the new value holds', async () => (await e.post('rooms/x/messages', 'x'.repeat(65), { 'content-type': 'text/plain' })).status === 413, 10000);
    await until('the old workers have ended', () => before.every(isGone), 15000);
    const now = workersOf(e);
    e.conf.drain = 'soon';
    e.writeConf();
    e.daemon.signal('SIGHUP');
    await until('the log says why', () => /error supervisor.*stays as it was: .*earshot\.conf:\d+: drain = soon: .*allowed/.test(e.daemonLog()));
    assert.deepEqual(workersOf(e), now);
  });
  assert.deepEqual(failed, []);
  expectByes(listeners);
  assert.equal(fs.statSync(`${e.dir}/earshot.sock`).ino, socket);
}));

test('SIGTERM with 200 sends in flight: does each get its answer, each stream its bye, each poll its list?', () => withOwn({}, async (e) => {
  const listeners = await listenAll(e, 'term', 5);
  const polls = Array.from({ length: 20 }, () => e.request('GET', 'rooms/still/events?as=json&wait=60', { agent: false }));
  await until('the polls are parked', async () => await e.listeners('still') === 20);
  const agent = new http.Agent({ keepAlive: true, maxSockets: SENDERS });
  const post = (content) => e.request('POST', 'rooms/term/messages', { body: content, headers: { 'content-type': 'text/plain' }, agent });
  const first = Array.from({ length: SENDERS }, (_, i) => `first ${i}`);
  await Promise.all(first.map(post)); // so that some come on connections that are kept
  // All of them wait at gates that stand still, when the end is told.
  const gates = e.workers('gate');
  gates.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  const last = Array.from({ length: SENDERS }, (_, i) => `last ${i}`);
  const answers = last.map(post);
  // More than a hub takes from its inlet at once: some come when it has begun to end.
  polls.push(...Array.from({ length: 200 }, () => e.request('GET', 'rooms/still/events?as=json&wait=60', { agent: false })));
  const late = ['sse', 'ndjson'].flatMap((form) => Array.from({ length: 5 }, () => e.listen(`rooms/late/events?as=${form}`)));
  const waiting = async () => Number((await run('ss', ['-Hxl', 'src', `${e.dir}/earshot.sock`])).stdout.toString().trim().split(/\s+/)[2]);
  const kept = 2 * 16; // nginx's workers and what each keeps
  await until('they are in the backlog', async () => await waiting() >= SENDERS - kept + 210);
  e.daemon.signal('SIGTERM');
  await sleep(50);
  // And what the gates handed over at the last moment finds hubs that have been told to end.
  const hubs = e.workers('hub');
  hubs.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  gates.forEach((pid) => process.kill(pid, 'SIGCONT'));
  await until('the gates have ended', () => gates.every(isGone));
  await sleep(100);
  hubs.forEach((pid) => process.kill(pid, 'SIGCONT'));
  assert.deepEqual(await within(10000, 'it ends', e.daemon.ended), { code: 0, signal: null });
  const statuses = (await Promise.all(answers)).map((a) => a.status);
  assert.deepEqual(statuses.filter((status) => status !== 201), []);
  for (const stream of await Promise.all(late)) {
    assert.equal(await stream.closed, 'end');
    assert.deepEqual(stream.items.map((i) => i.type).filter((type) => type !== 'retry'), ['hello', 'bye']);
  }
  for (const answer of await Promise.all(polls)) {
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json().events, []);
    assert.equal(answer.headers.etag, `"${answer.json().cursor}"`);
  }
  agent.destroy();
  await e.startDaemon();
  await e.ready();
  await expectAll(e, 'term', listeners, [...first, ...last]);
  for (const listener of listeners.filter((l) => l.form !== 'poll')) {
    assert.equal(listener.byes.length, 1, listener.form);
    if (listener.form !== 'text') assert.equal(listener.byes[0].event.reason, 'restart');
    assert.equal(listener.ends[0], 'end', listener.form);
  }
  const retries = listeners.filter((l) => l.form === 'sse').map((l) => l.retries[0]);
  assert.ok(retries.every((ms) => ms >= 100 && ms <= 2100) && new Set(retries).size > 1, `${retries}`);
  await Promise.all(listeners.map((l) => l.stop()));
}));

test('a gate or a hub that stands still: is it replaced, with every request answered meanwhile?', () => withOwn({}, async (e) => {
  const [gate] = e.workers('gate');
  const [hub] = e.workers('hub');
  const listeners = await listenAll(e, 'stuck', 2);
  await sleep(5500); // nginx lets go of the connections that it keeps: what it sends on one is lost with its gate
  const began = Date.now();
  process.kill(gate, 'SIGSTOP');
  process.kill(hub, 'SIGSTOP');
  let slowest = 0;
  const sent = [];
  while (!isGone(gate) || !isGone(hub)) {
    assert.ok(Date.now() - began < 13000, 'killed in time');
    const from = Date.now();
    sent.push((await e.send('stuck', `s${sent.length}`)).content);
    slowest = Math.max(slowest, Date.now() - from);
    await sleep(20);
  }
  assert.ok(Date.now() - began > 8000, 'but not at once');
  assert.ok(slowest < 1900, `the wake-up that a stopped gate sits on is found within a second: ${slowest} ms`);
  assert.match(e.daemonLog(), /gate=\d+ worker=\d+ is stuck, killed: state=idle/);
  assert.match(e.daemonLog(), /hub=\d+ worker=\d+ is stuck, killed/);
  await until('others in their place', () => workersOf(e).length === 10);
  await expectAll(e, 'stuck', listeners, sent);
  await Promise.all(listeners.map((l) => l.stop()));
}));

test('a machine that stands still and goes on: is nobody killed for it?', () => withOwn({}, async (e) => {
  const stream = await e.listen('rooms/pause/events?as=sse');
  await stream.waitType('hello');
  const workers = workersOf(e);
  [e.daemon.pid, ...workers].forEach((pid) => process.kill(pid, 'SIGSTOP'));
  await sleep(12000);
  process.kill(e.daemon.pid, 'SIGCONT');
  await sleep(500);
  workers.forEach((pid) => process.kill(pid, 'SIGCONT'));
  await sleep(2000);
  assert.deepEqual(workersOf(e), workers);
  // And a supervisor alone.
  process.kill(e.daemon.pid, 'SIGSTOP');
  await e.send('pause', 'while it stands still');
  await sleep(1000);
  process.kill(e.daemon.pid, 'SIGCONT');
  await e.send('pause', 'goes on');
  await stream.waitContent('goes on');
  assert.deepEqual(stream.contents, ['while it stands still', 'goes on']);
  assert.deepEqual(workersOf(e), workers);
  stream.close();
}));
