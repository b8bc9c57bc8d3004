// composer.js - where one writes: sends with Enter, completes mentions, edits and replies.

import { html, nothing, render } from '../vendor/lit-html/lit-html.js';
import { icon } from './icons.js';

const BYTES_MOST = 8192; // the server's own limit, unless it is configured otherwise
const SUGGESTED_MOST = 6;
const encoder = new TextEncoder();
let number = 0;

const typed = new Map();

/** What was typed and not sent, in places that were left: [..., who]. What nobody typed is whoever's who then signs in. */
export const drafts = {
  keep(place, text) { typed.set(place.join(' '), text); },
  take(place) { return typed.get(place.join(' ')) || typed.get(place.with(-1, undefined).join(' ')) || ''; },
};

/** The emoji picker of a panel, asked for when somebody first wants it. */
export function picking(root, complain) {
  let picker = null;
  return {
    async pick(by, chosen) {
      try {
        const { Picker } = await import('./picker.js');
        if (!root.isConnected) return;
        picker ??= new Picker(root);
        await picker.open(by, chosen);
      } catch {
        complain({ message: 'The emoji cannot be loaded now.' });
      }
    },
    close() { picker?.destroy(); },
  };
}

export class Composer {
  /** `send(text, { replyTo, edit })`, `typing(on)`, `people()`: whom a mention may mean, `pick(button, chosen)`, `last()`: one's last message. */
  constructor(root, options) {
    Object.assign(this, { root, ...options });
    this.id = `composer-${++number}`;
    this.replyTo = this.editing = null;
    this.suggested = [];
    this.at = 0;
    this.#draw();
  }

  get field() { return this.root.querySelector('textarea'); }
  get text() { return this.field?.value ?? ''; }
  set text(value) {
    if (!this.field) return; // one may not write here
    this.field.value = value;
    this.#changed();
  }

  focus() {
    this.#fit(); // in a panel that was not to be seen before, nothing has a height
    this.field?.focus();
  }

  reply(message) {
    if (this.editing) this.drop();
    this.#about({ replyTo: message, editing: null });
  }

  edit(message) {
    this.kept ??= this.text;
    this.#about({ replyTo: null, editing: message });
    this.text = message.content;
  }

  /** What is being answered or edited is so no longer. */
  drop() {
    const { kept, editing } = this;
    this.kept = undefined;
    this.#about({ replyTo: null, editing: null });
    if (editing) this.text = kept ?? '';
  }

  /** `reason`: why one may not write here, in words; null where one may. */
  allow(reason, placeholder) {
    if (this.reason === reason && this.placeholder === placeholder) return;
    Object.assign(this, { reason, placeholder });
    this.#draw();
  }

