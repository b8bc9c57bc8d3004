// admin.js - the admin page: how all goes, live over earshot itself, and what one can do about it.

import { html, nothing, render } from '../vendor/lit-html/lit-html.js';
import { Api, path } from '../client/api.js';
import { Link } from '../client/link.js';
import { ask, field } from '../view/dialog.js';
import { connectionWords } from '../view/connection.js';
import { Figures } from './figures.js';
import * as tables from './tables.js';

const CONNECTIONS_MS = 5000, ROOMS_MS = 10000, AUDIT_MOST = 200;
const TOKEN = 'earshot admin token';
const root = document.getElementById('admin');

const state = { me: null, error: null, words: null, connection: { state: 'connecting' }, connections: null, rooms: null, audit: [], room: '', user: '' };
const figures = new Figures();
const url = new URL('v1', document.baseURI).href;
let api = new Api({ url, token: sessionStorage.getItem(TOKEN) });
let links = [], timers = [], turn = 0; // a turn: from one coming in to the next

// ---- coming in

async function start() {
  state.error = null;
  try {
    state.me = await api.json('GET', 'auth/me');
  } catch (error) {
    state.me = null;
    state.error = error.status === 401 ? null : error.message;
    if (error.status === 401) leave();
  }
  if (state.me?.role === 'admin') watch();
  draw();
}

async function enter(event) {
  event.preventDefault();
  const { token, user, password } = Object.fromEntries(new FormData(event.target));
  try {
    if (token) {
      api.token = token.trim();
      sessionStorage.setItem(TOKEN, api.token);
    } else {
      await api.json('POST', 'auth/login', { body: { user, password, cookie: true } });
    }
    await start();
    if (state.me?.role !== 'admin') {
      state.error = state.me ? `${state.me.name} is no admin.` : 'The token is not good.';
      await logout();
    }
  } catch (error) {
    state.error = error.message;
  }
  draw();
}

function leave() {
  links.forEach((link) => link.close());
  timers.forEach(clearInterval);
  links = [];
  timers = [];
  turn++;
  api = new Api({ url });
  sessionStorage.removeItem(TOKEN);
}

async function logout() {
  await api.json('POST', 'auth/logout').catch(() => {});
  leave();
  state.me = null;
  draw();
}

// ---- what comes

function follow(room, since, take) {
  const link = new Link({ api });
  link.on('events', (events) => { events.forEach(take); draw(); });
  link.on('state', (status) => {
    state.connection = status;
    if (status.state === 'ended') {
      leave();
      Object.assign(state, { me: null, error: status.error?.message ?? 'You were signed out.' });
    }
    draw();
  });
  link.on('expiring', () => api.renew().then((held) => { if (held && api.token) sessionStorage.setItem(TOKEN, api.token); }, () => {}));
  link.follow(new Map([[room, since]]));
  links.push(link);
}

async function watch() {
  follow('@!figures', '0-0', (event) => { if (event.type === 'figures') figures.take(event); });
  const every = (run, ms) => {
    const guarded = () => { if (document.visibilityState === 'visible') run().then(draw, (error) => { state.words = error.message; draw(); }); };
    guarded();
    timers.push(setInterval(guarded, ms));
  };
  every(readConnections, CONNECTIONS_MS);
  every(readRooms, ROOMS_MS);
  try {
    const mine = turn, { events, cursor } = await api.json('GET', 'admin/audit', { query: { limit: 50 } });
    if (mine !== turn) return;
    state.audit = events.reverse();
    follow('@!audit', cursor, (event) => { if (event.id) state.audit = [event, ...state.audit].slice(0, AUDIT_MOST); });
  } catch (error) {
    state.words = error.message;
  }
}

async function readConnections() {
  const query = { limit: 200, ...(state.room && { room: state.room }), ...(state.user && { user: state.user }) };
  state.connections = await api.json('GET', 'admin/connections', { query });
}

async function readRooms() { state.rooms = (await api.json('GET', 'rooms')).rooms; }

// ---- what one does

async function doing(run, words) {
  try {
    await run();
    state.words = words;
    await readConnections();
  } catch (error) {
    state.words = error.message;
  }
  draw();
}

