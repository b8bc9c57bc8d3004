// picker.js - the emoji picker: a panel by the button that opened it, with a search, used by keys alone too.

import { html, nothing, render } from '../vendor/lit-html/lit-html.js';

const COLUMNS = 8, FOUND_MOST = 64, RECENT_MOST = 16;
const USUAL = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👀'];
const PLACE = 'earshot emoji';

let loading;
/** [[group, [[emoji, name], ...]], ...], asked for when somebody first opens the picker. */
const load = () => (loading ??= fetch(new URL('../vendor/emoji.json', import.meta.url)).then((answer) => answer.json()).catch(() => { loading = null; return []; }));

function recent() {
  try { return JSON.parse(localStorage.getItem(PLACE)) ?? []; } catch { return []; }
}
function remember(emoji) {
  try { localStorage.setItem(PLACE, JSON.stringify([emoji, ...recent().filter((one) => one !== emoji)].slice(0, RECENT_MOST))); } catch { /* not kept */ }
}

export class Picker {
  /** `parent`: where the panel goes, an element that is positioned. */
  constructor(parent) {
    this.panel = document.createElement('div');
    this.panel.className = 'picker';
    this.panel.hidden = true;
    this.panel.setAttribute('role', 'dialog');
    this.panel.setAttribute('aria-label', 'Choose an emoji');
    this.panel.addEventListener('keydown', (event) => this.#key(event));
    this.panel.addEventListener('focusout', ({ relatedTarget }) => { if (relatedTarget && !this.panel.contains(relatedTarget)) this.close(false); });
    const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: new URL('picker.css', import.meta.url).href });
    this.styled = new Promise((resolve) => { style.onload = style.onerror = resolve; });
    parent.append(style, this.panel);
    this.outside = (event) => { if (!this.panel.hidden && !event.composedPath().includes(this.panel) && !event.composedPath().includes(this.by)) this.close(false); };
    document.addEventListener('pointerdown', this.outside);
  }

  destroy() { document.removeEventListener('pointerdown', this.outside); }

  /** Opens beside a button; calls `chosen(emoji)` once. A second press of the button closes it. */
  async open(by, chosen) {
    if (!this.panel.hidden && this.by === by) return this.close();
    await this.styled;
    Object.assign(this, { by, chosen, search: '' });
    this.panel.hidden = false;
    this.#draw();
    this.#place();
    this.panel.querySelector('input').focus();
    this.groups = await load();
    if (!this.panel.hidden) this.#draw();
  }

  close(back = true) {
    if (this.panel.hidden) return;
    this.panel.hidden = true;
    if (back) this.by?.focus();
  }

  #place() {
    const box = this.panel.parentElement.getBoundingClientRect(), by = this.by.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.panel;
    const above = by.top - box.top - height - 6, below = by.bottom - box.top + 6;
    this.panel.style.top = `${Math.max(4, above > 4 ? above : Math.min(below, box.height - height - 4))}px`;
    this.panel.style.left = `${Math.max(4, Math.min(by.left - box.left, box.width - width - 4))}px`;
  }

  #choose(emoji) {
    remember(emoji);
    this.close();
    this.chosen(emoji);
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.close();
    } else if (event.key === 'Enter' && event.target.matches('input')) {
      event.preventDefault();
      this.panel.querySelector('.emoji')?.click();
    } else if (step && !(event.target.matches('input') && event.key !== 'ArrowDown')) {
      event.preventDefault();
      const all = [...this.panel.querySelectorAll('.emoji')], at = all.indexOf(event.target);
      if (at + step < 0) this.panel.querySelector('input').focus();
      else all[at < 0 ? 0 : Math.min(all.length - 1, at + step)]?.focus();
    }
  }

  #found() {
    const words = this.search.toLowerCase().split(/\s+/).filter(Boolean);
    return this.groups.flatMap(([, emoji]) => emoji).filter(([, name]) => words.every((word) => name.includes(word))).slice(0, FOUND_MOST);
  }

  #draw() {
    const one = ([emoji, name]) => html`<button type="button" class="emoji" title=${name} aria-label=${name} @click=${() => this.#choose(emoji)}>${emoji}</button>`;
    const group = (title, list) => html`<section aria-label=${title}><h2>${title}</h2><div class="grid">${list.map(one)}</div></section>`;
    const named = (emoji) => [emoji, this.groups?.flatMap(([, list]) => list).find(([text]) => text === emoji)?.[1] ?? emoji];
    const usual = [...new Set([...recent(), ...USUAL])].slice(0, RECENT_MOST);
    render(html`
      <input type="search" placeholder="Search emoji" aria-label="Search emoji" autocomplete="off" spellcheck="false" .value=${this.search}
        @input=${(event) => { this.search = event.target.value; this.#draw(); }}>
      <div class="groups" tabindex="-1">
        ${this.search && this.groups ? group('Found', this.#found()) : html`${group('Often used', usual.map(named))}${this.groups?.map(([title, list]) => group(title, list)) ?? nothing}`}
      </div>`, this.panel);
  }
}
