// client.js - Earshot: who one is, the one receive, the rooms.

import { Api, path } from './api.js';
import { Backoff, pause } from './backoff.js';
import { Directory } from './directory.js';
import { Emitter } from './emitter.js';
import { outboxes } from './outbox.js';
import { Room } from './room.js';
import { Tabs } from './tabs.js';
import { Who } from './who.js';

const FOLLOWS_MOST = 60; // rooms, beside those that are joined, of which one wants to know what is unread
const INBOX_MS = 200; // in which words to oneself become one look at the lists
const STATE = { state: 'connecting', transport: null, retryAt: null, error: null };

/** See earshot.d.ts for its options, members and events. */
export class Earshot extends Emitter {
  #rooms = new Map();
  #backoff = new Backoff(1000, 30000);
  #who;
  #turn = null; // AbortController of the person that one is
  #sleep = null; // AbortController of a wait that the page may end
  #later = new Set();
  #off = [];
  #inboxAt = null;
  #probing = null;
  #closed = false;

  constructor({ url = 'v1', token = null, transport = 'auto', share = true, everything = false, fetch, times, types, storage = tabStorage() } = {}) {
    super();
    this.url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    this.api = new Api({ url: this.url, token, fetch });
    this.api.types = types;
    this.storage = storage;
    this.everything = everything;
    this.options = { transport, share, times };
    this.connection = STATE;
    this.directory = new Directory(this);
    this.directory.on('change', (rooms) => this.emit('rooms', rooms));
    this.#who = new Who({
      api: this.api,
      leads: () => this.tabs?.leads ?? true,
      changed: (me) => this.emit('me', me),
      renewed: () => { if (this.connection.state === 'ended') this.tabs?.restart(); },
      other: () => this.#again().catch(() => {}),
    });
    this.#watch();
    this.#begin();
  }

  get me() { return this.#who.me; }
  get rooms() { return this.directory.all; }
  /** The names of the rooms that are joined. */
  get joined() { return [...this.#rooms.values()].filter((room) => room.joined).map(({ name }) => name); }
  /** The name of one's own inbox, or null. */
  get inbox() { return this.me?.userId ? `@${this.me.userId}` : null; }

  // ---- who

  #begin() {
    this.#turn?.abort();
    this.#sleep?.abort();
    this.#turn = new AbortController();
    this.ready = this.#start(this.#turn.signal);
    this.ready.catch(() => {}); // told by `connection`
  }

  /** Asks who one is until that is answered, then opens the receive. */
  async #start(signal) {
    while (!await this.#known(signal));
    if (signal.aborted) return this.#closed ? undefined : this.ready; // that of the person who is here now
    this.#backoff.reset();
    this.#open();
    this.emit('me', this.me);
    for (const name of outboxes(this.storage, this.api.url)) this.room(name); // sends what a page before this one has left
    return undefined;
  }

  /** Asks once, and waits where that was in vain: false, to be asked again. */
  async #known(signal) {
    try {
      await this.#who.ask();
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      if (!error.passing) {
        this.#who.forget();
        this.#connection({ ...STATE, state: 'ended', error });
        throw error;
      }
      const wait = this.#backoff.next();
      this.#connection({ ...STATE, state: 'waiting', retryAt: Date.now() + wait, error });
      this.#sleep = new AbortController();
      await pause(wait, this.#sleep.signal);
      return signal.aborted;
    }
  }

  #open() {
    // Tabs of one person, with the same rights.
    const name = [this.url, this.me.userId ?? '', this.me.role ?? '', JSON.stringify(this.me.rooms ?? '')].join(' ');
    const tabs = this.tabs = new Tabs({ name, api: this.api, ...this.options });
    tabs.on('state', (status) => this.#connection(status));
    tabs.on('events', (events) => events.forEach((event) => this.#take(event)));
    tabs.on('open', (opened) => this.#opened(opened));
    tabs.on('refused', () => this.#probe());
    tabs.on('expiring', () => this.#who.renew());
    this.#connection(tabs.status);
    if (this.everything) this.#refreshed();
    this.refollow();
  }

  /** Signs in as a guest of this name, which lives as long as its token. */
  guest(name) { return this.#enter('guest', { name }); }
  /** Signs in by an account. */
  login(user, password) { return this.#enter('login', { user, password }); }
  /** Makes an account, and signs in by it. */
  register(user, password, name = user) { return this.#enter('register', { user, password, name }); }

  /** Signed in, one is somebody else: all rooms begin anew. */
  async #enter(call, fields) {
    await this.#who.enter(call, fields);
    await this.#again();
    return this.me;
  }

  /** Takes the token back, and goes on as nobody. */
  async logout() {
    await this.#who.leave();
    await this.#again();
  }

  async #again() {
    this.tabs?.close();
    this.tabs = null;
    this.#forget();
    this.#begin();
    await this.ready;
    this.emit('again', this.me);
  }

  #forget() {
    this.#who.forget();
    this.#later.forEach(clearTimeout);
    this.#later.clear();
    for (const room of this.#rooms.values()) room.end();
    this.#rooms = new Map();
    this.#inboxAt = null;
    this.#backoff.reset();
    this.directory.clear();
  }

  // ---- rooms

  /** A room, the same one each time until somebody else signs in; nothing is asked before its join(). */
  room(name) {
    if (!this.#rooms.has(name)) this.#rooms.set(name, new Room(this, name));
    return this.#rooms.get(name);
  }

  /** The conversation with these people. */
  direct(...users) { return this.room(`@${[...new Set([this.me?.userId, ...users])].filter(Boolean).sort().join(',')}`); }

  /** Makes a room, or changes it: { topic, mode, slow, keep, age }. */
  configure(name, settings = {}) { return this.api.json('PUT', path('rooms', name), { body: settings }); }

  /** Tells one person in a room something that is not kept, as to set up a call. */
  signal(room, to, content) { return this.api.json('POST', path('rooms', room, 'signals'), { body: { to, content } }); }

  /** The lists of rooms anew, and what is to be followed of them. */
  async refresh() {
    await this.directory.refresh();
    this.refollow();
  }

  /** The same, tried until it works. */
  #refreshed(ms = 0) {
    this.later(() => this.refresh().catch((error) => {
      if (error.passing) this.#refreshed(this.#backoff.next());
    }), ms);
  }

  /** Tells the receive which rooms, and of each the last event that is known. */
  refollow() {
    if (!this.tabs) return;
    const wanted = new Map();
    for (const { name, cursor, joined } of this.#rooms.values()) if (joined && cursor) wanted.set(name, cursor);
    if (this.everything) {
      for (const name of this.joined) if (!this.directory.get(name)?.joined) this.directory.set(name, { joined: true });
      if (this.inbox && this.directory.loaded) wanted.set(this.inbox, wanted.get(this.inbox) ?? this.#inboxCursor());
      for (const { name, joined, last } of this.rooms) if (joined && last && !wanted.has(name) && wanted.size < FOLLOWS_MOST) wanted.set(name, last);
    }
    this.tabs.follow(wanted);
  }

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
    else if (this.everything && (source || type === 'notice')) this.#refreshed(INBOX_MS);
    if (type === 'notice') for (const room of this.#rooms.values()) room.wake(); // one may be let in again
    this.#rooms.get(event.room)?.take(event);
    this.emit('inbox', event);
  }

  /** What no event tells again: who is in the rooms that are followed from now on. */
  #opened({ rooms, anew }) {
    this.#backoff.reset();
    for (const name of rooms) {
      const room = this.#rooms.get(name);
      if (room?.joined && room.state.loaded) room.refresh(anew);
    }
  }

  /** The rooms together were refused: finds which, and goes on without. */
  #probe() {
    this.#probing ??= this.#probeAll(this.#turn.signal).catch(() => {}).finally(() => { this.#probing = null; });
    return this.#probing;
  }

  async #probeAll(signal) {
    for (const room of [...this.#rooms.values()].filter(({ joined, cursor }) => joined && cursor)) {
      try {
        await this.api.json('GET', path('rooms', room.name, 'messages'), { query: { limit: 1 }, signal });
      } catch (error) {
        if (signal.aborted) return;
        if (!error.passing) room.close(error);
      }
    }
    if (this.everything) await this.directory.refresh().catch(() => {});
    if (!signal.aborted) this.refollow();
  }

  marked(room, mark) { this.directory.marked(room, mark); }

  // ---- the world around

  #connection(status) {
    const before = this.connection.state;
    this.connection = status;
    this.emit('connection', status);
    if (status.state === 'live' && before !== 'live') for (const room of this.#rooms.values()) room.wake();
  }

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
    this.#sleep?.abort();
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
    listen(document, 'resume', wake);
    listen(window, 'pagehide', () => this.tabs?.away());
    listen(window, 'offline', () => this.tabs?.wake());
  }

  /** Ends all; the object is of no use after. */
  close() {
    this.#closed = true;
    this.#off.forEach((off) => off());
    this.tabs?.close();
    this.tabs = null;
    this.#forget();
    this.#turn.abort();
    this.#who.close();
  }
}

function tabStorage() {
  try { return globalThis.sessionStorage ?? null; } catch { return null; }
}
