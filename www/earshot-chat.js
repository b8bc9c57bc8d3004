// earshot-chat.js - <earshot-chat room="lobby" src="/chat">: a room on any page.
//
//   <script type="module" src="https://chat.example.org/chat/earshot-chat.js"></script>
//   <earshot-chat room="lobby" src="https://chat.example.org/chat"></earshot-chat>
//
// Attributes: `room`; `src`, where the page's files and its `v1` are (the folder of this file unless given); `token`, or
// the property `token`, a text or a function that gives one; `name`, with which a guest comes in; `theme`, light or dark.
// It looks as its CSS properties say (--earshot-accent and others, view/theme.css) and is as large as its style says.
// Events, which bubble: `earshot-message` for each that comes, `earshot-state` when the connection changes.

import { html, nothing, render } from './vendor/lit-html/lit-html.js';
import { Earshot } from './earshot.js';
import { connectionWords } from './view/connection.js';
import { Chat } from './view/chat.js';

const here = new URL('.', import.meta.url).href;
const clients = new Map(); // elements with the same address and no token of their own share one connection

class EarshotChat extends HTMLElement {
  static observedAttributes = ['room', 'src', 'token', 'name', 'theme'];

  #chat = null;
  #client = null;
  #off = [];
  #token = null;
  #due = false;

  constructor() {
    super();
    this.attachShadow({ mode: 'open' });
  }

  get token() { return this.#token ?? this.getAttribute('token'); }
  set token(token) {
    this.#token = token;
    this.#again();
  }

  /** The Earshot object behind it. */
  get client() { return this.#client; }

  connectedCallback() { this.#again(); }
  disconnectedCallback() { this.#stop(); }
  attributeChangedCallback(name, before, now) { if (before !== now && this.isConnected) this.#again(); }

  /** Several attributes that change together are one change. */
  #again() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#stop();
      if (this.isConnected) this.#start();
    });
  }

  #start() {
    const { shadowRoot: shadow } = this;
    const src = new URL(`${(this.getAttribute('src') ?? here).replace(/\/+$/, '')}/`, document.baseURI);
    const theme = this.getAttribute('theme');
    if (theme) this.dataset.theme = theme;
    else delete this.dataset.theme;
    this.#client = this.#connect(new URL('v1', src).href);
    const room = this.#client.room(this.getAttribute('room') || 'lobby');
    render(html`
      ${['theme', 'chat', 'element'].map((sheet) => html`<link rel="stylesheet" href=${new URL(`view/${sheet}.css`, here).href}>`)}
      <section class="frame" aria-label=${`Chat: ${room.name}`}><header></header><div class="words" role="status"></div><div class="room"></div></section>`, shadow);
    const frame = shadow.querySelector('.frame'), sheets = [...shadow.querySelectorAll('link')].filter(({ sheet }) => !sheet);
    frame.hidden = sheets.length > 0; // not to be seen without its style
    Promise.all(sheets.map((sheet) => new Promise((done) => { sheet.onload = sheet.onerror = done; }))).then(() => { frame.hidden = false; });
    const box = document.createElement('div');
    shadow.querySelector('.room').replaceChildren(box);
    this.#chat = new Chat(box, { client: this.#client, room, confirm: async (question) => globalThis.confirm(question), threads: false });
    const draw = () => this.#draw(room);
    this.#off = [
      this.#client.on('connection', (connection) => { draw(); this.#tell('state', connection); }),
      this.#client.on('me', draw),
      this.#client.on('again', () => this.#again()),
      room.on('change', draw),
      room.on('event', (event) => this.#tell('message', event)),
    ];
    this.#comeIn(this.getAttribute('name'));
    draw();
  }

  #connect(url) {
    if (this.token) {
      const client = new Earshot({ url, token: this.token });
      this.#off.push(() => client.close());
      this.own = client;
      return client;
    }
    // A browser keeps no cookie of another site: there the token is kept in memory.
    const token = new URL(url).origin === location.origin ? null : '';
    const shared = clients.get(url) ?? { client: new Earshot({ url, token }), uses: 0, named: null };
    shared.uses++;
    clients.set(url, shared);
    return shared.client;
  }

  /** With the name of the attribute, where nobody is signed in; once for all elements of one connection. */
  #comeIn(name) {
    const client = this.#client, once = [...clients.values()].find((shared) => shared.client === client) ?? {};
    if (!name || client.api.token) return;
    once.named ??= client.ready.then(() => (client.me?.userId ? null : client.guest(name))).catch((error) => { this.words = error.message; });
  }

  #stop() {
    this.#chat?.close();
    this.#off.forEach((off) => off());
    this.#off = [];
    const shared = [...clients].find(([, { client }]) => client === this.#client);
    if (this.own) this.own.close();
    else if (shared && --shared[1].uses === 0) {
      clients.delete(shared[0]);
      shared[1].client.close();
    }
    this.#chat = this.#client = this.own = null;
  }

  #tell(what, detail) { this.dispatchEvent(new CustomEvent(`earshot-${what}`, { detail, bubbles: true, composed: true })); }

  #draw(room) {
    const client = this.#client, { words, count, kind } = connectionWords(client.connection), { people } = room.state;
    render(html`<h2><bdi>${room.name}</bdi></h2><span class="soft">${people.length === 1 ? '1 person' : `${people.length} people`}</span>
      ${client.me && !client.me.userId ? html`<form @submit=${(event) => this.#join(event)}><input name="name" required maxlength="64" aria-label="Your name" placeholder="Your name" autocomplete="nickname"><button class="button first">Join</button></form>`
    : html`<bdi class="soft own">${client.me?.name ?? ''}</bdi>`}`, this.shadowRoot.querySelector('header'));
    render(html`<p class=${kind === 'good' ? 'sr' : kind}>${words} <span aria-hidden="true">${count}</span></p>${this.words ? html`<p class="bad">${this.words}</p>` : nothing}`, this.shadowRoot.querySelector('.words'));
  }

  async #join(event) {
    event.preventDefault();
    const { name } = Object.fromEntries(new FormData(event.target)), client = this.#client;
    try {
      this.words = null;
      await client.guest(name);
    } catch (error) {
      this.words = error.message;
      this.#draw(client.room(this.getAttribute('room') || 'lobby'));
    }
  }
}

customElements.define('earshot-chat', EarshotChat);
