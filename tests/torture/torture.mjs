// Is nothing lost, doubled, out of order or silently missing, whatever fails, and is everything well again after?
//
// Publishers send with keys until they are acknowledged, listeners follow in every form, faults.mjs breaks what there
// is, and oracle.mjs judges. `run` says what can be set. Exit status: 0, or 1 with a directory that says why.

import fs from 'node:fs';
import path from 'node:path';
import { build, Earshot, random, run, seed, sleep, slow, until } from '../system/harness.mjs';
import { Chaos } from './chaos.mjs';
import { Faults, schedule, whole } from './faults.mjs';
import { FORMS, Listener, Mute, WAYS } from './listener.mjs';
import { KINDS, Ledger, Log } from './oracle.mjs';
import { Observer } from './observer.mjs';
import { Publisher } from './publisher.mjs';
import { AGAIN_KIB, brief, deaths, grown, measure, zombies } from './vitals.mjs';

const minutes = Number(process.env.TORTURE_MINUTES ?? 2);
const sanitizers = Boolean(process.env.TORTURE_SANITIZERS);
const RECOVER_MS = 30000 * slow;
const LINGER_MS = 32000; // a hub keeps a room that nobody listens to for 30 s
const AGE_S = 25;

const WEIGHTS = [
  ...[1, 2, 3].map((n) => [`busy-${n}`, 8]),
  ...[1, 2, 3, 4, 5].map((n) => [`mid-${n}`, 3]),
  ...[1, 2, 3, 4].map((n) => [`quiet-${n}`, 0.6]),
];
const ROOMS = [...WEIGHTS.map(([room]) => room), 'fat'];

const CONF = {
  gates: '8', hubs: '2',
  history_max: 200,
  log_level: 'debug',
  retry: '100ms', heartbeat: '3s', drain: '3s', request_limit: '10s',
  stream_age: `${AGE_S}s`, stream_stall: '8s',
};

class Torture {
  constructor() {
    this.findings = [];
    this.began = Date.now();
    this.counts = { requests: 0, retries: 0, unavailable: 0, delivered: 0, connections: 0, cuts: 0, gaps: 0, idle: 0 };
    this.report = (kind, text) => this.find(kind, text);
    this.logs = new Map(ROOMS.map((room) => [room, new Log(room)]));
    this.ledger = new Ledger(this.report);
    this.world = {
      logs: this.logs, ledger: this.ledger, report: this.report, counts: this.counts,
      slow, calm: false, base: () => this.e.base,
    };
    this.mutes = [];
  }

  find(kind, text) {
    this.findings.push({ kind, text });
    if (this.findings.length <= 20) this.say(`FOUND ${kind}: ${text}`);
  }

  say(text) {
    const line = `${((Date.now() - this.began) / 1000).toFixed(1).padStart(7)} s  ${text}`;
    console.log(line);
    this.log(text);
  }

  /** What happened, with its time: faults.log. */
  log(text) {
    if (this.dir) fs.appendFileSync(`${this.dir}/faults.log`, `${new Date().toISOString()} ${text}\n`);
  }

  // ---- before

  async start() {
    this.e = await Earshot.start({
      conf: CONF,
      redisArgs: ['--appendfsync', 'always', '--stream-node-max-entries', '20'],
      redisUrl: (dir) => {
        this.chaos = new Chaos(`${dir}/chaos.sock`, `${dir}/redis.sock`);
        return `unix://${dir}/chaos.sock`;
      },
    });
    this.dir = `${this.e.dir}/torture`;
    fs.mkdirSync(this.dir);
    this.say(`seed ${seed}, ${minutes} minutes, ${build}${sanitizers ? ', with sanitizers' : ''}; in ${this.e.dir}`);
    this.narrow();
    await whole(this.e);
    this.fresh = measure(this.e);
    await this.warm();
    this.rested = await this.measure();
    this.log(`fresh: ${brief(this.fresh)}`);
    this.log(`at rest: ${brief(this.rested)}`);
    const { stdout } = await run(`${build}/earshotd`, ['--help']);
    this.faults = new Faults(this.e, {
      chaos: this.chaos, logs: this.logs, report: this.report,
      log: (text) => this.log(text), upgrades: /SIGUSR2/.test(stdout.toString()),
    });
  }

