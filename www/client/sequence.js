// sequence.js - the events of each room that a tab wants, once and in order, whoever brings them and however often.
//
// What a tab wants is a room and the id after which. Whoever receives for it may be further already: then the room is
// held, what lies between is asked for, and what came meanwhile follows.

import { path } from './api.js';
import { Backoff, pause } from './backoff.js';
import { compareIds, laterId } from './ids.js';

const START = '0-0';

export class Sequence {
  #rooms = new Map(); // name -> { at, held: events that wait or null, to: how far it is asked for or null }
  #abort = new AbortController();

  /** `emit(events)`: tells them. */
  constructor({ api, emit }) { Object.assign(this, { api, emit }); }

  /** The id of the last event that was told, by room. */
  get cursors() { return new Map([...this.#rooms].map(([name, { at }]) => [name, at])); }

  close() {
    this.#abort.abort();
    this.#rooms.clear();
  }

  /** Wants these rooms, a Map of name to the id after which. `hold`: new ones wait for known(). */
  follow(rooms, hold) {
    for (const name of this.#rooms.keys()) if (!rooms.has(name)) this.#rooms.delete(name);
    for (const [name, id] of rooms) {
      const room = this.#rooms.get(name);
      if (room) room.at = laterId(room.at, id);
      else this.#rooms.set(name, { at: id, held: hold ? [] : null, to: null });
    }
  }

  /** Another receives from now on: nothing is told before it is known() where that one begins. What waited it tells again. */
  hold() { for (const room of this.#rooms.values()) room.held = []; }

  /** Whoever receives has told all up to these ids. */
  known(cursors) {
    for (const [name, room] of this.#rooms) {
      const to = cursors.get(name);
      if (room.to) room.to = laterId(room.to, to);
      else if (to && compareIds(to, room.at) > 0) this.#fill(name, room, to);
      else if (to) this.#release(room);
    }
  }

  /** What was received. */
  take(events) {
    const told = [];
    for (const event of events) {
      const room = this.#rooms.get(event.room);
      if (room?.held) room.held.push(event);
      else if (room && this.#pass(room, event)) told.push(event);
    }
    if (told.length > 0) this.emit(told);
  }

  #pass(room, event) {
    if (event.type === 'gap') room.at = event.at ?? START;
    else if (event.id) {
      if (compareIds(event.id, room.at) <= 0) return false;
      room.at = event.id;
    }
    return true;
  }

  #release(room) {
    const { held } = room;
    room.held = null;
    if (held?.length > 0) this.take(held);
  }

  async #fill(name, room, to) {
    const { signal } = this.#abort, backoff = new Backoff();
    room.to = to;
    room.held ??= [];
    while (!signal.aborted && this.#rooms.get(name) === room && compareIds(room.at, room.to) < 0) {
      const before = room.at;
      try {
        const answer = await this.api.json('GET', `${path('rooms', name)}/events`, { signal, query: { as: 'json', wait: 0, since: room.at } });
        if (this.#rooms.get(name) !== room) return;
        const told = (answer?.events ?? []).map((event) => ({ ...event, room: name })).filter((event) => this.#pass(room, event));
        if (told.length > 0) this.emit(told);
        room.at = laterId(room.at, answer?.cursor);
        if (room.at === before) break;
      } catch (error) {
        if (signal.aborted || !error.passing) break; // no longer let in: the room itself is told
        await pause(backoff.next(), signal);
      }
    }
    room.to = null;
    if (this.#rooms.get(name) === room) this.#release(room);
  }
}
