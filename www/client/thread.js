// thread.js - a message and the replies to it.

import { path } from './api.js';
import { Emitter, soon } from './emitter.js';
import { MessageList, isMessage, messageOf } from './messages.js';

const PAGE = 200;

/** `state`: { id, parent, replies, loaded, error }; after each `change` another. */
export class Thread extends Emitter {
  #client;
  #room;
  #list = new MessageList();
  #about;
  #state = null;
  #off;
  #closed = false;
  #reads = 0;
  #told = soon(() => this.emit('change', this.state));

  constructor(client, room, id, parent = null) {
    super();
    this.id = id;
    this.#client = client;
    this.#room = room;
    this.#about = { loaded: false, error: null, parent };
    this.#off = [
      room.on('event', (event) => this.#take(event)),
      room.on('reload', () => this.#read()),
      room.on('change', () => this.#changed()),
    ];
    this.#read();
  }

  get state() { return (this.#state ??= this.#write()); }

  close() {
    this.#closed = true;
    this.#off.forEach((off) => off());
  }

  /** Sends a reply, as the room's send(). */
  send(content, more = {}) { return this.#room.send(content, { ...more, replyTo: this.id }); }

  /** Reads it to its end, over what has come meanwhile. */
  async #read() {
    const mine = ++this.#reads, { api } = this.#client, where = path('rooms', this.#room.name, 'messages', this.id);
    try {
      let after;
      do {
        const page = await api.page(`${where}/replies`, { limit: PAGE, ...(after ? { after } : {}) });
        if (mine !== this.#reads) return;
        for (const event of page.events) this.#list.add(event, page.cursor);
        after = page.more ? page.next : null;
      } while (after);
      this.#about.parent ??= messageOf(await api.json('GET', where));
      Object.assign(this.#about, { loaded: true, error: null });
    } catch (error) {
      if (mine !== this.#reads) return;
      this.#about.error = error;
      if (error.passing) this.#client.later(() => (this.#closed ? null : this.#read()));
    }
    this.#changed();
  }

  #take(event) {
    if (event.replyTo === this.id && isMessage(event)) this.#list.add(event);
    this.#list.change(event, this.#client.me?.userId);
    this.#changed();
  }

  #changed() {
    this.#state = null;
    if (!this.#closed) this.#told();
  }

  #write() {
    // What the room has too, it knows as well: one's own reactions are shown there at once.
    const { messages } = this.#room.state, there = new Map(messages.map((message) => [message.id, message]));
    const waiting = messages.filter(({ id, replyTo }) => replyTo === this.id && !(id && this.#list.get(id)));
    return Object.freeze({
      ...this.#about,
      id: this.id,
      parent: there.get(this.id) ?? this.#about.parent,
      replies: Object.freeze([...this.#list.all.map((message) => there.get(message.id) ?? message), ...waiting]),
    });
  }
}