  /** The system's buffers hold megabytes for each connection: with small ones a slow reader is felt by the hub. */
  narrow() {
    const site = `${this.e.dir}/nginx-site.conf`;
    const text = fs.readFileSync(site, 'utf8');
    fs.writeFileSync(site, text.replace(`listen 127.0.0.1:${this.e.port};`, `listen 127.0.0.1:${this.e.port} sndbuf=32k;`));
    this.e.nginx.signal('SIGHUP');
  }

  /** Some of everything, so that each process has been at work once; then rest. */
  async warm() {
    await Promise.all(Array.from({ length: 16 }, async (_, i) => {
      for (let k = 0; k < 20; k++) {
        const stream = await this.e.listen(`rooms/warm/events?as=${['sse', 'ndjson', 'text'][k % 3]}`);
        await this.e.request('POST', 'rooms/warm/messages', { body: `${i} ${k}`, headers: { 'content-type': 'text/plain' }, agent: false });
        await this.e.request('GET', 'rooms/warm/events?wait=0', { agent: false });
        stream.close();
      }
    }));
  }

  /** Until nginx has closed the connections that it keeps for 5 s. */
  async measure() {
    await sleep(7000);
    return measure(this.e);
  }

  // ---- the crowd

  /** Each actor has random numbers of its own, so that none depends on how fast another is. */
  chance(number) { return random(seed * 1000 + number); }

  gather() {
    this.publishers = Array.from({ length: 10 }, (_, i) => new Publisher(`p${i}`, this.world, this.chance(100 + i), { rooms: WEIGHTS }));
    this.publishers.push(new Publisher('fat', this.world, this.chance(99), { rooms: [['fat', 1]], pause_ms: 250, longest: 4500, lines: 50 }));
    this.listeners = Array.from({ length: 40 }, (_, i) => this.listener(i, this.chance(200 + i)));
    ['sse', 'ndjson', 'text', 'sse'].forEach((form, i) => {
      const way = ['slow', 'slow', 'fickle', 'steady'][i];
      this.listeners.push(new Listener(`f${i}`, this.world, this.chance(300 + i), { form, way, many: false, rooms: ['fat'] }));
    });
    this.working = [...this.publishers, ...this.listeners].map((one) => one.run().catch((error) => this.find('harness', `${one.name}: ${error.stack}`)));
  }

  /** The first 32 are every form in every way, over one room and over many. */
  listener(i, chance) {
    const many = Math.floor(i / 4) % 2 === 1;
    const rooms = many ? [...ROOMS].sort(() => chance() - 0.5).slice(0, 2 + Math.floor(chance() * 7)) : [ROOMS[Math.floor(chance() * ROOMS.length)]];
    const types = chance() < 0.2 ? ['message', 'other'] : null;
    return new Listener(`l${i}`, this.world, chance, { form: FORMS[i % 4], way: WAYS[Math.floor(i / 8) % 4], many, rooms, types });
  }

  async look() {
    const chance = this.chance(400);
    let shown = Date.now();
    let muted = Date.now();
    while (!this.done) {
      for (const { reader } of this.listeners) reader.settle();
      if (this.faults && !this.faults.busy && !this.e.daemon.alive && !this.ended) {
        this.ended = true;
        this.find('process', `the daemon has ended by itself: ${JSON.stringify(this.e.daemon.how)}`);
      }
      if (Date.now() - shown >= 10000) {
        shown += 10000;
        this.say(this.progress());
      }
      if (!this.world.calm && this.mutes.length < 40 && Date.now() - muted > 4000) {
        muted = Date.now();
        this.mutes.push(new Mute(`${this.e.base}/rooms/fat/events?as=${FORMS[Math.floor(chance() * 3)]}&since=all`));
      }
      await sleep(300);
    }
  }

  progress() {
    const faults = [...this.faults?.counts.values() ?? []].reduce((sum, n) => sum + n, 0);
    return `sent ${this.ledger.sends.size}  acknowledged ${this.ledger.acknowledged}  delivered ${this.counts.delivered}  faults ${faults}`;
  }

