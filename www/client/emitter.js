// emitter.js - who wants to hear of what.

export class Emitter {
  #listeners = new Map();

  /** Calls `listener(detail)` at each event of that name, until the function that this gives is called. */
  on(name, listener) {
    const all = this.#listeners.get(name) ?? this.#listeners.set(name, new Set()).get(name);
    all.add(listener);
    return () => all.delete(listener);
  }

  emit(name, detail) {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      // One listener's mistake is reported as any other, and keeps nothing from the rest.
      try { listener(detail); } catch (error) { globalThis.reportError ? reportError(error) : console.error(error); }
    }
  }
}

/** A call of `run` soon after any number of calls of what this gives: a change of state is told once a turn. */
export function soon(run) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    queueMicrotask(() => { due = false; run(); });
  };
}
