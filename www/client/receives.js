// receives.js - as many receives as the rooms need: the server lets each follow so many. Nearly always that is one.

import { Emitter } from './emitter.js';
import { Link } from './link.js';

const ROOMS_MOST = 60; // of one receive; the server takes 64
const WORST = ['ended', 'offline', 'waiting', 'connecting', 'live', 'idle'];

/** The same as a Link, of any number of rooms; `state` is that of the one that is worst off. */
export class Receives extends Emitter {
  #links = [];
  #options;

  constructor(options) {
    super();
    this.#options = options;
    this.#add();
  }

  get cursors() { return new Map(this.#links.flatMap((link) => [...link.cursors])); }

  get status() {
    const [first, ...others] = this.#links.map(({ status }) => status);
    return others.reduce((worst, one) => (WORST.indexOf(one.state) < WORST.indexOf(worst.state) ? one : worst), first);
  }

  /** Rooms stay with the receive that follows them; new ones go where there is place. */
  follow(rooms) {
    const left = new Map(rooms), shares = this.#links.map((link) => {
      const stay = [...link.cursors.keys()].filter((name) => left.has(name)).map((name) => [name, left.get(name)]);
      for (const [name] of stay) left.delete(name);
      return new Map(stay);
    });
    for (const [name, id] of left) {
      let share = shares.find(({ size }) => size < ROOMS_MOST);
      if (!share) shares.push(share = new Map());
      share.set(name, id);
    }
    shares.forEach((share, i) => (this.#links[i] ?? this.#add()).follow(share));
  }

  #add() {
    const link = new Link(this.#options);
    for (const name of ['events', 'refused', 'expiring', 'open']) link.on(name, (detail) => this.emit(name, detail));
    link.on('state', () => this.emit('state', this.status));
    this.#links.push(link);
    return link;
  }

  doubt(room, id) { for (const link of this.#links) link.doubt(room, id); }
  wake() { for (const link of this.#links) link.wake(); }
  restart() { for (const link of this.#links) link.restart(); }
  close() { for (const link of this.#links) link.close(); }
}
