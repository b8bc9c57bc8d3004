// tabs.js - one receive for all tabs of a browser: over HTTP/1.1 it has only six connections to a server.
//
// A Web Lock makes one tab the leader, which keeps the link; the others tell it on a BroadcastChannel what they want, and
// hear there what comes. When the leader goes, the browser gives the lock to the next. What a tab wants is a room and the
// id after which: where the leader is further already, the tab itself asks for what lies between.

import { Emitter } from './emitter.js';
import { compareIds, laterId, randomKey } from './ids.js';
import { Link } from './link.js';

const PING_MS = 10000; // how often a tab that is seen asks whether the leader lives
const PATIENCE_MS = 4000; // for its answer; a frozen leader is robbed of its lock
const CENSUS_MS = 60000; // how often the leader asks who is still there

const canShare = () => Boolean(globalThis.navigator?.locks && globalThis.BroadcastChannel);

/** The same events as a Link, and `behind`: { room, id }: events after that id must be asked for. */
export class Tabs extends Emitter {
  #rooms = new Map();
  #others = new Map(); // tab -> { rooms, missed }
  #id = randomKey();
  #timers = [];
  #awaited = null;
  #giveBack = null;

  constructor({ name, share = true, ...options }) {
    super();
    this.options = options;
    this.status = { state: 'idle', transport: null, retryAt: null, error: null };
    this.link = null;
    if (!share || !canShare()) return void this.#makeLink();
    this.name = `earshot ${name}`;
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = ({ data }) => this.#hear(data);
    this.#compete();
    this.#say('want', this.#want());
    this.#timers.push(setInterval(() => this.#ping(), PING_MS));
  }

  get leads() { return this.link !== null; }

  /** Follows these rooms, a Map of name to the id after which events are wanted; as Link's. */
  follow(rooms) {
    this.#rooms = new Map([...rooms].map(([room, id]) => [room, laterId(this.#rooms.get(room), id)]));
    if (this.link) {
      this.#unite();
      this.#compare(this.link.cursors);
    } else this.#say('want', this.#want());
  }

  rewind(room, id) {
    this.#rooms.set(room, id);
    if (this.link) this.link.rewind(room, id);
    else this.#say('rewind', { room, id });
  }

  wake() {
    if (this.link) return this.link.wake();
    this.#say('want', this.#want());
    this.#say('wake');
    this.#ping();
  }

  restart() {
    if (this.link) this.link.restart();
    else this.#say('restart');
  }

  close() {
    this.#timers.forEach(clearInterval);
    clearTimeout(this.#awaited);
    this.#say('leave');
    this.#step();
    this.channel?.close();
    this.channel = null;
  }

  // ---- who leads

  #compete(steal = false) {
    const abort = this.waiting = new AbortController();
    navigator.locks.request(this.name, steal ? { steal: true } : { signal: abort.signal }, () => {
      if (!this.channel) return undefined;
      return new Promise((resolve) => {
        this.#giveBack = resolve;
        this.#lead();
      });
    }).catch(() => {
      // Robbed of it while frozen, or it no longer waits: another leads. In the first case it waits again.
      if (this.link && this.channel) {
        this.#step();
        this.#compete();
      }
    });
  }

  #lead() {
    clearTimeout(this.#awaited);
    this.#makeLink();
    this.#unite();
    this.#say('lead');
    this.census = setInterval(() => this.#count(), CENSUS_MS);
  }

  #makeLink() {
    this.link = new Link(this.options);
    this.link.on('events', (list) => {
      this.#say('events', list);
      this.#events(list);
    });
    for (const name of ['refused', 'expiring']) {
      this.link.on(name, (detail) => {
        this.#say(name, detail.error ? plain(detail) : detail);
        this.emit(name, detail);
      });
    }
    this.link.on('state', (status) => {
      this.#say('state', plain(status));
      this.#state(status);
    });
    this.#state(this.link.status);
  }

  /** Leads no longer. */
  #step() {
    clearInterval(this.census);
    this.waiting?.abort();
    this.link?.close();
    this.link = null;
    this.#giveBack?.();
    this.#giveBack = null;
    this.#others.clear();
  }

  #events(list) {
    for (const { room, id, type } of list) {
      if (id && this.#rooms.has(room)) this.#rooms.set(room, laterId(this.#rooms.get(room), id));
      if (type === 'gap' && this.#rooms.has(room)) this.#rooms.set(room, '0-0');
    }
    this.emit('events', list);
  }

  /** What the link has passed on already before this tab wanted it. */
  #compare(cursors) {
    for (const [room, id] of cursors) {
      const own = this.#rooms.get(room);
      if (!own || compareIds(own, id) >= 0) continue;
      this.#rooms.set(room, id);
      this.emit('behind', { room, id: own });
    }
  }

  #state(status) {
    this.status = status;
    this.emit('state', status);
  }

  /** The leader follows what any tab wants, from the oldest id that one wants it from. */
  #unite() {
    const all = new Map(this.#rooms);
    for (const { rooms } of this.#others.values()) {
      for (const [room, id] of rooms) if (!all.has(room) || compareIds(id, all.get(room)) < 0) all.set(room, id);
    }
    this.link.follow(all);
  }

  #count() {
    for (const [tab, about] of this.#others) if (++about.missed > 3) this.#others.delete(tab);
    this.#unite();
    this.#say('census');
  }

  // ---- what tabs say

  #want() { return { rooms: [...this.#rooms] }; }

  #say(what, detail = {}) { this.channel?.postMessage({ what, tab: this.#id, detail }); }

  #ping() {
    if (this.link || this.#awaited || globalThis.document?.visibilityState === 'hidden') return;
    this.#say('ping');
    this.#awaited = setTimeout(() => {
      this.#awaited = null;
      if (this.link || !this.channel) return;
      this.waiting.abort();
      this.#compete(true);
    }, PATIENCE_MS);
  }

  #hear({ what, tab, detail }) {
    if (this.link) this.#hearAsLeader(what, tab, detail);
    else this.#hearAsOther(what, tab, detail);
  }

  #hearAsLeader(what, tab, detail) {
    if (what === 'want') {
      this.#others.set(tab, { rooms: new Map(detail.rooms), missed: 0 });
      this.#unite();
      this.#say('following', { to: tab, cursors: [...this.link.cursors], status: plain(this.link.status) });
    } else if (what === 'leave') {
      this.#others.delete(tab);
      this.#unite();
    } else if (what === 'ping') this.#say('pong', { to: tab });
    else if (what === 'rewind') this.link.rewind(detail.room, detail.id);
    else if (what === 'wake') this.link.wake();
    else if (what === 'restart') this.link.restart();
  }

  #hearAsOther(what, tab, detail) {
    if (what === 'events') this.#events(detail);
    else if (what === 'refused' || what === 'expiring') this.emit(what, detail);
    else if (what === 'state') this.#state(detail);
    else if (what === 'lead' || what === 'census') this.#say('want', this.#want());
    if (detail?.to !== undefined && detail.to !== this.#id) return;
    if (['following', 'pong', 'lead', 'events'].includes(what)) {
      clearTimeout(this.#awaited);
      this.#awaited = null;
    }
    if (what !== 'following') return;
    this.#state(detail.status);
    this.#compare(new Map(detail.cursors));
  }
}

/** A status as another tab can take it: an error's own members. */
const plain = ({ error, ...status }) => ({ ...status, error: error ? { ...error, message: error.message } : null });
