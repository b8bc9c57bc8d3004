// tabs.js - one receive for all tabs of a browser: over HTTP/1.1 it has only six connections to a server.
//
// A Web Lock makes one tab the leader, which keeps the link; the others tell it on a BroadcastChannel what they want, and
// hear there what comes. When the leader goes, the browser gives the lock to the next; one that is frozen is robbed of it.
// Where the leader is further in a room than a tab, the tab's sequence asks for what lies between.

import { EarshotError } from './api.js';
import { Emitter } from './emitter.js';
import { compareIds, randomKey } from './ids.js';
import { TIMES as LINK_TIMES } from './link.js';
import { Receives } from './receives.js';
import { Sequence } from './sequence.js';

const TIMES = {
  ping: 10000, // how often a tab that is seen asks whether the leader lives
  patience: 4000, // for its answer
  census: 60000, // how often the leader asks who is still there
};
const CENSUS_MISSED = 3;

const canShare = () => Boolean(globalThis.navigator?.locks && globalThis.BroadcastChannel);

/** The same events as a Link, of the rooms that this tab follows. */
export class Tabs extends Emitter {
  #others = new Map(); // tab -> { rooms, missed }
  #id = randomKey();
  #expected = new Set(); // timers
  #pings = null;
  #census = null;
  #awaited = null;
  #giveBack = null;
  #waiting = null; // AbortController of the wait for the lock

  /** `name`: who shares: tabs of one person at one server. `share`, `api`, `transport`, `times` (ms). */
  constructor({ name, share = true, ...options }) {
    super();
    this.options = options;
    this.times = { ...LINK_TIMES, ...TIMES, ...options.times };
    this.status = { state: 'idle', transport: null, retryAt: null, error: null };
    this.link = null;
    this.closed = false;
    this.sequence = new Sequence({ api: options.api, emit: (events) => this.emit('events', events) });
    if (!share || !canShare()) return void this.#makeLink();
    this.name = `earshot ${name}`;
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = ({ data }) => this.#hear(data);
    this.#compete();
    this.#want();
    this.#pings = setInterval(() => this.#ping(), this.times.ping);
  }

  get leads() { return this.link !== null; }

  /** Follows these rooms, a Map of name to the id after which events are wanted. */
  follow(rooms) {
    if (this.closed) return;
    this.sequence.follow(rooms, !this.link);
    if (this.link) this.#unite();
    else this.#want();
  }

  /** The network came back, or the page: nothing that was silent is trusted. */
  wake() {
    if (this.closed) return;
    if (this.link) return void this.link.wake();
    this.sequence.hold();
    this.#want();
    this.#say('wake');
    this.#ping();
  }

  /** The page goes, perhaps to come back: until it wants something again, nothing is received for it. */
  away() { if (!this.link) this.#say('leave'); }

  /** An event of this id is in the room: where it is not told soon, the stream is held back. */
  expect(room, id) {
    const timer = setTimeout(() => {
      this.#expected.delete(timer);
      if (compareIds(this.sequence.cursors.get(room) ?? id, id) >= 0) return;
      if (this.link) this.link.doubt(room, id);
      else this.#say('doubt', { room, id });
    }, this.times.doubt);
    this.#expected.add(timer);
  }

  /** There is another token. */
  restart() {
    if (this.link) this.link.restart();
    else this.#say('restart');
  }

  close() {
    this.closed = true;
    clearInterval(this.#pings);
    clearTimeout(this.#awaited);
    this.#expected.forEach(clearTimeout);
    this.#say('leave');
    this.#step();
    this.sequence.close();
    this.channel?.close();
    this.channel = null;
  }

  // ---- who leads

  #compete(steal = false) {
    const { signal } = this.#waiting = new AbortController();
    navigator.locks.request(this.name, steal ? { steal: true } : { signal }, () => {
      if (this.closed || this.link) return undefined;
      return new Promise((resolve) => {
        this.#giveBack = resolve;
        this.#lead();
      });
    }).catch((error) => this.#lost(error));
  }

  /** Robbed of the lock while it was frozen, it waits for it again. Where locks are forbidden, it shares with nobody. */
  #lost(error) {
    if (this.closed) return;
    if (this.link) {
      this.#step();
      this.sequence.hold();
      this.#compete();
      this.#want();
    } else if (error.name !== 'AbortError') {
      clearInterval(this.#pings);
      this.channel.close();
      this.channel = null;
      this.#makeLink();
      this.#unite();
    }
  }

  #lead() {
    this.#heard();
    this.#makeLink();
    this.#unite();
    this.#say('lead');
    this.#census = setInterval(() => this.#count(), this.times.census);
  }

  #makeLink() {
    this.link = new Receives(this.options);
    this.link.on('events', (list) => {
      this.#say('events', list);
      this.sequence.take(list);
    });
    for (const name of ['refused', 'expiring', 'open', 'state']) {
      this.link.on(name, (detail) => {
        this.#say(name, plain(detail));
        this.#told(name, detail);
      });
    }
    this.#told('state', this.link.status);
  }

  /** Leads no longer. */
  #step() {
    clearInterval(this.#census);
    this.#waiting?.abort();
    this.link?.close();
    this.link = null;
    this.#giveBack?.();
    this.#giveBack = null;
    this.#others.clear();
  }

  #told(name, detail) {
    if (name === 'state') this.status = detail;
    this.emit(name, detail);
  }

