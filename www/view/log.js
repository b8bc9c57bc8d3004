// log.js - the list of messages: a window of at most 160 in the document, whatever there are, that keeps its place.

import { render } from '../vendor/lit-html/lit-html.js';
import { compareIds } from '../client/ids.js';
import { messageTemplate } from './message.js';
import { sameDay } from './time.js';

const ROWS_MOST = 160;
const FIRST = 18;
const STEP = 40;
const NEAR_PX = 700; // from an end of the window: the next rows come
const BOTTOM_PX = 40; // as good as the bottom
const GROUP_MS = 300000;

const groups = (before, message) => before && !message.replyTo && before.type === message.type && before.userId === message.userId &&
  before.name === message.name && !before.deleted === !message.deleted && message.time - before.time < GROUP_MS;

export class Log {
  #messages = [];
  #rows = new Map(); // key -> { row, message, stamp }
  #from = 0;
  #to = 0;
  #follows = true; // the newest is in view, and shall be
  #asking = false;
  #size = '';

  /** `root`: the element that scrolls, with the list in it. `older()`: asks for older ones; resolves to false when there are none. */
  constructor({ root, list, act, older, moved = () => {} }) {
    Object.assign(this, { root, list, act, older, moved });
    this.unreadFrom = null;
    root.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    list.addEventListener('pointerover', ({ target }) => this.#touch('pointed', target));
    list.addEventListener('pointerleave', () => this.#touch('pointed', null));
    list.addEventListener('focusin', ({ target }) => this.#touch('focused', target));
    list.addEventListener('focusout', ({ relatedTarget }) => { if (relatedTarget && !list.contains(relatedTarget)) this.#touch('focused', null); });
    this.resizes = new ResizeObserver(() => { if (this.#follows) this.#toBottom(); });
    this.resizes.observe(root);
    this.resizes.observe(list);
  }

  get atBottom() { return this.#follows; }
  get newestShown() { return this.#to >= this.#messages.length; }

  close() { this.resizes.disconnect(); }

  /** Shows these; `more`: there are older ones to ask for. */
  show(messages, more) {
    const before = this.#messages, first = before[this.#from]?.key;
    this.#messages = messages;
    this.more = more;
    if (before.length === 0 || this.#follows) {
      this.#to = messages.length;
      // A screenful at first; what is above comes when the first is seen.
      const rows = this.#rows.size === 0 ? FIRST : Math.max(STEP * 2, Math.min(this.#rows.size + 1, ROWS_MOST));
      this.#from = Math.max(0, this.#to - rows);
    } else {
      // Older ones in front and newer ones behind: the window stays on what it shows.
      const from = first === undefined ? 0 : indexOf(messages, before[this.#from]);
      const size = this.#to - this.#from, ended = this.#to >= before.length;
      this.#from = Math.max(0, from);
      this.#to = ended ? Math.min(messages.length, this.#from + ROWS_MOST) : Math.min(messages.length, this.#from + size);
    }
    this.#draw();
    this.#scrolled();
  }

  /** Draws all rows anew, as when who one is has changed. */
  redraw() {
    for (const about of this.#rows.values()) about.stamp = null;
    this.#draw();
  }

  toNewest() {
    this.#follows = true;
    this.#to = this.#messages.length;
    this.#from = Math.max(0, this.#to - STEP * 2);
    this.#draw();
    this.#toBottom();
  }

  /** Brings a message into view and the focus to it; asks for older ones until it is there, a few times. False: it is not. */
  async goTo(id) {
    let at = -1;
    for (let tries = 0; tries < 30; tries++) {
      at = this.#messages.findIndex((message) => message.id !== undefined && compareIds(message.id, id) >= 0);
      if (at > 0 || (at === 0 && (this.#messages[0].id === id || !this.more))) break;
      if (!this.more || !await this.older()) break;
    }
    if (at < 0) return false;
    this.#follows = false;
    this.#from = Math.max(0, at - STEP);
    this.#to = Math.min(this.#messages.length, at + STEP * 2);
    this.#draw();
    const { row } = this.#rows.get(this.#messages[at].key);
    row.scrollIntoView({ block: 'center' });
    row.querySelector('.message').focus({ preventScroll: true });
    return this.#messages[at].id === id;
  }

  /** Moves the focus to the message before or after the one that has it. */
  step(from, by) {
    const all = [...this.list.querySelectorAll('.message')];
    const next = all[Math.max(0, Math.min(all.length - 1, from ? all.indexOf(from) + by : all.length - 1))];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  }

  /** The rows with the pointer and with the focus show their tools. */
  #touch(how, target) {
    const row = target?.closest('.row') ?? null;
    if (row === this[how]) return;
    this[how] = row;
    this.#draw();
  }

  #toBottom() { this.root.scrollTop = this.root.scrollHeight; }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.root;
    if (clientHeight === 0) return;
    const below = scrollHeight - scrollTop - clientHeight, size = `${clientHeight} ${scrollHeight} ${this.root.clientWidth}`;
    // Another size moves the list without anybody having scrolled: who was at the bottom stays there.
    if (this.#follows && size !== this.#size && below > BOTTOM_PX) this.#toBottom();
    else this.#follows = this.newestShown && below <= BOTTOM_PX;
    this.#size = size;
    if (below < NEAR_PX && !this.newestShown) this.#shift(0, STEP);
    else if (scrollTop < NEAR_PX && this.#from > 0) this.#shift(-STEP, 0);
    else if (scrollTop < NEAR_PX && this.more && !this.#asking && this.#messages.length > 0) this.#ask();
    this.moved();
  }

  /** Grows the window at one end, and cuts it at the other. */
  #shift(up, down) {
    this.#from = Math.max(0, this.#from + up);
    this.#to = Math.min(this.#messages.length, this.#to + down);
    if (this.#to - this.#from > ROWS_MOST) {
      if (up) this.#to = this.#from + ROWS_MOST;
      else this.#from = this.#to - ROWS_MOST;
    }
    this.#draw();
  }

  async #ask() {
    this.#asking = true;
    try {
      await this.older();
    } catch { /* the connection says it; the next scroll asks again */ }
    this.#asking = false;
  }

  /** The row at the top of what is seen, and how far it is from there. */
  #anchor() {
    const top = this.root.getBoundingClientRect().top;
    for (const row of this.list.children) {
      const box = row.getBoundingClientRect();
      if (box.bottom > top) return { row, offset: box.top - top };
    }
    return null;
  }

  #draw() {
    const anchor = this.#follows ? null : this.#anchor();
    const wanted = this.#messages.slice(this.#from, this.#to), keys = new Set(wanted.map(({ key }) => key));
    for (const [key, { row }] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    let at = this.list.firstElementChild, before = this.#messages[this.#from - 1];
    for (const message of wanted) {
      const about = this.#row(message, before);
      if (about.row === at) at = at.nextElementSibling;
      else this.list.insertBefore(about.row, at);
      before = message;
    }
    if (this.#follows) this.#toBottom();
    else if (anchor?.row.isConnected) this.root.scrollTop += anchor.row.getBoundingClientRect().top - this.root.getBoundingClientRect().top - anchor.offset;
  }

  #row(message, before) {
    let about = this.#rows.get(message.key);
    if (!about) {
      about = { row: document.createElement('div') };
      about.row.className = 'row';
      this.#rows.set(message.key, about);
    }
    const day = !before || !sameDay(before.time, message.time), unread = this.#isFirstUnread(message, before);
    const parent = message.replyTo ? this.act.parent?.(message.replyTo) : undefined;
    const context = { day, unread, first: day || unread || !groups(before, message), parent, tools: about.row === this.pointed || about.row === this.focused };
    const stamp = [day, unread, context.first, context.tools, this.act.stamp?.(message)].join();
    if (about.message !== message || about.parent !== parent || about.stamp !== stamp) {
      Object.assign(about, { message, parent, stamp });
      render(messageTemplate(message, context, this.act), about.row);
    }
    return about;
  }

  #isFirstUnread({ id }, before) {
    return Boolean(this.unreadFrom && id && before?.id && compareIds(id, this.unreadFrom) > 0 && compareIds(before.id, this.unreadFrom) <= 0);
  }
}

/** Where a message is now, or the next one after it. */
function indexOf(messages, { key, id }) {
  const at = messages.findIndex((message) => message.key === key);
  return at >= 0 || !id ? at : messages.findIndex((message) => message.id && compareIds(message.id, id) > 0);
}
