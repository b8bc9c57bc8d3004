// transports.js - the three ways to receive: a stream read by fetch, an EventSource, and long-polls.
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
import { pause } from './backoff.js';
import { compareIds, parseCursor, writeCursor } from './ids.js';
import { OWN_TYPES } from './messages.js';
import { sseParser } from './sse.js';

/** What admins may follow, each alone: it has an address of its own. */
const ADMIN = new Map([['@!audit', 'admin/audit/events'], ['@!figures', 'admin/figures/events']]);

function query(cursors, more) {
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
async function once(api, cursors, wait, signal) {
  const answer = await api.json('GET', query(cursors, { as: 'json', wait }), { signal });
  return answer ? { list: answer.events, at: parseCursor(answer.cursor) } : { list: [], at: new Map() };
}

/** Why a stream is refused: that a stream ends for good it is told without a word (204), and an EventSource keeps to itself. */
async function whyNot({ api, cursors, signal, events }) {
  const { list, at } = await once(api, cursors(), 0, signal);
  events(list, at);
}

/** An event, and behind a gap from where its room goes on. */
function parse({ data, id }) {
  const event = JSON.parse(data);
  return event.type === 'gap' ? { ...event, at: parseCursor(id).get(event.room) } : event;
}

/** Server-sent events read by fetch, which can send a token in a header. */
export async function fetchStream(receive) {
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

const CHECK_MS = 20000; // an EventSource hides the heartbeat
const UNDER_WAY_MS = 1000; // between what a check finds and what the stream brings

/**
 * The browser's own EventSource. It sends no header, so a token is changed for a ticket, which works once: after any
 * error, also one after which it would give up for good, this one is over and whoever called begins another.
 */
export async function eventSource(receive) {
  const { api, cursors, signal, open, beat, events, times = {} } = receive;
  const more = { as: 'sse' };
  if (api.source && !api.token) await api.renew();
  if (api.token) more.ticket = (await api.json('POST', 'auth/ticket', { body: { rooms: [...cursors().keys()] }, signal })).ticket;
  if (signal.aborted) return;
  const source = new EventSource(api.url + query(cursors(), more), { withCredentials: !api.byToken });
  let spoke = false, timer;
  try {
    await new Promise((resolve, reject) => {
      signal.addEventListener('abort', resolve, { once: true });
      source.onerror = () => reject(new EarshotError({ detail: 'the stream was cut' }));
      // Types are the senders' own, and an EventSource tells only those that one names.
      const tell = ({ data, lastEventId: id }) => { beat(); events([parse({ data, id })]); };
      for (const type of new Set(['message', ...OWN_TYPES, ...api.types ?? []])) source.addEventListener(type, tell);
      source.addEventListener('hello', () => { spoke = true; open(); });
      timer = setInterval(() => check({ api, cursors, signal, beat }).catch(reject), times.check ?? CHECK_MS);
    });
  } catch (error) {
    if (!spoke) await whyNot(receive);
    throw error;
  } finally {
    clearInterval(timer);
    source.close();
  }
}

/** Does a stream that says nothing still bring what there is? Rejects when it does not. */
async function check({ api, cursors, signal, beat }) {
  const { list } = await once(api, cursors(), 0, signal).catch((error) => {
    if (error.passing || signal.aborted) return {};
    throw error;
  });
  if (list?.length > 0) await pause(UNDER_WAY_MS, signal);
  const now = cursors();
  if (list?.some(({ room, id }) => id && now.has(room) && compareIds(id, now.get(room)) > 0)) throw new EarshotError({ code: 'silent', detail: 'the stream is silent' });
  if (list) beat();
}

/** One answer after another, each with a length: passes whatever holds streams back. */
export async function longPoll({ api, cursors, signal, open, beat, events, wait }) {
  for (let seconds = 0, begun = false; !begun || seconds > 0; seconds = wait()) {
    const { list, at } = await once(api, cursors(), seconds, signal);
    beat();
    if (!begun) open();
    begun = true;
    events(list, at);
  }
}