const who = ({ name, userId }) => (name && name !== userId ? `${name} (${userId})` : userId);
const run = {
  end: (one) => doing(() => api.json('DELETE', path('admin', 'connections', one.id)), 'The connection was ended; its client may come back.'),
  kick: (one) => doing(() => api.json('POST', 'admin/kick', { body: { user: one.userId } }), `All connections of ${who(one)} were ended.`),
  ban: async (one) => {
    const done = await ask({
      title: `Ban ${who(one)}`, ok: 'Ban', bad: true,
      body: html`<label class="field"><span>From which room</span><select name="room">${one.rooms.filter((room) => !room.startsWith('@')).map((room) => html`<option>${room}</option>`)}</select></label>
        ${field('For how long', 'for', { required: false, hint: '10m, 2h, 7d; nothing: for ever' })}`,
      run: ({ room, for: time }) => api.json('PUT', path('rooms', room, 'bans', one.userId), { body: time ? { for: time } : {} }).then(() => true),
    });
    if (done) doing(async () => {}, `${who(one)} is banned.`);
  },
  revoke: async (one) => {
    const done = await ask({
      title: `Sign ${who(one)} out everywhere?`, ok: 'Revoke', bad: true,
      body: html`<p>All tokens of this user stop to hold at once. Who has an account may sign in again.</p>`,
      run: () => api.json('POST', 'admin/revoke', { body: { user: one.userId } }).then(() => true),
    });
    if (done) doing(async () => {}, `The tokens of ${who(one)} hold no longer.`);
  },
};

// ---- how it looks

const signIn = () => html`<main class="enter"><h1>How it goes</h1><p class="soft">For admins.</p>
  ${state.error ? html`<p class="failed" role="alert">${state.error}</p>` : nothing}
  <form @submit=${enter}>${field('User', 'user', { autocomplete: 'username' })}${field('Password', 'password', { type: 'password', most: 1024, autocomplete: 'current-password' })}<button class="button first">Sign in</button></form>
  <p class="or">or</p>
  <form @submit=${enter}>${field('A token', 'token', { type: 'password', most: 4096, hint: 'earshot token --user root --role admin' })}<button class="button">Use the token</button></form></main>`;

const filters = () => html`<form class="filters" @submit=${(event) => { event.preventDefault(); Object.assign(state, Object.fromEntries(new FormData(event.target))); doing(readConnections, null); }}>
  <label><span>Room</span><input name="room" autocomplete="off"></label><label><span>User</span><input name="user" autocomplete="off"></label><button class="button">Filter</button></form>`;

function page() {
  const { words, count, kind } = connectionWords(state.connection), warnings = figures.warnings();
  return html`<header class="top"><span class="logo" aria-hidden="true"></span><h1>How it goes</h1>
      <p class=${`state ${kind}`} role="status">${kind === 'good' ? 'Live' : words} <span aria-hidden="true">${count}</span></p>
      <a href="./">To the chat</a><bdi class="soft">${state.me.name}</bdi><button type="button" class="link" @click=${logout}>Sign out</button></header>
    <main>
      ${warnings.map((warning) => html`<p class="warning" role="alert">${warning}</p>`)}
      ${state.words ? html`<p class="words" role="status">${state.words} <button type="button" class="link" @click=${() => { state.words = null; draw(); }}>Dismiss</button></p>` : nothing}
      <section aria-labelledby="h-figures"><h2 id="h-figures">Now, and the last five minutes</h2>${figures.tiles()}</section>
      <section aria-labelledby="h-connections"><div class="section-head"><h2 id="h-connections">Connections</h2>${filters()}</div><div class="scroll" tabindex="0" role="group" aria-label="List of connections">${state.connections ? tables.connections(state.connections, run) : html`<p class="soft">Asking…</p>`}</div></section>
      <div class="pair">
        <section aria-labelledby="h-rooms"><h2 id="h-rooms">Rooms</h2><div class="scroll" tabindex="0" role="group" aria-label="List of rooms">${state.rooms ? tables.rooms(state.rooms) : html`<p class="soft">Asking…</p>`}</div></section>
        <section aria-labelledby="h-redis"><h2 id="h-redis">Redis and readers</h2>${figures.redis()}</section>
      </div>
      <section aria-labelledby="h-audit"><h2 id="h-audit">What was done</h2>${tables.audit(state.audit)}</section>
    </main>`;
}

let due = 0;
function draw() { due ||= requestAnimationFrame(() => { due = 0; render(state.me?.role === 'admin' ? page() : signIn(), root); }); }

start();
