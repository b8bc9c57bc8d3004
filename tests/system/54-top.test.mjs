// 54-top - does `earshot top` show how all goes, in a real terminal, and give that back as it was?
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { bearer, build, forFile, run, tokenOf, until } from './harness.mjs';

const e = await forFile({ conf: { gates: '4', hubs: '2' } });
const program = path.join(build, 'earshot');
const own = { EARSHOT_URL: e.base, EARSHOT_CONFIG: `${e.dir}/earshot.conf`, EARSHOT_TOKEN: '', LANG: 'C.UTF-8', ...Object.fromEntries(Object.entries(e.env).filter(([k]) => /SAN_OPTIONS/.test(k))) };
const top = (args, env = {}) => run(program, ['top', ...args], { env: { ...own, ...env } });

// A terminal: tmux is one, and tells what is on it. Its socket outlives the directory of the rest.
const ownDir = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot-tmux-'));
const tmux = async (...args) => {
  const { code, stdout, stderr } = await run('tmux', ['-S', `${ownDir}/tmux`, '-f', '/dev/null', '-u', ...args], { env: { ...own, TERM: 'xterm-256color', TMUX: '' } });
  assert.equal(code, 0, stderr.toString());
  return stdout.toString();
};
await tmux('new-session', '-d', '-x', '110', '-y', '24', 'env PS1=prompt: sh');
after(async () => { await tmux('kill-server').catch(() => {}); fs.rmSync(ownDir, { recursive: true, force: true }); });
const screen = () => tmux('capture-pane', '-p');
const shows = (pattern, ms = 10000) => {
  let last = '';
  return until(`the terminal shows ${pattern}`, async () => pattern.test(last = await screen()) && last, ms).catch((error) => { throw new Error(`${error.message}\n${last}`); });
};
const type = (...keys) => tmux('send-keys', ...keys);
const begin = async (prefix = '', pattern = /^earshot top  http/m) => {
  await type(`clear; ${prefix}${program} top; echo "over $?"`, 'Enter');
  await shows(pattern);
};
const pidOfTop = async () => {
  const shell = (await tmux('list-panes', '-F', '#{pane_pid}')).trim();
  return Number((await run('pgrep', ['-P', shell, '-x', 'earshot'])).stdout.toString().trim());
};

const people = [];
for (let i = 0; i < 4; i++) people.push(await e.listen(`rooms/${i < 3 ? 'busy' : 'calm'}/events?as=sse`, bearer(tokenOf(`user${i}`, { name: `漢字 \u202e${i}` }))));
const talk = setInterval(() => e.send('busy', 'x').catch(() => {}), 50);
after(() => { clearInterval(talk); people.forEach((one) => one.close()); });

test('are figures, rooms, connections and hubs there, the busiest first, at any size, until q?', async () => {
  await begin();
  const text = await shows(/^busy +3 .*\n^calm +1 /m);
  assert.match(text, /^earshot top  http.*\n\nstreams  5  sse 5 /);
  assert.match(text, /^redis    \d+\.\d\d ms  memory \d/m);
  assert.match(text, /hubs 2 of 2 answered  gates \d of 4 busy/);
  await shows(/^sends    [1-9]\d*\.\d\/s .*deliveries [1-9]\d*\.\d\/s/m);
  await type('c');
  const lines = (await shows(/^user[012] .* [1-9]\d*\.\d .*漢字 \?\d/m)).split('\n');
  assert.ok(lines.findIndex((l) => /^user[012]/.test(l)) < lines.findIndex((l) => l.startsWith('user3')));
  await type('Right');
  await shows(/\[EVENTS\]/);
  await type('h');
  await shows(/^\S+:\d+ +\d+ .*\n\S+:\d+ +\d+ /m);
  await tmux('resize-window', '-x', '60', '-y', '12');
  await until('it fits', async () => { const l = (await screen()).trimEnd().split('\n'); return /^q quits/.test(l.at(-1)) && l.length <= 12; });
  await tmux('resize-window', '-x', '110', '-y', '24');
  await type('q');
  const end = await shows(/^over 0\nprompt:$/m);
  assert.doesNotMatch(end, /streams/, 'what was there before is there again');
});