  #about(change) {
    Object.assign(this, change);
    this.#draw();
    this.focus();
  }

  get #bytes() { return encoder.encode(this.text).length; }

  #submit() {
    const text = this.text.trim();
    if (text === '' || this.#bytes > BYTES_MOST) return;
    const { replyTo, editing } = this;
    this.typing(false);
    this.send(text, { replyTo: replyTo?.id, edit: editing });
    this.kept = editing ? this.kept : undefined;
    Object.assign(this, { replyTo: null, editing: null });
    this.text = this.kept ?? '';
    this.kept = undefined;
    this.#draw();
    this.focus();
  }

  /** Grows with its text; the style sheet says how far. */
  #fit() {
    const { field } = this;
    if (!field) return;
    field.style.height = 'auto';
    if (field.scrollHeight > 0) field.style.height = `${field.scrollHeight + 2}px`;
  }

  #changed() {
    this.#fit();
    this.#suggest();
    this.#draw();
  }

  #key(event) {
    if (event.isComposing) return;
    const open = this.suggested.length > 0;
    if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      this.at = (this.at + (event.key === 'ArrowDown' ? 1 : this.suggested.length - 1)) % this.suggested.length;
      this.#draw();
    } else if (open && (event.key === 'Tab' || event.key === 'Enter')) {
      event.preventDefault();
      this.#complete(this.suggested[this.at]);
    } else if (event.key === 'Escape' && (open || this.replyTo || this.editing)) {
      event.stopPropagation();
      if (open) this.suggested = [];
      else this.drop();
      this.#draw();
    } else if (event.key === 'Enter' && !event.shiftKey && !matchMedia('(pointer: coarse)').matches) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === 'ArrowUp' && this.text === '' && this.last()) {
      event.preventDefault();
      this.edit(this.last());
    }
  }

  // ---- mentions

  #word() {
    const before = this.text.slice(0, this.field.selectionStart);
    return /(?:^|\s)@([A-Za-z0-9._-]*)$/.exec(before)?.[1] ?? null;
  }

  #suggest() {
    const word = this.#word()?.toLowerCase();
    this.at = 0;
    this.suggested = word === undefined ? [] : this.people().filter(({ userId, name }) => (
      userId.toLowerCase().startsWith(word) || name.toLowerCase().startsWith(word))).slice(0, SUGGESTED_MOST);
  }

  #complete({ userId }) {
    const end = this.field.selectionStart, start = end - this.#word().length;
    this.field.setRangeText(`${userId} `, start, end, 'end');
    this.#changed();
    this.focus();
  }

  insert(text) {
    this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, 'end');
    this.#changed();
    this.focus();
  }

  // ---- how it looks

  #strip() {
    const { replyTo, editing } = this;
    if (!replyTo && !editing) return nothing;
    return html`<div class="strip">${icon(editing ? 'edit' : 'reply')}
      <span>${editing ? 'Editing your message' : html`Replying to <bdi>${replyTo.name}</bdi>`}</span>
      <span class="what" dir="auto">${(replyTo ?? editing).content?.slice(0, 120)}</span>
      <button type="button" class="tool" aria-label=${editing ? 'Stop editing' : 'Do not reply'} @click=${() => this.drop()}>${icon('close')}</button></div>`;
  }

  #list() {
    if (this.suggested.length === 0) return nothing;
    return html`<ul class="suggested" role="listbox" id="${this.id}-list" aria-label="People to mention">
      ${this.suggested.map((person, i) => html`<li role="option" id="${this.id}-${i}" aria-selected=${i === this.at}
        @pointerdown=${(event) => { event.preventDefault(); this.#complete(person); }}><bdi>${person.name}</bdi> <span class="soft">@${person.userId}</span></li>`)}
    </ul>`;
  }

  #count() {
    const over = this.field ? this.#bytes - BYTES_MOST : -BYTES_MOST;
    if (over < -1000) return nothing;
    return html`<p class=${over > 0 ? 'count over' : 'count'} role="status">${over > 0 ? `${over} bytes too long` : `${-over} bytes left`}</p>`;
  }

  /** What has the focus may go in a draw, and tells that it is blurred: that is no reason for another. */
  #draw() {
    if (this.drawing) return;
    this.drawing = true;
    try { this.#drawNow(); } finally { this.drawing = false; }
  }

  #drawNow() {
    const open = this.suggested.length > 0;
    render(html`${this.reason ? html`<p class="may-not">${this.reason}</p>` : nothing}
      ${this.#strip()}${this.#list()}
      <form class="composer" ?hidden=${Boolean(this.reason)} @submit=${(event) => { event.preventDefault(); this.#submit(); }}>
        <button type="button" class="tool" title="Emoji" aria-label="Emoji" @click=${(event) => this.pick(event.currentTarget, (emoji) => this.insert(emoji))}>${icon('smile')}</button>
        <textarea rows="1" dir="auto" aria-label=${this.placeholder ?? 'Message'} placeholder=${this.placeholder ?? 'Message'} enterkeyhint="send" spellcheck="true"
          role=${open ? 'combobox' : nothing} aria-expanded=${open ? 'true' : nothing} aria-controls=${open ? `${this.id}-list` : nothing}
          aria-activedescendant=${open ? `${this.id}-${this.at}` : nothing}
          @input=${() => { this.#changed(); this.typing(this.text !== '' && !this.editing); }}
          @keydown=${(event) => this.#key(event)} @blur=${() => { this.suggested = []; this.#draw(); }}></textarea>
        <button type="submit" class="tool send" title="Send" aria-label="Send">${icon('send')}</button>
      </form>${this.#count()}`, this.root);
  }
}
