// transports.js - the ways to receive: a stream read by fetch here; an EventSource and long-polls in fallbacks.js, which is
// loaded when it is wanted.
//
// Each is a function of what to ask for and whom to tell, and is over when its promise is:
//   api, signal          whom to ask, and until when
//   cursors()            the rooms, each with the id of the last event that is known by now
//   open()               told once, when the server speaks
//   beat()               told at each sign of life
//   events(list, at)     all that arrives together; `at` is a Map of rooms to where they are behind it, where that is known
//   retry(ms)            told where the server says when to come again
//   wait()               asked for how many seconds a long-poll may last; 0: no longer by polls

import { EarshotError } from './api.js';
import { parseCursor, writeCursor } from './ids.js';
import { sseParser } from './sse.js';

/** What admins may follow, each alone: it has an address of its own. */
const ADMIN = new Map([['@!audit', 'admin/audit/events'], ['@!figures', 'admin/figures/events']]);

export function query(cursors, more) {
  const words = new URLSearchParams(more), [[first, id]] = cursors;
  if (ADMIN.has(first)) {
    words.set('since', id);
    return `${ADMIN.get(first)}?${words}`;
  }
  for (const room of cursors.keys()) words.append('room', room);
  words.set('since', writeCursor(cursors));
  return `events?${words}`;
}

/** One answer with what there is: { list, at }. */
export async function once(api, cursors, wait, signal) {
  const answer = await api.json('GET', query(cursors, { as: 'json', wait }), { signal });
  return answer ? { list: answer.events, at: parseCursor(answer.cursor) } : { list: [], at: new Map() };
}

/** Why a stream is refused: that a stream ends for good it is told without a word (204), and an EventSource keeps to itself. */
export async function whyNot({ api, cursors, signal, events }) {
  const { list, at } = await once(api, cursors(), 0, signal);
  events(list, at);
}

/** An event, and behind a gap from where its room goes on. */
export function parse({ data, id }) {
  const event = JSON.parse(data);
  return event.type === 'gap' ? { ...event, at: parseCursor(id).get(event.room) } : event;
}

/** Server-sent events read by fetch, which can send a token in a header. */
async function fetchStream(receive) {
  const { api, cursors, signal, open, beat, events, retry } = receive;
  const response = await api.open('GET', query(cursors(), { as: 'sse' }), { signal, headers: { Accept: 'text/event-stream' } });
  if (response.status === 204) {
    await whyNot(receive);
    throw new EarshotError({ detail: 'the server ended the stream' });
  }
  const together = [];
  const feed = sseParser({ event: (one) => together.push(parse(one)), beat, retry });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    feed(value);
    if (together.some(({ type }) => type === 'hello')) open();
    if (together.length > 0) events(together.splice(0));
  }
}

const fallback = (name) => async (receive) => (await import('./fallbacks.js'))[name](receive);
export const TRANSPORTS = { fetch: fetchStream, eventsource: fallback('eventSource'), poll: fallback('longPoll') };
