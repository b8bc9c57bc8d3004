// Does ./quickstart do what it says, leave nothing behind, and say clearly what it cannot do?

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { freePort, marked, root, run, sleep, until, within } from './harness.mjs';

const started = [];
after(async () => {
  // A test that failed left its quickstart: that stops redis and nginx, whose marks their own titles overwrite.
  for (const q of started) {
    if (q.child.exitCode !== null || q.child.signalCode !== null) continue;
    q.child.kill('SIGTERM');
    await Promise.race([q.ended, sleep(10000)]);
  }
  for (const q of started) for (const { pid } of marked(`TEST_MARK=${q.mark}`)) process.kill(pid, 'SIGKILL');
});
const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot test-'));
// As root, the servers run as www-data, who must get in to read the configuration again.
fs.chmodSync(temp, 0o755);
after(() => fs.rmSync(temp, { recursive: true, force: true }));
const program = path.join(root, 'quickstart');
const socketDirs = () => fs.readdirSync('/tmp').filter((name) => name.startsWith('earshot.'));

/** Starts a quickstart as a terminal does, in a process group of its own. */
async function start(...args) {
  const mark = randomBytes(8).toString('hex');
  const child = spawn(program, args, { cwd: temp, detached: true, env: { ...process.env, TEST_MARK: mark }, stdio: ['ignore', 'pipe', 'pipe'] });
  const q = { child, out: '', err: '', mark };
  started.push(q);
  child.stdout.on('data', (chunk) => { q.out += chunk; });
  child.stderr.on('data', (chunk) => { q.err += chunk; });
  q.ended = new Promise((resolve) => { child.on('close', (code, signal) => resolve({ code, signal })); });
  q.ready = async (ms = 60000) => {
    await Promise.race([until('it is ready', () => /Ctrl-C stops all/.test(q.out), ms), q.ended.then(() => { throw new Error(`ended: ${q.out}${q.err}`); })]);
    return q;
  };
  q.stop = async (signal = 'SIGINT', to = -child.pid) => {
    process.kill(to, signal);
    const how = await within(15000, 'quickstart ends', q.ended);
    assert.deepEqual(marked(`TEST_MARK=${mark}`), [], 'processes are left');
    return how;
  };
  return q;
}

test('do the three curl lines work as printed, and does Ctrl-C stop all?', async () => {
  const dir = path.join(temp, 'a dir');
  const port = await freePort();
  const before = socketDirs();
  const q = await (await start('--port', String(port), '--dir', dir)).ready(300000);
  assert.ok(q.out.includes(`http://127.0.0.1:${port}/chat/v1`));
  const lines = q.out.match(/^ +curl .*$/gm).map((line) => line.trim());
  assert.equal(lines.length, 3);
  const [send, listen, wait] = lines;
  const waiting = run('bash', ['-c', wait]);
  await sleep(500);
  const sent = await run('bash', ['-c', send]);
  assert.equal(JSON.parse(sent.stdout).content, 'hello');
  assert.equal((await within(5000, 'the third ends', waiting)).stdout.toString(), 'anonymous: hello\n');
  const heard = await run('timeout', ['2', 'bash', '-c', `exec ${listen}`]);
  assert.equal(heard.stdout.toString(), 'anonymous: hello\n');

  assert.equal(fs.statSync(`${dir}/earshot.conf`).mode & 0o777, 0o600);
  for (const name of ['redis', 'earshotd', 'nginx']) process.kill(Number(fs.readFileSync(`${dir}/pids/${name}.pid`, 'utf8')), 0);
  // The daemon, which is not root any more, reads its configuration again at SIGHUP.
  process.kill(Number(fs.readFileSync(`${dir}/pids/earshotd.pid`, 'utf8')), 'SIGHUP');
  await sleep(1000);
  assert.doesNotMatch(fs.readFileSync(`${dir}/logs/earshotd.log`, 'utf8'), /stays as it was|Permission denied/);
  const secret = fs.readFileSync(`${dir}/earshot.conf`, 'utf8');
  assert.match(secret, /^jwt_secret = [0-9a-f]{64}$/m);

  const second = await start('--port', String(await freePort()), '--dir', dir);
  assert.equal((await second.ended).code, 1);
  assert.match(second.err, /another quickstart/);

  const how = await q.stop();
  assert.equal(how.code, 0);
  assert.deepEqual(fs.readdirSync(`${dir}/pids`).filter((n) => n.endsWith('.pid')), []);
  assert.deepEqual(socketDirs(), before);

  const began = Date.now();
  const again = await (await start('--port', String(port), '--dir', dir)).ready();
  assert.ok(Date.now() - began < 15000, `a second start took ${Date.now() - began} ms`);
  assert.equal(fs.readFileSync(`${dir}/earshot.conf`, 'utf8'), secret);
  const kept = await run('curl', ['-s', `http://127.0.0.1:${port}/chat/v1/rooms/lobby/messages`]);
  assert.equal(JSON.parse(kept.stdout).events[0].content, 'hello', 'what was said is kept');
  assert.equal((await again.stop('SIGTERM', again.child.pid)).code, 0);
});

