// ids.js - ids of events ("milliseconds-number"), which order a room, and cursors ("room:id,room:id").

/** Below 0, 0 or above 0, as `a` comes before, is or follows `b`. */
export function compareIds(a, b) {
  const [aMs, aSeq] = a.split('-'), [bMs, bSeq] = b.split('-');
  return aMs - bMs || aSeq - bSeq;
}

export const laterId = (a, b) => (!a || (b && compareIds(a, b) < 0) ? b : a);

/** Where the first message after `id` is, in a list in order; those that wait to be sent have no id and are last. */
export function indexAfter(messages, id) {
  let low = 0, high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].id !== undefined && compareIds(messages[middle].id, id) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of a cursor of many rooms, a Map of room to id. A conversation's name has commas of its own. */
export function parseCursor(text) {
  const cursors = new Map();
  for (const [, room, id] of text.matchAll(/(?:^|,)(.+?):(\d+-\d+)(?=,|$)/g)) cursors.set(room, id);
  return cursors;
}

export const writeCursor = (cursors) => [...cursors].map(([room, id]) => `${room}:${id}`).join(',');

/** A name that no other message has: 128 random bits. Not randomUUID, which pages without TLS lack. */
export const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
