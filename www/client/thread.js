// thread.js - a message and the replies to it.

import { path } from './api.js';
import { Emitter, soon } from './emitter.js';
import { MessageList } from './messages.js';

export class Thread extends Emitter {
  #room;
  #list = new MessageList();
  #off;
  #changed = soon(() => { this.#write(); this.emit('change', this.state); });

  constructor(client, room, id, parent = null) {
    super();
    this.id = id;
    this.#room = room;
    this.client = client;
    this.about = { loaded: false, error: null, parent };
    this.#off = [
      room.on('event', (event) => this.#take(event)),
      room.on('change', () => this.#changed()),
    ];
    this.#write();
    this.#read();
  }

  close() { this.#off.forEach((off) => off()); }

  send(content, more = {}) { return this.#room.send(content, { ...more, replyTo: this.id }); }

  async #read() {
    const { api } = this.client, where = path('rooms', this.#room.name, 'messages', this.id);
    try {
      let before;
      do {
        const { events, cursor } = await api.json('GET', `${where}/replies`, { query: { limit: 200, ...(before ? { before } : {}) } });
        for (const event of events) this.#list.add(event, cursor);
        before = events.length >= 200 ? events[0].id : null;
      } while (before);
      if (!this.about.parent) this.about.parent = { state: 'sent', reactions: {}, reacted: [], replies: 0, ...await api.json('GET', where) };
      this.about.loaded = true;
    } catch (error) {
      this.about.error = error;
    }
    this.#changed();
  }

  #take(event) {
    if (event.replyTo === this.id) this.#list.add(event);
    else this.#list.change(event, this.client.me?.userId);
    this.#changed();
  }

  #write() {
    const { messages } = this.#room.state;
    // What the room has too, it knows as well: one's own reactions are shown there at once.
    const there = new Map(messages.map((message) => [message.id, message]));
    const waiting = messages.filter(({ state, replyTo }) => state !== 'sent' && replyTo === this.id);
    this.state = Object.freeze({
      ...this.about,
      id: this.id,
      parent: there.get(this.id) ?? this.about.parent,
      replies: [...this.#list.all.map((message) => there.get(message.id) ?? message), ...waiting],
    });
  }
}