  /** The leader follows what any tab wants, from the oldest id that one wants it from. */
  #unite() {
    const all = this.sequence.cursors;
    for (const { rooms } of this.#others.values()) {
      for (const [room, id] of rooms) if (!all.has(room) || compareIds(id, all.get(room)) < 0) all.set(room, id);
    }
    this.link.follow(all);
    this.sequence.known(this.link.cursors);
  }

  #count() {
    for (const [tab, about] of this.#others) if (++about.missed > CENSUS_MISSED) this.#others.delete(tab);
    this.#unite();
    this.#say('census');
  }

  // ---- what tabs say

  #want() { this.#say('want', { rooms: [...this.sequence.cursors] }); }

  #say(what, detail = {}) { this.channel?.postMessage({ what, tab: this.#id, detail }); }

  #heard() {
    clearTimeout(this.#awaited);
    this.#awaited = null;
  }

  #ping() {
    if (this.link || this.#awaited || globalThis.document?.visibilityState === 'hidden') return;
    this.#say('ping');
    this.#awaited = setTimeout(() => {
      this.#awaited = null;
      if (this.link || this.closed) return;
      this.#waiting.abort();
      this.#compete(true);
    }, this.times.patience);
  }

  #hear({ what, tab, detail }) {
    if (this.closed) return;
    if (this.link) this.#hearAsLeader(what, tab, detail);
    else this.#hearAsOther(what, detail);
  }

  #hearAsLeader(what, tab, detail) {
    if (what === 'want') {
      this.#others.set(tab, { rooms: new Map(detail.rooms), missed: 0 });
      this.#unite();
      this.#say('following', { to: tab, cursors: [...this.link.cursors], status: plain(this.link.status) });
    } else if (what === 'leave') {
      this.#others.delete(tab);
      this.#unite();
    } else if (what === 'ping') this.#say('pong');
    else if (what === 'wake') this.link.wake();
    else if (what === 'restart') this.link.restart();
    else if (what === 'doubt') this.link.doubt(detail.room, detail.id);
  }

  #hearAsOther(what, detail) {
    if (['ping', 'want', 'wake', 'restart', 'doubt', 'leave'].includes(what)) return;
    this.#heard();
    if (what === 'events') this.sequence.take(detail);
    else if (what === 'following') {
      if (detail.to !== this.#id) return;
      this.#told('state', lively(detail.status));
      this.sequence.known(new Map(detail.cursors));
    } else if (what === 'lead' || what === 'census') {
      if (what === 'lead') this.sequence.hold();
      this.#want();
    } else if (what !== 'pong') this.#told(what, lively(detail));
  }
}

/** What another tab can take, an error as its members; and what that tab makes of it. */
const plain = (detail) => (detail.error ? { ...detail, error: detail.error.toJSON?.() ?? { message: String(detail.error) } } : detail);
const lively = (detail) => (detail.error ? { ...detail, error: EarshotError.from(detail.error) } : detail);
