// link.js - one receive over many rooms that never ends: resumes, backs off, and changes to long-poll where streams are held back.

import { EarshotError } from './api.js';
import { Backoff, pause } from './backoff.js';
import { Emitter } from './emitter.js';
import { compareIds, laterId } from './ids.js';
import { eventSource, fetchStream, longPoll } from './transports.js';

const TRANSPORTS = { fetch: fetchStream, eventsource: eventSource, poll: longPoll };

/** Times, in ms. A stream's heartbeat comes every 15 s; a long-poll is answered within 25 s. */
const TIMES = {
  hello: 5000, // for the first word of a stream; without it something holds the stream back
  silence: 35000, // between two signs of life
  settle: 20000, // a stream that is cut sooner was not worth opening
  again: 120000, // after which a stream is tried once more, doubled each time it fails
  batch: 20, // in which changes of the rooms become one
};

const canStream = () => typeof ReadableStream !== 'undefined' && typeof TextDecoderStream !== 'undefined';

/**
 * Events:
 *  - `events`: a list, each with its `room`; in order within a room, each once.
 *  - `state`: { state, transport, retryAt, error }, where `state` is one of
 *    idle (no rooms), connecting, live, waiting (until `retryAt`), offline, ended (`error` says why).
 *  - `refused`: { error }: the rooms together were refused; the owner takes out which it is.
 */
export class Link extends Emitter {
  #cursors = new Map();
  #current = null; // AbortController of the receive that is open
  #pauses = null; // AbortController of the wait that is on
  #backoff = new Backoff();
  #streamFails = 0;
  #pollUntil = 0;
  #cuts = 0;
  #closed = false;
  #changeTimer = null;
  #lastLife = 0;

  constructor({ api, transport = 'auto', times = {} }) {
    super();
    this.api = api;
    this.wanted = transport;
    this.times = { ...TIMES, ...times };
    this.status = { state: 'idle', transport: null, retryAt: null, error: null };
    this.#loop();
  }

