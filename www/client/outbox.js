// outbox.js - what is to be sent to a room: in order, each once, through cuts, until it is sent or refused.
//
// Each message has a key of its own, its Idempotency-Key and clientId: a retry is never stored twice, and the event that
// comes back is known as the same. What waits is kept in the tab's sessionStorage and survives a reload.

import { Backoff, pause } from './backoff.js';
import { randomKey } from './ids.js';
import { path } from './api.js';

const GIVES_UP_MS = 300000;

export class Outbox {
  #waits = []; // messages, pending or failed
  #busy = false;
  #pause = null;
  #restored = false;

  /** `sent(event, key)`: it is stored. `changed()`: what waits is other. */
  constructor({ api, room, me, storage, sent, changed }) {
    Object.assign(this, { api, room, me, sent, changed });
    this.storage = storage;
    this.place = `earshot outbox ${api.url} ${room}`;
  }

  get all() { return this.#waits; }

  send({ content, type = 'message', replyTo, metadata }) {
    const key = randomKey(), now = Date.now(), { userId, name } = this.me() ?? {};
    const message = Object.freeze({ key, state: 'pending', type, content, replyTo, metadata, userId: userId ?? undefined, name, time: now, timestamp: new Date(now).toISOString(), reactions: {}, reacted: [], replies: 0 });
    this.#change([...this.#waits, message]);
    this.#work();
    return message;
  }

  retry(key) {
    this.#set(key, { state: 'pending', error: undefined, time: Date.now() });
    this.wake();
  }

  discard(key) { this.#change(this.#waits.filter((message) => message.key !== key)); }

  /** The stream has told of it before the answer came. */
  seen(key) { if (this.#waits.some((message) => message.key === key)) this.discard(key); }

  wake() {
    this.#pause?.abort();
    this.#work();
  }

  #change(waits) {
    this.#waits = waits;
    try {
      if (waits.length > 0) this.storage?.setItem(this.place, JSON.stringify(waits));
      else this.storage?.removeItem(this.place);
    } catch { /* storage is full or forbidden: what waits lives as long as the page */ }
    this.changed();
  }

  #set(key, change) { this.#change(this.#waits.map((message) => (message.key === key ? Object.freeze({ ...message, ...change }) : message))); }

  /** What a page that was reloaded has left, of the same person; once it is known who one is. */
  restore() {
    if (this.#restored) return;
    this.#restored = true;
    try {
      const left = JSON.parse(this.storage?.getItem(this.place) ?? '[]').filter(({ userId }) => userId === (this.me()?.userId ?? undefined));
      this.#waits = [...left.map((message) => Object.freeze({ ...message, time: Date.now() })), ...this.#waits];
    } catch { /* not ours */ }
    this.changed();
    this.#work();
  }

  async #work() {
    if (this.#busy) return;
    this.#busy = true;
    const backoff = new Backoff(500, 15000);
    for (let next; (next = this.#waits.find(({ state }) => state === 'pending'));) {
      try {
        const { content, type, replyTo, metadata, key } = next;
        const event = await this.api.json('POST', path('rooms', this.room, 'messages'), {
          body: { content, type, replyTo, metadata, clientId: key }, headers: { 'Idempotency-Key': key },
        });
        backoff.reset();
        // First the message, then without the one that waits: it is never missing in between.
        this.sent(event, key);
        this.seen(key);
      } catch (error) {
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
}