  // ---- the end

  /** All is healed: within the bound everything must be where it belongs. */
  async recover() {
    await this.faults.heal();
    const began = Date.now();
    this.world.calm = true;
    const left = () => Math.max(0, began + RECOVER_MS - Date.now()) / slow;
    for (const publisher of this.publishers) publisher.stopped = true;
    await until('', () => this.publishers.every((p) => p.current == null), left()).catch(() => {
      for (const p of this.publishers.filter((one) => one.current)) this.find('misses', `${p.name} got no acknowledgement: ${p.notes.slice(-5).join(' | ')}`);
    });
    const last = new Publisher('last', this.world, this.chance(98), { rooms: WEIGHTS });
    this.publishers.push(last);
    await Promise.race([last.finish(ROOMS), sleep(left() * slow)]);
    const behind = () => {
      for (const { reader } of this.listeners) reader.settle();
      return this.listeners.filter(({ reader }) => reader.queue.length > 0 || reader.misses().length > 0);
    };
    const ends = () => ROOMS.every((room) => this.logs.get(room).events.some(({ content }) => content.startsWith('last:')));
    await until('', () => ends() && behind().length === 0, left()).catch(() => {});
    this.recovered_ms = Date.now() - began;
    for (const { name, reader } of behind()) this.find('misses', `${name} has not all, ${this.recovered_ms} ms after the last fault: ${reader.misses().join('; ')}`);
    this.log(`recovered in ${this.recovered_ms} ms`);
  }

  async judge() {
    for (const { reader } of this.listeners) reader.settle(true);
    for (const listener of this.listeners) listener.stop();
    for (const difference of await this.observer.compare()) this.find('lost', difference);
    await this.observer.stop();
    this.ledger.settle();
    this.done = this.world.over = true;
    await Promise.all(this.working);
  }

  /** Back to the start? The mutes are still open, on their side. */
  async vitals() {
    const memory = { memory: !sanitizers };
    await whole(this.e).catch((error) => this.find('process', error.message));
    await sleep(LINGER_MS);
    const rested = await this.settled(this.rested, memory);
    this.find_all('leak', grown(this.rested, rested, memory));
    await this.again(memory);
    this.find_all('process', zombies(this.e).map((pid) => `a zombie: ${pid}`));
    this.e.daemon.signal('SIGHUP');
    await sleep(500);
    await whole(this.e).catch((error) => this.find('process', error.message));
    const fresh = await this.settled(this.fresh, memory);
    this.find_all('leak', grown(this.fresh, fresh, memory).map((text) => `after a reload: ${text}`));
    this.log(`fresh: ${brief(fresh)}`);
    this.log(`at rest: ${brief(rested)}`);
    this.ends = { rested, fresh };
    for (const mute of this.mutes) mute.close();
  }

  /** The same work again must take no more memory: a leak that a peak would hide shows here. */
  async again(memory) {
    await this.warm();
    const before = await this.measure();
    for (let i = 0; i < 3; i++) await this.warm();
    const after = await this.measure();
    this.log(`work again and again, before: ${brief(before)}`);
    this.log(`work again and again, after: ${brief(after)}`);
    this.find_all('leak', grown(before, after, { ...memory, tolerance: AGAIN_KIB }).map((text) => `by the same work again: ${text}`));
  }

  async settled(before, options) {
    await until('', () => grown(before, measure(this.e), options).length === 0, 20000).catch(() => {});
    return measure(this.e);
  }

  find_all(kind, texts) { for (const text of texts) this.find(kind, text); }

  async stop() {
    const text = this.e.daemonLog();
    this.slow_cuts = text.split('cut a slow reader').length - 1;
    await this.e.stop({ keep: true }).catch((error) => this.find('process', error.message));
    this.chaos.close();
    this.find_all('process', deaths(text, { killed: this.faults.killed, stopped: this.faults.everStopped }));
  }

  // ---- what is told

