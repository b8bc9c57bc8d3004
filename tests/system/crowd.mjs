// crowd.mjs - thousands of listeners in one process, and a writer that goes past earshot to Redis.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { root, until } from './harness.mjs';

/** One receive on a socket of its own, in HTTP/1.0, so that the body comes as it is. */
export class Listener {
  constructor(earshot, where, headers = {}) {
    this.events = []; // { id, data }; of a text stream the lines
    this.cursor = null;
    this.hello = false;
    this.open = true;
    this.text = /as=text/.test(where);
    this.rest = '';
    this.onEvent = () => {};
    this.socket = net.connect(earshot.port, '127.0.0.1', () => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
      this.socket.write(`GET /chat/v1/${where} HTTP/1.0\r\nHost: localhost\r\n${lines}\r\n`);
    });
    this.socket.setEncoding('utf8');
    this.socket.on('data', (chunk) => this.take(chunk));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => { this.open = false; resolve(); });
    });
  }

  take(chunk) {
    this.rest += chunk;
    if (this.status === undefined) {
      const end = this.rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.status = Number(this.rest.slice(9, 12));
      this.rest = this.rest.slice(end + 4);
    }
    const mark = this.text ? '\n' : '\n\n';
    for (let end; (end = this.rest.indexOf(mark)) >= 0;) {
      this.takeEvent(this.rest.slice(0, end));
      this.rest = this.rest.slice(end + mark.length);
    }
  }

  takeEvent(text) {
    if (this.text) {
      this.events.push(text);
      this.onEvent();
      return;
    }
    const field = (name) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
    const type = field('event');
    this.cursor = field('id') ?? this.cursor;
    if (type === 'hello') this.hello = true;
    else if (type !== undefined) this.events.push({ id: field('id'), type, ...JSON.parse(field('data')) });
    if (type !== undefined) this.onEvent();
  }

  get contents() { return this.events.map((event) => event.content); }

  close() { this.socket.destroy(); }
}

/** Opens receives, `atOnce` at a time, each until its hello. `wheres`: [where, headers]. */
export async function openAll(earshot, wheres, { atOnce = 200, ms = 20000 } = {}) {
  const listeners = [];
  for (let i = 0; i < wheres.length; i += atOnce) {
    const some = wheres.slice(i, i + atOnce).map(([where, headers]) => new Listener(earshot, where, headers));
    listeners.push(...some);
    await until(`hello; got ${some.filter((l) => l.hello).length} of ${some.length}`, () => some.every((l) => l.hello || l.text), ms);
  }
  return listeners;
}

/** Sends as earshot does, by its own script, but needs no earshot for it: what is in Redis then is known. */
export class Writer {
  constructor(earshot) {
    this.path = `${earshot.dir}/redis.sock`;
    const lua = (name) => fs.readFileSync(path.join(root, 'src/store/lua', `${name}.lua`), 'utf8');
    const parts = /^-- with: (.*)/.exec(lua('send'))[1].split(' ');
    this.script = [...parts.map((part) => lua(`part/${part}`)), lua('send')].join('');
  }

  /** Waits until Redis takes a write; returns when that was (Date.now()). */
  async returned(ms = 30000) {
    await until('Redis is back', async () => {
      try {
        return (await this.call([['SET', 'test:returned', '1']], 1000))[0].startsWith('+OK');
      } catch {
        return false;
      }
    }, ms);
    return Date.now();
  }

  /** Stores one event with this content in each room; resolves when Redis has taken all. */
  async send(rooms, content) {
    const replies = await this.call(rooms.map((room) => {
      const json = JSON.stringify({ type: 'message', room, userId: null, name: 'writer', content });
      return ['EVAL', this.script, '1', `earshot:{main/${room}}:log`, 
        '', '', '0', 'rw', json, '', '10000', '0', '', '', '0', '', '0', '0', ''];
    }));
    const refused = replies.find((r) => r.startsWith('-'));
    if (refused) throw new Error(refused);
  }

  /** Sends commands in one go; gives the first line of each reply. Knows only the replies that come here. */
  call(commands, ms = 60000) {
    const encode = (words) => `*${words.length}\r\n${words.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join('')}`;
    return new Promise((resolve, reject) => {
      const replies = [];
      let rest = '';
      let skip = 0;
      const socket = net.connect(this.path);
      const timer = setTimeout(() => socket.destroy(new Error('no reply')), ms);
      socket.setEncoding('latin1');
      socket.on('error', reject);
      socket.on('close', () => { clearTimeout(timer); reject(new Error('closed')); });
      socket.on('data', (chunk) => {
        rest += chunk;
        for (let end; (end = rest.indexOf('\r\n')) >= 0; rest = rest.slice(end + 2)) {
          const line = rest.slice(0, end);
          if (skip > 0) skip--;
          else {
            replies.push(line);
            // An array of the send script: an id of two lines, and four numbers.
            skip = line.startsWith('*') ? 6 : line.startsWith('$') ? 1 : 0;
          }
        }
        if (replies.length === commands.length) { resolve(replies); socket.destroy(); }
      });
      socket.write(commands.map(encode).join(''));
    });
  }
}
