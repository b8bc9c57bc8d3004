// room.js - one room as a reader sees it: messages as they are now, who is here, who writes, what was read; and what one does there.

import { path } from './api.js';
import { Emitter, soon } from './emitter.js';
import { compareIds, laterId } from './ids.js';
import { MessageList, isMessage } from './messages.js';
import { Outbox } from './outbox.js';
import { Thread } from './thread.js';
import { Typing } from './typing.js';

const PAGE = 50;
const KEPT = 20000; // messages, while new ones come
const APPLIED = 4000; // ids of changes that were applied

/**
 * `state` never changes; at each `change` there is another. `event` tells of each event as it came, once.
 * See earshot.d.ts for what each member means.
 */
export class Room extends Emitter {
  #client;
  #list = new MessageList();
  #applied = new Set();
  #people = new Map();
  #about = { topic: null, mode: 'open', role: null, read: undefined, loaded: false, loading: false, more: false, error: null };
  #joins = 0;
  #loading = null;
  #older = null;

  constructor(client, name) {
    super();
    this.#client = client;
    this.name = name;
    this.cursor = null; // the last event that is in the list
    this.#outbox = new Outbox({
      api: client.api,
      room: name,
      me: () => client.me,
      storage: client.storage,
      sent: (event) => this.#insert(event),
      changed: () => this.#changed(),
    });
    this.#typing = new Typing({
      tell: (typing) => this.#ask('POST', ['typing'], { typing }).catch(() => {}),
      changed: () => this.#changed(),
    });
    this.#write();
  }

  #outbox;
  #typing;
  #changed = soon(() => { this.#write(); this.emit('change', this.state); });

  #write() {
    this.state = Object.freeze({
      ...this.#about,
      name: this.name,
      messages: [...this.#list.all, ...(this.#outbox?.all ?? []).filter(({ key }) => !this.#list.hasKey(key))],
      people: this.#everybody().sort((a, b) => a.name.localeCompare(b.name)),
      typing: this.#typing?.all ?? [],
    });
  }

  /** Who is here. One's own coming is told to others only, and the list may have been asked for before. */
  #everybody() {
    const { me } = this.#client ?? {};
    if (!me?.userId || !this.#about.loaded || this.#people.has(me.userId)) return [...this.#people.values()];
    return [...this.#people.values(), { userId: me.userId, name: me.name, since: null }];
  }

  #set(about) {
    Object.assign(this.#about, about);
    this.#changed();
  }

  #ask(method, parts, body, more) { return this.#client.api.json(method, path('rooms', this.name, ...parts), { body, ...more }); }

  // ---- coming and going

  /** Follows the room until the function that this gives is called, as often as it is called. */
  join() {
    if (this.#joins++ === 0) this.#load();
    let joined = true;
    return () => {
      if (!joined) return;
      joined = false;
      if (--this.#joins === 0) this.#client.refollow();
    };
  }

  get joined() { return this.#joins > 0; }

  /** Reads the newest page, and follows from there. Called again after a gap: the list is another. */
  #load() {
    this.#loading ??= this.#read().finally(() => { this.#loading = null; });
    return this.#loading;
  }

  async #read() {
    this.#set({ loading: true, error: null });
    try {
      // Both at once: what a room says does not hang on who one is.
      const [{ events, cursor }] = await Promise.all([this.#ask('GET', ['messages'], undefined, { query: { limit: PAGE } }), this.#client.ready]);
      this.#outbox.restore();
      this.#list.clear();
      this.#applied.clear();
      for (const event of events) if (isMessage(event)) this.#list.add(event, cursor);
      this.cursor = cursor;
      this.#set({ loaded: true, loading: false, more: events.length >= PAGE });
      this.#client.refollow(this);
      this.refresh();
    } catch (error) {
      this.#set({ loading: false, error });
      if (error.passing) this.#client.later(() => this.joined && this.#load());
    }
  }

  /** What no event has told while nobody listened: who is here, the topic, the read marker. */
  async refresh() {
    const got = await Promise.allSettled([this.#ask('GET', ['presence']), this.#ask('GET', []), this.#client.me?.userId ? this.#ask('GET', ['read']) : null]);
    const [presence, about, mark] = got.map(({ value }) => value);
    if (presence) {
      this.#people = new Map(presence.people.map(({ userId, name, since }) => [userId, { userId, name, since }]));
      for (const one of presence.people) if (one.typing && one.userId !== this.#client.me?.userId) this.#typing.hear(one);
    }
    if (about) this.#set({ topic: about.topic, mode: about.mode, role: about.role ?? null, slow: about.slow });
    this.#set({ read: mark ? laterId(this.#about.read, mark.read) : this.#about.read ?? null });
    this.#changed();
  }

  /** The backend no longer lets one in. */
  close(error) { this.#set({ error, loaded: false }); }

  // ---- what comes

  /** An event of the stream, or of what was asked for to fill a hole: applied once, in whatever order they come. */
  take(event) {
    if (event.type === 'gap') return void this.#load();
    if (event.id) {
      if (!this.cursor || this.#applied.has(event.id)) return;
      this.#applied.add(event.id);
      if (this.#applied.size > APPLIED) this.#applied.delete(this.#applied.values().next().value);
      this.cursor = laterId(this.cursor, event.id);
    }
    if (isMessage(event)) this.#insert(event);
    else this.#change(event);
    this.emit('event', event);
  }

  #insert(event) {
    if (this.#list.add(event)) {
      this.#list.change(event, this.#client.me?.userId);
      if (this.#list.trim(KEPT) > 0) this.#about.more = true;
    }
    if (event.userId) this.#typing.hear({ userId: event.userId, typing: false });
    if (event.clientId) this.#outbox.seen(event.clientId);
    this.#changed();
  }

  #change(event) {
    const { userId, name } = event, me = this.#client.me?.userId;
    if (event.type === 'join') this.#people.set(userId, { userId, name, since: event.timestamp });
    else if (event.type === 'leave') { this.#people.delete(userId); this.#typing.hear({ userId, typing: false }); }
    else if (event.type === 'typing') { if (userId !== me) this.#typing.hear(event); }
    else if (event.type === 'read') { if (userId === me) this.#about.read = laterId(this.#about.read, event.target); }
    else if (event.type === 'room' || event.type === 'member') this.refresh();
    else this.#list.change(event, me);
    this.#changed();
  }

  // ---- what one does

  /** Shows it at once as pending; gives that message. */
  send(content, more = {}) {
    this.#typing.sent();
    return this.#outbox.send({ ...more, content });
  }

  retry(key) { this.#outbox.retry(key); }
  discard(key) { this.#outbox.discard(key); }
  wake() { this.#outbox.wake(); }

  edit(id, content) { return this.#settle('PUT', ['messages', id], { content }); }
  delete(id) { return this.#settle('DELETE', ['messages', id]); }

  /** Shown at once; taken back where it is refused. */
  async react(id, emoji, on = true) {
    const before = this.#list.get(id);
    if (!before || before.reacted.includes(emoji) === on) return;
    this.#list.settle({ ...before, ...guess(before, emoji, on) }, before.asOf);
    this.#changed();
    try {
      await this.#settle(on ? 'PUT' : 'DELETE', ['messages', id, 'reactions', emoji]);
    } catch (error) {
      const now = this.#list.get(id);
      if (now) this.#list.settle({ ...now, ...guess(now, emoji, !on) }, now.asOf);
      this.#changed();
      throw error;
    }
  }

  /** The answer tells the message as it is, and by its ETag up to which event: the stream tells that one too. */
  async #settle(method, parts, body) {
    const response = await this.#client.api.open(method, path('rooms', this.name, ...parts), { body });
    const event = await response.json(), [, changed] = /"(\d+-\d+)"/.exec(response.headers.get('etag')) ?? [];
    this.#list.settle(event, changed ?? event.id);
    this.#changed();
    return event;
  }

  /** Older messages in front; false: there are none. */
  older() {
    this.#older ??= this.#readOlder().finally(() => { this.#older = null; });
    return this.#older;
  }

  async #readOlder() {
    const first = this.#list.all[0];
    if (!first || !this.#about.more) return false;
    const { events, cursor } = await this.#ask('GET', ['messages'], undefined, { query: { before: first.id, limit: 2 * PAGE } });
    for (const event of events) if (isMessage(event)) this.#list.add(event, cursor);
    this.#set({ more: events.length >= 2 * PAGE });
    return events.length > 0;
  }

  /** A message by its id, where it is in the list. */
  message(id) { return this.#list.get(id); }

  thread(id) { return new Thread(this.#client, this, id, this.#list.get(id)); }

  typing(on = true) { if (this.#client.me?.userId) this.#typing.set(on); }

  /** Moves the read marker forward, to the newest message unless one is named. */
  async read(id = this.#list.all.at(-1)?.id) {
    if (!id || !this.#client.me?.userId || (this.#about.read && compareIds(id, this.#about.read) <= 0)) return;
    this.#set({ read: id });
    this.#client.marked(this.name, await this.#ask('PUT', ['read'], { id }));
  }
}

/** A message as it will be with one's own reaction. */
function guess({ reactions, reacted }, emoji, adds) {
  const count = (reactions[emoji] ?? 0) + (adds ? 1 : -1);
  const { [emoji]: _, ...others } = reactions;
  return {
    reactions: count > 0 ? { ...reactions, [emoji]: count } : others,
    reacted: adds ? [...reacted, emoji] : reacted.filter((one) => one !== emoji),
  };
}
