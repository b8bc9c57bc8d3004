// transports.js - the three ways to receive: a stream read by fetch, an EventSource, and long-polls.
//
// Each is a function of what to ask for and whom to tell, and is over when its promise is. It tells open() once
// the server speaks, beat() at each sign of life, and events(list, cursors) of all that arrives together.

import { parseCursor, writeCursor } from './ids.js';
import { EarshotError } from './api.js';
import { sseParser } from './sse.js';

const POLL_WAIT_S = 25;

function query(cursors, more = {}) {
  const words = new URLSearchParams();
  for (const room of cursors.keys()) words.append('room', room);
  words.set('since', writeCursor(cursors));
  for (const [name, value] of Object.entries(more)) words.set(name, value);
  return `events?${words}`;
}

/** Server-sent events read by fetch, which can send a token in a header. */
export async function fetchStream({ api, cursors, signal, open, beat, events }) {
  const response = await api.open('GET', query(cursors, { as: 'sse' }), { signal, headers: { Accept: 'text/event-stream' } });
  if (response.status === 204) throw new EarshotError({ status: 403, code: 'ended', detail: 'the server has ended this for good' });
  let together = [];
  const feed = sseParser(({ data }) => together.push(JSON.parse(data)), beat);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    feed(value);
    if (together.some(({ type }) => type === 'hello')) open();
    if (together.length > 0) events(together.splice(0));
  }
}

/** The browser's own EventSource. It sends no header, so a token is changed for a ticket, which works once: after any
 * error, also one after which it would give up for good, this one is over and whoever called begins another. */
export async function eventSource({ api, cursors, signal, open, beat, events }) {
  const more = { as: 'sse' };
  if (api.byToken) more.ticket = (await api.json('POST', 'auth/ticket', { body: { rooms: [...cursors.keys()] }, signal })).ticket;
  const source = new EventSource(api.url + query(cursors, more), { withCredentials: !api.byToken });
  try {
    await new Promise((resolve, reject) => {
      signal.addEventListener('abort', resolve, { once: true });
      source.onerror = () => reject(new EarshotError({ detail: 'the stream was cut' }));
      // Types are the senders' own, and an EventSource tells only those that one names.
      const tell = ({ data }) => { beat(); events([JSON.parse(data)]); };
      for (const type of [...EVENT_TYPES, ...api.types ?? []]) source.addEventListener(type, tell);
      source.addEventListener('hello', open);
    });
  } finally {
    source.close();
  }
}

const EVENT_TYPES = ['message', 'edit', 'delete', 'reaction', 'join', 'leave', 'typing', 'read', 'signal', 'room', 'member',
  'mention', 'direct', 'notice', 'audit', 'figures', 'hello', 'gap', 'bye'];

/** One answer after another, each with a length: passes whatever holds streams back. */
export async function longPoll({ api, cursors, signal, open, beat, events }) {
  const at = new Map(cursors);
  for (let wait = 0; !signal.aborted; wait = POLL_WAIT_S) {
    const { events: list, cursor } = await api.json('GET', query(at, { as: 'json', wait }), { signal });
    beat();
    if (wait === 0) open();
    const now = parseCursor(cursor);
    for (const [room, id] of now) at.set(room, id);
    events(list, now);
  }
}
