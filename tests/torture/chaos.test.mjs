// Does the proxy do to a connection what networks do, and nothing else: are bytes never lost in the middle, doubled or out of order?

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { random, seed, sleep, until } from '../system/harness.mjs';
import { Chaos, SPELLS } from './chaos.mjs';

console.log(`EARSHOT_SEED=${seed}`);

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot-chaos-'));
const echo = net.createServer((socket) => { socket.on('error', () => {}); socket.pipe(socket); });
echo.listen(`${dir}/echo.sock`);
const chaos = new Chaos(`${dir}/chaos.sock`, `${dir}/echo.sock`);
after(() => {
  chaos.close();
  echo.close();
  fs.rmSync(dir, { recursive: true });
});

/** A client that sends numbered lines and keeps what it is given back. */
function client() {
  const c = { got: '', open: true, sent: 0, socket: net.connect(`${dir}/chaos.sock`) };
  c.socket.on('data', (chunk) => { c.got += chunk; });
  c.socket.on('error', () => {});
  c.socket.on('close', () => { c.open = false; });
  c.send = () => { if (c.open) c.socket.write(`${c.sent++}\n`); };
  return c;
}

const whole = (n) => Array.from({ length: n }, (_, i) => `${i}\n`).join('');

test('each spell alone: does all come back afterwards, or does the connection end?', async (t) => {
  for (const kind of SPELLS) {
    await t.test(kind, async () => {
      const c = client();
      await once(c.socket, 'connect');
      c.send();
      await until('the first line', () => c.got === whole(1));
      const end = chaos.cast({ kind, ms: 30, bytes: 1, side: 0 }, () => true);
      for (let i = 0; i < 20; i++) { c.send(); await sleep(2); }
      end();
      const survives = kind === 'delay' || kind === 'throttle';
      if (survives) await until('all lines', () => c.got === whole(c.sent));
      else await until('it ends', () => !c.open);
      assert.equal(c.open, survives);
      assert.ok(whole(c.sent).startsWith(c.got));
      c.socket.destroy();
    });
  }
});

test('spells over each other: is what comes back always what was sent, up to where it ends?', async () => {
  const chance = random();
  for (let round = 0; round < 40; round++) {
    const clients = Array.from({ length: 5 }, client);
    const ends = [];
    for (let step = 0; step < 12; step++) {
      for (const c of clients) c.send();
      if (chance() < 0.4) ends.push(chaos.cast({ kind: SPELLS[Math.floor(chance() * SPELLS.length)], ms: 1 + chance() * 20, bytes: 1 + Math.floor(chance() * 3), side: 0 }, () => chance() < 0.6));
      if (chance() < 0.2) ends.shift()?.();
      await sleep(2);
    }
    for (const end of ends) end();
    for (const c of clients) {
      await until('all is back, or the connection ended', () => !c.open || c.got === whole(c.sent) || c.socket.readableEnded);
      assert.ok(whole(c.sent).startsWith(c.got), `round ${round}: ${JSON.stringify(c.got.slice(-40))}`);
      c.socket.destroy();
    }
  }
});