  get cursors() { return new Map(this.#cursors); }

  /** Follows these rooms, a Map of name to the id after which it wants events; of one that it follows it knows better. */
  follow(rooms) {
    const before = [...this.#cursors.keys()].sort().join(' ');
    this.#cursors = new Map([...rooms].map(([room, id]) => [room, this.#cursors.get(room) ?? id]));
    if ([...this.#cursors.keys()].sort().join(' ') === before) return;
    clearTimeout(this.#changeTimer);
    this.#changeTimer = setTimeout(() => this.#interrupt('changed'), this.times.batch);
  }

  /** Starts a room anew from here, as after a gap. */
  rewind(room, id) { if (this.#cursors.has(room)) this.#cursors.set(room, id); }

  /** The network came back, or the page: do not wait any longer, and do not trust what has been silent. */
  wake() {
    this.#pauses?.abort();
    if (globalThis.navigator?.onLine === false) return this.#interrupt('woken');
    if (this.#current && Date.now() - this.#lastLife > this.times.silence / 2) this.#interrupt('woken');
  }

  /** Tries again after an end, as when somebody has signed in. */
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
    this.status = { ...this.status, retryAt: null, ...change };
    this.emit('state', this.status);
  }

  async #pause(ms) {
    this.#pauses = new AbortController();
    await pause(ms, this.#pauses.signal);
    this.#pauses = null;
  }

  async #loop() {
    while (!this.#closed) {
      if (this.#cursors.size === 0 || this.status.state === 'ended') {
        if (this.status.state !== 'ended') this.#tell({ state: 'idle' });
        await this.#pause(2 ** 30);
      } else if (globalThis.navigator?.onLine === false) {
        this.#tell({ state: 'offline' });
        await this.#pause(15000);
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

  /** One receive, and the wait after it. */
  async #once() {
    const transport = this.#choose();
    if (this.status.state !== 'live') this.#tell({ state: 'connecting', transport });
    const receive = new Receive(this.times, transport === 'poll', () => { this.#lastLife = Date.now(); });
    this.#current = receive.abort;
    try {
      await TRANSPORTS[transport]({
        api: this.api,
        cursors: this.cursors,
        signal: receive.abort.signal,
        beat: () => receive.beat(),
        open: () => {
          receive.opened();
          this.#backoff.reset();
          this.#tell({ state: 'live', transport, error: null });
        },
        events: (list, cursors) => {
          receive.beat();
          this.#take(list, cursors, receive);
        },
      });
    } catch (error) {
      receive.error ??= receive.abort.signal.aborted ? null : error;
    }
    receive.end();
    this.#current = null;
    if (!this.#closed) await this.#after(receive, transport);
  }

  /** What has come: events of their rooms, and words about this receive. */
  #take(list, cursors, receive) {
    const events = [];
    for (const event of list) {
      if (event.type === 'bye') receive.byeSaid(event, this);
      if (event.type === 'hello' || event.type === 'bye') continue;
      const at = this.#cursors.get(event.room);
      if (event.type === 'gap') {
        this.#cursors.set(event.room, '0-0'); // what follows it counts from anew
      } else if (event.id) {
        if (at && compareIds(event.id, at) <= 0) continue;
        this.#cursors.set(event.room, event.id);
      }
      events.push(event);
    }
    for (const [room, id] of cursors ?? []) this.#cursors.set(room, laterId(this.#cursors.get(room), id));
    if (events.length > 0) this.emit('events', events);
  }

  /** Decides what the end of a receive means. */
  async #after(receive, transport) {
    const reason = receive.abort.signal.aborted ? receive.abort.signal.reason : null;
    if (['changed', 'restart', 'woken', 'renewed'].includes(reason)) return;
    const { error } = receive;
    if (reason === 'slept') return;
    if (error instanceof EarshotError && !error.passing) return void await this.#refused(error);
    if (receive.bye?.reason === 'revoked') return this.#tell({ state: 'ended', error: new EarshotError({ status: 401, code: 'token_revoked', detail: 'you were signed out' }) });
    if (receive.bye && receive.bye.reason !== 'restart') return; // the next one is told what it is
    this.#judge(receive, transport, reason);
    if (receive.bye || (receive.wasLive && this.#cuts === 0)) this.#backoff.reset();
    const wait = Math.max(this.#backoff.next(), (error?.retryAfter ?? 0) * 1000);
    this.#tell({ state: 'waiting', transport: this.#choose(), retryAt: Date.now() + wait, error: error ?? null });
    await this.#pause(wait);
  }

  /** A stream that says nothing, or that is cut again and again: for some time long-polls do. */
  #judge(receive, transport, reason) {
    if (transport === 'poll' || this.wanted !== 'auto') return;
    if (receive.wasLive && receive.age > this.times.settle) this.#streamFails = 0;
    const heldBack = reason === 'silent';
    this.#cuts = !heldBack && receive.wasLive && !receive.bye && receive.age < this.times.settle ? this.#cuts + 1 : 0;
    if (!heldBack && this.#cuts < 3) return;
    this.#pollUntil = Date.now() + this.times.again * 2 ** Math.min(this.#streamFails++, 5);
    this.#cuts = 0;
    this.#backoff.reset();
  }

  async #refused(error) {
    if (error.status === 401 || error.code === 'ended') return this.#tell({ state: 'ended', error });
    this.#tell({ state: 'waiting', error });
    this.emit('refused', { error });
    await this.#pause(this.#backoff.next());
  }
}

/** One receive: its deadlines, and what is known of its end. */
class Receive {
  constructor(times, poll, onLife) {
    this.times = times;
    this.poll = poll;
    this.onLife = onLife;
    this.abort = new AbortController();
    this.began = Date.now();
    this.wasLive = false;
    this.bye = null;
    this.error = null;
    this.#deadline(poll ? times.silence : times.hello);
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
    if (this.wasLive) this.#deadline(this.times.silence);
  }

  byeSaid(event, link) {
    // `in`: the token ends so many seconds from now. Renewed, open streams live on.
    if (event.in === undefined) this.bye = event;
    else link.emit('expiring', event);
  }

  end() { clearTimeout(this.timer); }
}
