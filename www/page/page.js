// page.js - the page: which room is shown, and what stands around it. Runs everything that index.html shows.

import { html, nothing, render } from '../vendor/lit-html/lit-html.js';
import { titleOf } from '../client/directory.js';
import { Earshot } from '../earshot.js';
import { Chat } from '../view/chat.js';
import { icon } from '../view/icons.js';
import { connectionWords } from '../view/connection.js';
import { fetchOnce, first, kept, wanted } from './first.js';
import { people, sidebar } from './sidebar.js';

const REFRESH_MS = 60000;
const PATIENCE_MS = 800;

/** When somebody first asks for one. */
const dialogs = () => import('./dialogs.js').catch(() => { throw new Error('This cannot be opened now: its file did not come.'); });
/** What goes wrong is said. */
const saying = (act) => (...args) => Promise.resolve(act(...args)).catch((error) => alertWords(error.message));
const client = new Earshot({ url: 'v1', everything: true, fetch: fetchOnce });
const root = document.documentElement;
const state = { chat: null, thread: null, side: null, shown: null };
globalThis.earshot = client; // for whoever looks with the browser's tools

// ---- the frame, once; what is in it is drawn anew as it changes

render(html`
  <a class="skip" href="#chat" @click=${(event) => { event.preventDefault(); state.chat.composer.focus(); }}>To the message field</a>
  <aside id="rooms" aria-label="Rooms and you"></aside>
  <main><header id="head"></header><div id="banner" role="status"></div><div id="name"></div><div id="chat"></div></main>
  <aside id="side" aria-label="Beside the room"></aside>
  <div id="shade"></div>`, document.getElementById('page'));
const place = Object.fromEntries(['rooms', 'head', 'banner', 'name', 'chat', 'side', 'shade'].map((id) => [id, document.getElementById(id)]));

// ---- rooms

function show(name) {
  if (state.shown === name && state.chat?.room === client.room(name)) return;
  state.chat?.close();
  state.thread = null;
  state.shown = name;
  if (!name.startsWith('@')) kept.set(kept.room, name);
  if (location.hash.slice(1) !== name) history.replaceState(null, '', `#${name}`);
  const room = client.room(name), box = document.createElement('div');
  place.chat.replaceChildren(box);
  state.chat = new Chat(box, {
    client, room, confirm: async (...question) => (await dialogs()).confirm(...question), title: () => titleOf(name, client.me?.userId),
    onThread: (element) => { state.thread = element; state.side = element ? 'side' : null; drawNow(); },
  });
  state.off?.();
  state.off = room.on('change', changed);
  closeSides();
  if (matchMedia('(pointer: fine)').matches) state.chat.composer.focus();
}

// ---- what one does

const run = {
  signIn: saying(async (way) => (await dialogs()).signIn(client, way)),
  logout: saying(() => client.logout()),
  newRoom: saying(async () => { const name = await (await dialogs()).newRoom(client); if (name) { await client.refresh(); location.hash = name; } }),
  message: saying(async () => { const name = await (await dialogs()).message(client); if (name) location.hash = name; }),
  topic: saying(async () => (await dialogs()).changeTopic(client, state.shown, client.room(state.shown).state.topic)),
  theme: () => { const now = theme() === 'dark' ? 'light' : 'dark'; kept.set(kept.theme, now); root.dataset.theme = now; draw(); },
  openSide: (side) => { state.side = side; draw(); place[side].querySelector('button, a')?.focus(); },
  closeSides: () => closeSides(),
  join: saying((event) => {
    event.preventDefault();
    return client.guest(new FormData(event.target).get('name'));
  }),
};

function closeSides() {
  if (state.thread) state.chat.closeThread();
  state.side = null;
  draw();
}

function alertWords(words) {
  state.words = words;
  clearTimeout(state.wordsTimer);
  state.wordsTimer = setTimeout(() => { state.words = null; draw(); }, 8000);
  draw();
}

const theme = () => root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');

// ---- how it looks

const head = (room) => {
  const { state: about } = room, owner = about.role === 'owner';
  return html`<button type="button" class="tool narrow" aria-label="Show the rooms" @click=${() => run.openSide('rooms')}>${icon('menu')}${unreadElsewhere() ? html`<span class="dot"><span class="sr">, unread elsewhere</span></span>` : nothing}</button>
    <div class="titles"><h1><bdi>${titleOf(room.name, client.me?.userId)}</bdi></h1>
      ${about.topic ? html`<p class="soft" dir="auto">${about.topic}</p>` : nothing}
      ${owner && !room.name.startsWith('@') ? html`<button type="button" class="link" @click=${run.topic}>${about.topic ? 'Change' : 'Set a topic'}</button>` : nothing}</div>
    <button type="button" class="tool narrow-wide" aria-label=${`People here: ${about.people.length}`} @click=${() => run.openSide('side')}>${icon('people')} <span>${about.people.length}</span></button>`;
};

