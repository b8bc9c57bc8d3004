// messages.js - messages in the order of their ids, as they are after all changes. Never changes a message: puts another in its place.

import { compareIds } from './ids.js';

/** Events that are about messages, or about people and rooms; all other types are messages, of the sender's own kind. */
const NOT_MESSAGES = new Set(['edit', 'delete', 'reaction', 'join', 'leave', 'typing', 'read', 'signal', 'room', 'member', 'hello',
  'gap', 'bye', 'mention', 'direct', 'notice', 'audit', 'figures']);
export const isMessage = ({ type, id }) => id !== undefined && !NOT_MESSAGES.has(type);

/** `asOf`: the last event that a page of history knows of; changes up to it are in the message already. */
const messageOf = (event, asOf) => Object.freeze({
  key: event.clientId ?? event.id, state: 'sent', reactions: {}, reacted: [], replies: 0, ...event, time: Date.parse(event.timestamp), asOf,
});

export class MessageList {
  #list = [];
  #keys = new Map(); // the key with which it was sent -> its id

  get all() { return this.#list; }
  get size() { return this.#list.length; }
  get(id) { return this.#list[this.#find(id)]; }
  hasKey(key) { return this.#keys.has(key); }
  clear() { this.#list = []; this.#keys.clear(); }

  /** Where it is, or -1 - where it would be. */
  #find(id) {
    let low = 0, high = this.#list.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1, order = compareIds(this.#list[middle].id, id);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1 - low;
  }

  /** Adds a message once; of one that is there, a page of history may know more. */
  add(event, asOf = event.id) {
    const at = this.#find(event.id);
    if (at >= 0 && compareIds(this.#list[at].asOf, asOf) >= 0) return false;
    const message = messageOf(event, asOf);
    this.#list.splice(at >= 0 ? at : -1 - at, at >= 0 ? 1 : 0, message);
    this.#keys.set(message.key, message.id);
    return at < 0;
  }

  /** Forgets the oldest; gives how many there were. */
  trim(most) {
    const gone = this.#list.splice(0, Math.max(0, this.#list.length - most));
    for (const { key } of gone) this.#keys.delete(key);
    return gone.length;
  }

  /** Lays an edit, a delete, a reaction or a reply over the message that it is about. `me`: who counts as oneself. */
  change(event, me) {
    if (isMessage(event)) {
      if (event.replyTo) this.#replace(event.replyTo, event.id, ({ replies }) => ({ replies: replies + 1 }));
      return;
    }
    if (event.type === 'edit') {
      this.#replace(event.target, event.id, (message) => (message.deleted || compareIds(event.id, message.editId ?? '0-0') < 0 ? {}
        : { content: event.content, metadata: event.metadata ?? message.metadata, edited: event.timestamp, editId: event.id }));
    } else if (event.type === 'delete') {
      this.#replace(event.target, event.id, () => ({ deleted: event.timestamp, content: undefined, metadata: undefined, edited: undefined, reactions: {}, reacted: [] }));
    } else if (event.type === 'reaction') {
      this.#replace(event.target, event.id, (message) => reactionOf(message, event, me));
    }
  }

  /** `change` gives what is other in a message, unless the event was known when it was read. */
  #replace(id, eventId, change) {
    const at = this.#find(id);
    if (at < 0 || compareIds(eventId, this.#list[at].asOf) <= 0) return;
    this.#list[at] = Object.freeze({ ...this.#list[at], ...change(this.#list[at]) });
  }

  /** Puts a message as it is now into its place; it knows of all events up to `asOf`, if of more than the one there. */
  settle(event, asOf) {
    const at = this.#find(event.id);
    if (at < 0 || compareIds(asOf, this.#list[at].asOf) < 0) return;
    this.#list[at] = messageOf({ ...event, clientId: this.#list[at].clientId }, asOf);
  }
}

function reactionOf(message, { content: emoji, action, userId }, me) {
  const adds = action !== 'remove';
  // One's own is shown before it is told.
  if (me && userId === me && message.reacted.includes(emoji) === adds) return {};
  const reactions = { ...message.reactions, [emoji]: (message.reactions[emoji] ?? 0) + (adds ? 1 : -1) };
  if (reactions[emoji] <= 0) delete reactions[emoji];
  if (!me || userId !== me) return { reactions };
  return { reactions, reacted: [...message.reacted.filter((one) => one !== emoji), ...(adds ? [emoji] : [])] };
}
