// listener.mjs - a client that follows rooms in one form of receive: it is cut and cuts itself, reads slowly, goes away
// and comes back with its cursor in any of the ways that are allowed, and tells its reader (oracle.mjs) all that it got.

import http from 'node:http';
import { sleep } from '../system/harness.mjs';
import { cursorOf, Ndjson, Sse, Text } from './forms.mjs';
import { Reader } from './oracle.mjs';

export const FORMS = ['sse', 'ndjson', 'text', 'json'];
/** steady never cuts itself; fickle does so all the time; sleepers stay away; slow ones stop reading. */
export const WAYS = ['steady', 'fickle', 'sleeper', 'slow'];

const NOTES = 300;
const IDLE_MS = 45000;

export class Listener {
  /** `world`: base, logs, ledger, report, counts, slow, calm (nobody is cut any more). */
  constructor(name, world, chance, { form, rooms, many, way, types }) {
    Object.assign(this, { name, world, chance, form, rooms, many, way, types });
    this.reader = new Reader(`${name} (${form}, ${way}, ${rooms.join(' ')})`, {
      logs: world.logs, rooms, ledger: world.ledger, report: world.report,
      wants: types ? (event) => types.includes(event.type) : undefined,
    });
    this.cursor = null;
    this.etag = null;
    this.notes = [];
    this.stopped = false;
  }

  note(text) {
    this.notes.push(`${new Date().toISOString()} ${text}`);
    if (this.notes.length > NOTES) this.notes.splice(0, NOTES / 2);
  }

  any(list) { return list[Math.floor(this.chance() * list.length)]; }

  async run() {
    while (!this.stopped) {
      const ended = await this.connect();
      this.note(`ended: ${ended}`);
      if (this.stopped) break;
      await this.rest();
    }
  }

  /** Before it comes back; now and then it has forgotten its cursor. */
  async rest() {
    if (!this.world.calm && this.way !== 'steady' && this.chance() < 0.05) this.cursor = this.etag = null;
    const asleep = this.way === 'sleeper' && this.chance() < 0.4;
    const until = Date.now() + (asleep ? 3000 + this.chance() * 25000 : 10 + this.chance() * 250);
    while (!this.stopped && Date.now() < until && !(asleep && this.world.calm)) await sleep(Math.min(100, Math.max(1, until - Date.now())));
  }

  // ---- the request

  query(start) {
    const query = new URLSearchParams();
    if (this.many) for (const room of this.rooms) query.append('room', room);
    query.set('as', this.form);
    if (this.form === 'text') query.set('cursor', '1');
    if (this.types) query.set('types', this.types.join(','));
    this.count = !this.world.calm && this.way === 'fickle' && this.chance() < 0.2 ? 1 + Math.floor(this.chance() * 60) : 0;
    if (this.count > 0) query.set('count', String(this.count));
    if (this.form === 'json') query.set('wait', String(this.cursor === null ? 1 : this.world.calm ? 1 : 1 + Math.floor(this.chance() * 8)));
    if (start) query.set('since', start);
    return query;
  }

  /** Where to start without a cursor; the reader is told. */
  start() {
    const roll = this.chance();
    const t = Date.now();
    this.begun = null;
    if (this.form !== 'text' && roll < 0.2) {
      const seconds = 1 + Math.floor(this.chance() * 20);
      // When the server reads its clock is known once it has answered.
      this.begun = { kind: 'time', from: t - seconds * 1000 - 50, to: Infinity, seconds };
      this.reader.begin(this.begun, t);
      return String(seconds);
    }
    if (roll < 0.4) {
      const ids = {};
      for (const room of this.rooms) {
        const { ids: known } = this.world.logs.get(room);
        // Mostly a late one, which is likely to be kept still.
        const back = this.chance() < 0.7 ? this.chance() * 200 : this.chance() * known.length;
        if (known.length > 0) ids[room] = known[Math.max(0, known.length - 1 - Math.floor(back))];
      }
      if (Object.keys(ids).length === this.rooms.length) {
        this.reader.begin({ kind: 'after', ids }, t);
        return this.many ? Object.entries(ids).map(([room, id]) => `${room}:${id}`).join(',') : ids[this.rooms[0]];
      }
    }
    const kind = roll < 0.7 ? 'all' : 'latest';
    this.reader.begin({ kind }, t);
    return kind === 'latest' && this.chance() < 0.5 ? null : kind;
  }

