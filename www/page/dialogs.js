// dialogs.js - the questions that the page asks.

import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { ask, field } from '../view/dialog.js';

export { confirm } from '../view/dialog.js';

/** Name as a guest, log in, or register. */
export function signIn(client, way = 'guest') {
  const ways = { guest: ['As a guest', 'Join'], login: ['Log in', 'Log in'], register: ['Register', 'Register'] };
  const user = { pattern: '[A-Za-z0-9._\\-]{1,64}', autocomplete: 'username' };
  return ask({
    title: 'Who are you?',
    ok: () => ways[way][1],
    body: (draw) => html`
      <div class="ways" role="radiogroup" aria-label="How to come in">${Object.entries(ways).map(([key, [title]]) => html`
        <label><input type="radio" name="way" value=${key} .checked=${key === way} @change=${() => { way = key; draw(); }}><span>${title}</span></label>`)}</div>
      ${way === 'guest' ? field('Your name', 'name', { autocomplete: 'nickname' }) : html`
        ${field('User', 'user', { ...user, hint: way === 'register' ? 'Letters, digits and . _ -' : undefined })}
        ${way === 'register' ? field('Name that others see', 'name', { autocomplete: 'nickname' }) : nothing}
        ${field('Password', 'password', { type: 'password', most: 1024, autocomplete: way === 'login' ? 'current-password' : 'new-password' })}`}`,
    run: ({ name, user: who, password }) => (way === 'guest' ? client.guest(name) : way === 'login' ? client.login(who, password) : client.register(who, password, name)),
  });
}

const ROOM_NAME = { pattern: '[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}', hint: 'Letters, digits and . _ -' };

export function newRoom(client) {
  return ask({
    title: 'New room',
    ok: 'Make the room',
    body: html`${field('Name', 'name', ROOM_NAME)}${field('Topic', 'topic', { required: false, most: 1024 })}
      <label class="field"><span>Who may come in</span><select name="mode"><option value="open">Everybody</option><option value="moderated">Everybody reads, members write</option><option value="members">Only members</option></select></label>`,
    run: async ({ name, topic, mode }) => { await client.configure(name, { topic, mode }); return name; },
  });
}

export function changeTopic(client, room, topic) {
  return ask({ title: `Topic of ${room}`, ok: 'Save', body: field('Topic', 'topic', { required: false, most: 1024, value: topic ?? '' }), run: ({ topic: text }) => client.configure(room, { topic: text }) });
}

export function message(client) {
  return ask({
    title: 'Write to somebody',
    ok: 'Open',
    body: field('User', 'user', { pattern: '[A-Za-z0-9._\\-]{1,64}', hint: 'The name that stands behind @' }),
    run: ({ user }) => client.direct(user).name,
  });
}
