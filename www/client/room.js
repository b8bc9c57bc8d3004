// room.js - one room as a reader sees it: messages as they are now, who is here, who writes, what was read; and what one does there.

import { path } from './api.js';
import { Emitter, soon } from './emitter.js';
import { compareIds, laterId } from './ids.js';
import { MessageList, isMessage } from './messages.js';
import { Outbox } from './outbox.js';
import { Thread } from './thread.js';
import { Typing } from './typing.js';

const PAGE = 50;
const OLDER = 100;
const KEPT = 20000; // messages, while new ones come

/**
 * `state` never changes; after each `change` there is another. `event` tells of each event as it came, once; `reload` that
 * the list began anew. See earshot.d.ts for what each member means.
 */
export class Room extends Emitter {
  #client;
  #list = new MessageList();
  #people = new Map();
  #about = { topic: null, mode: 'open', role: null, read: undefined, loaded: false, loading: false, more: false, error: null };
  #state = null;
  #joins = 0;
  #held = null; // events that came while a page was read
  #loading = null;
  #older = null;
  #refreshing = null;
  #wanted = null; // { all }: what is to be refreshed
  #gap = false; // another one, while a page was read
  #ended = false;
  #acts = Promise.resolve(); // one's own reactions, one after another
  #outbox;
  #typing;
  #told = soon(() => this.emit('change', this.state));

