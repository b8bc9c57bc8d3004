// thread.js - a message and the replies to it, beside the room.

import { html, render } from '../vendor/lit-html/lit-html.js';
import { Composer, drafts, picking } from './composer.js';
import { icon } from './icons.js';
import { Log } from './log.js';

/** With a composer of its own; `chat`: the room's, that it stands beside. */
export class ThreadPanel {
  constructor(chat, id, onClose) {
    this.chat = chat;
    this.onClose = onClose;
    this.thread = chat.room.thread(id);
    this.root = document.createElement('section');
    this.root.className = 'chat thread';
    this.picking = picking(this.root, chat.complain);
    this.root.setAttribute('aria-label', 'Thread');
    render(html`<header class="thread-head"><h2>Thread</h2><button type="button" class="tool" aria-label="Close the thread" @click=${() => this.close()}>${icon('close')}</button></header>
      <div class="log" tabindex="0" role="log" aria-label="Replies"><p class="note"></p><div class="rows"></div></div><div class="below"><div class="write"></div></div>`, this.root);
    this.act = Object.create(chat.act, Object.getOwnPropertyDescriptors({
      inThread: true,
      texts: new WeakMap(),
      openThread: null,
      reply: () => this.composer.focus(),
      edit: (message) => this.composer.edit(message),
      unfold: (key) => { chat.act.unfold(key); this.log.redraw(); },
      pick: (message, by) => this.picking.pick(by, (emoji) => chat.act.react(message, emoji, true)),
    }));
    this.log = new Log({ root: this.root.querySelector('.log'), list: this.root.querySelector('.rows'), act: this.act, older: async () => false });
    this.composer = new Composer(this.root.querySelector('.write'), {
      send: (text, { edit }) => (edit ? chat.edit(this.composer, edit, text) : this.thread.send(text)),
      typing: (on) => chat.room.typing(on), people: chat.composer.people, pick: this.picking.pick, last: () => undefined,
    });
    this.root.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.close(); });
    this.off = this.thread.on('change', () => this.#draw());
    this.#draw();
    this.composer.text = drafts.take(this.place);
  }

  #draw() {
    const { parent, replies, loaded, error } = this.thread.state;
    this.root.querySelector('.note').textContent = error?.message ?? (loaded ? '' : 'Loading…');
    this.composer.allow(this.chat.composer.reason, 'Reply');
    this.log.show(parent ? [parent, ...replies] : replies, false);
  }

  get place() { return this.chat.place.with(1, `${this.chat.room.name} ${this.thread.id}`); }

  /** `replaced`: another one comes in its place, and gets the focus. */
  close(replaced = false) {
    if (this.composer.editing) this.composer.drop();
    drafts.keep(this.place, this.composer.text);
    this.off();
    this.thread.close();
    this.log.close();
    this.picking.close();
    this.root.remove();
    this.onClose();
    if (!this.chat.closed && !replaced) this.chat.composer.focus();
  }
}