  /** The way in which the cursor is brought back. */
  resume(headers) {
    const way = this.any(this.form === 'json' ? ['since', 'last-event-id', 'if-none-match'] : ['since', 'last-event-id']);
    if (way === 'since') return this.cursor;
    headers[way] = way === 'if-none-match' ? this.etag ?? `"${this.cursor}"` : this.cursor;
    // The header counts, whatever since= says.
    return this.chance() < 0.3 ? 'all' : null;
  }

  async connect() {
    const headers = {};
    const since = this.cursor === null ? this.start() : this.resume(headers);
    const path = `${this.many ? '' : `rooms/${this.rooms[0]}/`}events?${this.query(since)}`;
    this.reader.connect(Date.now());
    this.note(`GET ${path} ${JSON.stringify(headers)}`);
    this.world.counts.connections++;
    return new Promise((resolve) => {
      const end = (how) => {
        // What is still to be read of it is dropped: the next connection goes on from the cursor.
        req.over = true;
        resolve(how);
      };
      const req = http.get(`${this.world.base()}/${path}`, { headers, agent: false }, (res) => this.receive(req, res, end));
      req.on('error', (error) => end(error.message));
      req.on('close', () => end('closed'));
      this.request = req;
      this.idle(req);
    });
  }

  /** A client gives a silent server up in the end. Text streams have no heartbeat, but end by their age. */
  idle(req) {
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => {
      this.world.counts.idle++;
      req.destroy(new Error('silent for too long'));
    }, IDLE_MS * this.world.slow);
  }

  // ---- the reply

  receive(req, res, resolve) {
    const at = Date.now();
    if (res.statusCode !== 200 && res.statusCode !== 304) {
      this.refused(res, resolve);
      return;
    }
    if (this.begun) this.begun.to = at - this.begun.seconds * 1000 + 50;
    this.begun = null;
    this.taken = 0;
    const plan = this.plan(req, res);
    const parser = this.form === 'json' ? null : this.parser();
    const chunks = [];
    if (parser) this.reader.head(at);
    res.on('data', (chunk) => {
      this.idle(req);
      if (plan.over || req.over) return;
      const part = plan.bytes < chunk.length ? chunk.subarray(0, plan.bytes) : chunk;
      plan.bytes -= part.length;
      if (parser) parser.feed(part);
      else chunks.push(part);
      if (plan.bytes <= 0) plan.cut('in the middle of bytes');
    });
    res.on('end', () => {
      if (!parser && !plan.over && !req.over) this.answer(res, Buffer.concat(chunks));
      plan.finish();
      resolve(plan.over ?? 'by the server');
    });
    for (const event of ['aborted', 'error', 'close']) {
      res.on(event, () => {
        plan.finish();
        resolve(plan.over ?? 'cut by the server');
      });
    }
  }

  refused(res, resolve) {
    const chunks = [];
    res.on('data', (chunk) => chunks.push(chunk));
    for (const event of ['end', 'aborted', 'error', 'close']) {
      res.on(event, () => {
        const text = Buffer.concat(chunks).toString();
        if (![502, 503, 504].includes(res.statusCode)) this.world.report('refused', `${this.name}: ${res.statusCode} ${text.slice(0, 300)}`);
        resolve(`${res.statusCode} ${text.slice(0, 200)}`);
      });
    }
  }

  /** When and how it cuts, and when it stops reading. */
  plan(req, res) {
    const plan = { bytes: Infinity, over: null, timers: [], finish: () => plan.timers.forEach(clearTimeout) };
    const later = (ms, act) => plan.timers.push(setTimeout(() => { if (!this.world.calm) act(); }, ms));
    plan.cut = (why) => {
      if (plan.over) return;
      plan.over = `cut: ${why}`;
      this.world.counts.cuts++;
      const how = this.chance();
      if (how < 0.5) req.destroy();
      else if (how < 0.75) req.socket.resetAndDestroy();
      else {
        // Half-closed: it says that it has no more to say, and waits for the server to end.
        req.socket.end();
        plan.timers.push(setTimeout(() => req.destroy(), 2000));
      }
    };
    if (this.world.calm) return plan;
    if (this.way === 'fickle') {
      if (this.chance() < 0.5) plan.bytes = Math.floor(this.chance() ** 2 * 20000);
      else later(this.chance() ** 2 * 6000, () => plan.cut('by whim'));
    } else if (this.way === 'sleeper') {
      later(1000 + this.chance() * 8000, () => plan.cut('off to sleep'));
    } else if (this.way === 'slow') {
      later(this.chance() * 3000, () => this.stall(res, plan));
    }
    return plan;
  }

  /** Stops reading for a while; the calm wakes it. */
  stall(res, plan) {
    const until = Date.now() + 500 + this.chance() ** 2 * 15000;
    this.note('stops reading');
    res.pause();
    const wake = () => {
      if (!this.world.calm && Date.now() < until) {
        plan.timers.push(setTimeout(wake, 100));
        return;
      }
      this.note('reads again');
      res.resume();
      plan.timers.push(setTimeout(() => { if (!this.world.calm) this.stall(res, plan); }, 1000 + this.chance() * 5000));
    };
    wake();
  }

  // ---- what it says

  map(cursor) { return cursor === undefined ? null : cursorOf(cursor, this.rooms, this.many); }

  parser() {
    if (this.form === 'sse') return new Sse((item) => this.sse(item));
    if (this.form === 'ndjson') return new Ndjson((object) => this.ndjson(object));
    return new Text((item) => this.line(item), this.many);
  }

  sse({ id, event, data }) {
    const t = Date.now();
    if (id !== undefined) this.cursor = id;
    const cursor = this.map(id);
    if (data === undefined) {
      this.reader.cursor(cursor, t);
      return;
    }
    const object = JSON.parse(data);
    if (object.type !== event) this.world.report('content', `${this.name}: event: ${event} with ${data.slice(0, 200)}`);
    if (object.type === 'hello') this.reader.cursor(cursor, t);
    else this.take(object, cursor, t);
  }

  ndjson({ cursor: text, ...object }) {
    const t = Date.now();
    if (object.type === 'hello') {
      this.cursor = text;
      this.reader.cursor(this.map(text), t);
      return;
    }
    const id = this.many ? text : object.id;
    if (id !== undefined) this.cursor = id;
    this.take(object, this.map(id), t);
  }

  line(item) {
    const t = Date.now();
    if (item.type === 'message') {
      const room = this.many ? item.room : this.rooms[0];
      const ephemeral = item.content.startsWith('e:');
      const cursor = this.map(item.cursor);
      this.cursor = item.cursor;
      this.got(`${room} ${item.cursor} ${item.content.slice(0, 40)}`);
      if (ephemeral) this.reader.event({ room, ephemeral, event: { content: item.content } }, t);
      else this.reader.event({ room, id: cursor[room], name: item.name, content: item.content, cursor }, t);
      return;
    }
    const fields = Object.fromEntries(item.line.split(' ').slice(2).map((pair) => pair.split('=')));
    this.take({ type: item.type, ...fields }, null, t);
  }

  /** An event, or what the connection says of itself. */
  take(object, cursor, t) {
    if (object.type === 'bye') {
      this.note(`bye ${object.reason}`);
      return;
    }
    if (object.type === 'gap') {
      this.note(`gap ${JSON.stringify(object)} cursor=${JSON.stringify(cursor)}`);
      this.world.counts.gaps++;
      this.reader.gap({ room: object.room, requested: object.requested, oldest: object.oldest, cursor }, t);
      return;
    }
    this.got(`${object.room} ${object.id} ${String(object.content).slice(0, 40)}`);
    if (object.id === undefined) this.reader.event({ room: object.room, ephemeral: true, event: object }, t);
    else this.reader.event({ room: object.room, id: object.id, event: object, cursor }, t);
  }

  got(text) {
    this.note(text);
    this.taken++;
    this.world.counts.delivered++;
    if (this.count > 0 && this.taken > this.count) this.world.report('content', `${this.name}: count=${this.count}, and ${text} came`);
  }

  /** A long-poll's whole answer. */
  answer(res, body) {
    const t = Date.now();
    if (res.statusCode === 304) {
      this.etag = res.headers.etag;
      this.cursor = this.etag.slice(1, -1);
      this.reader.cursor(this.map(this.cursor), t);
      return;
    }
    if (Number(res.headers['content-length']) !== body.length) {
      this.note(`half an answer: ${body.length} bytes of ${res.headers['content-length']}`);
      return;
    }
    const { events, cursor } = JSON.parse(body.toString());
    if (res.headers.etag !== `"${cursor}"`) this.world.report('cursor', `${this.name}: ETag ${res.headers.etag}, cursor ${cursor}`);
    for (const object of events) this.take(object, null, t);
    this.etag = res.headers.etag;
    this.cursor = cursor;
    this.reader.cursor(this.map(cursor), t);
  }

  /** Leaves for good. */
  stop() {
    this.stopped = true;
    clearTimeout(this.idleTimer);
    this.request?.destroy();
  }
}

/** A connection that is opened and never read, nor closed by the client until the end. */
export class Mute {
  constructor(url) {
    this.opened = Date.now();
    this.request = http.get(url, { agent: false }, (res) => {
      res.pause();
      res.on('error', () => {});
    });
    this.request.on('error', () => {});
  }

  close() { this.request.destroy(); }
}
