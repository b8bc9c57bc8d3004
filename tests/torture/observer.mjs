// observer.mjs - keeps the full record of all rooms: reads their logs straight from Redis, past earshot and past the
// chaos proxy, as they grow, and notes what is trimmed of them and when.

import net from 'node:net';
import { sleep } from '../system/harness.mjs';

const SAMPLE_MS = 200;

/** A connection to Redis, as small as can be: command() resolves to the reply, or rejects with its error. */
export class Resp {
  constructor(socketPath) {
    this.waiting = [];
    this.rest = Buffer.alloc(0);
    this.socket = net.connect(socketPath);
    this.socket.on('data', (chunk) => this.take(chunk));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      for (const one of this.waiting.splice(0)) one.reject(new Error('the connection to Redis was closed'));
    });
  }

  command(...args) {
    if (this.closed) return Promise.reject(new Error('the connection to Redis was closed'));
    const parts = [`*${args.length}\r\n`];
    for (const arg of args) parts.push(`$${Buffer.byteLength(String(arg))}\r\n${arg}\r\n`);
    this.socket.write(parts.join(''));
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  close() { this.socket.destroy(); }

  take(chunk) {
    this.rest = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    for (;;) {
      const parsed = parse(this.rest, 0);
      if (parsed === null) return;
      this.rest = this.rest.subarray(parsed.end);
      const one = this.waiting.shift();
      if (one && parsed.value instanceof Error) one.reject(parsed.value);
      else if (one) one.resolve(parsed.value);
    }
  }
}

/** One RESP2 reply at `at`: { value, end }, or null when it is not whole. */
function parse(data, at) {
  const eol = data.indexOf('\r\n', at);
  if (eol < 0) return null;
  const line = data.toString('utf8', at + 1, eol);
  const next = eol + 2;
  switch (data[at]) {
    case 0x2b: return { value: line, end: next };
    case 0x2d: return { value: new Error(line), end: next };
    case 0x3a: return { value: Number(line), end: next };
    case 0x24: {
      const length = Number(line);
      if (length < 0) return { value: null, end: next };
      if (data.length < next + length + 2) return null;
      return { value: data.toString('utf8', next, next + length), end: next + length + 2 };
    }
    default: return parseArray(data, Number(line), next);
  }
}

function parseArray(data, count, at) {
  if (count < 0) return { value: null, end: at };
  const value = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    const one = parse(data, end);
    if (one === null) return null;
    value.push(one.value);
    end = one.end;
  }
  return { value, end };
}

const key = (room) => `earshot:{main/${room}}:log`;

export class Observer {
  /** `logs`: a Map of room to Log, which it fills; `stored(room, event)` is told of each event. */
  constructor(socketPath, logs, { stored, report }) {
    Object.assign(this, { socketPath, logs, stored, report, stopped: false });
    this.rooms = [...logs.keys()];
    this.loops = [this.again((redis) => this.tail(redis)), this.again((redis) => this.sample(redis))];
  }

  /** Redis is killed, stopped and told to close connections: what was read is known, and reading goes on behind it. */
  async again(work) {
    while (!this.stopped) {
      const redis = new Resp(this.socketPath);
      try {
        await work(redis);
      } catch (error) {
        if (error.name !== 'Error') throw error;
      }
      redis.close();
      await sleep(20);
    }
  }

  async tail(redis) {
    while (!this.stopped) {
      const reply = await redis.command('XREAD', 'COUNT', '2000', 'BLOCK', '300', 'STREAMS', ...this.rooms.map(key), ...this.rooms.map((room) => this.logs.get(room).last));
      for (const [name, entries] of reply ?? []) this.take(this.rooms.find((room) => key(room) === name), entries);
    }
  }

  take(room, entries) {
    const log = this.logs.get(room);
    for (const [id, fields] of entries) {
      const previous = fields[fields.indexOf('p') + 1];
      if (previous !== log.last) this.report('harness', `${room}: the record has a hole: ${id} comes after ${previous}, but ${log.last} was read before`);
      this.stored(room, log.append(id, fields[1]));
    }
  }

  async sample(redis) {
    while (!this.stopped) {
      const t = Date.now();
      const firsts = await Promise.all(this.rooms.map((room) => redis.command('XRANGE', key(room), '-', '+', 'COUNT', '1')));
      this.rooms.forEach((room, i) => this.logs.get(room).sample(t, firsts[i].length > 0 ? firsts[i][0][0] : null));
      await sleep(SAMPLE_MS);
    }
  }

  /** Has it read all that Redis holds now? Then compares the two and returns what differs. */
  async compare() {
    const redis = new Resp(this.socketPath);
    const found = [];
    try {
      for (const room of this.rooms) {
        const held = (await redis.command('XRANGE', key(room), '-', '+')).map(([id, fields]) => [id, fields[1]]);
        for (let i = 0; i < 100 && held.length > 0 && this.logs.get(room).last !== held[held.length - 1][0]; i++) await sleep(50);
        const difference = this.logs.get(room).differs(held);
        if (difference) found.push(difference);
      }
    } finally {
      redis.close();
    }
    return found;
  }

  async stop() {
    this.stopped = true;
    await Promise.all(this.loops);
  }
}

/** Trims a room, as far as the observer has read it: what it has not, it could never read. */
export async function trim(socketPath, log, keep) {
  const redis = new Resp(socketPath);
  try {
    const first = log.ids.length - keep;
    if (log.ids.length === 0 || first <= 0) return 0;
    const [ms, seq] = log.last.split('-');
    const from = first < log.ids.length ? log.ids[first] : `${ms}-${BigInt(seq) + 1n}`;
    return await redis.command('XTRIM', key(log.room), 'MINID', from);
  } finally {
    redis.close();
  }
}
