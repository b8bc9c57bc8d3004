// pair.mjs - two earshotd on one Redis, each with two gates and two hubs behind its own nginx: what works here does
// not work only within a process, or a machine. And people who ask the one or the other in turn.
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { bearer, Earshot, tokenOf } from './harness.mjs';

/** Starts both for a test file, and ends them after it: [first, second]. */
export async function pairForFile({ conf = {}, ...more } = {}) {
  const few = { gates: 2, hubs: 2, ...conf };
  const first = await Earshot.start({ ...more, conf: few });
  const second = await Earshot.start({ ...more, conf: few, redisUrl: () => `unix://${first.dir}/redis.sock` });
  after(async () => {
    await second.stop();
    await first.stop();
  });
  return [first, second];
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