const unreadElsewhere = () => client.rooms.some(({ name, unread }) => unread > 0 && name !== state.shown);

function banner() {
  const { words, count, kind, retry, signIn } = connectionWords(client.connection);
  // What passes in a moment is not worth a line that moves all.
  const quiet = kind === 'good' || (kind === 'busy' && Date.now() - state.changedAt < 1500);
  return html`<p class=${`connection ${kind}${quiet ? ' sr' : ''}`}>${words} <span aria-hidden="true">${count}</span>
      ${retry ? html`<button type="button" class="link" @click=${() => client.wake()}>Now</button>` : nothing}
      ${signIn ? html`<button type="button" class="link" @click=${() => run.signIn('login')}>Sign in</button>` : nothing}</p>
    ${state.words ? html`<p class="connection bad">${state.words}</p>` : nothing}`;
}

const nameBar = () => (client.me && !client.me.userId ? html`<form class="name-bar" @submit=${run.join}>
  <label class="field-inline"><span>Your name</span><input name="name" required maxlength="64" autocomplete="nickname" placeholder="How others see you"></label>
  <button class="button first">Join</button><button type="button" class="button" @click=${() => run.signIn('login')}>Log in</button></form>` : nothing);

let due = 0;
/** The lists, as far as they are known; what is unread stands in the title too, also while nothing is drawn. */
function retitle() {
  // What is seen as it comes is not unread, though the server learns it a moment later.
  const seen = document.visibilityState === 'visible' && document.hasFocus() && state.chat?.log.atBottom;
  const rooms = client.rooms.map((one) => (seen && one.name === state.shown ? { ...one, unread: 0, mentioned: false } : one));
  const unread = rooms.reduce((sum, { unread: count }) => sum + count, 0);
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${titleOf(state.shown ?? '', client.me?.userId)} · earshot`;
  return rooms;
}

/** What was shown at first goes when there is something else to see. */
function overtake({ loaded, error, messages }) {
  if (loaded || error || messages.length > 0 || state.shown !== first || client.connection.state !== 'connecting') document.getElementById('first')?.remove();
}

/** Also where no frame is drawn, for who looks elsewhere. */
function changed(room) {
  overtake(room);
  retitle();
  draw();
}

function draw() { due ||= requestAnimationFrame(() => { due = 0; drawNow(); }); }

function drawNow() {
  // What stands around the messages waits for the first of them, for a moment.
  if (!state.shown || (!client.room(state.shown).state.loaded && performance.now() < PATIENCE_MS)) return;
  const room = client.room(state.shown);
  overtake(room.state);
  const rooms = retitle();
  render(sidebar({ client, rooms, current: state.shown, theme: theme(), run }), place.rooms);
  render(head(room), place.head);
  render(banner(), place.banner);
  render(nameBar(), place.name);
  if (state.thread) {
    if (state.thread.parentElement !== place.side) { render(nothing, place.side); place.side.append(state.thread); }
  } else render(people({ client, room, run }), place.side);
  for (const side of ['rooms', 'side']) place[side].classList.toggle('open', state.side === side);
  place.shade.classList.toggle('open', Boolean(state.side) && !(state.thread && innerWidth > 1100));
}

// ---- what moves it

state.changedAt = Date.now();
client.on('connection', ({ state: now }) => {
  if (now !== state.connection) state.changedAt = Date.now();
  state.connection = now;
  draw();
});
client.on('rooms', () => { retitle(); draw(); });
client.on('me', draw);
client.on('again', () => { state.shown = null; show(wanted()); });
addEventListener('hashchange', () => show(wanted()));
place.shade.addEventListener('click', closeSides);
addEventListener('keydown', (event) => { if (event.key === 'Escape' && state.side && !document.querySelector('dialog[open]')) closeSides(); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
setInterval(() => { if (client.connection.state !== 'live' || state.words) draw(); }, 1000);
setInterval(() => { if (document.visibilityState === 'visible' && client.connection.state === 'live') client.refresh().catch(() => {}); }, REFRESH_MS);
show(wanted());
setTimeout(draw, PATIENCE_MS);

if ('serviceWorker' in navigator && matchMedia('(display-mode: standalone)').matches) import('./install.js');
