// fallbacks.js - what to receive by where a stream read by fetch does not do: the browser's EventSource, and long-polls.

import { EarshotError } from './api.js';
import { pause } from './backoff.js';
import { compareIds } from './ids.js';
import { OWN_TYPES } from './messages.js';
import { once, parse, query, whyNot } from './transports.js';

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