test('does it say that the server is gone, and go on when it is back?', async () => {
  await begin('', /^streams  \d/m);
  await e.daemon.stop();
  await shows(/connecting again in|no figures for/);
  await e.startDaemon();
  await until('new figures', async () => /^earshot top.*\n\nstreams/.test(await screen()), 40000);
  await type('q');
  await shows(/^over 0$/m);
});

test('is the terminal given back at every end?', async () => {
  const settings = async () => { await type('clear; stty -a; echo read', 'Enter'); return (await shows(/^read$/m)).match(/-?echo\b|-?icanon\b/g).join(); };
  const before = await settings();
  await type('trap : INT', 'Enter'); // or the shell ends its line with the program
  assert.equal(before, 'icanon,echo');
  const ways = [['INT', 130], ['HUP', 129]];
  // A sanitizer has a handler of its own for a crash.
  if (!fs.readFileSync(program).includes('AddressSanitizer')) ways.push(['SEGV', 139]);
  for (const [name, code] of ways) {
    await begin('ulimit -c 0; ');
    process.kill(await pidOfTop(), `SIG${name}`);
    await shows(new RegExp(`^over ${code}$`, 'm'));
    assert.equal(await settings(), before, name);
    assert.match(await tmux('display-message', '-p', '#{alternate_on}#{cursor_flag}#{wrap_flag}'), /^011/, name);
  }
  await begin();
  await type('C-z');
  await shows(/Stopped/);
  assert.equal(await settings(), before);
  await type('fg', 'Enter');
  await shows(/^earshot top  http/m);
  await type('q');
  await shows(/^prompt:$/m);
  assert.equal(await settings(), before);
});

test('does it end with the reason where it cannot begin?', async () => {
  for (const [env, pattern, code] of [[{ EARSHOT_URL: `${e.base}/nowhere` }, /404/, 1], [{ EARSHOT_TOKEN: tokenOf('alice') }, /403 .*admin/, 1]]) {
    await type(`clear; ${Object.entries(env).map(([k, v]) => `${k}=${v}`).join(' ')} ${program} top; echo "over $?"`, 'Enter');
    const text = await shows(new RegExp(`^over ${code}$`, 'm'));
    assert.match(text, /^earshot: /m);
    assert.match(text.replace(/\n/g, ''), pattern);
  }
});

test('has it neither bold nor colours where NO_COLOR is set?', async () => {
  await begin('NO_COLOR=1 ');
  assert.doesNotMatch(await tmux('capture-pane', '-p', '-e'), /\x1b\[[1-9]/);
  await type('q');
  await shows(/^over 0$/m);
  await begin();
  assert.match(await tmux('capture-pane', '-p', '-e'), /\x1b\[1m/);
  await type('q');
  await shows(/^over 0$/m);
});

test('is it a line a time where there is no terminal, and once all of it?', async () => {
  people.push(await e.listen('rooms/busy/events?as=sse'));
  const all = await top(['--once']);
  assert.equal(all.code, 0, all.stderr.toString());
  assert.match(all.stdout.toString(), /^earshot top  http[^]*\nstreams  \d[^]*\nbusy +\d/);
  assert.doesNotMatch(all.stdout.toString(), /\x1b| \n/);
  const figures = JSON.parse((await top(['--once', '--as', 'ndjson'])).stdout.toString());
  assert.ok(figures.streams.total >= 0 && figures.redis.reachable);
  await Promise.all([[[], /^20\d\d-\S+Z earshot: \d+ streams, \d+ people, .*Redis \d/], [['--as', 'ndjson'], /^\{"timestamp":"20.*"type":"figures".*"streams":\{/]].map(async ([args, pattern]) => {
    const child = spawn(program, ['top', ...args], { env: { ...process.env, ...own }, stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (data) => { text += data; });
    const ended = once(child, 'exit');
    await until('two lines', () => text.split('\n').length > 2, 15000);
    child.kill();
    await ended;
    for (const line of text.trim().split('\n')) assert.match(line, pattern);
  }));
  assert.equal((await top(['a-word'])).code, 2);
});
