// sidebar.js - the rooms, the conversations, and who one is.

import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { repeat } from '../vendor/lit-html/directives/repeat.js';
import { icon } from '../view/icons.js';
import { avatar } from '../view/message.js';

const UNREAD_MOST = 99;

const badge = ({ unread, mentioned }) => (unread > 0 ? html`<span class=${`badge${mentioned ? ' strong' : ''}`}><span aria-hidden="true">${mentioned ? '@' : ''}${unread > UNREAD_MOST ? `${UNREAD_MOST}+` : unread}</span><span class="sr">, ${unread} unread${mentioned ? ', you are mentioned' : ''}</span></span>` : nothing);

const entry = (current) => (room) => html`<li><a href=${`#${room.name}`} class=${`entry${room.unread > 0 ? ' has-unread' : ''}`} aria-current=${room.name === current ? 'page' : nothing}>
  <span class="mark" aria-hidden="true">${room.direct ? avatar(room.title, room.title) : '#'}</span><span class="title"><bdi>${room.title}</bdi></span>${badge(room)}</a></li>`;

const section = (title, rooms, current, more = nothing) => html`<section aria-label=${title}>
  <div class="section-head"><h2>${title}</h2>${more}</div>
  <ul>${repeat(rooms, ({ name }) => name, entry(current))}</ul></section>`;

const me = ({ client, run }) => (client.me?.userId ? html`<div class="me">${avatar(client.me.userId, client.me.name)}
    <div class="who"><span><bdi>${client.me.name}</bdi></span><span class="soft">${client.me.guest ? 'Guest' : `@${client.me.userId}`}</span></div>
    <button type="button" class="link" @click=${run.logout}>${client.me.guest ? 'Leave' : 'Log out'}</button></div>`
  : html`<div class="me"><div class="who"><span class="soft">Nobody knows your name.</span></div><button type="button" class="button first" @click=${() => run.signIn()}>Sign in</button></div>`);

/** `run`: what the page does. */
export function sidebar({ client, rooms, current, theme, run }) {
  const byTitle = (a, b) => a.title.localeCompare(b.title);
  const mine = rooms.filter(({ joined, direct, name }) => !direct && (joined || name === current)).sort(byTitle);
  const others = rooms.filter(({ joined, direct, name }) => !direct && !joined && name !== current).sort(byTitle);
  const signedIn = Boolean(client.me?.userId);
  const add = (title, act) => html`<button type="button" class="tool" title=${title} aria-label=${title} @click=${act}>${icon('plus')}</button>`;
  return html`
    <header class="brand"><span class="logo" aria-hidden="true"></span><h2>earshot</h2>
      <button type="button" class="tool" title=${theme === 'dark' ? 'Light colours' : 'Dark colours'} aria-label=${theme === 'dark' ? 'Light colours' : 'Dark colours'} @click=${run.theme}>${icon(theme === 'dark' ? 'sun' : 'moon')}</button>
      <button type="button" class="tool narrow" aria-label="Close the list of rooms" @click=${run.closeSides}>${icon('close')}</button></header>
    <nav aria-label="Conversations">
      ${section('Rooms', mine, current, signedIn ? add('New room', run.newRoom) : nothing)}
      ${signedIn ? section('Direct messages', rooms.filter(({ direct }) => direct), current, add('Write to somebody', run.message)) : nothing}
      ${others.length > 0 ? section('More rooms', others, current) : nothing}
    </nav>
    ${me({ client, run })}`;
}

/** Who is in the room. */
export function people({ client, room, run }) {
  const { people: all } = room.state;
  return html`<header class="side-head"><h2>People here</h2><span class="soft">${all.length}</span><button type="button" class="tool narrow" aria-label="Close the list of people" @click=${run.closeSides}>${icon('close')}</button></header>
    ${all.length === 0 ? html`<p class="note">Nobody with a name</p>` : nothing}
    <ul class="people">${repeat(all, ({ userId }) => userId, (person) => html`<li>${client.me?.userId && person.userId !== client.me.userId
      ? html`<a class="entry" href=${`#${client.direct(person.userId).name}`} title="Write to them alone">${avatar(person.userId, person.name)}<span class="title"><bdi>${person.name}</bdi></span></a>`
      : html`<span class="entry">${avatar(person.userId, person.name)}<span class="title"><bdi>${person.name}</bdi></span>${person.userId === client.me?.userId ? html`<span class="soft">you</span>` : nothing}</span>`}</li>`)}</ul>`;
}
