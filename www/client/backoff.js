// backoff.js - how long to wait before the next try.

/** Waits that double from `first` to `most` ms, each shortened at random by up to a half: many clients spread out. */
export class Backoff {
  constructor(first = 500, most = 30000) {
    this.first = first;
    this.most = most;
    this.tries = 0;
  }

  next() {
    const full = Math.min(this.most, this.first * 2 ** Math.min(this.tries++, 16));
    return full * (1 - Math.random() / 2);
  }

  reset() { this.tries = 0; }
}

/** Resolves after `ms`, or at once when `signal` is aborted. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return void resolve();
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done);
  });
}
