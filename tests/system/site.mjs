// Two earshots on one Redis, as two machines of one site, and what tests ask of both.

import { after } from 'node:test';
import { Earshot, bearer, tokenOf, until } from './harness.mjs';

/** Starts `count` of them, 2 hubs and 4 gates each, and stops them after the file's tests. */
export async function siteOf(count, conf = {}) {
  const first = await Earshot.start({ conf: { hubs: 2, gates: 4, ...conf } });
  const all = [first];
  // The first has the Redis: it goes last.
  after(async () => { for (const e of all.reverse()) await e.stop(); });
  while (all.length < count) all.push(await first.second());
  return all;
}

export const as = (user, more) => bearer(tokenOf(user, more));

/** Sends a form; `fields` may be nothing. */
export function form(e, method, where, fields, user) {
  return e.request(method, where, {
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...(user ? as(user) : {}) },
  });
}

export const FORMS = ['sse', 'ndjson', 'text'];

/** Waits for the end of a stream and gives the reason of its `bye`, and when it ended. */
export async function byeOf(stream, ms = 3000) {
  await until('the stream ends', () => !stream.open, ms);
  const bye = stream.items.findLast((i) => i.type === 'bye');
  return stream.form === 'text' ? /reason=(\w+)/.exec(bye?.line ?? '')?.[1] : bye?.event.reason;
}
