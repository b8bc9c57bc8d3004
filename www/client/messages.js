// messages.js - messages in the order of their ids, as they are after all changes. Never changes a message: puts another in its place.

import { compareIds } from './ids.js';

/** Events that are about messages, or about people and rooms; all other types are messages, of the sender's own kind. */
export const OWN_TYPES = ['edit', 'delete', 'reaction', 'join', 'leave', 'typing', 'read', 'signal', 'room', 'member', 'mention',
  'direct', 'notice', 'audit', 'figures', 'hello', 'gap', 'bye'];
const NOT_MESSAGES = new Set(OWN_TYPES);

/** Is this event one to show in the list? */
export const isMessage = ({ type, id }) => id !== undefined && !NOT_MESSAGES.has(type);

/** `asOf`: the last event that it knows of; changes up to it are in the message already. */
export const messageOf = (event, asOf = event.id) => Object.freeze({
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
    if (at >= 0) return this.settle(event, asOf);
    let message = messageOf(event, asOf);
    // Somebody sent under a key that another message has: keys of a list differ.
    if (this.#keys.has(message.key)) message = Object.freeze({ ...message, key: message.id });
    this.#list.splice(-1 - at, 0, message);
    this.#keys.set(message.key, message.id);
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
    } else if (event.type === 'edit') {
      this.#replace(event.target, event.id, (message) => (message.deleted ? {}
        : { content: event.content, metadata: event.metadata ?? message.metadata, edited: event.timestamp }));
    } else if (event.type === 'delete') {
      this.#replace(event.target, event.id, () => ({ deleted: event.timestamp, content: undefined, metadata: undefined, edited: undefined, reactions: {}, reacted: [] }));
    } else if (event.type === 'reaction') {
      this.#replace(event.target, event.id, (message) => reactionOf(message, event, me));
    }
  }

  /** `change` gives what is other in a message, unless the event was known when it was read. */
  #replace(id, eventId, change) {
    const at = this.#find(id), message = this.#list[at];
    if (at < 0 || compareIds(eventId, message.asOf) <= 0) return;
    this.#list[at] = Object.freeze({ ...message, ...change(message), asOf: eventId });
  }

  /** Puts a message as it is now into its place; it knows of all events up to `asOf`, if of more than the one there. */
  settle(event, asOf) {
    const at = this.#find(event.id), before = this.#list[at];
    if (at < 0 || compareIds(asOf, before.asOf) <= 0) return;
    this.#list[at] = Object.freeze({ ...messageOf(event, asOf), key: before.key });
  }

  /** One's own reaction, before the server has told of it. */
  guess(id, emoji, adds) {
    const at = this.#find(id), message = this.#list[at];
    if (at < 0 || message.reacted.includes(emoji) === adds) return false;
    this.#list[at] = Object.freeze({ ...message, ...withReaction(message, emoji, adds, true) });
    return true;
  }
}

function reactionOf(message, { content: emoji, action, userId }, me) {
  const adds = action !== 'remove', own = Boolean(me) && userId === me;
  // One's own is shown before it is told.
  return own && message.reacted.includes(emoji) === adds ? {} : withReaction(message, emoji, adds, own);
}

function withReaction({ reactions, reacted }, emoji, adds, own) {
  const { [emoji]: count = 0, ...others } = reactions, now = count + (adds ? 1 : -1);
  return {
    reactions: now > 0 ? { ...reactions, [emoji]: now } : others,
    reacted: own ? [...reacted.filter((one) => one !== emoji), ...(adds ? [emoji] : [])] : reacted,
  };
}
