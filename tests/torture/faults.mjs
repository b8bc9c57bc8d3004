// faults.mjs - what goes wrong, when, and for how long: a schedule that a seed repeats, and the hands that do it. Faults
// overlap. Each is logged with its time; all are healed at the end.

import fs from 'node:fs';
import { random, sleep, until } from '../system/harness.mjs';
import { SPELLS } from './chaos.mjs';
import { trim } from './observer.mjs';

/** Of each kind, how often. Each takes a number of its own from 0 to 1, and a duration. */
const KINDS = [
  ['kill gate', 6], ['kill hub', 6], ['kill child', 4], ['kill redis', 4], ['kill supervisor', 1], ['restart', 1],
  ['stop gate', 4], ['stop hub', 5], ['stop supervisor', 3], ['stop redis', 4], ['stop nginx worker', 3],
  ['reload nginx', 3], ['reload', 4], ['reload broken', 2], ['upgrade', 3], ['upgrade broken', 1],
  ['forget scripts', 4], ['kill pubsub', 5], ['kill normal', 4], ['trim', 10],
  ['delay', 4], ['cut', 5], ['half-close', 4], ['black hole', 4], ['throttle', 4], ['refuse', 3],
];

const PAUSE_MS = 1000; // between two faults, on average
const START_MS = 40000; // what starts may be stopped at once
const LULL_MS = 6000; // now and then, so that all recovers while the run goes on

/** The schedule of a run of `ms`: [{ at, kind, which, long, more }...], the last three from 0 to 1. */
export function schedule(seed, ms) {
  const chance = random(seed);
  const total = KINDS.reduce((sum, [, weight]) => sum + weight, 0);
  const plan = [];
  for (let at = 500; ;) {
    at += -Math.log(1 - chance() * 0.999) * PAUSE_MS + (chance() < 0.05 ? LULL_MS : 0);
    if (at >= ms) return plan;
    let roll = chance() * total;
    const kind = KINDS.find(([, weight]) => (roll -= weight) < 0)[0];
    plan.push({ at: Math.round(at), kind, which: chance(), long: chance(), more: chance() });
  }
}

const identity = (pid) => {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop().split(' ')[19];
  } catch {
    return null;
  }
};

