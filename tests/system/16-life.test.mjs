// Does a restart, a reload or an upgrade under load fail a request, or lose what a client resumes for?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { build, Earshot, sleep, until, within } from './harness.mjs';

const SENDERS = 200;

/** Starts an earshot whose binary is a copy in its own directory, so that a test can replace it. */
async function startOwn(options = {}) {
  const e = await Earshot.start({ ...options, daemon: false, nginx: false });
  e.binary = path.join(e.dir, 'earshotd');
  fs.copyFileSync(path.join(build, 'earshotd'), e.binary);
  await e.startDaemon();
  await e.startNginx();
  await e.ready();
  return e;
}

const forms = { sse: 'as=sse', ndjson: 'as=ndjson', text: 'as=text&cursor=1', poll: 'as=json&wait=20' };

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
    while (this.running) {
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
    this.ends.push(await stream.closed);
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
    for (let i = 0; running; i++) {
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

test('SIGUSR2 under load: does another binary run then, with no request failed and nothing lost?', async () => {
  const e = await startOwn();
  try {
    const pid = e.daemon.pid;
    const socket = fs.statSync(`${e.dir}/earshot.sock`).ino;
    const listeners = await listenAll(e, 'up');
    const senders = sendAll(e, 'up');
    await until('they send', () => senders.taken.length > 500);
    fs.copyFileSync(path.join(build, 'earshotd'), `${e.binary}.new`);
    const inode = fs.statSync(`${e.binary}.new`).ino;
    assert.notEqual(fs.statSync(`/proc/${pid}/exe`).ino, inode);
    fs.renameSync(`${e.binary}.new`, e.binary);
    const before = [...e.workers('hub'), ...e.workers('gate')];
    e.daemon.signal('SIGUSR2');
    await until('the new binary runs', () => fs.statSync(`/proc/${pid}/exe`).ino === inode, 10000);
    await until('the old workers have ended', () => before.every((p) => !fs.existsSync(`/proc/${p}`)), 15000);
    await sleep(500);
    const { taken, failed } = await senders.stop();
    assert.deepEqual(failed, []);
    for (const p of [...e.workers('hub'), ...e.workers('gate')]) assert.equal(fs.statSync(`/proc/${p}/exe`).ino, inode);
    assert.equal(fs.statSync(`${e.dir}/earshot.sock`).ino, socket, 'the same socket');
    assert.ok(!fs.readFileSync(`/proc/${e.workers('gate')[0]}/environ`, 'latin1').includes('HANDOVER_OF'));
    await expectAll(e, 'up', listeners, taken);
    for (const listener of listeners) {
      assert.deepEqual(listener.refusals, []);
      if (listener.form !== 'poll') assert.ok(listener.byes.length > 0 && listener.ends.every((how) => how === 'end'), listener.form);
    }
    await Promise.all(listeners.map((l) => l.stop()));
    assert.equal(e.daemon.pid, pid);
    assert.ok(e.daemon.alive);
  } finally {
    await e.stop();
  }
});