  constructor(client, name) {
    super();
    this.#client = client;
    this.name = name;
    this.cursor = null; // the last event that is in the list
    const changed = () => this.#changed();
    this.#outbox = new Outbox({ api: client.api, room: name, me: () => client.me, storage: client.storage, sent: (event) => this.#sent(event), changed });
    client.ready?.then(() => (this.#ended ? null : this.#outbox.restore()), () => {});
    this.#typing = new Typing({ tell: (typing) => this.#ask('POST', ['typing'], { typing }).catch(() => {}), changed });
  }

  get state() { return (this.#state ??= this.#write()); }

  #changed() {
    this.#state = null;
    if (!this.#ended) this.#told();
  }

  #write() {
    const waits = this.#outbox.all.filter(({ key }) => !this.#list.hasKey(key));
    return Object.freeze({
      ...this.#about,
      name: this.name,
      messages: Object.freeze([...this.#list.all, ...waits]),
      people: Object.freeze(this.#everybody().sort((a, b) => (a.name ?? a.userId).localeCompare(b.name ?? b.userId))),
      typing: this.#typing.all,
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

  #ask(method, parts, body) { return this.#client.api.json(method, path('rooms', this.name, ...parts), { body }); }

  get #me() { return this.#client.me?.userId ?? null; }

  // ---- coming and going

  /** Follows the room until the function that this gives is called, as often as it is called. */
  join() {
    // Not let in before, it may be now.
    if (this.#joins++ === 0 || !this.#about.loaded) this.#load();
    let joined = true;
    return () => {
      if (!joined) return;
      joined = false;
      if (--this.#joins > 0) return;
      this.#typing.set(false);
      this.#client.refollow();
    };
  }

  get joined() { return this.#joins > 0 && !this.#ended; }

  /** Reads the newest page, and follows from there. Called again after a gap: the list is another. */
  #load() {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = null;
      if (this.#gap && !this.#ended) this.#load();
    });
    return this.#loading;
  }

  async #read() {
    this.#gap = false;
    this.#held = [];
    this.#set({ loading: true, error: null });
    try {
      // Both at once: what a room says does not hang on who one is.
      const [page] = await Promise.all([this.#page({ limit: PAGE }), this.#client.ready]);
      if (this.#ended) return;
      this.#begin(page);
      this.#client.refollow();
      this.refresh();
    } catch (error) {
      this.#held = null;
      this.cursor = null;
      this.#set({ loading: false, error });
      if (error.passing) this.#client.later(() => (this.joined ? this.#load() : null));
    }
  }

  #page(query) { return this.#client.api.page(path('rooms', this.name, 'messages'), query); }

  #begin({ events, cursor, more }) {
    this.#list.clear();
    for (const event of events) if (isMessage(event)) this.#list.add(event, cursor);
    this.cursor = cursor;
    this.#set({ loaded: true, loading: false, more });
    this.emit('reload');
    const held = this.#held;
    this.#held = null;
    held.forEach((event) => this.take(event));
  }

  /** What no event has told while nobody listened: who is here, the topic, the read marker. Asked once for all who want it. */
  refresh(all = true) {
    this.#wanted = { all: all || Boolean(this.#wanted?.all) };
    this.#refreshing ??= this.#refreshes().finally(() => { this.#refreshing = null; });
    return this.#refreshing;
  }

  async #refreshes() {
    for (let wanted; (wanted = this.#wanted) && !this.#ended;) {
      this.#wanted = null;
      await this.#refresh(wanted.all);
    }
  }

  async #refresh(all) {
    const asked = [this.#ask('GET', ['presence']), all ? this.#ask('GET', []) : null, all && this.#me ? this.#ask('GET', ['read']) : null];
    const [presence, about, mark] = (await Promise.allSettled(asked)).map(({ value }) => value);
    if (this.#ended) return;
    if (presence) {
      this.#people = new Map(presence.people.map(({ userId, name, since }) => [userId, { userId, name, since }]));
      for (const one of presence.people) if (one.userId !== this.#me) this.#typing.hear(one);
    }
    if (about) this.#set({ topic: about.topic, mode: about.mode, role: about.role ?? null, slow: about.slow });
    this.#set({ read: mark ? laterId(this.#about.read, mark.read) : this.#about.read ?? null });
    this.#changed();
  }

  /** The backend no longer lets one in. */
  close(error) {
    this.cursor = null;
    this.#people.clear();
    this.#set({ error, loaded: false });
  }

  /** Another person is here: this one's room is over. */
  end() {
    this.#ended = true;
    this.#outbox.end();
    this.#typing.end();
  }

  // ---- what comes

  /** An event of the stream: each comes once, in order. */
  take(event) {
    if (event.type === 'gap') {
      if (this.#loading) this.#gap = true;
      else if (this.joined) this.#load();
      else this.cursor = null;
      return;
    }
    if (event.id) {
      if (this.#held) return void this.#held.push(event);
      if (!this.cursor || compareIds(event.id, this.cursor) <= 0) return;
      this.cursor = event.id;
    }
    if (isMessage(event)) this.#message(event);
    else this.#change(event);
    this.emit('event', event);
  }

  #message(event) {
    const own = Boolean(event.userId) && event.userId === this.#me;
    this.#list.add(event);
    this.#list.change(event, this.#me);
    if (this.#list.trim(KEPT) > 0) this.#about.more = true;
    if (event.userId) this.#typing.hear({ userId: event.userId, typing: false });
    if (own) this.#about.read = laterId(this.#about.read, event.id); // who sends has read
    if (event.clientId && event.userId === (this.#me ?? undefined)) this.#outbox.discard(event.clientId);
    this.#changed();
  }

  /** Its own answer may come before or after the event. */
  #sent(event) {
    this.#list.add(event);
    this.#client.tabs?.expect(this.name, event.id);
    this.#changed();
  }

  #change(event) {
    const { type, userId, name } = event, own = userId === this.#me;
    if (type === 'join') this.#people.set(userId, { userId, name, since: event.timestamp });
    else if (type === 'leave') { this.#people.delete(userId); this.#typing.hear({ userId, typing: false }); }
    else if (type === 'typing') { if (!own) this.#typing.hear(event); }
    else if (type === 'read') { if (own) this.#about.read = laterId(this.#about.read, event.target); }
    else if (type === 'room' || type === 'member') this.refresh();
    else this.#list.change(event, this.#me);
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
  /** What waits is tried at once; so is a room that did not let one in. */
  wake() {
    this.#outbox.wake();
    if (this.joined && this.#about.error && !this.#loading) this.#load();
  }

  edit(id, content) { return this.#settle('PUT', ['messages', id], { content }); }
  delete(id) { return this.#settle('DELETE', ['messages', id]); }

  /** Shown at once; taken back where it is refused. */
  async react(id, emoji, on = true) {
    if (!this.#list.guess(id, emoji, on)) return;
    this.#changed();
    const act = this.#acts.then(() => this.#settle(on ? 'PUT' : 'DELETE', ['messages', id, 'reactions', emoji]));
    this.#acts = act.catch(() => {});
    try {
      await act;
    } catch (error) {
      this.#list.guess(id, emoji, !on);
      this.#changed();
      throw error;
    }
  }

  /** The answer tells the message as it is, and by its ETag up to which event: the stream tells that one too. */
  async #settle(method, parts, body) {
    const { event, version } = await this.#client.api.change(method, path('rooms', this.name, ...parts), body);
    this.#list.settle(event, version ?? event.id);
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
    const { events, cursor, more } = await this.#page({ before: first.id, limit: OLDER });
    // Meanwhile the list may have begun anew, behind a gap.
    if (this.#list.all[0]?.id !== first.id) return this.#about.more;
    for (const event of events) if (isMessage(event)) this.#list.add(event, cursor);
    this.#set({ more });
    return events.length > 0;
  }

  /** A message by its id, where it is in the list. */
  message(id) { return this.#list.get(id); }

  /** A message and the replies to it; close() it at the end. */
  thread(id) { return new Thread(this.#client, this, id, this.#list.get(id)); }

  /** At each key; with false when nothing is written any more. Sending ends it. */
  typing(on = true) { if (this.#me) this.#typing.set(on); }

  /** Moves the read marker forward, to the newest message unless one is named. */
  async read(id = this.#list.all.at(-1)?.id) {
    if (!id || !this.#me || (this.#about.read && compareIds(id, this.#about.read) <= 0)) return;
    this.#set({ read: id });
    try {
      this.#client.marked(this.name, await this.#ask('PUT', ['read'], { id }));
    } catch (error) {
      // The newest one, whatever was read since.
      if (error.passing) this.#client.later(async () => (this.#ended ? null : this.#client.marked(this.name, await this.#ask('PUT', ['read'], { id: this.#about.read }))));
    }
  }
}
