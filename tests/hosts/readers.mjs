// readers.mjs - one way to receive in each form: what came and when, where it stands, a cut.

import http from 'node:http';
import { Stream, until } from '../system/harness.mjs';

export const FORMS = ['sse', 'json', 'ndjson', 'text', 'html'];

/** Somebody who reads a room: `got` is [{ content, at }] in the order of arrival; `cursor` is where it stands. */
class Reader {
  constructor(e, form, room) {
    Object.assign(this, { e, form, room, got: [], cursor: null, closed: false });
  }

  take(content) { this.got.push({ content, at: performance.now() }); }

  /** When this content arrived, as performance.now() says it. */
  async arrival(content, ms = 5000) {
    const found = () => this.got.find((one) => one.content === content);
    await until(`${this.form}: ${content} arrives`, found, ms).catch((error) => {
      throw new Error(`${error.message}; got ${this.got.map((one) => one.content)} ${this.refused ?? ''}`);
    });
    return found().at;
  }

  /** A request whose answer may be long in coming: of a text stream some web servers pass the head on with the first line.
   * As a browser does, it says that it takes compressed ones; none may come so. */
  ask(query, answered) {
    this.req = http.get(`${this.e.base}/rooms/${this.room}/events?as=${this.form}&${query}`, { agent: false, headers: { 'x-request-id': this.room, 'accept-encoding': 'gzip' } }, (res) => (res.headers['content-encoding'] ? this.cut() : answered(new Stream(this.req, res))));
    this.req.on('error', () => {});
  }

  cut() {
    this.closed = true;
    this.req.destroy();
  }
}

class StreamReader extends Reader {
  open(since) {
    this.ask(`since=${since}${this.form === 'text' ? '&cursor=1' : ''}`, (stream) => {
      stream.withCursor = this.form === 'text';
      stream.items = { push: (item) => this.took(item) };
      stream.parse();
    });
    return this;
  }

  took({ type, content, cursor }) {
    if (type === 'message') this.take(content);
    if (cursor) this.cursor = cursor;
  }
}

/** Messages of a stream of HTML, up to the line that says where it stands. */
const MESSAGES = /<article [\s\S]*?<\/article>[\s\S]*?since=([\d-]+)">Reconnect/;

class PageReader extends Reader {
  open(since) {
    this.ask(`since=${since}`, ({ res }) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => {
        text += chunk;
        for (let found; (found = MESSAGES.exec(text)) !== null; text = text.slice(found.index + found[0].length)) {
          for (const [, content] of found[0].matchAll(/(message \d+)/g)) this.take(content);
          [, this.cursor] = found;
        }
      });
    });
    return this;
  }
}

/** Asks again and again; `wait` is how long each may wait. */
class PollReader extends Reader {
  open(since, wait = 10) {
    this.cursor = since;
    this.ask(`since=${since}&wait=${wait}`, async (stream) => {
      const text = await stream.all().catch(() => '');
      if (this.closed) return;
      if (stream.status !== 200) return void (this.refused = `${stream.status} ${text}`);
      const answer = JSON.parse(text);
      for (const { type, content } of answer.events) if (type === 'message') this.take(content);
      this.open(answer.cursor, wait);
    });
    return this;
  }
}

/** Opens a receive in a form: `since` as the interface has it, a cursor or "latest" or "all". */
export function read(e, form, room, { since = 'latest', wait } = {}) {
  const Kind = form === 'json' ? PollReader : form === 'html' ? PageReader : StreamReader;
  return new Kind(e, form, room).open(since, wait);
}
