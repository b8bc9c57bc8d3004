// chaos.mjs - a proxy between earshot and Redis that does what networks do: delays, cuts, closes one half, swallows
// and says nothing, lets through a few bytes at a time, refuses.

import net from 'node:net';

/** What a spell does; of each, how a connection is treated while it lasts. */
export const SPELLS = ['delay', 'cut', 'half-close', 'black hole', 'throttle', 'refuse'];

class Pair {
  constructor(proxy, client) {
    this.proxy = proxy;
    this.client = client;
    this.server = net.connect({ path: proxy.target, allowHalfOpen: true });
    this.spell = null;
    this.lost = false;
    for (const [from, to] of [[client, this.server], [this.server, client]]) {
      const line = { from, to, queue: [], timer: null };
      from.on('data', (chunk) => this.pass(line, chunk));
      from.on('end', () => this.pass(line, null));
      from.on('error', () => this.destroy());
      from.on('close', () => this.destroy());
      (this.lines ??= []).push(line);
    }
  }

  destroy() {
    if (this.gone) return;
    this.gone = true;
    this.proxy.pairs.delete(this);
    for (const line of this.lines) clearTimeout(line.timer);
    this.client.destroy();
    this.server.destroy();
  }

  /** Bytes, or null for the end, go on at once, or later, or not at all. */
  pass(line, chunk) {
    if (this.spell?.kind === 'black hole') {
      this.lost = true;
      return;
    }
    line.queue.push({ chunk, due: this.spell?.kind === 'delay' ? Date.now() + this.spell.ms : 0 });
    if (line.timer === null) this.push(line);
  }

  push(line) {
    line.timer = null;
    while (line.queue.length > 0) {
      const one = line.queue[0];
      const wait = one.due - Date.now();
      if (wait > 0) {
        line.timer = setTimeout(() => this.push(line), wait);
        return;
      }
      if (this.spell?.kind === 'throttle' && one.chunk !== null && one.chunk.length > this.spell.bytes) {
        line.to.write(one.chunk.subarray(0, this.spell.bytes));
        one.chunk = one.chunk.subarray(this.spell.bytes);
        line.timer = setTimeout(() => this.push(line), 1);
        return;
      }
      line.queue.shift();
      if (one.chunk === null) line.to.end();
      else line.to.write(one.chunk);
    }
  }

  /** What was swallowed is missing in the middle of the protocol, as no network does it: such a connection can only end. */
  begin(spell) {
    if (spell.kind === 'cut' || this.lost) this.destroy();
    else if (spell.kind === 'half-close') (spell.side === 0 ? this.client : this.server).end();
    else this.spell = spell;
  }

  end(spell) {
    if (this.spell !== spell) return;
    this.spell = null;
    if (this.lost) this.destroy();
  }
}

export class Chaos {
  /** Listens on a unix socket and passes all on to another. */
  constructor(listen, target) {
    this.target = target;
    this.pairs = new Set();
    this.spell = null;
    this.server = net.createServer({ allowHalfOpen: true }, (client) => this.accept(client));
    this.server.listen(listen);
  }

  accept(client) {
    client.on('error', () => {});
    if (this.spell?.kind === 'refuse') {
      client.destroy();
      return;
    }
    const pair = new Pair(this, client);
    this.pairs.add(pair);
    if (this.spell !== null && !['cut', 'half-close'].includes(this.spell.kind)) pair.begin(this.spell);
  }

  /**
   * Casts { kind, ms, bytes, side } on each connection for which `chosen(i)` holds, and on those that come, until the
   * function that it returns is called. One spell at a time holds for those that come: the last.
   */
  cast(spell, chosen) {
    const some = [...this.pairs].filter((_, i) => chosen(i));
    this.spell = spell;
    if (spell.kind === 'refuse') for (const pair of some) pair.destroy();
    else for (const pair of some) pair.begin(spell);
    return () => {
      if (this.spell === spell) this.spell = null;
      for (const pair of [...this.pairs]) pair.end(spell);
    };
  }

  close() {
    this.server.close();
    for (const pair of [...this.pairs]) pair.destroy();
  }
}