test('does a stop end open streams with bye?', async () => {
  const port = await freePort();
  const q = await (await start(`--port=${port}`, '--dir', 'bye')).ready();
  const listener = run('curl', ['-sN', `http://127.0.0.1:${port}/chat/v1/rooms/lobby/events?as=text`]);
  await sleep(500);
  await q.stop();
  const { code, stdout } = await listener;
  assert.equal(code, 0, 'ended, not cut');
  assert.match(stdout.toString(), /^# bye/);
});

test('does a script\'s `quickstart &` end at SIGINT, which such scripts ignore?', async () => {
  const { code, stdout } = await run('sh', ['-c', `
    '${program}' --port ${await freePort()} --dir script >out 2>&1 &
    for i in $(seq 100); do grep -q Ctrl-C out && break; sleep 0.1; done
    kill -INT $!; wait $!; echo $?`], { cwd: temp });
  assert.equal(code, 0);
  assert.equal(stdout.toString(), '0\n');
});

test('does a DIR too long for a unix socket work?', async () => {
  const dir = path.join(temp, 'd'.repeat(100), 'e'.repeat(50));
  const port = await freePort();
  const q = await (await start('--port', String(port), '--dir', dir)).ready();
  assert.equal((await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', `http://127.0.0.1:${port}/chat/v1/readyz`])).stdout.toString(), '200');
  await q.stop();
});

test('is a port in use told at once?', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const q = await start('--port', String(server.address().port), '--dir', 'used');
  const how = await within(5000, 'it ends', q.ended);
  assert.equal(how.code, 1);
  assert.match(q.err, new RegExp(`port ${server.address().port} .*in use`));
  server.close();
});

test('does it say so when one of the three dies, show its log and stop the others?', async () => {
  for (const name of ['nginx', 'redis', 'earshotd']) {
    const dir = path.join(temp, `dies-${name}`);
    const q = await (await start('--port', String(await freePort()), '--dir', dir)).ready();
    process.kill(Number(fs.readFileSync(`${dir}/pids/${name}.pid`, 'utf8')), 'SIGKILL');
    const how = await within(15000, 'it ends', q.ended);
    assert.equal(how.code, 1);
    assert.match(q.err, new RegExp(`${name} has ended`));
    assert.match(q.err, new RegExp(`${name}\\.log`));
    await until('nothing is left', () => marked(`TEST_MARK=${q.mark}`).length === 0);
  }
});

test('is what a killed quickstart left stopped by the next?', async () => {
  const args = ['--port', String(await freePort()), '--dir', 'killed'];
  const q = await (await start(...args)).ready();
  q.child.kill('SIGKILL');
  await q.ended.catch(() => {});
  const next = await (await start(...args)).ready();
  assert.match(next.out, /left over/);
  assert.deepEqual(marked(`TEST_MARK=${q.mark}`), []);
  await next.stop();
});

test('are bad arguments refused?', async () => {
  for (const [args, says] of [[['--port', '0'], /port/], [['--port', 'x'], /port/], [['--port', '70000'], /port/], [['--port'], /value/], [['--server', 'iis'], /nginx apache .* caddy/], [['--loud'], /--loud/], [['check', 'nothing'], /no step/]]) {
    const { code, stderr } = await run(program, args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr.toString(), says);
  }
});
