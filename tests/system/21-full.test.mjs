// With no descriptor or no hub to be had: is load refused as its client can bear, without spinning?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { build, Earshot, run, sleep, until, within } from './harness.mjs';

const plain = { 'content-type': 'text/plain' };

async function withOne(conf, options, body) {
  const e = await Earshot.start({ ...options, conf: { hubs: 1, gates: 4, ...conf } });
  try {
    await body(e);
  } finally {
    await e.stop();
  }
}

async function limit(pid, files) {
  const { code, stderr } = await run('prlimit', ['--pid', String(pid), `--nofile=${files}`]);
  assert.equal(code, 0, stderr.toString());
}

const limitOf = (pid) => Number(/^Max open files\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'))[1]);
const filesOf = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

/** How much of a core the processes take meanwhile, 0 to 1. */
async function share(pids, ms) {
  const ticks = () => pids.reduce((sum, pid) => sum + fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop().split(' ').slice(11, 13).reduce((a, b) => a + Number(b), 0), 0);
  const before = ticks();
  await sleep(ms);
  return (ticks() - before) * 10 / ms;
}

/** A refusal that its kind of client can bear; gives the time after which an EventSource comes back. */
function expectRefusal(answer, form) {
  if (form === 'sse') {
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers['content-type'], /^text\/event-stream/);
    const retry = Number(/^retry: (\d+)$/m.exec(answer.text.replace(/^retry: 2000\n\n(?=retry)/, ''))[1]);
    assert.ok(retry >= 2000 && retry <= 10000, answer.text);
    assert.doesNotMatch(answer.text, /hello/);
    return retry;
  }
  assert.equal(answer.status, 503, `${form}: ${answer.text}`);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
  assert.notEqual(answer.json().code, 'daemon_down', 'not the web server\'s own words');
  return null;
}

async function expectRefusals(e, room) {
  const retries = [];
  for (let i = 0; i < 4; i++) {
    for (const form of ['sse', 'ndjson', 'text', 'json']) {
      const answer = await within(5000, `${form} is answered and closed`, e.request('GET', `rooms/${room}/events?as=${form}`, { agent: false }));
      retries.push(expectRefusal(answer, form));
    }
  }
  assert.ok(new Set(retries.filter((r) => r !== null)).size > 1, `random: ${retries}`);
}

test('a hub out of descriptors: are receives refused, none lost, those that are open unhurt, and nothing spins?', () => withOne({}, {}, async (e) => {
  const [hub] = e.workers('hub');
  const streams = await Promise.all(Array.from({ length: 40 }, () => e.listen('rooms/files/events?as=ndjson')));
  const was = limitOf(hub);
  for (const files of [64 + 40, 30]) { // what it keeps for itself; and far below what is open
    assert.ok(files === 104 || files < filesOf(hub), 'no new descriptor can be had');
    await limit(hub, `${files}:${was}`);
    await expectRefusals(e, 'files');
    const busy = share([hub], 2000);
    const answers = await Promise.all(Array.from({ length: 100 }, () => e.request('GET', 'rooms/files/events?as=sse', { agent: false })));
    for (const answer of answers) expectRefusal(answer, 'sse');
    assert.ok(await busy < 0.5, `of a core while 100 are refused: ${await busy}`);
    const idle = await share([hub], 2000);
    assert.ok(idle < 0.1, `of a core when nothing comes: ${idle}`);
    await e.send('files', `at ${files}`);
    for (const stream of streams) await stream.waitContent(`at ${files}`);
  }
  assert.ok(e.daemonLog().split('\n').filter((line) => /hub.*out of file descriptors: receives are refused/.test(line)).length < 20, 'a line a second says enough');
  assert.doesNotMatch(e.daemonLog(), /receives are lost/);
  streams.splice(0, 30).forEach((s) => s.close());
  await limit(hub, `${64 + 40}:${was}`);
  const again = await until('room again', async () => {
    const stream = await e.open('rooms/files/events?as=ndjson');
    if (stream.status === 200) return stream;
    stream.close();
    return null;
  });
  again.close();
  // Redis is lost and found with the few that are kept for it.
  await e.redisCli('client', 'kill', 'type', 'pubsub');
  await sleep(1000);
  await e.send('files', 'after all');
  for (const stream of streams) await stream.waitContent('after all');
  streams.forEach((s) => s.close());
  assert.deepEqual(e.workers('hub'), [hub]);
}));

