// site.mjs - two earshotd on one Redis, as two machines of one site: what works here does not work only within a process,
// or a machine. And people who ask the one or the other in turn.

import assert from 'node:assert/strict';
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

/** Somebody with a token, who asks by one server or the other in turn. */
export class Person {
  constructor(servers, user, claims = {}) {
    this.servers = servers;
    this.user = user;
    this.token = user === null ? null : tokenOf(user, claims);
    this.headers = user === null ? {} : bearer(this.token);
    this.turn = 0;
  }

  get server() { return this.servers[this.turn++ % this.servers.length]; }

  /** One request; an object as the body is sent as JSON, a text as a form. */
  ask(method, where, body, headers = {}) {
    const json = typeof body === 'object';
    const type = body === undefined ? {} : { 'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded' };
    return this.server.request(method, where, { headers: { ...type, ...this.headers, ...headers }, body: json ? JSON.stringify(body) : body });
  }

  /** The same, which must answer with this status; gives what it answers. */
  async must(status, method, where, body, headers) {
    const answer = await this.ask(method, where, body, headers);
    assert.equal(answer.status, status, `${this.user}: ${method} ${where} ${JSON.stringify(body) ?? ''}: ${answer.status} ${answer.text}`);
    return answer.text === '' ? null : /json/.test(answer.headers['content-type']) && !/ndjson/.test(answer.headers['content-type']) ? answer.json() : answer.text;
  }

  /** The same, which must be refused with this status and code. */
  async refused(status, code, method, where, body, headers) {
    const problem = await this.must(status, method, where, body, headers);
    assert.equal(problem.code, code, `${this.user}: ${method} ${where}: ${JSON.stringify(problem)}`);
    return problem;
  }

  send(room, content) { return this.must(201, 'POST', `rooms/${room}/messages`, { content }); }
  async history(room, query = '') { return (await this.must(200, 'GET', `rooms/${room}/messages${query}`)).events; }

  /** Receives from a room; the stream's items are as the harness parses them. */
  listen(room, query = 'as=sse') { return this.server.listen(`rooms/${room}/events?${query}`, this.headers); }
}
