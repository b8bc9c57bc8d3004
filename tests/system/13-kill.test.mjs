// Does the death of any process lose a message, or more than its open connections?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { forFile, sleep, until, within } from './harness.mjs';

const e = await forFile({ conf: { retry: '100ms', hubs: 2, gates: 8, drain: '2s' } });

/** A listener that resumes from its cursor whenever it is cut, by hand. */
async function faithful(where) {
  const listener = { contents: [], cuts: 0, byes: [], stopped: false };
  let cursor = null;
  listener.done = (async () => {
    while (!listener.stopped) {
      try {
        const stream = await e.listen(where, cursor ? { 'last-event-id': cursor } : {});
        listener.stream = stream;
        await stream.closed;
        cursor = stream.cursor ?? cursor;
        listener.contents.push(...stream.contents);
        listener.byes.push(...stream.items.filter((i) => i.type === 'bye'));
      } catch { /* not there yet */ }
      listener.cuts++;
      await sleep(50);
    }
  })();
  listener.stop = async () => {
    listener.stopped = true;
    listener.stream?.close();
    await listener.done;
  };
  await until('it listens', () => listener.stream?.items.some((i) => i.type === 'hello'));
  return listener;
}

const all = (listener) => [...listener.contents, ...(listener.stream?.open ? listener.stream.contents : [])];

/** Sends until it is taken, with a key, as a careful client does. */
async function surely(room, content) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await e.request('POST', `rooms/${room}/messages`, { body: content, headers: { 'content-type': 'text/plain', 'idempotency-key': content }, agent: false }).catch(() => null);
    if (answer && answer.status < 300) return;
    await sleep(50);
  }
  throw new Error('never taken');
}

test('kill -9 of hubs: does every listener resume, and get all once?', async () => {
  const listeners = await Promise.all(Array.from({ length: 8 }, () => faithful('rooms/hubs/events?as=sse')));
  const sent = [];
  for (let i = 0; i < 60; i++) {
    await e.send('hubs', `h${i}`);
    sent.push(`h${i}`);
    if (i % 15 === 7) process.kill(e.workers('hub')[i % 2] ?? e.workers('hub')[0], 'SIGKILL');
  }
  for (const listener of listeners) await until('all', () => all(listener).length >= sent.length, 10000);
  await sleep(200);
  for (const listener of listeners) assert.deepEqual(all(listener), sent);
  assert.ok(listeners.some((l) => l.cuts > 0));
  await Promise.all(listeners.map((l) => l.stop()));
  await until('two hubs again', () => e.workers('hub').length === 2);
});

test('kill -9 of gates under load: is all that got a 201 there, once, and are streams undisturbed?', async () => {
  const stream = await e.listen('rooms/gates/events?as=sse');
  await stream.waitType('hello');
  const sent = [];
  let killing = true;
  const killer = (async () => {
    while (killing) {
      const gates = e.workers('gate');
      if (gates.length > 0) try { process.kill(gates[Math.floor(gates.length / 2)], 'SIGKILL'); } catch { /* gone */ }
      await sleep(40);
    }
  })();
  await Promise.all(Array.from({ length: 4 }, async (_, k) => {
    for (let i = 0; i < 40; i++) {
      await surely('gates', `g${k}-${i}`);
      sent.push(`g${k}-${i}`);
    }
  }));
  killing = false;
  await killer;
  await until('all', () => new Set(stream.contents).size >= sent.length, 10000);
  assert.deepEqual([...stream.contents].sort(), [...sent].sort());
  assert.ok(stream.open, 'a gate\'s death cuts no stream');
  stream.close();
  await until('eight gates again', () => e.workers('gate').length === 8, 10000);
});

test('does what a hub that died said of its listeners run out by itself?', async () => {
  const stream = await e.listen('rooms/lease/events?as=sse');
  await until('one', async () => (await e.send('lease', 'x')).listeners === 1);
  for (const pid of e.workers('hub')) process.kill(pid, 'SIGKILL');
  await stream.closed;
  const key = 'earshot:{main/lease}:listeners';
  const [hub, lease] = (await e.redisCli('hgetall', key)).trim().split('\n');
  const [count, expiry] = lease.split(':').map(Number);
  assert.equal(count, 1);
  assert.ok(expiry > Date.now() && expiry < Date.now() + 65000, `it holds for ${expiry - Date.now()} ms more`);
  // Waiting for it would take a minute.
  await e.redisCli('hset', key, hub, `1:${Date.now() - 1}`);
  assert.equal((await e.send('lease', 'x')).listeners, 0);
});

