// client.js - Earshot: who one is, the one receive, the rooms.

import { Api, path } from './api.js';
import { Backoff } from './backoff.js';
import { Directory } from './directory.js';
import { Emitter } from './emitter.js';
import { Room } from './room.js';
import { Tabs } from './tabs.js';

const FOLLOWS_MOST = 60; // rooms of one receive; the server takes 64
const RENEWS_BEFORE_MS = 60000;
const TIMER_MOST_MS = 2 ** 31 - 1;

/** See earshot.d.ts for its options, members and events. */
export class Earshot extends Emitter {
  #rooms = new Map();
  #backoff = new Backoff(1000, 30000);
  #off = [];
  #renewal = null;
  #closed = false;

  constructor({ url = 'v1', token = null, transport = 'auto', share = true, everything = false, fetch, times, types, storage = tabStorage() } = {}) {
    super();
    this.url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    this.api = new Api({ url: this.url, token, fetch });
    this.api.types = types;
    this.storage = storage;
    this.everything = everything;
    this.options = { transport, share, times };
    this.me = null;
    this.connection = { state: 'connecting', transport: null, retryAt: null, error: null };
    this.directory = new Directory(this);
    this.directory.on('change', (rooms) => this.emit('rooms', rooms));
    this.#watch();
    this.ready = this.#start();
    this.ready.catch(() => {}); // told by `connection`
  }

