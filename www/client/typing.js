// typing.js - who writes, and telling that one does oneself.

const ENDS_MS = 10000; // the server's own time, after which nobody is held to be typing
const AGAIN_MS = 5000; // how often it is told while one goes on
const IDLE_MS = 6000; // without a key

export class Typing {
  #who = new Map(); // userId -> { name, timer }
  #told = 0;
  #idle = null;

  /** `tell(on)`: says it to the server. `changed()`: others write, or no longer. */
  constructor({ tell, changed }) { Object.assign(this, { tell, changed }); }

  /** Who writes: { userId, name }. */
  get all() { return Object.freeze([...this.#who].map(([userId, { name }]) => ({ userId, name }))); }

  /** At each key, and with false when it is given up. */
  set(on) {
    clearTimeout(this.#idle);
    if (on) this.#idle = setTimeout(() => this.set(false), IDLE_MS);
    if (on ? Date.now() - this.#told < AGAIN_MS : this.#told === 0) return;
    this.#told = on ? Date.now() : 0;
    this.tell(on);
  }

  /** What a send says of itself: the server ends it too. */
  sent() {
    clearTimeout(this.#idle);
    this.#told = 0;
  }

  hear({ userId, name, typing }) {
    clearTimeout(this.#who.get(userId)?.timer);
    if (typing) this.#who.set(userId, { name, timer: setTimeout(() => this.hear({ userId, typing: false }), ENDS_MS) });
    else if (!this.#who.delete(userId)) return;
    this.changed();
  }

  end() {
    clearTimeout(this.#idle);
    for (const { timer } of this.#who.values()) clearTimeout(timer);
    this.#who.clear();
  }
}