test('gates out of descriptors: do they wait without spinning, and answer when they can again?', () => withOne({}, {}, async (e) => {
  const gates = e.workers('gate');
  await sleep(5500); // nginx lets go of the connections that it keeps
  const was = limitOf(gates[0]);
  for (const gate of gates) await limit(gate, `3:${was}`);
  const sends = Array.from({ length: 50 }, (_, i) => e.request('POST', 'rooms/gates/messages', { body: `g${i}`, headers: plain, agent: false }));
  await sleep(500);
  assert.match(e.daemonLog(), /gate.*cannot accept: Too many open files/);
  const busy = await share(gates, 2000);
  assert.ok(busy < 0.1, `of a core: ${busy}`);
  assert.ok(e.daemonLog().split('\n').filter((line) => /cannot accept/.test(line)).length < 5 * gates.length, 'a line a second says enough');
  for (const gate of gates) await limit(gate, `${was}:${was}`);
  for (const answer of await within(10000, 'all are answered', Promise.all(sends))) assert.equal(answer.status, 201);
  assert.deepEqual(e.workers('gate'), gates);
}));

test('a supervisor out of descriptors: does it keep what runs, say so, and reload when it can again?', () => withOne({}, {}, async (e) => {
  const workers = [...e.workers('hub'), ...e.workers('gate')];
  const was = limitOf(e.daemon.pid);
  await limit(e.daemon.pid, `${filesOf(e.daemon.pid)}:${was}`);
  for (const [signal, words] of [['SIGHUP', /the configuration stays as it was: .*Too many open files/], ['SIGUSR2', /not upgraded: .*Too many open files/]]) {
    e.daemon.signal(signal);
    await until(`${signal} is refused`, () => words.test(e.daemonLog()));
    assert.deepEqual([...e.workers('hub'), ...e.workers('gate')], workers);
    await e.send('files', 'x');
  }
  const busy = await share([e.daemon.pid], 1000);
  assert.ok(busy < 0.1, `of a core: ${busy}`);
  await limit(e.daemon.pid, `${was}:${was}`);
  e.daemon.signal('SIGHUP');
  await until('others', () => workers.every((pid) => !fs.existsSync(`/proc/${pid}`)), 10000);
  await e.ready();
}));

test('the limit of open files: is it raised as far as it may, and is what does not fit told?', async () => {
  const e = await Earshot.start({ conf: { hubs: 2, gates: 2, streams_max: 5000 }, daemon: false, nginx: false });
  try {
    e.binary = `${e.dir}/limited`;
    fs.writeFileSync(e.binary, `#!/bin/sh\nulimit -Sn 200\nulimit -Hn 1500\nexec "${build}/earshotd" "$@"\n`, { mode: 0o755 });
    await e.startDaemon();
    await until('it is up', () => /up: gates=2/.test(e.daemonLog()));
    assert.equal(limitOf(e.daemon.pid), 1500);
    for (const pid of [...e.workers('hub'), ...e.workers('gate')]) assert.equal(limitOf(pid), 1500);
    assert.match(e.daemonLog(), /warn supervisor.* streams_max=5000 needs 2564 open files a hub hubs=2, and 1500 are allowed/);
    e.conf.streams_max = 2000;
    e.writeConf();
    const before = e.daemonLog().length;
    e.daemon.signal('SIGHUP');
    await until('it is up again', () => /up: gates=2/.test(e.daemonLog().slice(before)));
    assert.doesNotMatch(e.daemonLog().slice(before), /open files/);
  } finally {
    await e.stop();
  }
});

test('when no hub takes a receive: is it refused at once, and does what was taken wait for one?', () => withOne({}, {}, async (e) => {
  const [hub] = e.workers('hub');
  e.daemon.signal('SIGSTOP'); // else the hub would be replaced within 10 s
  process.kill(hub, 'SIGSTOP');
  // Of many rooms, so that a thousand fill the inlet.
  const rooms = Array.from({ length: 60 }, (_, i) => `away-${i}-${'x'.repeat(50)}`);
  const streams = [];
  const open = () => streams.push(e.listen(`events?as=ndjson&rooms=${rooms}`).catch((error) => error));
  let refused = null;
  for (let i = 0; i < 150 && !refused; i++) {
    for (let k = 0; k < 20; k++) open();
    refused = await Promise.race([...streams, sleep(50)]);
  }
  assert.ok(refused instanceof Error, 'the inlet is full');
  await expectRefusals(e, 'away');
  const busy = await share(e.workers('gate'), 1000);
  assert.ok(busy < 0.1, `of a core: ${busy}`);
  assert.equal((await e.post(`rooms/${rooms[0]}/messages`, 'sends go on', plain)).status, 201);
  process.kill(hub, 'SIGCONT');
  e.daemon.signal('SIGCONT');
  const all = await within(20000, 'all are answered', Promise.all(streams));
  const taken = all.filter((s) => !(s instanceof Error));
  assert.ok(taken.length > 100, `${taken.length} of ${all.length} were taken`);
  await e.send(rooms[0], 'now');
  for (const stream of taken) await stream.waitContent('now', 10000);
  taken.forEach((s) => s.close());
  for (const error of all.filter((s) => s instanceof Error)) assert.match(error.message, /^listen: 503 .*streams_full/);
}));
