// chat.js - a room to look at and to write in: the list, who writes, the composer, a thread beside. The page and the element show it.

import { html, nothing, render } from '../vendor/lit-html/lit-html.js';
import { compareIds, indexAfter } from '../client/ids.js';
import { Composer, drafts, picking } from './composer.js';
import { icon } from './icons.js';
import { Log } from './log.js';
import { mentions } from './markdown.js';

const READ_AFTER_MS = 400;
const SAID_MOST = 3; // new messages that are read out, of those that come together

/** "Ann is writing", "Ann and Bob are writing", "Several people are writing"; names are their writers' own. */
function writing(people) {
  if (people.length === 0) return nothing;
  if (people.length > 3) return 'Several people are writing…';
  const names = people.map(({ name }, i) => html`${i === 0 ? nothing : i === people.length - 1 ? ' and ' : ', '}<bdi>${name}</bdi>`);
  return html`${names} ${people.length === 1 ? 'is' : 'are'} writing…`;
}

const canWrite = (client, state) => {
  const { me } = client;
  if (state.error && !state.error.passing) return state.error.message ?? 'You may not read this room.';
  if (me && !me.userId && !Object.values(me.rooms ?? {}).some((rights) => rights.includes('w'))) return 'Sign in to write here.';
  if (state.mode === 'moderated' && !['owner', 'moderator', 'voice', 'member'].includes(state.role) && me?.role !== 'admin') return 'Only members may write here.';
  return null;
};

export class Chat {
  #off = [];
  #thread = null;
  #open = new Set();
  #reading = null;
  #marked = false;
  #shown = false;
  #frame = 0;

