// publisher.mjs - a careful client that sends: each send has a key, and goes out again, the same, until it is
// acknowledged. What it does next comes from its own random numbers.

import http from 'node:http';
import { bearer, jwt, sleep } from '../system/harness.mjs';

const AGAIN = new Set([502, 503, 504]);
const ALPHABET = [...'abcdefghijklmnopqrstuvwxyz     0123456789.,:;#\\\n\r\t"\'{}[]<>&%\u0085\u2028', 'ä', 'ß', '漢', '字', '🙂', '👩‍👩‍👧', 'e\u0301'];

const inADay = () => Math.floor(Date.now() / 1000) + 86400;

/** What a publisher does in a turn: of what kind, how often. */
const TURNS = [['json', 50], ['text', 25], ['batch', 15], ['ephemeral', 6], ['again', 4]];

export class Publisher {
  /** `world`: base (the URL), ledger, report, counts, rooms ([name, weight]), slow. */
  constructor(name, world, chance, { rooms, pause_ms = 150, longest = 400, lines = 20 }) {
    Object.assign(this, { name, world, chance, rooms, pause_ms, longest, lines });
    this.number = 0;
    this.stopped = false;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    this.headers = chance() < 0.5 ? {} : bearer(jwt({ sub: name, name: `${name}: ünï #1`, exp: inADay() }));
    this.notes = [];
    this.last = null;
  }

  pick(weighted) {
    let at = this.chance() * weighted.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [what, weight] of weighted) if ((at -= weight) < 0) return what;
    return weighted[0][0];
  }

  text(tag) {
    const length = Math.floor(this.chance() ** 2 * this.longest);
    let text = `${tag} `;
    for (let i = 0; i < length; i++) text += ALPHABET[Math.floor(this.chance() * ALPHABET.length)];
    return text;
  }

  async run() {
    while (!this.stopped) {
      await this.turn(this.pick(TURNS));
      await sleep(this.chance() * 2 * this.pause_ms);
    }
    this.agent.destroy();
  }

  /** The last words in each room of its own: with them no log is empty, and every reader has something to wait for. */
  async finish(rooms) {
    for (const room of rooms) await this.surely(this.make('json', room));
    this.agent.destroy();
  }

  async turn(kind) {
    if (kind === 'again' && this.last !== null) await this.surely(this.last);
    else await this.surely(this.make(kind === 'again' ? 'json' : kind, this.pick(this.rooms)));
  }

  message(room, ephemeral) {
    const tag = `${ephemeral ? 'e:' : ''}${this.name}:${this.number++}`;
    const content = this.text(tag);
    this.world.ledger.send(tag, { room, content, who: this.name, ephemeral });
    return { tag, content };
  }

  make(kind, room) {
    const ephemeral = kind === 'ephemeral';
    const count = kind === 'batch' ? 1 + Math.floor(this.chance() * this.lines) : 1;
    const messages = Array.from({ length: count }, () => this.message(room, ephemeral));
    const lines = messages.map(({ tag, content }) => JSON.stringify({
      content,
      type: this.chance() < 0.1 && !ephemeral ? 'note' : undefined,
      metadata: this.chance() < 0.2 ? { tag, deep: [{ n: 1.5 }, null] } : undefined,
      clientId: this.chance() < 0.2 ? tag : undefined,
      ephemeral: ephemeral || undefined,
    }));
    return {
      room, messages, tries: 0,
      key: messages[0].tag,
      body: kind === 'text' ? messages[0].content : lines.join('\n'),
      type: kind === 'text' ? 'text/plain' : kind === 'batch' ? 'application/x-ndjson' : 'application/json',
    };
  }

  async surely(send) {
    this.current = send;
    while (!this.world.over) {
      send.tries++;
      // Now and then the client loses patience: what became of the send it does not know.
      const patience_ms = this.chance() < 0.03 ? this.chance() * 60 : 8000 * this.world.slow;
      const answer = await this.post(send, patience_ms).catch((error) => ({ status: 0, text: error.message }));
      this.notes.push(`${new Date().toISOString()} ${send.key} room=${send.room} try=${send.tries} status=${answer.status} ${answer.status === 201 ? '' : answer.text.slice(0, 160)}`);
      if (this.notes.length > 100) this.notes.splice(0, 50);
      if (this.take(send, answer)) break;
      this.world.counts.retries++;
      await sleep(20 + this.chance() * 200);
    }
    this.current = null;
    if (!send.messages[0].tag.startsWith('e:')) this.last = send;
  }

  post(send, patience_ms) {
    return new Promise((resolve, reject) => {
      const headers = {
        ...this.headers,
        'content-type': send.type,
        'content-length': Buffer.byteLength(send.body),
        'idempotency-key': send.key,
      };
      const req = http.request(`${this.world.base()}/rooms/${send.room}/messages`, { method: 'POST', headers, agent: this.agent }, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('aborted', () => reject(new Error('cut')));
        res.on('end', () => resolve({ status: res.statusCode, text: Buffer.concat(chunks).toString() }));
      });
      const timer = setTimeout(() => req.destroy(new Error('no answer in time')), patience_ms);
      req.on('close', () => clearTimeout(timer));
      req.on('error', reject);
      this.world.counts.requests++;
      req.end(send.body);
    });
  }

  /** Returns whether all of it is acknowledged. */
  take(send, { status, text }) {
    if (status === 0) return false;
    if (status === 201 || status === 207) return this.takeLines(send, status, text);
    if (!AGAIN.has(status)) this.world.report('refused', `${send.key}: ${status} ${text.slice(0, 300)}`);
    this.world.counts.unavailable++;
    return !AGAIN.has(status);
  }

  takeLines(send, status, text) {
    const lines = text.trim().split('\n').map((line) => JSON.parse(line));
    if (lines.length !== send.messages.length) {
      this.world.report('refused', `${send.key}: ${lines.length} results for ${send.messages.length} messages`);
      return true;
    }
    let all = true;
    lines.forEach((line, i) => {
      const { tag, content } = send.messages[i];
      if (line.code !== undefined) {
        if (!AGAIN.has(line.status)) this.world.report('refused', `${tag}: ${JSON.stringify(line)}`);
        all = false;
        return;
      }
      if (line.content !== content) this.world.report('content', `${tag}: the answer has ${JSON.stringify(line).slice(0, 200)}`);
      this.world.ledger.acknowledge(tag, line.id);
    });
    if (all !== (status === 201)) this.world.report('refused', `${send.key}: ${status} for ${text.slice(0, 300)}`);
    return all;
  }
}
