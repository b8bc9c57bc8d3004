// directory.js - the rooms that there are, and what is unread in one's own.

import { path } from './api.js';
import { Emitter, soon } from './emitter.js';
import { compareIds, laterId } from './ids.js';
import { isMessage } from './messages.js';

const CONVERSATION = /^@[^!]*,/;

/**
 * `all`: a list, of { name, title, topic, direct, people, online, last, unread, mentioned, joined }; at each `change` another.
 * `joined`: one has been there, so that what is unread is counted.
 */
export class Directory extends Emitter {
  #rooms = new Map();
  #client;
  #changed = soon(() => {
    this.all = Object.freeze([...this.#rooms.values()].sort((a, b) => compareIds(b.last ?? '0-0', a.last ?? '0-0')));
    this.emit('change', this.all);
  });

  constructor(client) {
    super();
    this.#client = client;
    this.all = Object.freeze([]);
    this.loaded = false;
  }

  get(name) { return this.#rooms.get(name); }

  /** Asks for both lists anew. */
  async refresh() {
    const { api, me } = this.#client;
    const [rooms, unread] = await Promise.all([api.json('GET', 'rooms'), me?.userId ? api.json('GET', 'unread') : { rooms: [] }]);
    if (me?.userId !== this.#client.me?.userId) return; // another person is here
    const before = this.#rooms, first = !this.loaded;
    this.loaded = true;
    this.#rooms = new Map();
    this.inboxLast = unread.rooms.find(({ name }) => name === this.#client.inbox)?.last ?? null;
    for (const room of rooms.rooms) this.set(room.name, { ...before.get(room.name), ...room });
    for (const room of unread.rooms) if (room.name !== this.#client.inbox) this.set(room.name, { mentioned: before.get(room.name)?.mentioned && room.unread > 0, ...room, joined: true });
    for (const name of this.#client.joined) if (!this.#rooms.has(name)) this.set(name, { ...before.get(name), joined: true });
    this.#changed();
    if (first && this.inboxLast) await this.#mentions();
  }

  /** Who was mentioned before the page was opened is told by the newest page of the inbox. */
  async #mentions() {
    const { api, inbox } = this.#client;
    const { events } = await api.json('GET', `${path('rooms', inbox)}/messages`, { query: { limit: 100 } });
    if (inbox !== this.#client.inbox) return;
    for (const { type, source, target } of events) {
      const room = type === 'mention' ? this.#rooms.get(source) : null;
      if (room?.unread > 0 && compareIds(target, room.read ?? '0-0') > 0) this.set(source, { mentioned: true });
    }
  }

  set(name, about) {
    const room = { name, title: titleOf(name, this.#client.me?.userId), direct: CONVERSATION.test(name), topic: null, people: 0, online: 0, last: null, read: null, unread: 0, mentioned: false, joined: false, ...this.#rooms.get(name), ...about };
    this.#rooms.set(name, Object.freeze(room));
    this.#changed();
  }

  clear() {
    this.#rooms.clear();
    this.loaded = false;
    this.inboxLast = null;
    this.#changed();
  }

  /** Counts what comes by the stream. */
  take(event) {
    const room = this.#rooms.get(event.room), me = this.#client.me?.userId;
    if (!room) return;
    if (isMessage(event) && compareIds(event.id, room.last ?? '0-0') > 0) {
      // Who sends has read.
      const own = Boolean(me) && event.userId === me;
      this.set(room.name, { last: event.id, ...(own ? { read: event.id, unread: 0, mentioned: false } : { unread: room.unread + 1 }) });
    } else if (event.type === 'read' && event.userId === me) {
      this.#read(room, laterId(room.read, event.target));
    } else if (event.type === 'join' || event.type === 'leave') {
      this.set(room.name, { people: Math.max(0, room.people + (event.type === 'join' ? 1 : -1)) });
    } else if (event.type === 'room' && event.metadata && 'topic' in event.metadata) {
      this.set(room.name, { topic: event.metadata.topic });
    }
  }

  /** Read by another tab or elsewhere: how much is left, if not nothing, the server knows. */
  async #read(room, read) {
    if (room.read === read) return;
    if (!room.last || compareIds(read, room.last) >= 0) return void this.set(room.name, { read, unread: 0, mentioned: false });
    this.set(room.name, { read });
    this.marked(room.name, await this.#client.api.json('GET', path('rooms', room.name, 'read')).catch(() => ({})));
  }

  /** What the server says of a read marker. */
  marked(name, { read, last, unread }) {
    if (unread !== undefined && this.#rooms.has(name)) this.set(name, { read, last: laterId(this.#rooms.get(name).last, last), unread, ...(unread === 0 ? { mentioned: false } : {}) });
  }
}

/** What to call a room: of a conversation, whom it is with. */
export function titleOf(name, me) {
  if (!name.startsWith('@')) return name;
  const people = name.slice(1).split(','), others = people.filter((one) => one !== me);
  return (others.length > 0 ? others : people).join(', ');
}