  table() {
    const kinds = new Map([...KINDS, 'leak', 'process', 'harness'].map((kind) => [kind, 0]));
    for (const { kind } of this.findings) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const max = (found, role, key) => Math.max(...found[role].map((one) => one[key]));
    const rows = [
      ['seed', seed], ['minutes', minutes], ['build', build],
      ['events sent', this.ledger.sends.size], ['acknowledged', this.ledger.acknowledged],
      ['requests', `${this.counts.requests}, of which again ${this.counts.retries}; answered 503 ${this.counts.unavailable}`],
      ['events stored', [...this.logs.values()].reduce((sum, log) => sum + log.ids.length, 0)],
      ['events delivered', `${this.counts.delivered}, to ${this.listeners.length} listeners on ${this.counts.connections} connections`],
      ['gaps told', this.counts.gaps], ['cuts', `${this.counts.cuts} by clients, ${this.slow_cuts} of slow readers`],
      ['faults', [...this.faults.counts].map(([kind, n]) => `${kind} ${n}`).join(', ')],
      ['all had all', `${(this.recovered_ms / 1000).toFixed(1)} s after the last fault`],
    ];
    for (const [when, start] of [['rested', this.rested], ['fresh', this.fresh]]) {
      for (const role of ['supervisor', 'gate', 'hub']) {
        const end = this.ends[when];
        if (end[role].length === 0 || start[role].length === 0) continue;
        rows.push([`${role}, ${when === 'fresh' ? 'fresh' : 'at rest'}`, `${max(start, role, 'fds')} -> ${max(end, role, 'fds')} descriptors, ${max(start, role, 'own_kib')} -> ${max(end, role, 'own_kib')} KiB`]);
      }
    }
    for (const [kind, n] of kinds) rows.push([`found: ${kind}`, n]);
    return rows.map(([name, value]) => `${String(name).padEnd(24)}${value}`).join('\n');
  }

  /** What helps to understand a failure. */
  save() {
    fs.writeFileSync(`${this.dir}/findings.txt`, this.findings.map(({ kind, text }) => `${kind}: ${text}\n`).join(''));
    for (const one of [...this.publishers ?? [], ...this.listeners ?? []]) {
      fs.writeFileSync(path.join(this.dir, `${one.name}.log`), `${one.notes.join('\n')}\n`);
    }
  }

  async main() {
    await this.start();
    const plan = schedule(seed, minutes * 60000);
    fs.writeFileSync(`${this.dir}/schedule.json`, plan.map((fault) => JSON.stringify(fault)).join('\n'));
    this.observer = new Observer(`${this.e.dir}/redis.sock`, this.logs, { report: this.report, stored: (room, event) => this.ledger.stored(room, event) });
    this.gather();
    const looking = this.look();
    await sleep(2000);
    await this.faults.run(plan, () => this.findings.length > 0 || this.interrupted);
    this.say(`${this.progress()}; no more faults`);
    await this.recover();
    await this.judge();
    await looking;
    await this.vitals();
    await this.stop();
  }
}

const torture = new Torture();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { torture.interrupted = true; });
// An error in a callback is a finding as well, and nothing may be left running for it.
process.on('uncaughtException', (error) => torture.find('harness', error.stack));
await torture.main().catch(async (error) => {
  torture.find('harness', error.stack);
  await torture.faults?.heal().catch(() => {});
  await torture.e?.stop({ keep: true }).catch(() => {});
});
if (torture.ends) {
  console.log(`\n${torture.table()}\n`);
  fs.writeFileSync(`${torture.dir}/table.txt`, torture.table());
}
if (torture.findings.length === 0) {
  if (!process.env.EARSHOT_KEEP) fs.rmSync(torture.e.dir, { recursive: true, force: true });
  console.log(torture.interrupted ? 'interrupted; nothing was found' : 'passed');
} else {
  if (torture.dir) torture.save();
  console.log(`FAILED: ${torture.findings.length} findings; all that is known of it: ${torture.dir}`);
  console.log(`again: make torture MINUTES=${minutes} SEED=${seed} BUILD=${build}`);
}
process.exit(torture.findings.length === 0 ? 0 : 1);
