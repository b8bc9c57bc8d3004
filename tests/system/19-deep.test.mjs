// Does readyz?deep=1 find out whether a send reaches those who listen?

import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { Earshot, forFile, sleep, slow, until } from './harness.mjs';

const e = await forFile({ conf: { gates: 8, hubs: 2 } });

/** A deep check on a connection of its own, with how long it took. */
async function deep(earshot = e) {
  const began = Date.now();
  const answer = await earshot.request('GET', 'readyz?deep=1', { agent: false });
  return { ...answer, body: JSON.parse(answer.text), ms: Date.now() - began };
}

/** What was found is told again for a second. */
const later = () => sleep(1050);

test('all well: 200 with the number of hubs and the latency, and nobody sees the canary?', async () => {
  const { status, body, headers } = await deep();
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ['status', 'hubs', 'latency_ms']);
  assert.equal(body.hubs, 2);
  assert.ok(Number.isInteger(body.latency_ms) && body.latency_ms < 1000 * slow);
  assert.equal(headers['cache-control'], 'no-store');
  assert.deepEqual((await e.get('rooms')).json(), { rooms: [] });
  const room = (await e.redisCli('keys', '*canary*:log')).trim();
  assert.match(room, /^earshot:\{main\/.*canary\}:log$/);
  const name = /\/(.*)\}/.exec(room)[1];
  for (const where of [`rooms/${name}/messages`, `rooms/${encodeURIComponent(name)}/events?as=json&wait=0`, `events?room=${encodeURIComponent(name)}`]) {
    assert.equal((await e.get(where)).status, 400, where);
  }
});

test('other values of deep: as without, or 400?', async () => {
  assert.deepEqual((await e.get('readyz?deep=0')).json(), { status: 'ok' });
  for (const value of ['2', 'yes', '', '-1']) assert.equal((await e.get(`readyz?deep=${value}`)).status, 400, value);
  assert.equal((await e.get('readyz?deep=1&deep=1')).status, 400);
  assert.equal((await e.request('HEAD', 'readyz?deep=1')).status, 200);
});

test('many checks at once: are they one, and do sends go on?', async () => {
  await later();
  const key = 'earshot:{main/@!canary}:log';
  const added = async () => Number(/entries-added\n(\d+)/.exec(await e.redisCli('xinfo', 'stream', key))[1]);
  const before = await added();
  const agent = new http.Agent({ maxSockets: 100 });
  const began = Date.now();
  const checks = Array.from({ length: 100 }, () => e.request('GET', 'readyz?deep=1', { agent }));
  await e.send('beside', 'x');
  for (const { status } of await Promise.all(checks)) assert.equal(status, 200);
  const seconds = Math.ceil((Date.now() - began) / 1000);
  assert.ok(await added() - before <= seconds, 'one check a second');
  agent.destroy();
});

test('a hub that hangs: 503 that names it, in time, with gates left for others, and well after?', async () => {
  await later();
  const pid = e.workers('hub')[0];
  process.kill(pid, 'SIGSTOP');
  try {
    const checks = Array.from({ length: 30 }, () => deep());
    await e.send('beside', 'x');
    const answers = await Promise.all(checks);
    const bad = answers.filter((a) => a.body.code === 'hub_silent');
    assert.ok(bad.length > 0);
    assert.match(bad[0].body.detail, /^hub \d did not deliver/);
    for (const { status, ms, headers } of answers) {
      assert.ok(ms < 2500 * slow, `${ms} ms`);
      if (status === 503) assert.match(headers['retry-after'], /^\d+$/);
    }
    await later();
    assert.equal((await deep()).body.code, 'hub_silent');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await later();
  assert.equal((await deep()).status, 200);
});

test('many checks at once that last, and nothing is known yet: are gates left, and what are the checks told?', async () => {
  const other = await Earshot.start({ conf: { gates: 4, hubs: 1 } });
  try {
    const pid = other.workers('hub')[0];
    process.kill(pid, 'SIGSTOP');
    const checks = Array.from({ length: 40 }, () => deep(other));
    const began = Date.now();
    for (let i = 0; i < 10; i++) await other.send('beside', 'x');
    const took = Date.now() - began;
    // One may come by a connection that nginx keeps to the gate which checks, and wait for that: 1.5 s.
    assert.ok(took < 2500 * slow, `ten sends took ${took} ms`);
    const codes = (await Promise.all(checks)).map(({ body }) => body.code);
    process.kill(pid, 'SIGCONT');
    assert.deepEqual(codes.filter((code) => !['hub_silent', 'check_running'].includes(code)), []);
    assert.ok(codes.includes('hub_silent') && codes.includes('check_running'), JSON.stringify(codes));
  } finally {
    await other.stop();
  }
});

test('a hub that is killed: red until there is another?', async () => {
  process.kill(e.workers('hub')[1], 'SIGKILL');
  await until('well again', async () => (await deep()).status === 200, 5000);
  await until('two hubs', () => e.workers('hub').length === 2);
});

test('a hub whose subscription is lost for good, though Redis answers: red?', async () => {
  // A user that may do anything but subscribe: sends are stored, nobody would hear of them.
  const other = await Earshot.start();
  try {
    await other.redisCli('acl', 'setuser', 'default', '-subscribe');
    assert.equal((await other.get('readyz')).status, 200);
    await other.send('unheard', 'x');
    const answer = await deep(other);
    assert.equal(answer.body.code, 'hub_silent', JSON.stringify(answer.body));
    assert.ok(answer.ms < 2500 * slow);
  } finally {
    await other.stop();
  }
});
