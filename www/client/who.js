// who.js - who one is: signing in and out, and a token that never runs out while the page is open.

import { EarshotError } from './api.js';
import { pause } from './backoff.js';

const TIMER_MOST_MS = 2 ** 31 - 1;
const RENEWS_AT = 0.8; // of what is left of a token's life
const SOONEST_MS = 1000;

/** `me`: as auth/me answers. `changed(me)`: it is another, of the same person. `other()`: another tab signed in or out. */
export class Who {
  #turn = 0; // one more with each person
  #closed = false;
  #timer = null;
  #channel = null;

  constructor({ api, leads, changed, renewed, other }) {
    Object.assign(this, { api, leads, changed, renewed, me: null });
    if (api.byToken || !globalThis.BroadcastChannel) return;
    // The cookie is one for all tabs.
    this.#channel = new BroadcastChannel(`earshot who ${api.url}`);
    this.#channel.onmessage = () => other();
  }

  /** Asks who one is. An answer that comes when another person is here already is none. */
  async ask() {
    const turn = this.#turn, me = await this.api.json('GET', 'auth/me');
    if (turn !== this.#turn) throw new EarshotError({ code: 'superseded', detail: 'another person signed in meanwhile' });
    this.me = me;
    this.#plan();
    return me;
  }

  /** Signs in by `call`: guest, login or register. */
  async enter(call, fields) {
    const { token } = await this.api.json('POST', `auth/${call}`, { body: { ...fields, cookie: !this.api.byToken }, bare: true });
    if (token) this.api.token = token;
    this.#channel?.postMessage('other');
  }

  /** What the server no longer knows, or cannot take back, is forgotten all the same. */
  async leave() {
    await this.api.json('POST', 'auth/logout').catch((error) => { if (error.status !== 401 && error.code !== 'token_unnamed') throw error; });
    this.api.token = null;
    this.#channel?.postMessage('other');
  }

  /** Another token, of the same person. The cookie is one for all tabs, and the one that leads renews it. */
  async renew() {
    const before = this.me?.expires;
    try {
      if ((this.api.byToken || this.leads()) && !await this.api.renew()) return;
      await this.ask();
      this.renewed();
      if (this.me.expires !== before) this.changed(this.me);
    } catch (error) {
      if (!error.passing || error.code === 'superseded') return;
      await pause(SOONEST_MS * (5 + 5 * Math.random()));
      this.#plan();
    }
  }

  /** Another token before this one ends. By a clock that is wrong nothing can be planned: then the stream says when. */
  #plan() {
    clearTimeout(this.#timer);
    const left = Date.parse(this.me?.expires) - Date.now();
    if (!(left > 0) || this.#closed) return;
    const wait = left * (RENEWS_AT + Math.random() / 20);
    this.#timer = setTimeout(() => this.renew(), Math.min(TIMER_MOST_MS, Math.max(wait, SOONEST_MS)));
  }

  forget() {
    this.#turn++;
    clearTimeout(this.#timer);
    this.me = null;
  }

  close() {
    this.#closed = true;
    this.forget();
    this.#channel?.close();
  }
}
