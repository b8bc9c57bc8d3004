// link.js - one receive over many rooms that never ends: resumes, backs off, and changes to long-poll where streams are held back.

import { EarshotError } from './api.js';
import { Backoff, pause } from './backoff.js';
import { Emitter } from './emitter.js';
import { compareIds, laterId } from './ids.js';
import { TRANSPORTS } from './transports.js';

/** Times, in ms. A stream's heartbeat comes every 15 s. */
export const TIMES = {
  hello: 5000, // for the first word of a stream; without it something holds the stream back
  silence: 25000, // between two signs of life of a stream; a poll has so long as it may last, and twice `hello`
  doubt: 3000, // for the event of what was sent from here
  settle: 20000, // a stream that is cut sooner was not worth opening
  again: 120000, // after which a stream is tried once more, doubled each time it fails
  poll: 25000, // how long a poll may last
  batch: 20, // in which changes of the rooms become one
};
const CUTS = 3; // streams cut one after another, before polls take over
const POLL_LEAST_MS = 5000; // where something cuts polls
const AGAIN_DOUBLES = 5; // times at most
const FOR_EVER_MS = 2 ** 30;
const OFFLINE_MS = 15000; // a browser's word that it is offline is not believed for longer

/** Why a receive was ended from here, and nothing is wrong. */
const OWN_REASONS = new Set(['changed', 'restart', 'woken', 'slept', 'closed']);

const canStream = () => typeof ReadableStream !== 'undefined' && typeof TextDecoderStream !== 'undefined';
const isOffline = () => globalThis.navigator?.onLine === false;

/**
 * Events:
 *  - `events`: a list, each with its `room`; in order within a room, each once.
 *  - `state`: { state, transport, retryAt, error }, where `state` is one of
 *    idle (no rooms), connecting, live, waiting (until `retryAt`), offline, ended (`error` says why).
 *  - `open`: { rooms, anew }: these are followed from now on; `anew`: there was a time without.
 *  - `refused`: { error }: the rooms together were refused; the owner takes out which it is.
 *  - `expiring`: the token of the open receive ends soon.
 */
export class Link extends Emitter {
  #cursors = new Map();
  #current = null; // AbortController of the receive that is open
  #pauses = null; // AbortController of the wait that is on
  #backoff = new Backoff();
  #streamFails = 0;
  #pollUntil = 0;
  #pollMs;
  #cuts = 0;
  #anew = true;
  #closed = false;
  #changeTimer = null;
  #lastLife = 0;

  constructor({ api, transport = 'auto', times = {} }) {
    super();
    this.api = api;
    this.wanted = transport;
    this.times = { ...TIMES, ...times };
    this.#pollMs = this.times.poll;
    this.status = { state: 'idle', transport: null, retryAt: null, error: null };
    this.#loop();
  }