export function childrenOf(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export class Faults {
  /** `e`: the Earshot; `chaos`: its proxy; `log(text)`; `logs`: of the rooms; `upgrades`: does the daemon know SIGUSR2? */
  constructor(e, { chaos, log, logs, upgrades, report }) {
    Object.assign(this, { e, chaos, log, logs, upgrades, report });
    this.killed = new Map(); // pid: the signals that it was given
    this.stopped = new Map(); // pid: how it is told from a later one
    this.everStopped = new Set();
    this.counts = new Map();
    this.running = new Set();
    this.spells = new Set();
  }

  /** Runs a schedule, to its end or until `over()` says so. */
  async run(plan, over) {
    const began = Date.now();
    for (const fault of plan) {
      while (Date.now() < began + fault.at && !over()) await sleep(Math.min(50, Math.max(1, began + fault.at - Date.now())));
      if (over()) break;
      const work = this.act(fault).catch((error) => this.report('harness', `${fault.kind}: ${error.message}`));
      this.running.add(work);
      work.finally(() => this.running.delete(work));
    }
  }

  /** All is well again: waits for what is under way, and undoes what lasts. */
  async heal() {
    this.healing = true;
    for (const end of [...this.spells]) end();
    for (const pid of [...this.stopped.keys()]) this.resume(pid);
    await Promise.all([...this.running]);
    if (!this.e.redis.alive) await this.e.startRedis(START_MS);
    if (this.e.conf.gates === 'nonsense') this.mend();
    this.log('healed');
  }

  /** Waits, but not beyond the healing. */
  async last(ms) {
    const end = Date.now() + ms;
    while (!this.healing && Date.now() < end) await sleep(Math.min(50, Math.max(1, end - Date.now())));
  }

  async act(fault) {
    const { kind } = fault;
    if (kind.startsWith('upgrade') && !this.upgrades) return;
    const said = await this.hand(kind).call(this, fault);
    this.log(`${kind}: ${said}`);
    if (!String(said).startsWith('nothing')) this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  hand(kind) {
    if (SPELLS.includes(kind)) return this.spell;
    const hands = {
      'kill redis': this.killRedis, 'kill supervisor': this.killSupervisor, restart: this.restart,
      'reload nginx': this.reloadNginx, reload: this.reload, 'reload broken': this.broken, upgrade: this.upgrade, 'upgrade broken': this.broken,
      'forget scripts': () => this.say('SCRIPT', 'FLUSH'),
      'kill pubsub': () => this.say('CLIENT', 'KILL', 'TYPE', 'pubsub'),
      'kill normal': () => this.say('CLIENT', 'KILL', 'TYPE', 'normal'),
      trim: this.trim,
    };
    return hands[kind] ?? (kind.startsWith('kill') ? this.kill : this.stop);
  }

  // ---- processes

  victims(kind) {
    const name = kind.replace(/^(kill|stop) /, '');
    if (name === 'gate' || name === 'hub') return this.e.workers(name);
    if (name === 'child') return childrenOf(this.e.daemon.pid);
    if (name === 'nginx worker') return childrenOf(this.e.nginx.pid);
    return [name === 'redis' ? this.e.redis : this.e.daemon].filter((p) => p.alive).map((p) => p.pid);
  }

  victim({ kind, which }) {
    const found = this.victims(kind).sort((a, b) => a - b);
    return found[Math.floor(which * found.length)];
  }

  signal(pid, name) {
    try {
      process.kill(pid, name);
      return true;
    } catch {
      return false;
    }
  }

  note(pid, signal) { this.killed.set(pid, [...(this.killed.get(pid) ?? []), signal]); }

  async kill(fault) {
    const pid = this.victim(fault);
    if (pid === undefined) return 'nothing there';
    this.note(pid, 9);
    return this.signal(pid, 'SIGKILL') ? `pid ${pid}` : `nothing: ${pid} had just ended`;
  }

  async stop(fault) {
    const pid = this.victim(fault);
    if (pid === undefined || this.stopped.has(pid)) return 'nothing there';
    // Past 10 s the supervisor takes a hub for stuck and kills it: that happens too.
    const most = { 'stop hub': 12000, 'stop gate': 13000, 'stop redis': 4000, 'stop supervisor': 6000, 'stop nginx worker': 3000 }[fault.kind];
    const ms = 50 + fault.long ** 2 * most;
    this.stopped.set(pid, identity(pid));
    this.everStopped.add(pid);
    if (!this.signal(pid, 'SIGSTOP')) {
      this.stopped.delete(pid);
      return `nothing: ${pid} had just ended`;
    }
    this.log(`${fault.kind}: pid ${pid} for ${Math.round(ms)} ms`);
    await this.last(ms);
    this.resume(pid);
    return `pid ${pid} goes on`;
  }

  resume(pid) {
    if (this.stopped.has(pid) && identity(pid) === this.stopped.get(pid)) this.signal(pid, 'SIGCONT');
    this.stopped.delete(pid);
  }

  async killRedis({ long }) {
    const { redis } = this.e;
    // Two that work on one directory would be no fault but a mistake.
    if (!redis.alive || this.redisDown) return 'nothing: it is down';
    this.redisDown = true;
    const ms = long * 5000;
    redis.signal('SIGKILL');
    await redis.ended;
    this.log(`kill redis: for ${Math.round(ms)} ms`);
    await this.last(ms);
    await this.e.startRedis(START_MS);
    this.redisDown = false;
    return 'it is back';
  }

  // ---- the daemon

  /** One at a time gives the daemon's signals and files a meaning that can be told afterwards. */
  async alone(work) {
    while (this.busy) await this.busy;
    this.busy = work().finally(() => { this.busy = null; });
    return this.busy;
  }

  async killSupervisor() {
    return this.alone(async () => {
      const { daemon } = this.e;
      this.note(daemon.pid, 9);
      daemon.signal('SIGKILL');
      await daemon.ended;
      await this.startDaemon();
      return `pid ${daemon.pid}, now ${this.e.daemon.pid}`;
    });
  }

  async restart() {
    return this.alone(async () => {
      const { daemon } = this.e;
      this.resume(daemon.pid);
      const how = await daemon.stop('SIGTERM', START_MS);
      if (how.code !== 0) this.report('process', `SIGTERM: the daemon ended with ${JSON.stringify(how)}`);
      await this.startDaemon();
      return `pid ${daemon.pid}, now ${this.e.daemon.pid}`;
    });
  }

  /** Until it has workers: before, it has no use for signals yet, and any ends it. */
  async startDaemon() {
    await this.e.startDaemon(START_MS);
    await until('the daemon has workers', () => !this.e.daemon.alive || childrenOf(this.e.daemon.pid).length > 0, START_MS);
  }

  async reload() {
    return this.alone(async () => {
      this.e.daemon.signal('SIGHUP');
      return `pid ${this.e.daemon.pid}`;
    });
  }

  async upgrade() {
    return this.alone(async () => {
      const came = () => this.e.daemonLog().split(/takes over from another binary|not upgraded/).length;
      const before = came();
      this.e.daemon.signal('SIGUSR2');
      for (const end = Date.now() + 10000; came() === before && Date.now() < end && !this.healing;) await sleep(200);
      await this.last(500);
      return `pid ${this.e.daemon.pid}`;
    });
  }

  /** The configuration is broken for a while, before the daemon is told to read it or while it does. */
  async broken({ kind, long, which }) {
    return this.alone(async () => {
      const signal = () => this.e.daemon.signal(kind.startsWith('upgrade') ? 'SIGUSR2' : 'SIGHUP');
      if (which < 0.5) {
        signal();
        await sleep(which * 200);
      }
      this.e.conf.gates = 'nonsense';
      this.e.writeConf();
      if (which >= 0.5) signal();
      await this.last(300 + long * 2000);
      this.mend();
      return 'restored';
    });
  }

  mend() {
    this.e.conf.gates = '8';
    this.e.writeConf();
  }

  async reloadNginx() {
    this.e.nginx.signal('SIGHUP');
    return `pid ${this.e.nginx.pid}`;
  }

  // ---- Redis

  async say(...command) {
    if (!this.e.redis.alive) return 'nothing: it is down';
    return (await this.e.redisCli(...command)).trim();
  }

  async trim({ which, long }) {
    if (!this.e.redis.alive) return 'nothing: Redis is down';
    const rooms = [...this.logs.keys()];
    const log = this.logs.get(rooms[Math.floor(which * rooms.length)]);
    const keep = Math.floor(long * 40);
    try {
      return `${log.room}: ${await trim(`${this.e.dir}/redis.sock`, log, keep)} events, ${keep} kept`;
    } catch (error) {
      return `nothing: ${error.message}`;
    }
  }

  async spell({ kind, which, long, more }) {
    const spell = { kind, ms: 5 + Math.round(more ** 2 * 400), bytes: 1 + Math.floor(more * 60), side: more < 0.5 ? 0 : 1 };
    // Every second spell is for all connections, the others for some.
    const share = which < 0.5 ? 1 : 0.2 + more * 0.6;
    const chosen = (i) => (i * 0.618 + which) % 1 < share;
    const ms = kind === 'cut' || kind === 'half-close' ? 0 : 200 + long * 4500;
    const end = this.chaos.cast(spell, chosen);
    this.spells.add(end);
    if (ms > 0) this.log(`${kind}: for ${Math.round(ms)} ms, ${JSON.stringify(spell)}, for ${share === 1 ? 'all' : `${Math.round(share * 100)} %`}`);
    await this.last(ms);
    this.spells.delete(end);
    end();
    return 'over';
  }
}

/** Waits until the daemon has all its workers and no others. */
export function whole(e, ms = 40000) {
  return until('the daemon has its workers and no others', () => e.workers('gate').length === Number(e.conf.gates)
    && e.workers('hub').length === Number(e.conf.hubs) && childrenOf(e.daemon.pid).length === Number(e.conf.gates) + Number(e.conf.hubs), ms);
}