test('SIGTERM: do streams get bye, long-polls an answer, sends a 201 or a 503, and is nothing lost?', async () => {
  const streams = await Promise.all(['sse', 'ndjson', 'text'].map((form) => e.listen(`rooms/drain/events?as=${form}`)));
  await streams[0].waitType('hello');
  const poll = e.get('rooms/drain/events?wait=60');
  await e.send('drain', 'last words');
  const began = Date.now();
  const how = await e.daemon.stop('SIGTERM', 8000);
  assert.deepEqual(how, { code: 0, signal: null });
  assert.ok(Date.now() - began < 6000, `${Date.now() - began} ms`);
  for (const stream of streams) {
    await within(2000, 'ended', stream.closed);
    assert.deepEqual(stream.contents, ['last words']);
    const bye = stream.items.find((i) => i.type === 'bye');
    assert.ok(bye, `no bye in ${stream.form}`);
    if (stream.form !== 'text') assert.equal(bye.event.reason, 'restart');
    assert.equal(await stream.closed, 'end', 'ended, not cut');
  }
  const answer = await within(2000, 'the long-poll is answered', poll);
  assert.equal(answer.status, 200);
  assert.ok(!fs.existsSync(`${e.dir}/earshot.sock`), 'its socket is gone');
  await e.startDaemon();
  await e.ready();
  const { events } = (await e.get(`rooms/drain/events?as=json&wait=1`, { 'last-event-id': streams[0].cursor })).json();
  assert.deepEqual(events, []);
});

test('SIGTERM under load: is every send that got a 201 stored?', async () => {
  const taken = [];
  let running = true;
  const senders = Array.from({ length: 6 }, async (_, k) => {
    for (let i = 0; running; i++) {
      const answer = await e.request('POST', 'rooms/load/messages', { body: `${k}-${i}`, headers: { 'content-type': 'text/plain' }, agent: false }).catch(() => null);
      if (answer?.status === 201) taken.push(`${k}-${i}`);
      else await sleep(10);
    }
  });
  await sleep(500);
  await e.daemon.stop();
  await sleep(100);
  await e.startDaemon();
  await e.ready();
  await sleep(300);
  running = false;
  await Promise.all(senders);
  const stream = await e.listen('rooms/load/events?as=ndjson&since=all');
  await until('all', () => stream.contents.length >= taken.length, 10000);
  await sleep(200);
  const seen = new Set(stream.contents);
  assert.equal(seen.size, stream.contents.length, 'none twice');
  assert.deepEqual(taken.filter((t) => !seen.has(t)), []);
  stream.close();
});

test('kill -9 of the supervisor: do its children end, and does a new one start in its place?', async () => {
  const workers = [...e.workers('hub'), ...e.workers('gate')];
  e.daemon.signal('SIGKILL');
  await e.daemon.ended;
  await until('its workers end', () => workers.every((pid) => { try { process.kill(pid, 0); return false; } catch { return true; } }), 15000);
  await e.startDaemon();
  await e.ready();
  await e.send('anew', 'x');
});

test('kill -9 of the supervisor while a gate stands still, which cannot end then: does a new one start all the same?', async () => {
  const [gate] = e.workers('gate');
  await sleep(5500); // nginx lets go of the connections that it keeps: what it sends on one to this gate would wait there
  process.kill(gate, 'SIGSTOP');
  try {
    e.daemon.signal('SIGKILL');
    await e.daemon.ended;
    await e.startDaemon();
    await until('it is the new one that answers', async () => {
      if (!e.daemon.alive) throw new Error(`it has ended: ${JSON.stringify(e.daemon.how)}`);
      return e.workers('gate').length === 8;
    });
    await e.ready();
    for (let i = 0; i < 20; i++) await e.send('orphan', `${i}`);
  } finally {
    process.kill(gate, 'SIGCONT');
  }
  await until('the old gate ends', () => { try { process.kill(gate, 0); return false; } catch { return true; } });
});

test('SIGHUP: are streams kept or resumed, new values in force, a bad file refused?', async () => {
  const listener = await faithful('rooms/reload/events?as=sse');
  await e.send('reload', '1');
  e.conf.content_max = '16';
  e.writeConf();
  e.daemon.signal('SIGHUP');
  await until('the new limit holds', async () => (await e.post('rooms/other/messages', 'x'.repeat(17), { 'content-type': 'text/plain' })).status === 413, 10000);
  await e.send('reload', '2');
  e.conf.content_max = 'nonsense';
  e.writeConf();
  e.daemon.signal('SIGHUP');
  await until('the log says so', () => /content_max/.test(e.daemonLog()));
  await e.send('reload', '3');
  await until('all', () => all(listener).length >= 3, 10000);
  assert.deepEqual(all(listener), ['1', '2', '3']);
  assert.ok(e.daemon.alive);
  await listener.stop();
});
