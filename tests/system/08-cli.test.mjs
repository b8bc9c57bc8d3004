// Does the earshot command do from a shell what a client does?

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { build, forFile, run, sleep, until, within } from './harness.mjs';

const e = await forFile({ conf: { retry: '100ms' } });

const program = path.join(build, 'earshot');
const env = { EARSHOT_URL: e.base, EARSHOT_TOKEN: '', EARSHOT_CONFIG: `${e.dir}/earshot.conf`, ...Object.fromEntries(Object.entries(e.env).filter(([k]) => /SAN_OPTIONS/.test(k))) };
const earshot = (args, input) => run(program, args, { env, input });

/** `earshot listen`, left running; `lines` grows. */
function listen(...args) {
  const child = spawn(program, ['listen', ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const listener = { child, out: '', err: '', get lines() { return this.out.split('\n').slice(0, -1); } };
  child.stdout.on('data', (chunk) => { listener.out += chunk; });
  child.stderr.on('data', (chunk) => { listener.err += chunk; });
  listener.stop = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await within(3000, 'earshot listen ends', ended);
  };
  return listener;
}

test('does it say its version and help, and refuse what it does not know?', async () => {
  assert.match((await earshot(['--version'])).stdout.toString(), /earshot \d+\.\d+/);
  const help = await earshot(['--help']);
  assert.equal(help.code, 0);
  for (const command of ['send', 'listen', 'history', 'rooms', 'token']) assert.ok(help.stdout.includes(command));
  for (const args of [[], ['shout'], ['send'], ['listen'], ['send', 'room', 'text', '--loud'], ['history', 'room', '--limit', 'x']]) {
    const { code, stderr } = await earshot(args);
    assert.equal(code, 2, args.join(' '));
    assert.ok(stderr.length > 0);
  }
});

test('are an argument and standard input sent, byte for byte?', async () => {
  assert.equal((await earshot(['send', 'cli', 'by argument'])).code, 0);
  assert.equal((await earshot(['send', 'cli'], 'by input\nß\\☃\n')).code, 0);
  assert.equal((await earshot(['send', 'cli', '--type', 'note', '--metadata', '{"a":1}', 'typed'])).code, 0);
  const { events } = (await e.get('rooms/cli/messages')).json();
  assert.deepEqual(events.map((x) => x.content), ['by argument', 'by input\nß\\☃', 'typed']);
  assert.deepEqual([events[2].type, events[2].metadata], ['note', { a: 1 }]);
});

test('does history print a line a message, oldest first, over pages?', async () => {
  const batch = Array.from({ length: 450 }, (_, i) => JSON.stringify({ content: `h${i}` })).join('\n');
  assert.equal((await earshot(['send', 'cli-history', '--batch'], `${batch}\n`)).code, 0);
  const { stdout } = await earshot(['history', 'cli-history', '--limit', '420']);
  assert.deepEqual(stdout.toString().split('\n').slice(0, -1), Array.from({ length: 420 }, (_, i) => `anonymous: h${i + 30}`));
  const json = await earshot(['history', 'cli-history', '--limit', '2', '--as', 'ndjson']);
  assert.deepEqual(json.stdout.toString().trim().split('\n').map((l) => JSON.parse(l).content), ['h448', 'h449']);
});

test('does rooms list them?', async () => {
  const { code, stdout } = await earshot(['rooms']);
  assert.equal(code, 0);
  assert.match(stdout.toString(), /^cli-history\b/m);
});

test('is a token minted that the server takes, and a bad request for one refused?', async () => {
  const { stdout } = await earshot(['token', '--user', 'dora']);
  const { code } = await earshot(['send', 'cli-token', '--token', stdout.toString().trim(), 'signed']);
  assert.equal(code, 0);
  assert.equal((await e.get('rooms/cli-token/messages')).json().events[0].userId, 'dora');
  for (const args of [['token'], ['token', '--user', 'a b'], ['token', '--user', 'x', '--rooms', 'lobby'], ['token', '--user', 'x', '--ttl', 'soon']]) {
    const bad = await earshot(args);
    assert.notEqual(bad.code, 0, args.join(' '));
    assert.equal(bad.stdout.length, 0);
    assert.ok(bad.stderr.length > 0);
  }
});

test('are refusals told on standard error, with exit 1?', async () => {
  const { code, stdout, stderr } = await earshot(['send', 'bad room', 'x']);
  assert.ok([1, 2].includes(code));
  assert.equal(stdout.length, 0);
  assert.match(stderr.toString(), /room/);
  const token = await earshot(['send', 'cli', '--token', 'nonsense', 'x']);
  assert.equal(token.code, 1);
});

test('does it say so when no server answers?', async () => {
  const { code, stderr } = await run(program, ['send', 'cli', 'x', '--url', 'http://127.0.0.1:9/chat/v1', '--retry-for', '0s'], { env });
  assert.equal(code, 3);
  assert.ok(stderr.length > 0);
});

test('does listen print one line a message and end at --count?', async () => {
  const listener = listen('cli-listen', '--count', '2');
  const ended = once(listener.child, 'exit');
  await until('listening', async () => (await e.listeners('cli-listen')) === 1);
  await e.send('cli-listen', 'one\ntwo');
  await e.send('cli-listen', 'three');
  const [code] = await within(5000, 'it ends', ended);
  assert.equal(code, 0);
  assert.deepEqual(listener.lines, ['anonymous: one\\ntwo', 'anonymous: three']);
});

test('does listen follow many rooms?', async () => {
  const listener = listen('cli-m1', 'cli-m2', '--as', 'ndjson');
  await until('listening', async () => (await e.listeners('cli-m2')) === 1);
  await e.send('cli-m1', 'x');
  await e.send('cli-m2', 'y');
  await until('both', () => listener.lines.length === 2);
  assert.deepEqual(listener.lines.map((l) => JSON.parse(l).room).sort(), ['cli-m1', 'cli-m2']);
  await listener.stop();
});

test('does listen resume by itself over a restart of the daemon, and lose nothing?', async () => {
  const listener = listen('cli-restart');
  await until('listening', async () => (await e.listeners('cli-restart')) === 1);
  await e.send('cli-restart', 'before');
  await until('before', () => listener.lines.length === 1);
  await e.daemon.stop();
  await sleep(300);
  await e.startDaemon();
  await e.ready();
  await e.send('cli-restart', 'while away');
  await until('it caught up', () => listener.lines.length === 2, 20000);
  for (const pid of e.workers('hub')) process.kill(pid, 'SIGKILL');
  await e.send('cli-restart', 'after a kill');
  await until('again', () => listener.lines.length === 3, 20000);
  await listener.stop();
  assert.deepEqual(listener.lines, ['anonymous: before', 'anonymous: while away', 'anonymous: after a kill']);
});
