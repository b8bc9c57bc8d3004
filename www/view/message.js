// message.js - one message, as a template.

import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { icon } from './icons.js';
import { markdown, plain } from './markdown.js';
import { dayOf, fullTimeOf, timeOf } from './time.js';

const LONG_CHARS = 1500, LONG_LINES = 18;

/** The element of a message's text, in this view: a message never changes, so neither does that. */
function textOf(message, { texts, isMe }) {
  if (!texts.has(message)) texts.set(message, markdown(message.content ?? '', isMe));
  return texts.get(message);
}

const isLong = ({ content = '' }) => content.length > LONG_CHARS || content.split('\n', LONG_LINES + 1).length > LONG_LINES;

/** A number of 0 to 359 that is always the same for a name. */
export function hueOf(name) {
  let hash = 7;
  for (const char of name) hash = (hash * 31 + char.codePointAt(0)) % 3600;
  return hash % 360;
}

const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const initialOf = (name) => (letters.segment(name.trim())[Symbol.iterator]().next().value?.segment ?? '?').toLocaleUpperCase();

/** A round mark of somebody. Its colour is set by the style object: a policy forbids style in the page's text. */
export const avatar = (userId, name) => html`<span class="avatar" aria-hidden="true" .style=${`--hue: ${hueOf(userId ?? name)}`}>${initialOf(name)}</span>`;

const preview = (message) => (message.deleted ? 'a deleted message' : plain((message.content ?? '').slice(0, 200)));

const quote = (message, parent, act) => html`
  <button type="button" class="quote" @click=${() => act.goTo(message.replyTo)}>
    ${icon('reply')}<span class="sr">Reply to </span>${parent ? html`<bdi class="who">${parent.name}</bdi> <span class="what" dir="auto">${preview(parent)}</span>` : html`<span class="what">an earlier message</span>`}
  </button>`;

const reactions = (message, act) => {
  const all = Object.entries(message.reactions);
  if (all.length === 0) return nothing;
  return html`<div class="reactions" role="group" aria-label="Reactions">
    ${all.map(([emoji, count]) => {
      const mine = message.reacted.includes(emoji);
      return html`<button type="button" class="reaction" aria-pressed=${mine} ?disabled=${!act.canReact}
        aria-label=${`${emoji}, ${count}${mine ? ', yours too' : ''}`} @click=${() => act.react(message, emoji, !mine)}><span>${emoji}</span> ${count}</button>`;
    })}
  </div>`;
};

const tools = (message, mine, act) => html`<div class="tools" role="toolbar" aria-label="What to do with this message">
  ${act.canReact ? html`<button type="button" class="tool" title="React" aria-label="React" @click=${(event) => act.pick(message, event.currentTarget)}>${icon('smile')}</button>` : nothing}
  ${act.canWrite ? html`<button type="button" class="tool" title="Reply" aria-label="Reply" @click=${() => act.reply(message)}>${icon('reply')}</button>` : nothing}
  ${act.openThread ? html`<button type="button" class="tool" title="Open the thread" aria-label="Open the thread" @click=${() => act.openThread(message.id)}>${icon('thread')}</button>` : nothing}
  ${mine ? html`<button type="button" class="tool" title="Edit" aria-label="Edit" @click=${() => act.edit(message)}>${icon('edit')}</button>` : nothing}
  ${mine || act.moderates ? html`<button type="button" class="tool danger" title="Delete" aria-label="Delete" @click=${() => act.remove(message)}>${icon('bin')}</button>` : nothing}
</div>`;

const failed = (message, act) => html`<p class="failed" role="alert">${icon('warn')} Not sent: ${message.error?.message ?? 'the server refused it'}.
  <button type="button" class="link" @click=${() => act.retry(message.key)}>Try again</button>
  <button type="button" class="link" @click=${() => act.discard(message.key)}>Discard</button></p>`;

const body = (message, act) => {
  if (message.deleted) return html`<p class="gone">This message was deleted.</p>`;
  const open = act.isOpen(message.key), long = isLong(message);
  return html`
    <div class=${long && !open ? 'fold' : 'whole'}>${textOf(message, act)}</div>
    ${long ? html`<button type="button" class="link more" aria-expanded=${open} @click=${() => act.unfold(message.key)}>${open ? 'Show less' : 'Show all'}</button>` : nothing}
    ${message.edited ? html`<span class="edited" title=${fullTimeOf(Date.parse(message.edited))}>edited</span>` : nothing}`;
};

/** `context`: { day, unread, first, parent, tools }: the lines above it, whether it begins a group, what it replies to, and
 * whether it shows what one can do with it, which only the one that has the pointer or the focus does. */
export function messageTemplate(message, context, act) {
  const mine = act.mine(message), sent = message.state === 'sent';
  return html`
    ${context.day ? html`<div class="line day"><span>${dayOf(message.time)}</span></div>` : nothing}
    ${context.unread ? html`<div class="line unread"><span>New</span></div>` : nothing}
    <article class=${`message ${context.first ? 'first' : 'next'} ${message.state}${mine ? ' mine' : ''}${act.mentionsMe(message) ? ' to-me' : ''}`}
      tabindex="-1" aria-label=${`${message.name ?? 'anonymous'}, ${timeOf(message.time)}`} @keydown=${(event) => act.key(event, message)}>
      ${context.first ? avatar(message.userId, message.name ?? 'anonymous') : html`<time class="aside" aria-hidden="true">${timeOf(message.time)}</time>`}
      <div class="body">
        ${context.first ? html`<p class="head"><bdi class="name">${message.name ?? 'anonymous'}</bdi>
          <time datetime=${message.timestamp} title=${context.tools ? fullTimeOf(message.time) : nothing}>${timeOf(message.time)}</time>
          ${message.type !== 'message' ? html`<span class="type">${message.type}</span>` : nothing}</p>` : nothing}
        ${message.replyTo && !act.inThread ? quote(message, context.parent, act) : nothing}
        ${body(message, act)}
        ${message.state === 'pending' ? html`<span class="edited">sending…</span>` : nothing}
        ${message.state === 'failed' ? failed(message, act) : nothing}
        ${reactions(message, act)}
        ${message.replies > 0 && act.openThread ? html`<button type="button" class="link replies" @click=${() => act.openThread(message.id)}>${message.replies === 1 ? '1 reply' : `${message.replies} replies`}</button>` : nothing}
      </div>
      ${context.tools && sent && !message.deleted ? tools(message, mine, act) : nothing}
    </article>`;
}