  get cursors() { return new Map(this.#cursors); }

  /** Follows these rooms, a Map of name to the id after which events are wanted. */
  follow(rooms) {
    const before = [...this.#cursors.keys()].sort().join(' ');
    this.#cursors = new Map([...rooms].map(([room, id]) => [room, laterId(this.#cursors.get(room), id)]));
    if ([...this.#cursors.keys()].sort().join(' ') === before) return;
    clearTimeout(this.#changeTimer);
    this.#changeTimer = setTimeout(() => this.#interrupt('changed'), this.times.batch);
  }

  /** The network came back, or the page: do not wait any longer, and do not trust what has been silent. */
  wake() {
    this.#pauses?.abort();
    if (isOffline() || (this.#current && Date.now() - this.#lastLife > this.times.silence / 2)) this.#current?.abort('woken');
  }

  /** This is stored, and the stream should have told of it by now. */
  doubt(room, id) {
    if (this.status.state === 'live' && compareIds(this.#cursors.get(room) ?? id, id) < 0) this.#current?.abort('silent');
  }

  /** Tries again after an end, as when there is another token. */
  restart() {
    this.#backoff.reset();
    if (this.status.state === 'ended') this.#tell({ state: 'connecting', error: null });
    this.#interrupt('restart');
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#changeTimer);
    this.#interrupt('closed');
  }

  #interrupt(reason) {
    this.#current?.abort(reason);
    this.#pauses?.abort();
  }

  #tell(change) {
    if (this.#closed) return;
    this.status = { ...this.status, retryAt: null, ...change };
    this.emit('state', this.status);
  }

  async #pause(ms) {
    if (this.#closed) return;
    this.#pauses = new AbortController();
    await pause(ms, this.#pauses.signal);
    this.#pauses = null;
  }

  async #loop() {
    while (!this.#closed) {
      if (this.#cursors.size === 0 || this.status.state === 'ended') {
        if (this.status.state !== 'ended') this.#tell({ state: 'idle', transport: null, error: null });
        await this.#pause(FOR_EVER_MS);
      } else if (isOffline()) {
        this.#anew = true;
        this.#tell({ state: 'offline' });
        const since = Date.now();
        await this.#pause(OFFLINE_MS);
        if (Date.now() - since >= OFFLINE_MS) await this.#once();
      } else {
        await this.#once();
      }
    }
  }

  #choose() {
    if (this.wanted !== 'auto') return this.wanted;
    if (Date.now() < this.#pollUntil) return 'poll';
    return canStream() ? 'fetch' : 'eventsource';
  }

  /** For how many seconds the next poll may last: no longer than to the next try of a stream. */
  #pollSeconds() {
    const left = this.wanted === 'auto' ? this.#pollUntil - Date.now() : Infinity;
    return left <= 0 ? 0 : Math.ceil(Math.min(left, this.#pollMs) / 1000);
  }

  /** One receive, and the wait after it. */
  async #once() {
    const transport = this.#choose();
    if (this.status.state !== 'live') this.#tell({ state: 'connecting', transport });
    const receive = new Receive(this.times, transport === 'poll', () => { this.#lastLife = Date.now(); });
    this.#current = receive.abort;
    const rooms = [...this.#cursors.keys()];
    try {
      await TRANSPORTS[transport]({
        api: this.api,
        signal: receive.abort.signal,
        times: this.times,
        cursors: () => new Map(rooms.filter((room) => this.#cursors.has(room)).map((room) => [room, this.#cursors.get(room)])),
        wait: () => this.#pollSeconds(),
        beat: () => receive.beat(),
        open: () => this.#opened(receive, transport, rooms),
        events: (list, at) => this.#take(list, at, receive),
        retry: (ms) => { receive.retryMs = ms; },
      });
    } catch (error) {
      receive.error = receive.abort.signal.aborted ? null : error;
    }
    const reason = receive.end();
    this.#current = null;
    if (!this.#closed) await this.#after(receive, transport, reason);
  }

  #opened(receive, transport, rooms) {
    receive.opened();
    this.#tell({ state: 'live', transport, error: null });
    this.emit('open', { rooms, anew: this.#anew });
    this.#anew = false;
  }

  /** What has come: events of their rooms, and words about this receive. */
  #take(list, at, receive) {
    if (receive.abort.signal.aborted) return;
    receive.beat();
    const events = [];
    for (const event of list) {
      if (event.type === 'bye') this.#byeSaid(event, receive);
      if (event.type === 'hello' || event.type === 'bye' || !this.#cursors.has(event.room)) continue;
      if (event.type === 'gap') {
        this.#cursors.set(event.room, event.at ?? '0-0'); // what follows it counts from anew
      } else if (event.id) {
        if (compareIds(event.id, this.#cursors.get(event.room)) <= 0) continue;
        this.#cursors.set(event.room, event.id);
      }
      events.push(event);
    }
    for (const [room, id] of at ?? []) if (this.#cursors.has(room)) this.#cursors.set(room, laterId(this.#cursors.get(room), id));
    if (events.length > 0) this.emit('events', events);
  }

  #byeSaid(event, receive) {
    // `in`: the token ends so many seconds from now. Renewed, open streams live on.
    if (event.in === undefined) receive.bye = event;
    else this.emit('expiring', { in: event.in });
  }

  /** Decides what the end of a receive means. */
  async #after(receive, transport, reason) {
    if (reason !== 'changed') this.#anew = true;
    if (OWN_REASONS.has(reason)) return undefined;
    const { error, bye } = receive;
    if (error instanceof EarshotError && !error.passing) return this.#refused(error);
    if (bye?.reason === 'revoked') return this.#tell({ state: 'ended', error: new EarshotError({ status: 401, code: 'token_revoked', detail: 'you were signed out' }) });
    if (transport === 'poll' && !error && !reason) return undefined; // time to try a stream
    this.#judge(receive, transport, reason);
    if (bye || (receive.wasLive && this.#cuts <= 1)) this.#backoff.reset();
    const wait = Math.max(this.#backoff.next(), (error?.retryAfter ?? 0) * 1000, receive.wasLive ? 0 : receive.retryMs);
    this.#tell({ state: 'waiting', transport: this.#choose(), retryAt: Date.now() + wait, error: error ?? null });
    return this.#pause(wait);
  }

  /** A stream that says nothing, or that is cut again and again: for some time polls do. */
  #judge(receive, transport, reason) {
    if (transport === 'poll') {
      // Something that lets a request last only so long.
      if (receive.wasLive) this.#pollMs = Math.max(POLL_LEAST_MS, this.#pollMs / 2);
      return;
    }
    const heldBack = reason === 'silent' || receive.error?.code === 'silent';
    if (receive.wasLive && !heldBack) {
      const settled = receive.bye || receive.age > this.times.settle;
      this.#cuts = settled ? 0 : this.#cuts + 1;
      if (receive.age > this.times.settle) this.#streamFails = 0;
    }
    if (this.wanted !== 'auto' || !(heldBack || this.#cuts >= CUTS)) return;
    this.#pollUntil = Date.now() + this.times.again * 2 ** Math.min(this.#streamFails++, AGAIN_DOUBLES);
    this.#pollMs = this.times.poll;
    this.#cuts = 0;
    this.#backoff.reset();
  }

  async #refused(error) {
    if (error.status === 401) return this.#tell({ state: 'ended', error });
    const wait = this.#backoff.next();
    this.#tell({ state: 'waiting', retryAt: Date.now() + wait, error });
    this.emit('refused', { error });
    return this.#pause(wait);
  }
}

/** One receive: its deadlines, and what is known of its end. */
class Receive {
  constructor(times, poll, onLife) {
    Object.assign(this, { onLife, abort: new AbortController(), began: Date.now(), wasLive: false, bye: null, error: null, retryMs: 0 });
    onLife();
    this.silence = poll ? times.poll + 2 * times.hello : times.silence;
    this.#deadline(poll ? this.silence : times.hello);
  }

  get age() { return Date.now() - this.began; }

  #deadline(ms) {
    clearTimeout(this.timer);
    const due = Date.now() + ms;
    // A timer that fires far too late has slept with the machine, or the page was frozen: nobody held anything back.
    this.timer = setTimeout(() => this.abort.abort(Date.now() - due > 5000 ? 'slept' : 'silent'), ms);
  }

  opened() { this.wasLive = true; this.beat(); }

  beat() {
    this.onLife();
    if (this.wasLive && !this.abort.signal.aborted) this.#deadline(this.silence);
  }

  /** Closes what may be open still; gives why it was ended from here, if it was. */
  end() {
    clearTimeout(this.timer);
    const { aborted, reason } = this.abort.signal;
    this.abort.abort('over');
    return aborted ? reason : null;
  }
}
