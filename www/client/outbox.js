// outbox.js - what is to be sent to a room: in order, each once, through cuts, until it is sent or refused.
//
// Each message has a key of its own, its Idempotency-Key and clientId: a retry is never stored twice, and the event that
// comes back is known as the same. What waits is kept in the tab's sessionStorage and survives a reload.

import { EarshotError, path } from './api.js';
import { Backoff, pause } from './backoff.js';
import { randomKey } from './ids.js';

const GIVES_UP_MS = 300000;
const OTHERS_MS = 86400000;

const placeOf = (url) => `earshot outbox ${url} `;

/** The rooms for which something is left in a storage. */
export function outboxes(storage, url) {
  const place = placeOf(url);
  try {
    return Object.keys(storage ?? {}).filter((key) => key.startsWith(place)).map((key) => key.slice(place.length));
  } catch {
    return []; // forbidden
  }
}

export class Outbox {
  #waits = []; // messages, pending or failed
  #left; // what a page before this one has left, until it is known who one is
  #others = []; // what is left of other people: it waits for them
  #busy = false;
  #pause = null;
  #ended = new AbortController();

  /** `me()`: who one is. `sent(event)`: it is stored. `changed()`: what waits is other. */
  constructor({ api, room, me, storage, sent, changed }) {
    Object.assign(this, { api, room, me, storage, sent, changed });
    this.place = `${placeOf(api.url)}${room}`;
    this.#left = this.#read();
  }

  /** Messages that are pending or failed, in order. */
  get all() { return this.#waits; }

  /** Puts a message behind the others; gives it, pending. */
  send({ content, type = 'message', replyTo, metadata }) {
    if (this.#ended.signal.aborted) throw new EarshotError({ code: 'ended', detail: 'somebody else is signed in by now' });
    const now = Date.now(), { userId, name } = this.me() ?? {};
    const message = Object.freeze({
      key: randomKey(), state: 'pending', type, content, replyTo, metadata, userId: userId ?? undefined, name,
      time: now, timestamp: new Date(now).toISOString(), reactions: {}, reacted: [], replies: 0,
    });
    this.#change([...this.#waits, message]);
    this.#work();
    return message;
  }

  /** One that failed is tried again, under the same key. */
  retry(key) {
    this.#set(key, { state: 'pending', error: undefined, time: Date.now() });
    this.wake();
  }

  discard(key) { if (this.#has(key)) this.#change(this.#waits.filter((message) => message.key !== key)); }

  /** Waits no longer. */
  wake() {
    this.#pause?.abort();
    this.#work();
  }

  /** Sends no more: another person is here. */
  end() { this.#ended.abort(); this.#pause?.abort(); }

  /** What a page that was reloaded has left, of the same person; once it is known who one is. */
  restore() {
    if (!this.#left) return;
    const mine = this.me()?.userId ?? undefined, now = Date.now();
    this.#others = this.#left.filter(({ userId, time }) => userId !== mine && now - time < OTHERS_MS);
    const left = this.#left.filter(({ userId }) => userId === mine).map((message) => Object.freeze({ ...message, time: now, error: EarshotError.from(message.error) ?? undefined }));
    this.#left = null;
    this.#change([...left, ...this.#waits]);
    this.#work();
  }

  #has(key) { return this.#waits.some((message) => message.key === key); }

  #read() {
    try {
      const left = JSON.parse(this.storage?.getItem(this.place) ?? '[]');
      return Array.isArray(left) ? left : [];
    } catch { return []; /* forbidden, or not ours */ }
  }

  #change(waits) {
    this.#waits = waits;
    const kept = [...this.#left ?? this.#others, ...waits];
    try {
      if (kept.length > 0) this.storage?.setItem(this.place, JSON.stringify(kept));
      else this.storage?.removeItem(this.place);
    } catch { /* storage is full or forbidden: what waits lives as long as the page */ }
    this.changed();
  }

  #set(key, change) { this.#change(this.#waits.map((message) => (message.key === key ? Object.freeze({ ...message, ...change }) : message))); }

  async #work() {
    // What was left comes first.
    if (this.#busy || this.#left?.length > 0) return;
    this.#busy = true;
    const backoff = new Backoff(500, 15000), { signal } = this.#ended;
    for (let next; !signal.aborted && (next = this.#waits.find(({ state }) => state === 'pending'));) {
      try {
        const event = await this.#post(next, signal);
        backoff.reset();
        // First the message, then without the one that waits: it is never missing in between.
        this.sent(event);
        this.discard(next.key);
      } catch (error) {
        if (signal.aborted) break;
        if (!error.passing || Date.now() - next.time > GIVES_UP_MS) {
          this.#set(next.key, { state: 'failed', error });
          continue;
        }
        this.#pause = new AbortController();
        await pause(Math.max(backoff.next(), (error.retryAfter ?? 0) * 1000), this.#pause.signal);
      }
    }
    this.#busy = false;
  }

  #post({ content, type, replyTo, metadata, key }, signal) {
    return this.api.json('POST', path('rooms', this.room, 'messages'), {
      signal, body: { content, type, replyTo, metadata, clientId: key }, headers: { 'Idempotency-Key': key },
    });
  }
}