  get rooms() { return this.directory.all; }
  get joined() { return [...this.#rooms.values()].filter((room) => room.joined).map(({ name }) => name); }
  get inbox() { return this.me?.userId ? `@${this.me.userId}` : null; }

  // ---- who

  /** Asks who one is until that is answered, then opens the receive. */
  async #start() {
    for (;;) {
      try {
        this.me = await this.api.json('GET', 'auth/me');
        break;
      } catch (error) {
        if (!error.passing || this.#closed) {
          this.#connection({ state: 'ended', transport: null, retryAt: null, error });
          throw error;
        }
        const wait = this.#backoff.next();
        this.#connection({ state: 'waiting', transport: null, retryAt: Date.now() + wait, error });
        await new Promise((resolve) => { this.#woken = resolve; setTimeout(resolve, wait); });
      }
    }
    this.#backoff.reset();
    this.#plan();
    this.emit('me', this.me);
    this.#open();
  }

  #woken = () => {};

  #open() {
    this.tabs = new Tabs({ name: `${this.url} ${this.me.userId ?? ''}`, api: this.api, ...this.options });
    this.tabs.on('state', (status) => this.#connection(status));
    this.tabs.on('events', (events) => events.forEach((event) => this.#take(event)));
    this.tabs.on('behind', ({ room, id }) => this.#fill(room, id));
    this.tabs.on('refused', () => this.#probe());
    this.tabs.on('expiring', () => this.#renew());
    this.#connection(this.tabs.status);
    if (this.everything) this.refresh().catch(() => this.later(() => this.refresh()));
    else this.refollow();
  }

  /** The token's end is known: another one before. */
  #plan() {
    clearTimeout(this.#renewal);
    if (!this.me?.expires) return;
    const left = Date.parse(this.me.expires) - Date.now();
    this.#renewal = setTimeout(() => this.#renew(), Math.min(TIMER_MOST_MS, Math.max(left - Math.max(RENEWS_BEFORE_MS, left / 5), 1000)));
  }

  async #renew() {
    try {
      if (!await this.api.renew()) return;
      this.me = await this.api.json('GET', 'auth/me');
      this.#plan();
      this.emit('me', this.me);
    } catch (error) {
      if (error.passing) this.later(() => this.#renew());
    }
  }

  guest(name) { return this.#enter('auth/guest', { name }); }
  login(user, password) { return this.#enter('auth/login', { user, password }); }
  register(user, password, name = user) { return this.#enter('auth/register', { user, password, name }); }

  /** Signed in, one is somebody else: all rooms begin anew. */
  async #enter(where, fields) {
    await this.api.json('POST', where, { body: { ...fields, cookie: !this.api.byToken } }).then(({ token }) => { if (token) this.api.token = token; });
    await this.#again();
    return this.me;
  }

  async logout() {
    await this.api.json('POST', 'auth/logout').catch((error) => { if (error.status !== 401) throw error; });
    this.api.token = null;
    await this.#again();
  }

  async #again() {
    this.tabs?.close();
    this.directory.clear();
    this.#rooms = new Map();
    this.#inboxAt = null;
    this.ready = this.#start();
    await this.ready;
    this.emit('again', this.me);
  }

  // ---- rooms

  /** A room, the same one each time; nothing is asked before its join(). */
  room(name) {
    if (!this.#rooms.has(name)) this.#rooms.set(name, new Room(this, name));
    return this.#rooms.get(name);
  }

  /** The conversation with these people. */
  direct(...users) { return this.room(`@${[...new Set([this.me?.userId, ...users])].sort().join(',')}`); }

  /** Makes a room, or changes it: { topic, mode, slow, keep, age }. */
  configure(name, settings = {}) { return this.api.json('PUT', path('rooms', name), { body: settings }); }

  signal(room, to, content) { return this.api.json('POST', path('rooms', room, 'signals'), { body: { to, content } }); }

  /** The lists of rooms anew, and what is to be followed of them. */
  async refresh() {
    await this.directory.refresh();
    this.refollow();
  }

  /** Tells the receive which rooms, and of each the last event that is known. */
  refollow() {
    if (!this.tabs) return;
    for (const name of this.joined) if (!this.directory.get(name)?.joined) this.directory.set(name, { joined: true });
    const wanted = new Map();
    for (const room of this.#rooms.values()) if (room.joined && room.cursor) wanted.set(room.name, room.cursor);
    if (this.everything) {
      if (this.inbox) wanted.set(this.inbox, wanted.get(this.inbox) ?? this.#inboxCursor());
      for (const { name, joined, last } of this.rooms) if (joined && last && !wanted.has(name) && wanted.size < FOLLOWS_MOST) wanted.set(name, last);
    }
    this.tabs.follow(wanted);
  }

  #inboxAt = null;
  #inboxCursor() { return (this.#inboxAt ??= this.directory.inboxLast ?? '0-0'); }

  #take(event) {
    if (event.room === this.inbox) return this.#takeInbox(event);
    this.directory.take(event);
    this.#rooms.get(event.room)?.take(event);
    this.emit('event', event);
  }

  /** A room that one did not know of, or a word to oneself. */
  #takeInbox(event) {
    const { source, type } = event;
    if (type === 'mention' && this.directory.get(source)) this.directory.set(source, { mentioned: true });
    else if (source || type === 'notice') this.later(() => this.refresh(), 200);
    this.emit('inbox', event);
  }

  /** Asks for the events that another tab's receive had passed on before. */
  async #fill(room, since) {
    if (room === this.inbox) return;
    try {
      for (let at = since, more = true; more;) {
        const { events, cursor } = await this.api.json('GET', `${path('rooms', room)}/events`, { query: { as: 'json', wait: 0, since: at } });
        events.forEach((event) => this.#take({ ...event, room }));
        more = events.length > 0 && cursor !== at;
        at = cursor;
      }
    } catch (error) {
      if (error.passing) this.later(() => this.#fill(room, since));
    }
  }

  /** The rooms together were refused: finds which, and goes on without. */
  async #probe() {
    for (const room of [...this.#rooms.values()].filter(({ joined }) => joined)) {
      try {
        await this.api.json('GET', path('rooms', room.name, 'messages'), { query: { limit: 1 } });
      } catch (error) {
        if (error.passing) continue;
        room.close(error);
        room.cursor = null;
      }
    }
    if (this.everything) await this.refresh().catch(() => {});
    this.refollow();
  }

  marked(room, mark) { this.directory.marked(room, mark); }

  // ---- the world around

  #connection(status) {
    const before = this.connection;
    this.connection = status;
    this.emit('connection', status);
    if (status.state !== 'live' || before.state === 'live') return;
    for (const room of this.#rooms.values()) {
      room.wake();
      if (room.joined && room.state.loaded) room.refresh();
    }
  }

  #later = new Set();

  /** Once, after some time that grows while things fail. */
  later(run, ms = this.#backoff.next()) {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#later.delete(timer);
      Promise.resolve(run()).catch(() => {});
    }, ms);
    this.#later.add(timer);
  }

  /** Tries at once what waits for its time. */
  wake() {
    this.#woken();
    this.tabs?.wake();
    for (const room of this.#rooms.values()) room.wake();
  }

  #watch() {
    if (typeof window === 'undefined') return;
    const wake = () => { if (document.visibilityState !== 'hidden') this.wake(); };
    const listen = (target, name, run) => {
      target.addEventListener(name, run);
      this.#off.push(() => target.removeEventListener(name, run));
    };
    listen(window, 'online', wake);
    listen(window, 'pageshow', wake);
    listen(document, 'visibilitychange', wake);
    listen(window, 'offline', () => this.tabs?.wake());
  }

  /** Ends all; the object is of no use after. */
  close() {
    this.#closed = true;
    this.#off.forEach((off) => off());
    clearTimeout(this.#renewal);
    this.#later.forEach(clearTimeout);
    this.tabs?.close();
  }
}

function tabStorage() {
  try { return globalThis.sessionStorage ?? null; } catch { return null; }
}