  /** `root`: an empty element; `confirm(question)`: asks before something is deleted; `threads`: is there place for them? */
  constructor(root, { client, room, confirm, threads = true, title = () => room.name, onThread = () => {} }) {
    Object.assign(this, { root, client, room, confirm, title, onThread, who: client.me?.userId });
    root.classList.add('chat');
    render(html`
      <div class="pills" role="status"></div>
      <div class="log" role="log" tabindex="0" aria-label=${`Messages in ${title()}`} aria-live="off"><div class="start"></div><div class="rows"></div></div>
      <div class="said sr" aria-live="polite"></div>
      <div class="below"><p class="typing"></p><div class="write"></div></div>`, root);
    this.$ = (selector) => root.querySelector(selector);
    this.picking = picking(root, this.complain);
    this.act = this.#actions(threads);
    this.log = new Log({ root: this.$('.log'), list: this.$('.rows'), act: this.act, older: () => this.#older(), moved: () => this.#moved() });
    this.composer = new Composer(this.$('.write'), {
      send: (text, about) => this.#send(text, about),
      typing: (on) => room.typing(on),
      people: () => this.#mentionable(),
      pick: this.picking.pick,
      last: () => room.state.messages.findLast((message) => message.state === 'sent' && !message.deleted && this.act.mine(message)),
    });
    this.$('.log').addEventListener('keydown', (event) => this.#key(event));
    this.#off.push(room.on('change', () => this.#soon()), client.on('me', ({ userId }) => { this.who ??= userId; this.log.redraw(); this.#draw(); }), room.join());
    this.seen = () => this.#moved();
    document.addEventListener('visibilitychange', this.seen);
    addEventListener('focus', this.seen);
    this.#draw();
    this.composer.text = drafts.take(this.place);
  }

  get place() { return [this.client.url, this.room.name, this.who]; }

  close() {
    this.closed = true;
    if (this.#reading) this.room.read().catch(() => {}); // it was seen
    this.#off.forEach((off) => off());
    document.removeEventListener('visibilitychange', this.seen);
    removeEventListener('focus', this.seen);
    clearTimeout(this.#reading);
    cancelAnimationFrame(this.#frame);
    this.room.typing(false);
    this.#thread?.close();
    this.log.close();
    if (this.composer.editing) this.composer.drop(); // an edit is no draft
    drafts.keep(this.place, this.composer.text);
    this.picking.close();
  }

  // ---- what one can do with a message

  #actions(threads) {
    const { room, client } = this, chat = this;
    return {
      texts: new WeakMap(),
      mine: ({ userId, state }) => state !== 'sent' || (userId !== undefined && userId === client.me?.userId),
      isMe: (user) => user === client.me?.userId,
      mentionsMe: ({ content = '', userId }) => client.me?.userId && userId !== client.me.userId && mentions(content, client.me.userId),
      get canReact() { return Boolean(client.me?.userId) && !canWrite(client, room.state); },
      get canWrite() { return !canWrite(client, room.state); },
      get moderates() { return ['owner', 'moderator'].includes(room.state.role) || client.me?.role === 'admin'; },
      isOpen: (key) => this.#open.has(key),
      unfold: (key) => { if (!this.#open.delete(key)) this.#open.add(key); this.log.redraw(); },
      stamp: ({ key }) => `${this.#open.has(key)} ${client.me?.userId} ${room.state.role} ${room.state.mode}`,
      parent: (id) => room.message(id),
      react: (message, emoji, on) => room.react(message.id, emoji, on).catch((error) => this.complain(error)),
      pick: (message, by) => this.picking.pick(by, (emoji) => chat.act.react(message, emoji, true)),
      reply: (message) => this.composer.reply(message),
      edit: (message) => this.composer.edit(message),
      remove: (message) => this.#remove(message),
      retry: (key) => room.retry(key),
      discard: (key) => room.discard(key),
      goTo: (id) => this.goTo(id),
      key: (event, message) => this.#messageKey(event, message),
      openThread: threads ? (id) => this.openThread(id) : null,
    };
  }

  #send(text, { replyTo, edit }) {
    if (edit) return void this.edit(this.composer, edit, text);
    // By name: while somebody else signs in, the room is another already.
    this.client.room(this.room.name).send(text, { replyTo });
    this.log.toNewest();
  }

  /** Where it is refused, what was typed is there again. */
  async edit(composer, message, text) {
    if (text === message.content) return;
    try {
      await this.room.edit(message.id, text);
    } catch (error) {
      this.complain(error);
      composer.edit(message);
      composer.text = text;
    }
  }

  async #remove(message) {
    try {
      if (!await this.confirm('Delete this message for everybody?', 'Delete')) return;
      await this.room.delete(message.id);
    } catch (error) {
      this.complain(error);
    }
    this.$('.log').focus();
  }

  complain = (error) => {
    this.complaint = error.message;
    this.#draw();
    clearTimeout(this.complaining);
    this.complaining = setTimeout(() => { this.complaint = null; this.#draw(); }, 6000);
  };

  #mentionable() {
    const people = new Map(this.room.state.people.map((person) => [person.userId, person]));
    for (const { userId, name } of this.room.state.messages.slice(-200)) if (userId && !people.has(userId)) people.set(userId, { userId, name });
    people.delete(this.client.me?.userId);
    return [...people.values()];
  }

  // ---- keys: arrows walk through the messages, letters act on the one that has the focus

  #key(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step && (event.target === event.currentTarget || event.target.matches('.message'))) {
      event.preventDefault();
      this.log.step(event.target.matches('.message') ? event.target : null, step);
    } else if (event.key === 'End' && event.target === event.currentTarget) {
      this.log.toNewest();
    } else if (event.key === 'Escape') {
      this.composer.focus();
    }
  }

  #messageKey(event, message) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey || message.state !== 'sent' || message.deleted) return;
    const { act } = this, mine = act.mine(message);
    const run = {
      r: act.canWrite && (() => act.reply(message)),
      t: act.openThread && (() => act.openThread(message.id)),
      '+': act.canReact && (() => act.pick(message, event.currentTarget)),
      e: mine && (() => act.edit(message)),
      Delete: (mine || act.moderates) && (() => act.remove(message)),
    }[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  }

  /** Shown before whoever asked goes on. */
  async #older() {
    const any = await this.room.older();
    this.#draw();
    return any;
  }

  // ---- threads

  async openThread(id) {
    this.#thread?.close(true);
    this.wanted = id;
    try {
      const { ThreadPanel } = await import('./thread.js'); // when somebody first wants one
      if (this.closed || this.wanted !== id || this.#thread) return;
      this.#thread = new ThreadPanel(this, id, () => { this.#thread = null; this.onThread(null); });
      this.onThread(this.#thread.root);
      this.#thread.composer.focus();
    } catch {
      this.complain({ message: 'The thread cannot be opened now.' });
    }
  }

  closeThread() { this.wanted = null; this.#thread?.close(); }

  async goTo(id) { if (!await this.log.goTo(id)) this.act.openThread?.(id); }

  // ---- how it looks

  /** With the next frame; the first messages at once, for a frame without them takes its time too. */
  #soon() {
    if (this.#shown || !this.room.state.loaded) return this.#atFrame();
    this.#shown = true;
    this.#draw();
  }

  #atFrame() { this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.#draw(); }); }

  #draw() {
    if (this.closed) return;
    const { state } = this.room, { me } = this.client;
    if (!this.#marked && state.read !== undefined) {
      this.#marked = true;
      // What comes while one looks, and what one says, is not new.
      const newest = this.#openedAt(state.messages.findLast(({ id }) => id)?.id);
      this.log.unreadFrom = state.read && this.#othersBetween(state.read, newest) > 0 ? state.read : null;
      this.log.redraw();
    }
    render(this.#start(state), this.$('.start'));
    render(writing(state.typing.filter(({ userId }) => userId !== me?.userId)), this.$('.typing'));
    this.log.show(state.messages, state.more);
    this.#say(state);
    this.#moved();
    this.composer.allow(canWrite(this.client, state), `Message ${this.title()}`);
  }

  #heard = null;

  /** Reads out what is new. The list itself is silent: old messages come into it as one scrolls. */
  #say({ loaded, messages }) {
    const newest = messages.findLast(({ id }) => id)?.id ?? '0-0';
    if (!loaded) return;
    const fresh = this.#heard ? messages.slice(indexAfter(messages, this.#heard)).filter((message) => message.id && !this.act.mine(message)) : [];
    this.#heard = newest;
    if (fresh.length > 0) this.$('.said').replaceChildren(...fresh.slice(-SAID_MOST).map(({ name, content }) => Object.assign(document.createElement('p'), { textContent: `${name}: ${content ?? ''}` })));
  }

  #start(state) {
    if (state.error && !state.loaded) return html`<p class="note">${state.error.message}</p>`;
    if (!state.loaded) return html`<p class="note" aria-busy="true">Loading…</p>`;
    if (state.more) return html`<p class="note">Older messages come as you scroll</p>`;
    return html`<p class="note">${state.messages.length === 0 ? 'Nothing has been said here yet.' : 'This is where it began.'}</p>`;
  }

  /** The place in the list has changed, or whether somebody looks. */
  #moved() {
    if (this.closed) return;
    const { state } = this.room, { log } = this, seen = document.visibilityState === 'visible' && document.hasFocus();
    const newest = state.messages.findLast(({ id }) => id)?.id;
    if (log.atBottom) {
      this.passed = newest;
      if (seen && this.#marked && newest) this.#read();
    }
    const unread = this.#jumped || !log.unreadFrom ? 0 : this.#othersBetween(log.unreadFrom, this.#openedAt(newest));
    const newer = log.atBottom || !this.passed ? 0 : state.messages.length - indexAfter(state.messages, this.passed);
    this.#pills(unread, newer);
  }

  /** How many messages of others come after the one id, up to the other. */
  #othersBetween(from, to) {
    const { messages } = this.room.state;
    return messages.slice(indexAfter(messages, from), indexAfter(messages, to)).filter((message) => !this.act.mine(message)).length;
  }

  #jumped = false;
  #opened = null;
  #openedAt(newest) { return (this.#opened ??= newest ?? '0-0'); }

  #pills(unread, newer) {
    const words = unread > 0 && !this.#unreadInView() ? `${unread}${this.room.state.more && this.#unreadIsOlder() ? ' or more' : ''} unread` : null;
    render(html`
      ${this.complaint ? html`<span class="pill bad">${this.complaint}</span>` : nothing}
      ${words ? html`<button type="button" class="pill" @click=${() => this.toUnread()}>${icon('up')} ${words}</button>` : nothing}
      ${this.log.atBottom ? nothing : html`<button type="button" class="pill low" @click=${() => this.log.toNewest()}>${icon('down')} ${newer > 0 ? `${newer} new` : 'Newest'}</button>`}`, this.$('.pills'));
  }

  #unreadIsOlder() { const first = this.room.state.messages[0]; return Boolean(first?.id && compareIds(first.id, this.log.unreadFrom) > 0); }

  #unreadInView() {
    const line = this.$('.line.unread');
    if (!line) return false;
    const box = line.getBoundingClientRect(), log = this.$('.log').getBoundingClientRect();
    if (box.top < log.top) return false;
    this.#jumped = true;
    return true;
  }

  /** To the first message that was not read before. */
  toUnread() {
    this.#jumped = true;
    const { messages } = this.room.state;
    this.goTo(this.#unreadIsOlder() ? this.log.unreadFrom : messages[indexAfter(messages, this.log.unreadFrom)].id);
  }

  #read() {
    if (this.#reading) return;
    this.#reading = setTimeout(() => {
      this.#reading = null;
      this.room.read().catch(() => {});
    }, READ_AFTER_MS);
  }
}
