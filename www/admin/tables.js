// tables.js - who is connected, which rooms there are, and what was done.

import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { repeat } from '../vendor/lit-html/directives/repeat.js';
import { fullTimeOf, timeOf } from '../view/time.js';
import { bytes, span } from './figures.js';

const since = (ms) => span(Math.max(0, Date.now() - ms) / 1000);
const bannable = ({ rooms }) => rooms.some((room) => !room.startsWith('@'));
const act = (words, run, bad = true) => html`<button type="button" class=${bad ? 'act bad' : 'act'} @click=${run}>${words}</button>`;

export const connections = ({ total, hubs, connections: all }, run) => html`
  <table><thead><tr><th scope="col">Who</th><th scope="col">Rooms</th><th scope="col">Form</th><th scope="col">For</th><th scope="col">Got</th><th scope="col">Waits</th><th scope="col">From</th><th scope="col"><span class="sr">What to do</span></th></tr></thead>
  <tbody>${repeat(all, ({ id }) => id, (one) => html`<tr>
    <th scope="row"><bdi>${one.name ?? 'anonymous'}</bdi>${one.userId ? html` <span class="soft">@${one.userId}</span>` : nothing}</th>
    <td class="long">${one.rooms.join(' ')}${one.roomsTotal > one.rooms.length ? ` and ${one.roomsTotal - one.rooms.length} more` : ''}</td>
    <td>${one.form}</td><td title=${fullTimeOf(Date.parse(one.since))}>${since(Date.parse(one.since))}</td>
    <td title=${`${one.events} events`}>${bytes(one.bytes)}</td><td class=${one.waiting > 0 ? 'strong' : ''}>${bytes(one.waiting)}</td><td>${one.address ?? '–'} <span class="soft">${one.hub}</span></td>
    <td class="acts">${act('End', () => run.end(one))}${one.userId ? html`${act('Kick', () => run.kick(one))}${bannable(one) ? act('Ban…', () => run.ban(one)) : nothing}${act('Revoke…', () => run.revoke(one))}` : nothing}</td></tr>`)}</tbody></table>
  <p class="soft">${all.length < total ? `The first ${all.length} of ${total}.` : total === 1 ? 'One connection.' : `${total} connections.`}
    ${hubs.asked !== hubs.answered ? html` <strong>${hubs.answered} of ${hubs.asked} hubs answered.</strong>` : nothing}</p>`;

export const rooms = (all) => html`
  <table><thead><tr><th scope="col">Room</th><th scope="col">Topic</th><th scope="col">Mode</th><th scope="col">People</th><th scope="col">Streams</th><th scope="col">Last message</th></tr></thead>
  <tbody>${repeat(all, ({ name }) => name, (room) => html`<tr><th scope="row"><a href=${`./#${room.name}`}><bdi>${room.name}</bdi></a></th><td class="long" dir="auto">${room.topic ?? ''}</td>
    <td>${room.mode}</td><td>${room.people}</td><td>${room.online}</td><td>${room.last ? html`<time title=${fullTimeOf(parseInt(room.last, 10))}>${since(parseInt(room.last, 10))} ago</time>` : '–'}</td></tr>`)}</tbody></table>
  ${all.length === 0 ? html`<p class="soft">There is no room yet.</p>` : nothing}`;

export const audit = (events) => html`<div class="audit" role="log" aria-label="Audit" tabindex="0"><ol>${repeat(events, ({ id }) => id, (event) => html`<li>
  <time title=${fullTimeOf(Date.parse(event.timestamp))}>${timeOf(Date.parse(event.timestamp))}</time> <bdi class="strong">${event.name ?? 'earshot'}</bdi> <span dir="auto">${event.content ?? event.type}</span></li>`)}</ol></div>
  ${events.length === 0 ? html`<p class="soft">Nothing yet.</p>` : nothing}`;
